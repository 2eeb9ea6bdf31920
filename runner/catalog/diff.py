"""The difference of the declared schema and the actual one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from typing import Literal

from msgspec import Struct

from runner.catalog.column_definitions import column_definition
from runner.catalog.definitions import as_valid, has_index, is_invalid, is_unique_index
from runner.catalog.snapshot import Snapshot
from runner.sql.objects import (
    DATABASE_WIDE,
    DETACHED,
    PRESENT,
    PUBLICATION_MEMBERS,
    WITH_PARTS,
    Facts,
    Object,
    stands_in,
    without_table,
)
from runner.wording import shown

DifferenceKind = Literal["missing", "different", "invalid", "rejecting", "undeclared", "not compared", "unmanaged"]
_Finder = Callable[[Object], Object | None]
_ON_ROWS = ("trigger", "rule", "policy")
_NEVER_UNMANAGED = ("schema", "extension", *DATABASE_WIDE)


class Difference(Struct, frozen=True):
    """A fact that is not as declared; `declared` or `actual` is None on the side that does not have it."""

    kind: DifferenceKind
    object: Object
    declared: str | None
    actual: str | None
    actual_object: Object
    """What it is compared with: another name than the object's when the scripts give a constraint none."""
    namesake: Object | None = None
    """What has the name of something that is missing, and keeps it from being made."""

    @property
    def instead(self) -> str | None:
        """What is there instead of what is declared: another definition, or another object of the name."""
        if self.namesake is None:
            return self.actual
        table = f" of table {shown(self.namesake.table)}" if self.namesake.kind == "index" else ""
        return f"{self.namesake}{table}"


def compare(declared: Facts, actual: Snapshot) -> Iterator[Difference]:
    """Return what is not as declared: the declared facts in their order, then what nobody has declared."""
    claimed = {item for item in declared if item in actual.facts}
    missing = cache(lambda: frozenset(_missing_indexes(declared, actual)))
    by_name = cache(lambda: _finder(actual.facts))
    for item, definition in declared.items():
        there = item
        if item.name == DETACHED:
            claimed.update(_left_by_detaching(item, definition, declared, actual.facts))
            continue
        if item not in actual.facts:
            candidates = [other for other in actual.unnamed.get(item, ()) if other not in declared]
            equal = [other for other in candidates if actual.facts[other] == definition]
            there = next(iter(equal or candidates), item)
            claimed.add(there)
        for difference in _difference(item, definition, there, actual, by_name):
            if not _goes_without_saying(item, declared, actual, missing):
                yield difference
    yield from _undeclared(declared, actual, claimed)


def _left_by_detaching(check: Object, definition: str, declared: Facts, actual: Facts) -> Iterator[Object]:
    """Return the CHECK that a table may have because it was detached CONCURRENTLY; it needs none."""
    for item, text in actual.items():
        is_own = (item.kind, item.table, item.schema) == (check.kind, check.table, check.schema)
        if is_own and item not in declared and as_valid(item, text) == definition:
            yield item


def _finder(facts: Facts) -> _Finder:
    """Return what finds the object that has the name of a missing one."""
    from runner.catalog.namesakes import namesake  # where nothing is missing it is not needed
    from runner.sql.inventory import Inventory

    return partial(namesake, known=Inventory(facts))


def _goes_without_saying(
    item: Object, declared: Facts, actual: Snapshot, missing_indexes: Callable[[], Collection[Object]]
) -> bool:
    """Return whether the relation, or what a comment is on, is missing itself, which is then the only difference."""
    owners = [Object(kind, item.table, "", item.schema) for kind in WITH_PARTS] if item.table else []
    if item.kind in PUBLICATION_MEMBERS:  # a table that is made again does not become a member by itself
        owners = [Object("publication", item.name)]
    if item.is_attached:
        owners.append(item.subject)
    if any(owner in declared and owner not in actual.facts for owner in owners):
        return True
    return item.is_attached and item.subject in missing_indexes()


def _missing_indexes(declared: Facts, actual: Snapshot) -> Iterator[Object]:
    """Return the indexes, without tables, that are declared and not there, those of constraints too."""
    for item, definition in declared.items():
        if item not in actual.facts and has_index(item, definition):
            yield Object("index", item.name, "", item.schema)


def holds(declared: str, actual: str | None) -> bool:
    """Return whether a definition is what is declared; PRESENT asks, and tells, only that the object is there."""
    return actual is not None and (declared in (PRESENT, actual) or actual == PRESENT)


def _difference(
    item: Object, declared: str, there: Object, actual: Snapshot, by_name: Callable[[], _Finder]
) -> Iterator[Difference]:
    definition = actual.facts.get(there)
    if definition is None:
        yield Difference("missing", item, declared, None, item, by_name()(item))
    elif there in actual.locked:
        yield Difference("not compared", item, declared, f"locked by pid {actual.locked[there]}", there)
    elif is_invalid(item, definition) and declared in (PRESENT, as_valid(item, definition)):
        yield Difference("invalid", item, declared, definition, there)
    elif not holds(declared, definition):
        yield Difference("different", item, declared, definition, there)


def _undeclared(declared: Facts, actual: Snapshot, claimed: set[Object]) -> Iterator[Difference]:
    """Return what exists and is not declared; what belongs to an undeclared object is not told by itself."""
    built = [item for item, definition in declared.items() if definition != PRESENT]
    tables = {(item.schema, item.name) for item in built if item.kind == "table"}
    owners = {(item.schema, item.name) for item in claimed if item.kind in WITH_PARTS and item in actual.facts}
    told = {without_table(item) for item in actual.facts if item not in claimed and item.kind not in _NEVER_UNMANAGED}
    told |= {Object("index", item.name, "", item.schema) for item in told if item.kind == "constraint"}
    for item, definition in actual.facts.items():
        if item in claimed or item.is_tablespace or (item.is_attached and item.subject in told):
            continue
        if item.kind in PUBLICATION_MEMBERS and Object("publication", item.name) in declared:
            yield Difference("undeclared", item, None, definition, item)
        is_ours = item.subject.kind in _NEVER_UNMANAGED and not item.is_access
        if is_ours or (item.table and (item.schema, item.table) not in owners):
            continue
        rejects = (item.schema, item.table) in tables and _rejects(item, definition)
        kind: DifferenceKind = (
            "undeclared" if item.kind in _ON_ROWS or item.is_access else "rejecting" if rejects else "unmanaged"
        )
        yield Difference(kind, item, None, definition, item)


def _rejects(item: Object, definition: str) -> bool:
    """Return whether an undeclared object of a table can make it refuse rows that the declared one accepts."""
    if item.kind == "column":
        column = column_definition(definition)
        return bool(column.not_null) and not column.fills_itself
    return item.kind == "constraint" or (item.kind == "index" and is_unique_index(definition))


def is_as_declared(declared: Facts, actual: Snapshot) -> bool:
    """Return whether all that is declared is there and could be read, and no repair would remove anything else."""
    return all(
        difference.kind == "unmanaged" and not stands_in(difference.object) for difference in compare(declared, actual)
    )
