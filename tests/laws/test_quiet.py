"""A run on a database that is as declared: what it sends, what it takes, and that it waits for nobody."""

from __future__ import annotations

import os
import re
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import postgast
import psycopg
import pytest
from psycopg import Connection

from runner.project.loading import load
from tests.support.in_process import call
from tests.support.projects import CASES, Result
from tests.support.proxy import proxied

TABLES = sorted(tomllib.loads((CASES / "schema.toml").read_text(encoding="utf-8")))
ISSUES = "jira_issues_v2"
HISTORY = "runner_history"
FEW_SECONDS = 4
"""Less than lock_timeout: a run that waited for a lock takes longer, or fails."""
MOST_TRIPS = {"a new database": 16, "a second run": 12}
"""How often a run of this repository's project asks the server and waits for its answer, connecting not counted."""
ATTEMPTS = 3
"""The server writes a record of its own now and then: a run that changed nothing is seen in one of a few."""
READS = frozenset(
    {
        "declare_cursor_stmt",
        "fetch_stmt",
        "select_stmt",
        "transaction_stmt",
        "variable_set_stmt",
        "variable_show_stmt",
    }
)
TAG = re.compile(r"/\* \S+:[0-9]+ \*/ ")
"""What tells where a statement stands."""
ONLY_IF_WRITTEN = "where pg_current_xact_id_if_assigned() is not null"

NEEDED_QUERY = """
    select a.attname, format_type(a.atttypid, null)
    from pg_attribute as a
    left join pg_constraint as f on f.conrelid = a.attrelid and f.contype = 'f' and a.attnum = any(f.conkey)
    where
        a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
        and (a.attnotnull and not a.atthasdef or f.oid is not null)
    order by a.attnum
"""
SAMPLES = {
    "integer": "(select max(id) from sync_history)",
    "jsonb": "'{}'",
    "timestamp without time zone": "now()",
    "boolean": "true",
}


# The project and its database


def apply(folder: Path, dsn: str) -> Result:
    """Apply the project, which must succeed without building anything."""
    result = call("apply", "--dsn", dsn, folder=folder)
    assert result.code == 0, result
    assert "not fresh" not in result.said
    return result


@pytest.fixture
def settled(applied: str, fresh_project: Path) -> str:
    """The connection string of an applied database in which nothing is left to be tidied up by the one who reads."""
    with psycopg.connect(applied, autocommit=True) as connection:
        connection.execute("vacuum (freeze, analyze)")
    apply(fresh_project, applied)
    return applied


def insert_one(connection: Connection, table: str) -> None:
    """Insert a row that no script knows."""
    needed = connection.execute(NEEDED_QUERY, (table,)).fetchall()
    columns = ", ".join(name for name, _ in needed)
    values = ", ".join(SAMPLES.get(type_, "'of another session'") for _, type_ in needed)
    connection.execute(f"insert into {table} ({columns}) values ({values})".encode())


@pytest.fixture
def busy(settled: str) -> Iterator[str]:
    """The same database while another session has written to every table and holds every lock that it can.

    Its locks on all tables let nothing through but readers and writers, and that on the issues nobody.
    """
    with psycopg.connect(settled) as other:
        for table in sorted(TABLES, key="sync_history".__ne__):
            insert_one(other, table)
        other.execute("update configurations set reason = 'of another session' where config_key = 'settings'")
        other.execute("update sync_config set updated_at = now() where config_key = 'batch_size'")
        other.execute("update field_mappings set updated_at = now() where instance = 'instance_2'")
        for table in (*TABLES, HISTORY):
            other.execute(f"lock table {table} in share update exclusive mode".encode())
        other.execute(f"lock table {ISSUES} in access exclusive mode".encode())
        yield settled
        other.rollback()


@dataclass(frozen=True)
class Marks:
    """What moves when somebody writes."""

    transaction: str
    """The number that the next writing transaction of the server gets."""
    wal: str
    sequences: tuple[Any, ...]
    history: tuple[Any, ...]


def marks(connection: Connection) -> Marks:
    names = connection.execute("select sequencename from pg_sequences where schemaname = 'public' order by 1")
    sequences = [
        (name, *connection.execute(f"select last_value, is_called from {name}".encode()).fetchall())
        for (name,) in names.fetchall()
    ]
    history = connection.execute(f"select count(*), max(run) from {HISTORY}".encode()).fetchall()
    ((transaction, wal),) = connection.execute(
        "select pg_snapshot_xmax(pg_current_snapshot())::text, pg_current_wal_insert_lsn()::text"
    ).fetchall()
    return Marks(transaction, wal, tuple(sequences), tuple(history))


