"""Names that objects of several kinds share: where one has a name, PostgreSQL makes no other under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.sql.objects import Object

_WITH_ROWS = ("table", "view", "materialized view")
RELATIONS = (*_WITH_ROWS, "index", "sequence")
"""Kinds of objects that have their names from one name space."""
TYPES = ("type", "domain")
_SHARED: Mapping[str, Sequence[str]] = {
    "index": RELATIONS,
    **dict.fromkeys((*_WITH_ROWS, "sequence"), (*RELATIONS, *TYPES)),  # a row of them is a type
    **dict.fromkeys(TYPES, (*_WITH_ROWS, *TYPES)),
}


def is_namesake(item: Object, other: Object) -> bool:
    """Return whether two objects cannot be there together because of their names; indexes may be of any table."""
    same = (item.schema, item.name) == (other.schema, other.name)
    return same and other.kind in _SHARED.get(item.kind, ()) and item != other
