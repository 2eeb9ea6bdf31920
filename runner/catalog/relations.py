"""The relations of a database, how large they are, and how the catalog ties them to one another."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.catalog.snapshot import Scope
from runner.resources import read_sql
from runner.sql.objects import Object

if TYPE_CHECKING:
    from psycopg import Connection


class Relation(Struct, frozen=True):
    """A relation that is there; `size` in bytes and `rows` as PostgreSQL knows them without looking."""

    object: Object
    size: int
    rows: int | None
    """None when nobody has counted them yet."""


class Relations(Struct, frozen=True):
    """The relations of some schemas. Each is called a table in the keys, whatever it is: no statement has to know."""

    there: Mapping[Object, Relation] = {}
    links: Mapping[tuple[str, Object], tuple[Object, ...]] = {}
    """The relations that the catalog ties to one, a domain or statistics, by their role."""
    volatile: frozenset[str] = frozenset()
    """The functions, of those that were asked for, that may give another value for each row."""

    def linked(self, role: str, item: Object) -> tuple[Object, ...]:
        """Return the relations of a role."""
        return self.links.get((role, item), ())

    def with_below(self, relation: Object, *, heirs: bool = True) -> tuple[Object, ...]:
        """Return a relation and its partitions, however far below, and with `heirs` those that inherit from it."""
        found, new = {relation: None}, [relation]
        roles = ("partitions", "heirs") if heirs else ("partitions",)
        while new:
            below = [item for each in new for role in roles for item in self.linked(role, each)]
            new = [item for item in dict.fromkeys(below) if item not in found]
            found |= dict.fromkeys(new)
        return tuple(found)


def read_relations(connection: Connection[Any], scope: Scope, functions: Collection[str]) -> Relations:
    """Return the relations in some schemas, and those elsewhere that are tied to one of them."""
    parameters = {
        "schemas": list(scope.schemas),
        "shown": list(scope.schemas.values()),
        "functions": sorted(functions),
    }
    there: dict[Object, Relation] = {}
    links: dict[tuple[str, Object], dict[Object, None]] = {}
    volatile: set[str] = set()
    for role, name, schema, other, other_schema, kind, size, rows in connection.execute(
        read_sql("catalog/relations.sql"), parameters
    ):
        if role == "there":
            there[Object("table", name, "", schema)] = Relation(
                Object(kind, name, "", schema), size, rows if rows >= 0 else None
            )
        elif role == "volatile":
            volatile.add(name)
        else:
            links.setdefault((role, Object(kind, name, "", schema)), {})[Object("table", other, "", other_schema)] = (
                None
            )
    return Relations(there, {key: tuple(found) for key, found in links.items()}, frozenset(volatile))
