"""An ALTER TABLE of several clauses is as several of one; those that have something to do are sent together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from runner.planning.aims import Place
from runner.planning.model import Step
from runner.planning.reasons import Reason
from runner.planning.state import State
from runner.repair.proposal import Proposal
from runner.sql.rewriting import with_clauses
from runner.sql.statements import Statement


def by_clause(place: Place) -> Iterator[Place]:
    """Return the places of the clauses; that of another statement is its own."""
    statement = place.flow.statement
    aims = iter(place.aims)
    for declaration in statement.declaration.clauses:
        flow = replace(place.flow, statement=replace(statement, declaration=declaration))
        yield replace(place, flow=flow, aims=tuple(islice(aims, len(declaration.effects))))
    if not statement.declaration.clauses:
        yield place


def is_added(place: Place, proposal: Proposal, state: State) -> bool:
    """Return whether the statement itself adds what is proposed: with a column that is there, nothing is added."""
    aimed = (clause for clause in by_clause(place) if any(aim.effect.object == proposal.object for aim in clause.aims))
    elements = next(aimed, place).flow.statement.declaration.elements
    return proposal.is_script_statement and (not elements or any(map(state.lacks, elements)))


def together(statement: Statement, steps: Sequence[Step]) -> Step:
    """Return what is done for a statement of which the clauses have these steps."""
    if len(steps) == 1:
        return steps[0]
    pairs = zip(statement.declaration.clauses, steps, strict=True)
    sent = [(clause.number, step) for clause, step in pairs if step.action != "unchanged"]
    if not sent:
        return Step(statement, "unchanged", _unchanged([step.reason for step in steps]), statement.sql)
    reason = Reason(sent[0][1].reason.code, tuple(item for _, step in sent for item in step.reason.objects))
    action = min((step.action for _, step in sent), key=_RANKS.index)
    if len(sent) == len(steps):
        return Step(statement, action, reason, statement.sql)
    return Step(
        statement,
        "run" if action == "run" else "alter",
        reason,
        with_clauses(statement.sql, sorted(n for n, _ in sent)),
    )


_RANKS = ("create", "alter", "run")


def _unchanged(reasons: Sequence[Reason]) -> Reason:
    """Return the reason that tells most."""
    left = (reason for reason in reasons if reason.left_because)
    declared = (reason for reason in reasons if reason.code == "as declared")
    return next(left, next(declared, reasons[0]))