# What it waits for


def test_it_waits_for_nobody(fresh_project: Path, busy: str) -> None:
    """It ends well in seconds beside open writes to every table, and locks that all but readers and writers wait for.

    So it takes no lock above ROW EXCLUSIVE on any table, and none at all on the locked one.
    """
    begin = time.monotonic()
    apply(fresh_project, busy)
    assert time.monotonic() - begin < FEW_SECONDS


def test_the_other_session_would_be_noticed(busy: str) -> None:
    """What the other session holds does stop the locks that the promise is about, and no writer."""
    with psycopg.connect(busy, autocommit=True) as connection:
        connection.execute("set lock_timeout = '10ms'")
        for table in set(TABLES) - {ISSUES}:
            with connection.transaction():
                connection.execute(f"lock table {table} in row exclusive mode".encode())
            with pytest.raises(psycopg.errors.LockNotAvailable), connection.transaction():
                connection.execute(f"lock table {table} in share update exclusive mode".encode())
        with pytest.raises(psycopg.errors.LockNotAvailable):
            connection.execute(f"select from {ISSUES}".encode())


# What it sends


def kind(sql: str) -> str:
    (statement,) = postgast.parse(sql).stmts
    return str(statement.stmt.WhichOneof("node"))


def test_it_sends_reads_and_the_data_statements_of_the_scripts(fresh_project: Path, settled: str) -> None:
    """Nothing else is sent: no DDL, no COMMENT, no lock of rows; and a history row only if a script has written."""
    loaded = load(fresh_project / "manifest.toml")
    data = [item.sql for script in loaded.scripts for item in script.statements if item.is_data]
    with proxied(settled) as (dsn, proxy):
        apply(fresh_project, dsn)
    sent = [TAG.sub("", sql) for sql in proxy.sent]
    assert [sql for sql in sent if sql in data] == data
    others = [sql for sql in sent if sql not in data]
    history = [sql for sql in others if kind(sql) == "insert_stmt" and HISTORY in sql]
    assert len(history) == len(
        {item.rendered.path for item in loaded.scripts if any(s.is_data for s in item.statements)}
    )
    assert all(sql.endswith(ONLY_IF_WRITTEN) for sql in history)
    assert {kind(sql) for sql in others if sql not in history} <= READS
    assert [sql for sql in others if "locking_clause" in str(postgast.parse(sql))] == []


@pytest.mark.parametrize("case", MOST_TRIPS)
def test_it_asks_seldom(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None], fresh_project: Path, case: str
) -> None:
    """A run needs one connection, and asks the server a few times, however many statements the scripts have."""
    dsn = str(request.getfixturevalue("database" if case == "a new database" else "settled"))
    with proxied(dsn) as (through, proxy):
        apply(fresh_project, through)
    record_property("round trips", proxy.trips)
    assert proxy.connections == 1
    assert proxy.trips <= MOST_TRIPS[case]


def test_the_proxy_sees_what_is_sent(database: str) -> None:
    """A statement is recorded in either protocol, with its connection and its round trip."""
    with proxied(database) as (dsn, proxy):
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("select 1")
            connection.execute("select %s::integer", (2,))
        psycopg.connect(dsn).close()
    assert proxy.sent == ["select 1", "select $1::integer"]
    assert (proxy.connections, proxy.trips) == (2, 2)


# What it leaves behind


@pytest.mark.parametrize("state", ["settled", "busy"])
def test_it_leaves_no_trace(
    request: pytest.FixtureRequest, pytestconfig: pytest.Config, fresh_project: Path, state: str
) -> None:
    """No transaction id, no byte of WAL, no sequence value and no history row is taken, alone or beside writers."""
    dsn = str(request.getfixturevalue(state))
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(ATTEMPTS):
            apply(fresh_project, dsn)
            before = marks(connection)
            apply(fresh_project, dsn)
            after = marks(connection)
            assert (after.sequences, after.history) == (before.sequences, before.history)
            if after == before:
                return
    if pytestconfig.getoption("dsn") or os.environ.get("RUNNER_TEST_DSN"):
        pytest.skip("the server is not quiet: others use it, or autovacuum does")
    assert after == before


def test_a_trace_would_be_noticed(settled: str) -> None:
    """One row written and rolled back moves all but the history; reading moves nothing that is not tidied up."""
    with psycopg.connect(settled, autocommit=True) as connection:
        before = marks(connection)
        with connection.transaction(force_rollback=True):
            insert_one(connection, "sync_history")
        after = marks(connection)
    assert after.history == before.history
    assert (after.transaction != before.transaction, after.wal != before.wal) == (True, True)
    assert after.sequences != before.sequences
