"""What keeps a plan from being applied at all, though it can be shown."""

from __future__ import annotations

from runner.errors import DatabaseError, Hint
from runner.planning.model import Plan
from runner.wording import count

_MOST_REFUSED = 10
"""How many refused hazards an error names."""


def require_allowed(plan: Plan) -> None:
    """Raise DatabaseError when a plan has hazards that are about much, and that nothing allows.

    A script that is not run always is refused when a statement of it would be left out: it would count as applied. So
    is any script with a partition that rows keep from being attached.
    """
    for script in plan.scripts:
        kept_out = (step for step in script.steps if step.reason.code == "not attached")
        if step := next(kept_out, None):
            raise DatabaseError(
                f"{step.reason}; nothing was sent",
                place=f"{script.script.path}:{step.statement.line}",
                notes=(Hint("move these rows before, by hand or in a script before it"),),
            )
        left = (step for step in script.steps if step.reason.code == "name taken")
        if script.is_run and script.script.run != "always" and (step := next(left, None)):
            raise DatabaseError(
                f"{step.reason}; nothing was sent",
                place=f"{script.script.path}:{step.statement.line}",
                notes=(Hint("rename or drop what has the name"),),
            )
    if not plan.refused:
        return
    notes = [f"{step.place}: {hazard.kind}: {hazard}" for step, hazard in plan.refused[:_MOST_REFUSED]]
    more = len(plan.refused) - _MOST_REFUSED
    notes += [f"… and {more} more; 'plan' shows all of them"] if more > 0 else []
    wanted = dict.fromkeys(hazard.allowance for _, hazard in plan.refused[:_MOST_REFUSED])
    allowances = " ".join(f"--allow-hazard {allowance}" for allowance in wanted)
    raise DatabaseError(
        f"the plan has {count(len(plan.refused), 'hazard')} that nothing allows; nothing was sent",
        notes=(*notes, Hint(f"look at 'plan', and allow what is meant: {allowances}")),
    )


def require_single_transaction(plan: Plan) -> None:
    """Raise DatabaseError when a plan that has to be one transaction has something that cannot be in one."""
    if plan.single and plan.forecast:
        raise DatabaseError(
            "it cannot be in a single transaction: an upgrade is due, and the rest is planned after it",
            place=plan.scripts[0].script.path,
            notes=(Hint("apply it without --single-transaction"),),
        )
    for script in plan.scripts if plan.single else ():
        if script.is_run and script.to_send and not script.script.transaction:
            raise DatabaseError(
                "it cannot be in a single transaction: the manifest says transaction = false",
                place=script.script.path,
                notes=(Hint("apply it without --single-transaction"),),
            )
