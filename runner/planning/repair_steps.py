"""Repairs as steps of a plan; those of privileges and owners come last, and only do what no statement does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from runner.planning.concurrent_builds import ConcurrentBuilds
from runner.planning.model import Step
from runner.planning.reasons import Reason
from runner.planning.state import State
from runner.project.manifest import Manifest
from runner.repair.access import proposals_for
from runner.repair.proposal import Proposal, alter, analyze
from runner.sql.objects import Facts
from runner.sql.statements import Statement

Key = tuple[str, int]
Placed = Mapping[Key, Sequence[Proposal]]
"""What is repaired at a statement, by its key."""
_EARLIEST = -5
"""The number of the first transaction before a script's own; those of what is attached are the last two."""


def repair_step(statement: Statement, proposals: Sequence[Proposal], sql: str, *, transaction: int = 0) -> Step:
    """Return the step that sends a repair, or a part of one."""
    about = tuple(proposal.object for proposal in proposals)
    parts = tuple(Reason(p.problem, (p.object,), p.detail) for p in proposals)
    return Step(statement, "alter", Reason("repairs", parts=parts), sql, about, transaction)


def at_once(steps: Iterable[Step], next_transaction: Callable[[], int] | None) -> list[Step]:
    """Return steps as one transaction, of which `next_transaction` is the number where the script has none."""
    several = list(steps)
    if len(several) < 2 or next_transaction is None:  # noqa: PLR2004
        return several
    number = next_transaction()
    return [replace(step, transaction=number) for step in several]


def without_access(placed: Placed) -> Placed:
    """Return the repairs, but for those of privileges and owners."""
    own = {key: [made for made in several if not made.object.is_access] for key, several in placed.items()}
    return {key: several for key, several in own.items() if several}


def _takes(made: Proposal) -> bool:
    return made.problem == "not declared"


class Repairing:
    """Makes the steps of repairs, and takes them into the state."""

    def __init__(
        self, state: State, apart: ConcurrentBuilds, next_transaction: Callable[[], int], *, is_single: bool
    ) -> None:
        self.state = state
        self.apart = apart
        self.next_transaction = next_transaction
        self.is_single = is_single
        """Whether all of the run is one transaction."""

    def steps(self, statement: Statement, proposals: Sequence[Proposal], *, in_transaction: bool) -> Iterator[Step]:
        """Return the steps of repairs: one ALTER TABLE for all that it can do, then the rest in transactions after."""
        runs = [proposal for proposal in proposals if not proposal.blocked_by]
        for proposal in runs:
            yield from self.earlier(statement, proposal)
        if clauses := [proposal for proposal in runs if proposal.clauses]:
            sql = alter(clauses[0].table, [clause for proposal in clauses for clause in proposal.clauses])
            yield repair_step(statement, clauses, sql)
        for proposal in runs:
            yield from self.now(statement, proposal, in_transaction=in_transaction)
        for proposal in runs:
            for transaction in proposal.then:
                number = self.next_transaction()
                for sql in transaction:
                    yield repair_step(statement, [proposal], sql, transaction=number)
        if retyped := [proposal for proposal in runs if proposal.analyze]:
            sql = analyze(retyped[0].table, [proposal.analyze for proposal in retyped])
            yield repair_step(statement, retyped, sql, transaction=self.next_transaction())
        for proposal in runs:
            self.state.repair(proposal)
            self.apart.repair(proposal)

    def earlier(self, statement: Statement, proposal: Proposal) -> Iterator[Step]:
        """Return the steps of a repair before the script's transaction; where it has none they come in their order."""
        is_apart = self.apart.transactional and not self.is_single
        for number, transaction in enumerate(proposal.first, _EARLIEST):
            for sql in transaction:
                yield repair_step(statement, [proposal], sql, transaction=number if is_apart else 0)

    def now(self, statement: Statement, proposal: Proposal, *, in_transaction: bool) -> Iterator[Step]:
        """Return the steps of a repair in the script's transaction, or, where it has none and has to, in its own."""
        if not proposal.instead:
            for sql in proposal.now:
                yield self.apart.moved(repair_step(statement, [proposal], sql), self.next_transaction)
            return
        number = 0 if in_transaction else self.next_transaction()
        for sql in proposal.now:
            yield repair_step(statement, [proposal], sql, transaction=number)


class AccessRepairs:
    """The repairs of privileges and owners, at the last statement that is about them."""

    def __init__(self, placed: Placed, goal: Facts, state: State, manifest: Manifest, last: Key | None) -> None:
        own = {key: [made for made in several if made.object.is_access] for key, several in placed.items()}
        self.placed = {key: sorted(several, key=_takes) for key, several in own.items()}
        self.goal = goal
        self.state = state
        self.schema = manifest.project.schema
        self.level = manifest.run.repair
        self.last = last
        """The last statement that is run."""

    def blocked(self, statement: Statement) -> tuple[Proposal, ...]:
        """Return what would be repaired at a statement if nothing were against it."""
        return tuple(made for made in self.placed.get(statement.key, ()) if made.blocked_by)

    def steps(self, statement: Statement) -> Iterator[Step]:
        """Yield the steps of what is left to do after a statement, and take them into the state."""
        for made in self.placed.get(statement.key, ()):
            if made.blocked_by:
                continue
            item = self.state.name_of(made.object)
            still = proposals_for(item, self.goal.get(made.object), self.state.facts.get(item), self.schema)
            for left in (
                left for left in still if (left.problem == "not declared") == (made.problem == "not declared")
            ):
                yield from self.done(statement, left)
        if statement.key == self.last:
            for left in [*self.of_new()]:
                yield from self.done(statement, left)

    def done(self, statement: Statement, made: Proposal) -> Iterator[Step]:
        """Yield the steps of a repair, and take it into the state."""
        yield from (repair_step(statement, [made], sql) for sql in made.now)
        self.state.repair(made)

    def of_new(self) -> Iterator[Proposal]:
        """Yield what is left to do about what the run has made, or given an owner: it may have more or less."""
        every = (*self.state.facts, *self.state.goal)
        items = [item for item in every if item.is_access and self.state.has_new_access(item)]
        for item in dict.fromkeys(items):
            declared, there = self.state.goal.get(item), self.state.facts.get(item)
            for made in proposals_for(item, declared, there, self.schema) if declared != there else ():
                is_less = made.problem != "not declared"
                is_said = self.level == "additive" or item.subject in self.state.with_new_owner
                is_done = self.level == "align" or (is_less and is_said)
                if is_done and not self.state.lacks_role(item, made.becomes):
                    yield made
