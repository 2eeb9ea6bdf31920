"""No phantoms: a script that is the dump of a database declares what this database has.

What the examples of test_as_psql.py leave is dumped there; here are expressions and random schemas.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import psycopg
import pytest
from hypothesis import given, note, settings
from psycopg import Connection

from tests.support.dumps import phantoms
from tests.support.projects import CASES
from tests.support.random_kinds import make_empty, roles, schemas
from tests.support.random_schemas import EXAMPLES, MORE, Script, Side, Sides, pairs, sides
from tests.support.servers import Server

SINCE = 18
__all__ = ["roles", "sides"]  # fixtures, which pytest finds here

EXPRESSIONS = tomllib.loads((CASES / "expressions.toml").read_text(encoding="utf-8"))


@pytest.mark.long
@EXAMPLES
@given(pairs())
def test_a_random_schema_is_as_its_dump_declares(
    server: Server, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Script, Script]
) -> None:
    """Schemas that differ in little, or in much, are as their dumps declare."""
    folder = tmp_path_factory.mktemp("dumped")
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        made = Side(dsn, connection).make(pair[1])
        note("\n".join(made))
        assert list(phantoms(connection, dsn, folder)) == []


def test_objects_of_all_kinds_are_as_their_dump_declares(server: Server, tmp_path: Path) -> None:
    """What belongs to the whole database, and what the text alone tells, is declared by a dump like the rest."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        if server.major < SINCE:
            pytest.skip("NO INHERIT of NOT NULL is new")
        connection.execute((CASES / "dumped.sql").read_bytes())
        assert list(phantoms(connection, dsn, tmp_path)) == []


@pytest.mark.long
@settings(EXAMPLES, max_examples=int(MORE or 10))
@given(schemas())
@pytest.mark.usefixtures("roles")
def test_all_kinds_are_as_their_dump_declares(
    sides: Sides, tmp_path_factory: pytest.TempPathFactory, script: Script
) -> None:
    """Policies, rules, statistics, operators, text search, publications and what else hangs on tables."""
    side = sides.actual
    side.connection.execute("reset search_path")
    make_empty(side.connection)
    note("\n".join(sql for sql in script if side.accepts(sql)))
    assert list(phantoms(side.connection, side.dsn, tmp_path_factory.mktemp("kinds"))) == []


def test_an_expression_is_as_its_dump_declares(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Expressions are the same in constraints, indexes and views: a few of them, and all with --torture."""
    step = 1 if request.config.getoption("torture") else 6
    expressions = EXPRESSIONS["expressions"].strip().splitlines()[::step]
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(EXPRESSIONS["before"].encode())
        connection.execute(f"create table t ({EXPRESSIONS['columns']})".encode())
        made = sum(
            is_made(connection, sql.format(name=f"{kind}{number}", expression=expression))
            for number, expression in enumerate(expressions)
            for kind, sql in MAKERS.items()
        )
        assert made > 2 * len(expressions)
        assert list(phantoms(connection, dsn, tmp_path)) == []


MAKERS = {
    "c": "alter table t add constraint {name} check ({expression})",
    "i": "create index {name} on t (id) where {expression}",
    "v": "create view {name} as select {expression} as x from t where {expression}",
}


def is_made(connection: Connection, sql: str) -> bool:
    try:
        connection.execute(sql.encode())
    except psycopg.DatabaseError:
        return False
    return True
