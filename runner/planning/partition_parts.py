"""Which indexes and constraints of partitions become parts of those of their table, though no statement says so."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from runner.catalog.definitions import table_named
from runner.catalog.table_definitions import table_definition
from runner.sql.inventory import Inventory
from runner.sql.objects import BY_ITSELF, Effect, Facts, Object
from runner.sql.statements import Statement


class PartitionParts:
    """Finds them: PostgreSQL attaches what is there already, of the same columns, instead of making another one.

    What is attached is no fact of its own. `dropped` is what statements drop by themselves: it is no such part.
    """

    def __init__(self, declared: Facts, dropped: Collection[Object]) -> None:
        self.declared = declared
        self.dropped = dropped
        self.partitions: Mapping[Object, Sequence[Object]] = _partitions(declared)

    def taken(self, statement: Statement, effects: Sequence[Effect], program: Inventory) -> Iterator[Effect]:
        """Yield the effects that a statement has on parts of partitions which the statements before it have made."""
        if not self.partitions:
            return
        for effect in effects:
            item, parent = effect.object, statement.declaration.relation
            table = Object("table", item.table, "", item.schema)
            if effect.action == "create" and item.kind in ("index", "constraint") and table in self.partitions:
                yield from self._of(item, effect.columns, self.partitions[table], program)
            elif effect.action == "change" and parent is not None and item in self.partitions.get(parent, ()):
                for own in program.near(parent.schema, parent.name):
                    if own.kind in ("index", "constraint") and own.table == parent.name:
                        yield from self._of(own, program.columns(own), (item,), program)

    def _of(
        self, owner: Object, columns: Sequence[str], partitions: Sequence[Object], program: Inventory
    ) -> Iterator[Effect]:
        for partition in partitions:
            near = program.near(partition.schema, partition.name)
            found = next((item for item in near if self._fits(item, owner, columns, partition, program)), None)
            if found is not None:
                yield Effect("take", found, BY_ITSELF, other=owner)
            yield from self._of(owner, columns, self.partitions.get(partition, ()), program)

    def _fits(self, item: Object, owner: Object, columns: Sequence[str], partition: Object, program: Inventory) -> bool:
        is_own = item.kind == owner.kind and item.table == partition.name
        is_gone = item not in self.declared and item not in self.dropped
        return is_own and is_gone and program.columns(item) == tuple(columns)


def _partitions(declared: Facts) -> Mapping[Object, Sequence[Object]]:
    found: dict[Object, list[Object]] = {}
    for item, text in declared.items():
        if item.kind == "table" and " partition of " in text:
            found.setdefault(table_named(table_definition(text).parents), []).append(item)
    return found
