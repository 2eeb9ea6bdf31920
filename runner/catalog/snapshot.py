"""What is in a database: a snapshot of facts in PostgreSQL's own words, and the difference of two.

A fact is an object with its definition: `column t.c` is `integer not null default 0`, `index i` is `btree (c desc)`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.access import Access, AccessRow, patterns
from runner.catalog.definitions import as_valid
from runner.catalog.questions import BEGIN_ASKING, send_question, set_search_path
from runner.catalog.untrusted import Untrusted, untrusted_in, untrusted_sql
from runner.errors import DatabaseError, Hint
from runner.postgres.replies import send
from runner.project.agreements import AcceptEntry
from runner.resources import read_sql
from runner.sql.objects import Facts, Object
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection, Cursor


_ATTEMPTS = 5
LOCK_TIMEOUT = "200ms"
"""How long a question waits for a table that somebody has locked."""
READING_TIMEOUT = "10min"
"""How long a question to the catalog may take; the limit that is meant for scripts may be shorter."""
_PART = "\1"
Question = tuple[str, Mapping[str, Any] | None]
"""A query, and its parameters."""
OWN_WORDS = (
    "set local timezone = 'UTC'",
    "set local client_min_messages = 'error'",
    f"set local statement_timeout = '{READING_TIMEOUT}'",
    "set local jit = off",
    "set local join_collapse_limit = 1",
    "set local from_collapse_limit = 1",
)
"""What PostgreSQL's words depend on beyond the settings of a session, and the limit of a question.

