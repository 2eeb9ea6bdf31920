"""What is in a database: one query, a snapshot of its objects, and the difference of two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from runner.declarations import PRESENT, Object

if TYPE_CHECKING:
    from psycopg import Connection

Snapshot = Mapping[Object, str]
"""Each object with its state: a column's type, a comment's text, `valid` or not for indexes and constraints."""


class Difference(Struct, frozen=True):
    """An object that is not as declared; `actual` is None when it is missing."""

    kind: Literal["missing", "different"]
    object: Object
    declared: str
    actual: str | None


def read(connection: Connection[Any], target: str, schemas: Iterable[str]) -> Snapshot:
    """Return the objects of the target schema and of the other schemas."""
    names = [target, *(name for name in schemas if name)]
    rows = connection.execute(_sql(), {"target": target, "schemas": names})
    return {Object(kind, name, table, schema): state for kind, name, table, schema, state in rows}


def differences(declared: Snapshot, actual: Snapshot) -> list[Difference]:
    """Return what of `declared` is not so in `actual`, in the order of `declared`."""
    found: list[Difference] = []
    for item, state in declared.items():
        there = actual.get(item)
        if there is None:
            found.append(Difference("missing", item, state, None))
        elif not holds(state, there):
            found.append(Difference("different", item, state, there))
    return found


def holds(declared: str, actual: str | None) -> bool:
    """Return whether an object's state is what is declared; PRESENT asks only that it is there."""
    return actual is not None and declared in (PRESENT, actual)


@cache
def _sql() -> str:
    return files("runner").joinpath("catalog.sql").read_text(encoding="utf-8")
