"""What has the name that a declared object needs: IF NOT EXISTS skips the one for the other, with a notice."""

from __future__ import annotations

from runner.catalog.definitions import keeps_unique
from runner.catalog.table_definitions import attributes
from runner.sql.inventory import Inventory
from runner.sql.name_spaces import RELATIONS, is_namesake
from runner.sql.objects import Object


def namesake(item: Object, known: Inventory) -> Object | None:
    """Return what has the name of an object that is not there, and keeps it from being made."""
    near = known.near(item.schema, item.name)
    return next((other for other in near if is_namesake(item, other) or _is_relation(item, other, known[other])), None)


def _is_relation(item: Object, other: Object, definition: str) -> bool:
    """Return whether the index of a constraint, or a composite type, has the name that a relation needs."""
    if item.kind not in RELATIONS or other.name != item.name:
        return False
    is_key = other.kind == "constraint" and keeps_unique(definition)
    return is_key or (other.kind == "type" and attributes(definition) is not None)