The questions are planned as they are written: compiling them takes longer than they do, and so does the search for
another order of their joins, which without statistics finds bad ones.
"""


class Accepted(NamedTuple):
    """A difference that the manifest accepts: its entry, and both definitions."""

    entry: AcceptEntry
    declared: str | None
    actual: str | None


class Snapshot(Struct, frozen=True):
    """The facts of some schemas at one time."""

    facts: Facts
    unnamed: Mapping[Object, tuple[Object, ...]] = {}
    """The constraints that a definition without a name stands for."""
    locked: Mapping[Object, int] = {}
    """Facts whose definition could not be read, with the process id of the session that has locked it."""
    untrusted: tuple[Untrusted, ...] = ()
    """What roles that are not trusted have a part in, declared or not."""
    accepted: tuple[Accepted, ...] = ()
    """What differs and is among the facts as it is declared, because the manifest accepts it."""
    other_kinds: Mapping[str, int] = {}
    """How many objects there are of kinds that no fact is about, by kind."""
    access: Access | None = None
    """What managed roles may do, before it is a part of the facts."""


class Scope(Struct, frozen=True):
    """What is read: `schemas` maps a schema's name to what it is called in the result.

    Names on `path`, and in the schemas of `extensions`, are written without a schema. With `trusted`, names of
    roles, what others than these and those trusted anyway have a part in is looked for too. With `managed`, patterns of
    their names, so is what roles may do.
    """

    schemas: Mapping[str, str]
    path: tuple[str, ...]
    extensions: tuple[str, ...]
    trusted: tuple[str, ...] | None = None
    managed: tuple[str, ...] | None = None


def read_snapshot(connection: Connection[Any], scope: Scope) -> Snapshot:
    """Return the facts, in a transaction of its own that only reads and waits for no lock on a table."""
    return read_and_ask(connection, scope, ())[0]


def read_and_ask(
    connection: Connection[Any], scope: Scope, questions: Sequence[Question]
) -> tuple[Snapshot, list[list[tuple[Any, ...]]]]:
    """Return the facts, and the rows of some more queries, in one round trip.

    A query that divides by zero is a guard: the server does not run those after it, which have no rows.
    """
    import psycopg

    begin = ("begin isolation level repeatable read read only", f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    attempts = 0
    while True:
        attempts += 1
        try:
            snapshot, answers, refused = _read(connection, scope, before=begin, after=(("rollback", None), *questions))
        except psycopg.errors.LockNotAvailable as error:  # locked after it was looked for: the next attempt sees it
            connection.execute("rollback")
            if attempts == _ATTEMPTS:
                raise DatabaseError(f"reading the catalog: {error.diag.message_primary} [{error.sqlstate}]") from error
        else:
            if refused and not isinstance(refused, psycopg.errors.DivisionByZero):
                raise refused
            return snapshot, answers[1:]


def read_in_transaction(connection: Connection[Any], scope: Scope) -> Snapshot:
    """Return the facts as the open transaction sees them, in one round trip; it changes settings of the transaction."""
    return _read(connection, scope)[0]


def _read(
    connection: Connection[Any], scope: Scope, *, before: Sequence[str] = (), after: Sequence[Question] = ()
) -> tuple[Snapshot, list[list[tuple[Any, ...]]], psycopg.Error | None]:
    """Return the facts, the rows of each statement `after`, and why some of these have none."""
    import psycopg

    questions = _questions(scope)
    asked: list[Cursor[Any]] = []
    refused: psycopg.Error | None = None
    try:
        with connection.pipeline():
            for statement in (*before, *OWN_WORDS, *BEGIN_ASKING):
                connection.execute(statement)
            send(connection, asked, read_sql("catalog/closed_schemas.sql"), {"path": list(scope.path)})
            for name, question in questions.items():
                send_question(connection, name, *question)
            set_search_path(connection, scope.path, scope.extensions)
            for name in questions:
                send(connection, asked, f"fetch all from {name}")
            for query in after:
                send(connection, asked, *query)
    except psycopg.Error as error:
        last = asked[len(questions) : len(questions) + 1]
        if connection.closed or not last or last[0].pgresult is None:  # the facts are not known either
            raise
        refused = error
    closed, facts, defined, deparsed, *others = asked
    untrusted = others.pop(0).fetchall() if scope.trusted is not None else ()
    rows = tuple(map(AccessRow._make, others.pop(0))) if scope.managed is not None else ()
    for (name,) in closed:
        from runner.postgres.session import current_role

        role = current_role(connection)
        hint = Hint(f"grant usage on schema {identifier(name)} to {identifier(role)};")
        raise DatabaseError(f"role {role!r} may not use schema {name!r}", notes=(hint,))
    answers = [cursor.fetchall() if cursor.pgresult and cursor.description else [] for cursor in others]
    answers += [[] for _ in after[len(answers) :]]  # not sent any more
    snapshot = _assemble([*facts, *((*row, None) for row in defined)], {Object(*row[:4]): row[4:] for row in deparsed})
    access = Access(rows, connection.info.server_version // 10_000) if scope.managed is not None else None
    return replace(snapshot, untrusted=untrusted_in(untrusted), access=access), answers, refused


def _questions(scope: Scope) -> dict[str, Question]:
    """Return the questions for facts, by the names of their cursors."""
    parameters = {"schemas": list(scope.schemas), "shown": list(scope.schemas.values())}
    own: dict[str, Question] = {
        name: (read_sql(f"catalog/{name}.sql"), parameters) for name in ("facts", "defined_facts", "deparsed_facts")
    }
    if scope.trusted is not None:
        known = {"path": list(scope.path), "trusted": list(scope.trusted)}
        own["untrusted"] = untrusted_sql(), {**parameters, **known}
    if scope.managed is not None:
        own["access"] = read_sql("catalog/access.sql"), {**parameters, "managed": patterns(scope.managed)}
    return own


def _assemble(rows: Sequence[tuple[Any, ...]], deparsed: Mapping[Object, tuple[Any, ...]]) -> Snapshot:
    facts: dict[Object, str] = {}
    unnamed: dict[Object, tuple[Object, ...]] = {}
    locked: dict[Object, int] = {}
    other_kinds: dict[str, int] = {}
    for kind, name, table, schema, definition, signature in rows:
        if not kind:
            other_kinds[name] = int(definition)
            continue
        item = Object(kind, name, table, schema)
        if item in deparsed:
            parts, pid = deparsed[item]
            if parts is None:
                locked[item] = pid
            definition = _fill(definition, parts or ())  # noqa: PLW2901
        facts[item] = definition
        if kind == "constraint":
            known_by = item._replace(name=signature or as_valid(item, definition))
            unnamed[known_by] = (*unnamed.get(known_by, ()), item)
    return Snapshot(facts, unnamed, locked, other_kinds=other_kinds)


def _fill(definition: str, parts: Sequence[str]) -> str:
    """Return a definition with its parts in their places; without parts, where they would be."""
    remaining = iter(parts)
    return re.sub(_PART, lambda _: (next(remaining, None) or "…").strip().removesuffix(";"), definition)
