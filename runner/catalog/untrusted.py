"""What roles that are not trusted have a part in: who may create objects, who owns them, what they are bound to."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from msgspec import Struct

from runner.resources import read_sql
from runner.sql.objects import Object


class Untrusted(Struct, frozen=True):
    """A role that may create objects in a schema or owns an object, or what an object is bound to that nobody knows."""

    object: Object
    problem: Literal["creates", "owns", "uses"]
    what: str
    """The role, quoted where it has to be, or what is used, in PostgreSQL's words."""
    cure: str
    """The statement that ends it; empty where that is for a person to find."""
    used: Object | None = None
    """The function that is used, or that of the operator; None for an operator class without one."""
    is_strange: bool = True
    """Whether what is used belongs to a role that is not trusted."""
    may_hide: bool = True
    """Whether what is used can have been found in the place of something of PostgreSQL's."""


@cache
def untrusted_sql() -> str:
    """Return the question for them."""
    return read_sql("catalog/untrusted.sql").format(trusted_roles=trusted_roles_sql())


def trusted_roles_sql() -> str:
    """Return the query for the roles that are trusted, which stands in others."""
    return read_sql("catalog/trusted_roles.sql")


def untrusted_in(rows: Sequence[tuple[Any, ...]]) -> tuple[Untrusted, ...]:
    """Return what the answer to the question tells."""
    return tuple(
        Untrusted(Object(*names), problem, what, cure, _function(used, schema), is_strange, bool(may_hide))
        for *names, problem, what, cure, used, schema, is_strange, may_hide in rows
    )


def _function(name: str | None, schema: str) -> Object | None:
    return None if name is None else Object("function", name, "", schema)
