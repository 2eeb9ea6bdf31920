"""What is in a database: a snapshot of facts in PostgreSQL's own words, and the difference of two.

A fact is an object with its definition: `column t.c` is `integer not null default 0`, `index i` is `btree (c desc)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from runner.errors import DatabaseError
from runner.objects import PRESENT, WITH_PARTS, Object
from runner.quote import identifier
from runner.sql_files import read_sql

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection, Cursor

Facts = Mapping[Object, str]
"""Objects with their definitions; PRESENT stands for a definition that nobody knows."""
DifferenceKind = Literal["missing", "different", "invalid", "rejecting", "not compared", "unmanaged"]

_ATTEMPTS = 5
LOCK_TIMEOUT = "200ms"
"""How long a question waits for a table that somebody has locked."""
_PART = "\1"
_OWN_WORDS = (
    "set local timezone = 'UTC'",
    "set local datestyle = 'ISO, YMD'",
    "set local intervalstyle = 'postgres'",
    "set local extra_float_digits = 1",
    "set local bytea_output = 'hex'",
    "set local quote_all_identifiers = off",
    "set local standard_conforming_strings = on",
    "set local client_min_messages = 'error'",
    "set local statement_timeout = 0",
    "set local jit = off",
    "set local join_collapse_limit = 1",
    "set local from_collapse_limit = 1",
)
"""Settings that PostgreSQL's words depend on, and no limit that is meant for scripts.

The questions are planned as they are written: compiling them takes longer than they do, and so does the search for
another order of their joins, which without statistics finds bad ones.
"""
_TYPE_ENDS = re.compile(r" (?:collate|not null|storage|compression|statistics|serial|generated|default|with \() ?")
_FILLS_ITSELF = re.compile(r" (serial|generated|default)\b")
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_NEVER_UNMANAGED = ("schema", "extension", "comment on schema", "comment on extension")
_VALIDITY = {"index": " invalid", "constraint": " NOT VALID"}


class Snapshot(Struct, frozen=True):
    """The facts of some schemas at one time."""

    facts: Facts
    unnamed: Mapping[Object, tuple[Object, ...]] = {}
    """The constraints that a definition without a name stands for."""
    locked: Mapping[Object, int] = {}
    """Facts whose definition could not be read, with the process id of the session that has locked it."""


class Difference(Struct, frozen=True):
    """A fact that is not as declared; `declared` or `actual` is None on the side that does not have it."""

    kind: DifferenceKind
    object: Object
    declared: str | None
    actual: str | None
    there: Object
    """What it is compared with: another name than the object's when the scripts give a constraint none."""


class Scope(Struct, frozen=True):
    """What is read: `schemas` maps a schema's name to what it is called in the result.

    Names on `path`, and in the schemas of `extensions`, are written without a schema.
    """

    schemas: Mapping[str, str]
    path: tuple[str, ...]
    extensions: tuple[str, ...]


def read(connection: Connection[Any], scope: Scope) -> Snapshot:
    """Return the facts, in a transaction of its own that only reads and waits for no lock on a table."""
    return read_and_ask(connection, scope)[0]


