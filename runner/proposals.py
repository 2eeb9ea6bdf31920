"""A proposal: how one difference is mended, and whether a run does it; and what it is judged by."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from runner import shapes
from runner.catalog import Difference, Facts, Snapshot, has_index
from runner.manifest import RepairLevel, size_in_bytes
from runner.objects import PRESENT, RESERVED, Object, name_of
from runner.quote import NAME_BYTES, identifier

if TYPE_CHECKING:
    from runner.evidence import Evidence, Sample


class Proposal(Struct, frozen=True):
    """How one object is brought to its declaration.

    `clauses` are those of one ALTER TABLE, `now` statements after it, both within the script's transaction; each of
    `then` is a transaction after that. With `why` it is not run: that is the reason, and `rows` show it.
    """

    object: Object
    table: Object
    word: str
    """What is wrong: missing, differs, invalid, not declared; or used, when another repair goes on with it."""
    detail: str = ""
    becomes: str | None = None
    """The definition that the object has afterwards; None when it is gone."""
    clauses: tuple[str, ...] = ()
    now: tuple[str, ...] = ()
    then: tuple[tuple[str, ...], ...] = ()
    analyze: str = ""
    """The column whose statistics are gathered anew, in a transaction after all others."""
    why: str = ""
    rows: tuple[str, ...] = ()
    plain: bool = False
    """The statement of the script does just the same."""
    unseen: bool = False
    """It is the same whatever rows the table has: it may wait for a lock that keeps them from being looked at."""

    @property
    def reason(self) -> str:
        """What is wrong, in one line."""
        return f"{self.word}: {self.object}{f': {self.detail}' if self.detail else ''}"

    @property
    def sql(self) -> str:
        """All of it, as a person would run it."""
        first = [alter(self.table, self.clauses)] if self.clauses else []
        then = [statement for transaction in self.then for statement in transaction]
        last = [analyze(self.table, [self.analyze])] if self.analyze else []
        return "\n".join(f"{statement};" for statement in (*first, *self.now, *then, *last))


def proposal(item: Difference, word: str, detail: str = "", **parts: object) -> Proposal:
    """Return a proposal about the object of a difference, which is as declared afterwards."""
    table = Object("table", item.object.table, "", item.object.schema)
    return Proposal(item.object, table, word, detail, **{"becomes": item.declared, **parts})  # type: ignore[arg-type]


def alter(table: Object, clauses: Sequence[str]) -> str:
    """Return one ALTER TABLE."""
    return f"alter table {name_of(table)} " + ",\n    ".join(clauses)


def analyze(table: Object, columns: Sequence[str]) -> str:
    """Return the statement that gathers the statistics of columns, named as SQL does."""
    return f"analyze {name_of(table)} ({', '.join(columns)})"


def reserved_name(name: str) -> str:
    """Return the name of what stands in for an object for a while."""
    return short_name(f"{RESERVED}{name}")


def short_name(name: str) -> str:
    """Return a name that PostgreSQL does not cut: a longer one ends with a checksum."""
    if len(name.encode()) <= NAME_BYTES:
        return name
    end = "_" + hashlib.sha256(name.encode()).hexdigest()[:8]
    return name.encode()[: NAME_BYTES - len(end)].decode(errors="ignore") + end


class Context(Struct):
    """What proposals are judged by: both catalogs, the manifest's limits, and the rows."""

    declared: Facts
    actual: Snapshot
    level: RepairLevel
    rewrite_above: str
    evidence: Evidence
    used: dict[Object, str] = {}
    """Objects that a repair goes on with though nobody declares them, and what it does with them, as SQL."""

    def judged(self, made: Proposal) -> Proposal:
        """Return the proposal, not to be run when something about the table or the manifest is against it."""
        why = made.why or self.against(made.table, unseen=made.unseen)
        if not why and self.level == "none" and not (made.plain and made.object.kind == "index"):
            why = 'the manifest says repair = "none"'
        return made if why == made.why else replace(made, why=why, plain=False)

    def against(self, table: Object, *, unseen: bool = False) -> str:
        """Return why nothing of a table is repaired, or nothing but what a lock may keep waiting, when that is so."""
        definition = self.actual.facts.get(table, "")
        if " partition of " in definition or " inherits " in definition:
            return "the table belongs to another one, and is repaired with it"
        if definition.startswith("foreign"):
            return "its rows are on another server"
        if self.evidence.table(name_of(table)) or (unseen and name_of(table) in self.evidence.locked):
            return ""
        return f"the table could not be looked at: {self.evidence.failures[name_of(table)]}"

    def has_rows(self, table: Object) -> bool:
        """Return whether a table has rows."""
        there = self.evidence.table(name_of(table))
        return there is not None and there.has_rows

    def is_partitioned(self, table: Object) -> bool:
        """Return whether a table has partitions."""
        return " partition by " in self.actual.facts.get(table, "")

    def needs_align(self) -> str:
        """Return why what removes something that is not declared is not run, when that is so."""
        return "" if self.level == "align" else f'repair = "{self.level}" in the manifest; this needs "align"'

    def too_large(self, table: Object) -> str:
        """Return why all rows of a table are not written anew, when that is so."""
        there = self.evidence.table(name_of(table))
        if there is None or not there.has_rows or there.size <= size_in_bytes(self.rewrite_above):
            return ""
        return f"it writes every row anew, and the table is larger than rewrite_above = {self.rewrite_above!r}"

    def primary_key(self, table: Object) -> tuple[Object, tuple[str, ...]] | None:
        """Return the primary key of a table with its columns, as SQL writes them."""
        for other, definition in self.actual.facts.items():
            key = shapes.key(definition) if is_part(other, "constraint", table) else None
            if key and key.primary:
                return other, shapes.names(key.columns)
        return None

    def taken(self, item: Object, name: str) -> str:
        """Return what else has the name that an index needs, when that is so."""
        kinds = ("table", "view", "materialized view", "sequence", "index")
        for other, definition in self.actual.facts.items():
            is_relation = other.kind in kinds or (other.kind == "constraint" and has_index(other, definition))
            if is_relation and (other.schema, other.name) == (item.schema, name) and other != item:
                on = f" on {other.table}" if other.kind == "index" else ""
                return f"{other}{on} has its name"
        return ""

    def rows_of(self, table: Object) -> str:
        """Return what stands for a table in a query, with the values that columns will have which it lacks."""
        added = []
        for item, definition in self.declared.items():
            if is_part(item, "column", table) and item not in self.actual.facts and definition != PRESENT:
                shape = shapes.column(definition)
                is_counted = bool(shape.fills) or "nextval(" in shape.default
                value = "row_number() over ()" if is_counted else shape.generated or shape.default or "null"
                added.append(f"({value})::{shape.type} as {identifier(item.name)}")
        return f"(select *, {', '.join(added)} from {name_of(table)})" if added else name_of(table)  # noqa: S608

    def duplicates(self, table: Object, keys: str, where: str = "", *, nulls: str) -> Sample:
        """Return values that several rows have, or that are NULL where none may be.

        `nulls` is what they are there: equal, distinct, or refused.
        """
        columns = shapes.names(keys)
        conditions = [f"({where})"] if where else []
        if nulls == "distinct":
            conditions += [f"{column} is not null" for column in columns]
        having = ["count(*) > 1"]
        if nulls == "refused":
            having += [f"{column} is null" for column in columns]
        filtered = f" where {' and '.join(conditions)}" if conditions else ""
        return self.evidence.sample(
            f'select {keys}, count(*) as "rows" from {self.rows_of(table)} as own{filtered}'  # noqa: S608
            f" group by {keys} having {' or '.join(having)}"
        )


def is_part(item: Object, kind: str, table: Object) -> bool:
    """Return whether an object is of a kind, and of a table."""
    return (item.kind, item.schema, item.table) == (kind, table.schema, table.name)
