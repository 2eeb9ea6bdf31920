"""A partition is attached without a scan under locks: a CHECK says before what PostgreSQL would look for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from runner.catalog.definitions import table_named
from runner.catalog.partition_bounds import accepts
from runner.catalog.table_definitions import table_definition
from runner.planning.model import Step
from runner.planning.reasons import Reason
from runner.planning.situation import Situation
from runner.repair.partitions import rows_where
from runner.repair.proposal import alter, reserved_name
from runner.sql.claims import claims_of
from runner.sql.objects import Facts, Object
from runner.sql.quoting import identifier
from runner.sql.respelling import names_in

_ADDED, _VALIDATED = -2, -1
"""The transactions before the script's own in which a CHECK is added, and looks at the rows."""


class _Proof(NamedTuple):
    """A CHECK on a table that is about to be attached, or on the default partition beside it."""

    constraint: Object
    table: Object
    parent: Object
    """The table that the partition is to belong to."""
    keeps: str
    """The condition that all rows have to fulfil."""
    against: str
    """What is so when they do not."""

    @property
    def rows_against(self) -> str:
        """The query for rows that keep the partition from being attached."""
        return rows_where(self.table, f"({self.keeps}) is not true")


class Attaching:
    """Goes through the steps in their order; `facts` are what was there before the run."""

    def __init__(self, goal: Facts, situation: Situation, is_large: Callable[[Object], bool], schema: str) -> None:
        self.goal = goal
        self.facts = situation.actual.facts
        self.sample = situation.sample
        self.is_large = is_large
        self.schema = schema
        self.views = {item.name for item in self.facts if item.kind == "view"}
        self.moved: set[str] = set()
        """The words of the statements before that are about rows."""
        self.is_unknown = False
        """Whether a statement before may have done anything."""

    def around(self, step: Step, *, is_apart: bool) -> Iterator[Step]:
        """Yield the step, between what adds and drops the CHECKs that it needs; `is_apart` in transactions before it.

        When rows are against it, it is the step that sends nothing.
        """
        if step.action == "unchanged":
            yield step
            return
        needed, proofs = [], [*self._proofs(step)]
        self._take_in(step)
        for proof in proofs:
            found = self.sample(proof.rows_against)
            if found.rows and not self._may_be_moved(proof):
                because = f"{proof.against}: {'; '.join(found.rows)}"
                reason = Reason("not attached", step.objects[:1], left_because=because)
                yield replace(step, action="unchanged", reason=reason)
                return
            if not (found.rows or found.failure) and self.is_large(proof.table):
                needed.append(proof)
        yield from self._added(step, needed, is_apart=is_apart)
        yield step
        for proof in needed:
            drops = alter(proof.table, [f"drop constraint {identifier(proof.constraint.name)}"])
            yield self._step(step, proof, drops)

    def _take_in(self, step: Step) -> None:
        """Keep what a step may do to rows: a function, or who writes to a view, may do it to any."""
        statement = step.statement
        words = names_in(step.sql) if statement.is_data else frozenset()
        self.moved |= words
        calls = statement.declaration.opaque or statement.node == "select_stmt"
        self.is_unknown = self.is_unknown or calls or not words.isdisjoint(self.views)

    def _added(self, step: Step, proofs: Sequence[_Proof], *, is_apart: bool) -> Iterator[Step]:
        for proof in proofs:
            name = identifier(proof.constraint.name)
            left = [f"drop constraint if exists {name}"] if proof.constraint in self.facts else []
            adds = alter(proof.table, [*left, f"add constraint {name} check ({proof.keeps}) not valid"])
            yield self._step(step, proof, adds, _ADDED if is_apart else 0)
        for proof in proofs:
            validates = alter(proof.table, [f"validate constraint {identifier(proof.constraint.name)}"])
            yield self._step(step, proof, validates, _VALIDATED if is_apart else 0)

    def _step(self, step: Step, proof: _Proof, sql: str, transaction: int = 0) -> Step:
        reason = Reason("to attach", step.objects[:1])
        return Step(step.statement, "alter", reason, sql, (proof.constraint,), transaction)

    def _may_be_moved(self, proof: _Proof) -> bool:
        """Return whether a statement before may change which rows a table has, by its name or that of its parent."""
        return self.is_unknown or not self.moved.isdisjoint((proof.table.name, proof.parent.name))

    def _proofs(self, step: Step) -> Iterator[_Proof]:
        """Yield what PostgreSQL would look for in the rows of tables that were there before the run."""
        if step.statement.node not in ("alter_table_stmt", "create_stmt") or "partition" not in step.sql.lower():
            return
        for claim in claims_of(step.sql, self.schema):
            if claim.kind == "ATTACH PARTITION":
                yield from self._of(claim.relation, claim.named[0])
            elif claim.kind == "CREATE TABLE PARTITION OF":
                yield from self._of(claim.relation, step.objects[0])

    def _of(self, parent: Object, partition: Object) -> Iterator[_Proof]:
        own, there = table_definition(self.goal.get(partition, "")), table_definition(self.facts.get(parent, ""))
        if own.relation != "partition of" or table_named(own.parents) != parent or not there.is_partitioned:
            return
        condition = accepts(there.keys, own.bound, own.parents)
        name = reserved_name(f"{partition.name}_values")
        own_rows, rest = f"{partition} has rows outside its bounds", self._default(parent)
        tables = [(partition, condition, own_rows)] if partition in self.facts else []
        tables += [(rest, f"not ({condition})", f"{rest} has rows that belong to it")] if rest else []
        for table, keeps, against in tables if condition else ():
            if not table_definition(self.facts[table]).is_foreign:
                yield _Proof(Object("constraint", name, table.name, table.schema), table, parent, keeps, against)

    def _default(self, parent: Object) -> Object | None:
        """Return the default partition of a table."""
        for item, text in self.facts.items():
            shape = table_definition(text) if item.kind == "table" and " DEFAULT" in text else None
            if shape and shape.bound == "DEFAULT" and table_named(shape.parents) == parent:
                return item
        return None
