"""What keeps a plan from being applied at all, though it can be shown."""

from __future__ import annotations

from runner.errors import DatabaseError, Hint
from runner.planning.hazards import Hazard
from runner.planning.model import Plan
from runner.sql.objects import Facts, Object
from runner.wording import count

_MOST_REFUSED = 10
"""How many refused hazards an error names."""


def require_allowed(plan: Plan, since: Facts | None = None) -> None:
    """Raise DatabaseError when a plan has hazards that are about much, and that nothing allows.

    `since` are the facts of a database that was new when the run began: what has come since is the run's own.

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
    refused = [(step, hazard) for step, hazard in plan.refused if since is None or _is_older(hazard, since)]
    if not refused:
        return
    notes = [f"{step.place}: {hazard.kind}: {hazard}" for step, hazard in refused[:_MOST_REFUSED]]
    more = len(refused) - _MOST_REFUSED
    notes += [f"… and {more} more; 'plan' shows all of them"] if more > 0 else []
    wanted = dict.fromkeys(hazard.allowance for _, hazard in refused[:_MOST_REFUSED])
    allowances = " ".join(f"--allow-hazard {allowance}" for allowance in wanted)
    raise DatabaseError(
        f"the plan has {count(len(refused), 'hazard')} that nothing allows; nothing was sent",
        notes=(*notes, Hint(f"look at 'plan', and allow what is meant: {allowances}")),
    )


def _is_older(hazard: Hazard, since: Facts) -> bool:
    """Return whether a hazard is about something that was there before, or about nothing that has a name."""
    item = hazard.item
    return item is None or (Object("table", item.table, schema=item.schema) if item.table else item) in since


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