def read_and_ask(
    connection: Connection[Any], scope: Scope, questions: Sequence[str] = ()
) -> tuple[Snapshot, list[tuple[Any, ...]]]:
    """Return the facts, and the rows of the last of some more queries, in one round trip; none when it has no table."""
    import psycopg

    begin = ("begin isolation level repeatable read read only", f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    attempts = 0
    while True:
        attempts += 1
        try:
            snapshot, rows, refused = _read(connection, scope, before=begin, after=("rollback", *questions))
        except psycopg.errors.LockNotAvailable as error:  # locked after it was looked for: the next attempt sees it
            connection.execute("rollback")
            if attempts == _ATTEMPTS:
                raise DatabaseError(f"reading the catalog: {error.diag.message_primary} [{error.sqlstate}]") from error
        else:
            if refused and not isinstance(refused, psycopg.errors.UndefinedTable):
                raise refused
            return snapshot, rows


def read_in_transaction(connection: Connection[Any], scope: Scope) -> Snapshot:
    """Return the facts as the open transaction sees them, in one round trip; it changes settings of the transaction."""
    return _read(connection, scope)[0]


def _read(
    connection: Connection[Any], scope: Scope, *, before: Sequence[str] = (), after: Sequence[str] = ()
) -> tuple[Snapshot, list[tuple[Any, ...]], psycopg.Error | None]:
    """Return the facts, and the rows of the last statement, or why there are none."""
    import psycopg

    parameters = {"schemas": list(scope.schemas), "shown": list(scope.schemas.values())}
    asked: list[Cursor[Any]] = []
    refused: psycopg.Error | None = None
    try:
        with connection.pipeline():
            for statement in (*before, *_OWN_WORDS):
                connection.execute(statement)
            set_search_path(connection, scope.path, scope.extensions)
            asked.append(connection.execute(read_sql("catalog_closed.sql"), {"path": list(scope.path)}))
            asked += (
                connection.execute(read_sql(file), parameters) for file in ("catalog.sql", "catalog_deparsed.sql")
            )
            asked += (connection.execute(statement) for statement in after)
    except psycopg.Error as error:
        if connection.closed or not asked[2:] or asked[2].pgresult is None:  # the facts are not known either
            raise
        refused = error
    closed, facts, deparsed, *_ = asked
    for (name,) in closed:
        raise DatabaseError(
            f"role {connection.info.user!r} may not use schema {name!r}",
            notes=(f"hint: grant usage on schema {identifier(name)} to {identifier(connection.info.user)};",),
        )
    rows = asked[-1].fetchall() if after and asked[-1].pgresult and asked[-1].description else []
    return _assemble(facts.fetchall(), {Object(*row[:4]): row[4:] for row in deparsed}), rows, refused


def read_sizes(connection: Connection[Any], scope: Scope) -> Mapping[Object, int]:
    """Return the sizes of tables, in bytes, as far as PostgreSQL knows them without looking."""
    parameters = {"schemas": list(scope.schemas), "shown": list(scope.schemas.values())}
    rows = connection.execute(read_sql("catalog_sizes.sql"), parameters)
    return {Object("table", name, "", schema): size for name, schema, size in rows}


def set_search_path(connection: Connection[Any], path: Sequence[str], extensions: Sequence[str]) -> None:
    """Put schemas, and those of extensions after them, on the search path of the open transaction."""
    names = [identifier(name) for name in dict.fromkeys(path)]
    connection.execute(read_sql("catalog_search_path.sql"), {"path": names, "extensions": list(extensions)})


def compare(declared: Facts, actual: Snapshot) -> Iterator[Difference]:
    """Return what is not as declared: the declared facts in their order, then what nobody has declared."""
    claimed = {item for item in declared if item in actual.facts}
    missing = cache(lambda: frozenset(_missing_indexes(declared, actual)))
    for item, definition in declared.items():
        there = item
        if item not in actual.facts:
            candidates = [other for other in actual.unnamed.get(item, ()) if other not in declared]
            equal = [other for other in candidates if actual.facts[other] == definition]
            there = next(iter(equal or candidates), item)
            claimed.add(there)
        for difference in _difference(item, definition, there, actual):
            if not _goes_without_saying(item, declared, actual, missing):
                yield difference
    yield from _undeclared(declared, actual, claimed)


def _goes_without_saying(
    item: Object, declared: Facts, actual: Snapshot, missing_indexes: Callable[[], Collection[tuple[str, str]]]
) -> bool:
    """Return whether the relation, or what a comment is on, is missing itself, which is then the only difference."""
    owners = [Object(kind, item.table, "", item.schema) for kind in WITH_PARTS] if item.table else []
    if item.kind.startswith("comment on "):
        owners.append(item._replace(kind=item.kind.removeprefix("comment on ")))
    if any(owner in declared and owner not in actual.facts for owner in owners):
        return True
    return item.kind == "comment on index" and (item.schema, item.name) in missing_indexes()


def _missing_indexes(declared: Facts, actual: Snapshot) -> Iterator[tuple[str, str]]:
    """Return the schemas and names of indexes that are declared and not there, those of constraints too."""
    for item, definition in declared.items():
        if item not in actual.facts and has_index(item, definition):
            yield item.schema, item.name


def has_index(item: Object, definition: str) -> bool:
    """Return whether an object is an index, or a constraint that has one."""
    return item.kind == "index" or (
        item.kind == "constraint" and definition.startswith(("PRIMARY KEY", "UNIQUE", "EXCLUDE"))
    )


def column_type(definition: str) -> str:
    """Return the type in the definition of a column."""
    return _TYPE_ENDS.split(definition, maxsplit=1)[0]


def holds(declared: str, actual: str | None) -> bool:
    """Return whether a definition is what is declared; PRESENT asks only that the object is there."""
    return actual is not None and declared in (PRESENT, actual)


def _difference(item: Object, declared: str, there: Object, actual: Snapshot) -> Iterator[Difference]:
    definition = actual.facts.get(there)
    if definition is None:
        yield Difference("missing", item, declared, None, item)
    elif there in actual.locked:
        yield Difference("not compared", item, declared, f"locked by pid {actual.locked[there]}", there)
    elif declared + _VALIDITY.get(item.kind, " ") == definition or (
        declared == PRESENT and is_invalid(item, definition)
    ):
        yield Difference("invalid", item, declared, definition, there)
    elif not holds(declared, definition):
        yield Difference("different", item, declared, definition, there)


def is_invalid(item: Object, definition: str) -> bool:
    """Return whether an index is not valid, or a constraint not validated."""
    return item.kind in _VALIDITY and definition.endswith(_VALIDITY[item.kind])


def _undeclared(declared: Facts, actual: Snapshot, claimed: set[Object]) -> Iterator[Difference]:
    """Return what exists and is not declared; what belongs to an undeclared object is not told by itself."""
    built = [item for item, definition in declared.items() if definition != PRESENT]
    tables = {(item.schema, item.name) for item in built if item.kind == "table"}
    owners = {(item.schema, item.name) for item in claimed if item.kind in WITH_PARTS and item in actual.facts}
    told = {without_table(item) for item in actual.facts if item not in claimed}
    told |= {Object("index", item.name, "", item.schema) for item in told if item.kind == "constraint"}
    for item, definition in actual.facts.items():
        if item in claimed or item.kind in _NEVER_UNMANAGED:
            continue
        kind = item.kind.removeprefix("comment on ")
        if kind != item.kind and without_table(item._replace(kind=kind)) in told:
            continue
        if item.table and (item.schema, item.table) not in owners:
            continue
        rejects = (item.schema, item.table) in tables and _rejects(item, definition)
        yield Difference("rejecting" if rejects else "unmanaged", item, None, definition, item)


def without_table(item: Object) -> Object:
    """Return the identity of an object as its comment, or its renaming, has it: an index needs no table."""
    return item._replace(table="") if item.kind == "index" else item


def _rejects(item: Object, definition: str) -> bool:
    """Return whether an undeclared object of a table can make it refuse rows that the declared one accepts."""
    if item.kind == "column":
        plain = _QUOTED.sub('""', definition)
        return " not null" in plain and not _FILLS_ITSELF.search(plain)
    return item.kind == "constraint" or (item.kind == "index" and definition.startswith("unique "))


def _assemble(rows: Sequence[tuple[Any, ...]], deparsed: Mapping[Object, tuple[Any, ...]]) -> Snapshot:
    facts: dict[Object, str] = {}
    unnamed: dict[Object, tuple[Object, ...]] = {}
    locked: dict[Object, int] = {}
    for kind, name, table, schema, definition, signature in rows:
        item = Object(kind, name, table, schema)
        if item in deparsed:
            parts, pid = deparsed[item]
            if parts is None:
                locked[item] = pid
            definition = _fill(definition, parts or ())  # noqa: PLW2901
        facts[item] = definition
        if kind == "constraint":
            known_by = item._replace(name=signature or definition.removesuffix(_VALIDITY[kind]))
            unnamed[known_by] = (*unnamed.get(known_by, ()), item)
    return Snapshot(facts, unnamed, locked)


def _fill(definition: str, parts: Sequence[str]) -> str:
    """Return a definition with its parts in their places; without parts, where they would be."""
    remaining = iter(parts)
    return re.sub(_PART, lambda _: (next(remaining, None) or "…").strip().removesuffix(";"), definition)
