"""What proposals are judged by: both catalogs, the manifest's limits, and the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.column_definitions import column_definition
from runner.catalog.constraint_definitions import key_definition
from runner.catalog.definitions import has_index, names
from runner.catalog.index_definitions import unique_index_definition
from runner.catalog.snapshot import Snapshot
from runner.catalog.table_definitions import TableDefinition, added_values, table_definition
from runner.project.manifest import RepairLevel
from runner.project.units import ByteSize
from runner.repair.proposal import Proposal
from runner.sql.objects import PRESENT, Facts, Object, qualified_name
from runner.sql.quoting import identifier
from runner.sql.statements import Statement

if TYPE_CHECKING:
    from runner.repair.probes import Evidence, Sample


_MAKERS = frozenset(
    """
    view_stmt create_table_as_stmt create_function_stmt create_trig_stmt rule_stmt create_policy_stmt define_stmt
    create_op_class_stmt create_op_family_stmt create_conversion_stmt create_cast_stmt create_transform_stmt
    create_plang_stmt create_am_stmt
    """.split()
)


class Context(Struct, frozen=True):
    """What proposals are judged by: both catalogs, the manifest's limits, and the rows."""

    declared: Facts
    actual: Snapshot
    level: RepairLevel
    rewrite_above: ByteSize
    evidence: Evidence
    chosen: set[Object] = set()
    """The indexes of partitions that repairs make, with the names that PostgreSQL would choose."""
    statements: Mapping[Object, Sequence[Statement]] = {}
    """The statements that make or change each object, in their order."""

    def judged(self, made: Proposal) -> Proposal:
        """Return the proposal, not to be run when something about the table or the manifest is against it."""
        if made.blocked_by and not made.late:
            return made
        blocked_by = ""
        if made.object.kind == "column" and self.shape(made.table).has_parent:
            blocked_by = "the table belongs to another one, and is repaired with it"
        elif made.table != made.object:
            blocked_by = self.against(made.table, may_wait_for_lock=made.may_wait_for_lock)
        if not blocked_by and self.level == "none" and not (made.is_script_statement and made.object.kind == "index"):
            blocked_by = 'the manifest says repair = "none"'
        if not blocked_by:
            return made
        return replace(made, blocked_by=made.blocked_by or blocked_by, late=None, is_script_statement=False)

    def against(self, table: Object, *, may_wait_for_lock: bool = False) -> str:
        """Return why nothing of a table is repaired, or nothing but what a lock may keep waiting, when that is so."""
        if self.shape(table).is_foreign:
            return "" if may_wait_for_lock else "its rows are on another server"
        if self.evidence.table(table) or (may_wait_for_lock and table in self.evidence.locked):
            return ""
        return f"the table could not be looked at: {self.evidence.failures[table]}"

    def has_rows(self, table: Object) -> bool:
        """Return whether a table has rows."""
        there = self.evidence.table(table)
        return there is not None and there.has_rows

    def shape(self, table: Object) -> TableDefinition:
        """Return what a table is."""
        return table_definition(self.actual.facts.get(table, ""))

    def is_left(self, table: Object) -> bool:
        """Return whether a table is a partition, and declared not to be one of the same table."""
        there, declared = self.shape(table), table_definition(self.declared.get(table, ""))
        return there.relation == "partition of" and there.parents != declared.parents and bool(self.declared.get(table))

    def has_new_value(self, query: str) -> bool:
        """Return whether a query has a value that a repair adds to an enum type before: no row has it yet."""
        types = ((item, text) for item, text in self.declared.items() if item.kind == "type")
        return any(
            f"{value}::{qualified_name(item)}" in query
            for item, text in types
            for value in added_values(text, self.actual.facts.get(item, ""))
        )

    def written(self, item: Object) -> Sequence[Statement]:
        """Return the statements that make an object as it is declared, without others before them; none if unknown."""
        own = self.statements.get(item, ())
        starts = [place for place, one in enumerate(own) if one.node in _MAKERS]
        return own[starts[-1] :] if starts else ()

    def is_as_declared(self, item: Object | None) -> bool:
        """Return whether the scripts declare an object as it is."""
        return item is not None and self.declared.get(item) == self.actual.facts.get(item, "")

    def needs_align(self) -> str:
        """Return why what removes something that is not declared is not run, when that is so."""
        return "" if self.level == "align" else f'repair = "{self.level}" in the manifest; this needs "align"'

    def too_large(self, table: Object) -> str:
        """Return why all rows of a table are not written anew, when that is so."""
        there = self.evidence.table(table)
        if there is None or not there.has_rows or there.whole <= self.rewrite_above.bytes:
            return ""
        return f"it writes every row anew, and the table is larger than rewrite_above = {self.rewrite_above!r}"

    def is_large(self, table: Object) -> bool:
        """Return whether an index of a table is built CONCURRENTLY."""
        there = self.evidence.table(table)
        return there is None or there.whole > self.evidence.manifest.run.concurrent_index_above.bytes

    def primary_key(self, table: Object) -> tuple[Object, tuple[str, ...]] | None:
        """Return the primary key of a table with its columns, as SQL writes them."""
        for other, definition in self.actual.facts.items():
            key = key_definition(definition) if is_part(other, "constraint", table) else None
            if key and key.primary:
                return other, key.names
        return None

    def becomes_key(self, table: Object, column: str) -> bool:
        """Return whether a statement makes a key, by USING INDEX, of an index that a column is in."""
        for item, statements in self.statements.items():
            if is_part(item, "constraint", table) and item not in self.actual.facts:
                effects = (effect for statement in statements for effect in statement.declaration.effects)
                taken = (effect.object for effect in effects if (effect.action, effect.other) == ("take", item))
                indexes = (unique_index_definition(self.declared.get(index, "")) for index in taken)
                if any(index and column in names(index.keys) for index in indexes):
                    return True
        return False

    def is_not_null(self, table: Object, column: str) -> bool:
        """Return whether a column is never NULL once all is as declared."""
        item = Object("column", column, table.name, table.schema)
        return bool(column_definition(self.declared.get(item, self.actual.facts.get(item, ""))).not_null)

    def taken(self, item: Object, name: str) -> str:
        """Return what else has the name that an index needs, when that is so."""
        kinds = ("table", "view", "materialized view", "sequence", "index")
        for other, definition in self.actual.facts.items():
            is_relation = other.kind in kinds or (other.kind == "constraint" and has_index(other, definition))
            if is_relation and (other.schema, other.name) == (item.schema, name) and other != item:
                on = f" on {other.table}" if other.kind == "index" else ""
                return f"{other}{on} has its name"
        return ""

    def relation(self, table: Object, *, alone: bool = False) -> str:
        """Return a table as a query names it; `alone` without those that inherit from it: no key has their rows."""
        return f"{'only ' if alone and not self.shape(table).is_partitioned else ''}{qualified_name(table)}"

    def rows_of(self, table: Object, *, alone: bool = False) -> str:
        """Return what stands for a table in a query, with the values that columns will have which it lacks."""
        added = []
        for item, definition in self.declared.items():
            if is_part(item, "column", table) and item not in self.actual.facts and definition != PRESENT:
                shape = column_definition(definition)
                value = (
                    "pg_catalog.row_number() over ()"
                    if shape.is_counted
                    else shape.generated or shape.default or "null"
                )
                added.append(f"({value})::{shape.type} as {identifier(item.name)}")
        relation = self.relation(table, alone=alone)
        return f"(select *, {', '.join(added)} from {relation})" if added else relation  # noqa: S608

    def duplicates(self, table: Object, keys: str, where: str = "", *, nulls: str) -> Sample:
        """Return values that several rows have, or that are NULL where none may be."""
        return self.evidence.sample(duplicates_query(self.rows_of(table, alone=True), keys, where, nulls=nulls))


def duplicates_query(rows: str, keys: str, where: str = "", *, nulls: str) -> str:
    """Return the query for values that several of some rows have, or that are NULL where none may be.

    `nulls` is what they are there: equal, distinct, or refused.
    """
    columns = names(keys)
    conditions = [f"({where})"] if where else []
    if nulls == "distinct":
        conditions += [f"{column} is not null" for column in columns]
    having = ["pg_catalog.count(*) operator(pg_catalog.>) 1"]
    if nulls == "refused":
        having += [f"{column} is null" for column in columns]
    filtered = f" where {' and '.join(conditions)}" if conditions else ""
    return (
        f'select {keys}, pg_catalog.count(*) as "rows" from {rows} as own{filtered}'  # noqa: S608
        f" group by {keys} having {' or '.join(having)}"
    )


def is_part(item: Object, kind: str, table: Object) -> bool:
    """Return whether an object is of a kind, and of a table."""
    return (item.kind, item.schema, item.table) == (kind, table.schema, table.name)
