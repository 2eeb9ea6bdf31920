"""What makes an index or a key of a large partitioned table: partition by partition, and then put together."""

from __future__ import annotations

from itertools import count

from msgspec import Struct

from runner.catalog.constraint_definitions import Key, key_definition
from runner.catalog.definitions import names, unquoted
from runner.catalog.index_definitions import create_index
from runner.catalog.table_definitions import table_definition
from runner.repair.context import Context
from runner.repair.probes import Partition
from runner.repair.proposal import Use, alter, reserved_name
from runner.sql.chosen_names import chosen_index_name, chosen_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier


class Build(Struct, frozen=True):
    """What makes it: `now` the indexes of the partitions, each alone, `then` all else, in one transaction."""

    now: tuple[str, ...]
    then: tuple[str, ...]
    uses: tuple[Use, ...]
    """What is there and goes on as a part of it."""


class _Kind(Struct, frozen=True):
    """What is made: an index of a definition, or a key by way of it."""

    index: str
    key: Key | None = None
    definition: str = ""
    """That of the key."""

    def own(self, table: Object, name: str) -> str:
        """Return what makes it for a partitioned table alone, without its partitions."""
        if self.key:
            return f"alter table only {qualified_name(table)} add constraint {identifier(name)} {self.key.sql}"
        return create_index(self.index, identifier(name), f"only {qualified_name(table)}")

    def taken_over(self, table: Object, built: Object, name: str) -> tuple[str, ...]:
        """Return what makes a key of the index of a partition, or gives an index the name that it is to have."""
        if self.key:
            uses = f"{self.key.kind} using index {identifier(built.name)}{self.key.timing.lower()}"
            return (alter(table, [f"add constraint {identifier(name)} {uses}"]),)
        return () if built.name == name else (f"alter index {qualified_name(built)} rename to {identifier(name)}",)

    def usual_name(self, table: Object) -> str:
        """Return the name that PostgreSQL gives it for a partition, when nothing has that."""
        if not self.key:
            return chosen_index_name(create_index(self.index, "i", qualified_name(table)))
        if self.key.primary:
            return chosen_name(table.name, "", "pkey")
        columns = (unquoted(name) for name in (*self.key.names, *names(self.key.included)))
        return chosen_name(table.name, "_".join(columns), "key")


def index_build(
    context: Context, table: Object, name: str, definition: str, *, replaced: Object | None = None
) -> Build | None:
    """Return what makes an index of a large partitioned table, also in the place of one; None for another table."""
    return _build(context, table, name, _Kind(definition), replaced)


def key_build(
    context: Context, table: Object, name: str, definition: str, *, replaced: Object | None = None
) -> Build | None:
    """Return what makes a key of a large partitioned table; None when that is another table, or it has no index.

    With `replaced`, the index of a key that `then` finds dropped.
    """
    key = key_definition(definition)
    return _build(context, table, name, _Kind(key.index, key, definition), replaced) if key and key.by_index else None


def _build(context: Context, table: Object, name: str, kind: _Kind, replaced: Object | None) -> Build | None:
    is_apart = context.shape(table).is_partitioned and context.has_rows(table) and context.is_large(table)
    if not is_apart or context.level == "none" or _comes_a_partition(context):
        return None
    leaving = context.evidence.partitions(replaced) if replaced else ()
    return _Parts(context, kind, frozenset((part.table.schema, part.table.name) for part in leaving)).build(table, name)


def _comes_a_partition(context: Context) -> bool:
    """Return whether this run makes or attaches a partition: nobody knows yet whether before or after the index."""
    return any(
        item.kind == "table"
        and table_definition(text).relation == "partition of"
        and table_definition(context.actual.facts.get(item, "")).parents != table_definition(text).parents
        for item, text in context.declared.items()
    )


class _Parts:
    """Goes through the partitions, those above first."""

    def __init__(self, context: Context, kind: _Kind, leaving: frozenset[tuple[str, str]]) -> None:
        self.context = context
        self.kind = kind
        self.leaving = leaving
        """The names of parts of what is replaced: they are free in the end."""
        self.there: dict[Object, list[Object]] = {}
        """What is there and PostgreSQL would take as a part of the whole, by its table."""
        self.now: list[str] = []
        self.owns: list[str] = []
        self.attaches: list[str] = []
        self.uses: list[Use] = []
        for item, text in context.actual.facts.items():
            is_key = item.kind == "constraint" and text == kind.definition
            if (is_key or (item.kind == "index" and text == kind.index)) and item not in context.declared:
                self.there.setdefault(Object("table", item.table, "", item.schema), []).append(item)

    def build(self, table: Object, name: str) -> Build:
        """Return all of it; what is below is attached before what is above."""
        made = {table: Object("index", name, table.name, table.schema)}
        self.owns.append(self.kind.own(table, name))
        for part in self.context.evidence.partitions(table):
            above = made.get(part.parent)
            if above is None:  # it is a part of what is there
                continue
            there = self.fitting(part)
            index = there or self.part(part)
            attach = f"alter index {qualified_name(above)} attach partition {qualified_name(index)}"
            self.attaches.insert(0, attach)
            if index in self.context.actual.facts:
                self.uses.append(Use(index, attach))
            if not there:
                made[part.table] = index
        return Build(tuple(self.now), (*self.owns, *self.attaches), tuple(self.uses))

    def fitting(self, part: Partition) -> Object | None:
        """Return what a partition has that PostgreSQL would take: a constraint for a key, or else an index."""
        kind = "constraint" if self.kind.key else "index"
        candidates = (item for item in sorted(self.there.get(part.table, ())) if item.kind == kind)
        found = next((item for item in candidates if item not in self.context.chosen), None)
        if found:
            self.context.chosen.add(found)
        return found

    def part(self, part: Partition) -> Object:
        """Return the index that a partition gets."""
        table, index = part.table, self.named(part.table)
        if not part.is_leaf:
            self.owns.append(self.kind.own(table, index.name))
            return index
        is_beside = (index.schema, index.name) in self.leaving
        built = index._replace(name=reserved_name(index.name)) if is_beside else index
        there = self.context.actual.facts.get(built)
        if there not in (None, self.kind.index):
            self.now.append(f"drop index {qualified_name(built)}")
        if there != self.kind.index:
            self.now.append(create_index(self.kind.index, identifier(built.name), qualified_name(table)))
        takes = self.kind.taken_over(table, built, index.name)
        self.owns += takes
        if is_beside and there:
            self.uses.append(Use(built, takes[0]))
        return index

    def named(self, table: Object) -> Object:
        """Return the index with the name that PostgreSQL would choose; a run that was cut off may have left it."""
        context, usual = self.context, self.kind.usual_name(table)
        names = (f"{usual}{number or ''}" for number in count())
        indexes = (Object("index", name, table.name, table.schema) for name in names)
        index = next(index for index in indexes if self.is_free(index, table))
        context.chosen.add(index)
        return index

    def is_free(self, index: Object, table: Object) -> bool:
        """Return whether an index can have its name."""
        context, of_constraint = self.context, self.kind.key is not None
        if index in context.chosen:
            return False
        if (index.schema, index.name) in self.leaving:
            return True
        is_left = context.actual.facts.get(index) in (self.kind.index, f"{self.kind.index} invalid")
        is_left = is_left and index not in context.declared
        return is_left or not context.evidence.has_name(table, index.name, of_constraint=of_constraint)
