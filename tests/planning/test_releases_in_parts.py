"""A release is written down once and ended once, also when a run is planned in parts or ends early."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import MakeProject
from tests.support.planned_cases import feed, run_command
from tests.support.proxy import proxied

ITEM = "create table if not exists item (id integer primary key);"
OPAQUE = "do $$ begin create table if not exists made (id integer); end $$;"
LAST = "create table if not exists last (id integer);"
PARTS = {"010_item.sql": ITEM, "020_opaque.sql": OPAQUE, "030_last.sql": LAST}
ONCE = {"020_opaque.sql": {"run": "once"}}
UPGRADED = {
    "005_upgrade.sql": "alter table item add column name text; update item set name = 'x';",
    "010_item.sql": "create table if not exists item (id integer primary key, name text not null);",
    "030_last.sql": LAST,
}
UPGRADE = {"005_upgrade.sql": {"run": "upgrade"}}


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A connection to the database."""
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def releases(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("select run, status from runner_history_release order by run").fetchall()


def written(sessions: list[list[str]]) -> list[str]:
    """Return the first word of each statement that writes a release, in the order in which they were sent."""
    sent = [sql for session in sessions for sql in session]
    return [sql.split()[0] for sql in sent if sql.startswith(("insert into", "update")) and "_release" in sql]


def test_a_plan_in_parts_has_one_release(project: MakeProject, database: str, connection: Connection) -> None:
    """After an opaque script the rest is planned again, and the release goes on."""
    folder = project(PARTS, options=ONCE)
    with proxied(database) as (dsn, proxy):
        assert run_command(folder, "apply", dsn).code == 0
    assert written(proxy.sessions) == ["insert", "update"]
    assert releases(connection) == [(1, "applied")]
    assert run_command(folder, "apply", database).code == 0
    assert releases(connection) == [(1, "applied")]


def test_a_failure_in_an_earlier_part_keeps_it_open(
    project: MakeProject, database: str, connection: Connection
) -> None:
    """With on_error = "continue" the parts after it end well, and the release does not."""
    twice = {"010_item.sql": ITEM, "020_opaque.sql": OPAQUE, "025_opaque.sql": OPAQUE, "030_last.sql": LAST}
    once = ONCE | {"025_opaque.sql": {"run": "once"}}
    failing = {**twice, "020_opaque.sql": f"{OPAQUE} select 1 / 0;"}
    folder = project(failing, options=once, run={"on_error": "continue"})
    assert run_command(folder, "apply", database).code == 1
    assert connection.execute("select to_regclass('last') is not null").fetchall() == [(True,)]
    assert releases(connection) == [(1, "started")]
    assert run_command(project(twice, options=once), "apply", database).code == 0
    assert releases(connection) == [(1, "started"), (2, "applied")]


def older(project: MakeProject, database: str, connection: Connection) -> None:
    assert run_command(project({"010_item.sql": ITEM}), "apply", database).code == 0
    connection.execute("insert into item values (1)")


def test_upgrades_and_the_rest_have_one_release(project: MakeProject, database: str, connection: Connection) -> None:
    """It begins with the upgrades, and ends after the rest."""
    older(project, database, connection)
    folder = project(UPGRADED, options=UPGRADE)
    with proxied(database) as (dsn, proxy):
        assert run_command(folder, "apply", dsn).code == 0
    assert written(proxy.sessions) == ["insert", "update"]
    assert releases(connection) == [(1, "applied"), (2, "applied")]


@pytest.mark.parametrize("by_psql", [False, True])
def test_expected_upgrades_leave_the_release_open(
    project: MakeProject, database: str, connection: Connection, *, by_psql: bool
) -> None:
    """The run ends after the upgrades, and its release is started; the next run ends it, and makes no other."""
    older(project, database, connection)
    folder = project(UPGRADED, options=UPGRADE)
    expected = run_command(folder, "plan", database, "--json").json["hash"]
    if by_psql:
        dry = run_command(folder, "apply", database, "--dry-run")
        assert feed(folder, database, dry.out) == (0, "")
    else:
        assert run_command(folder, "apply", database, "--expect", expected).code == 1
    assert releases(connection) == [(1, "applied"), (2, "started")]
    shown = run_command(folder, "plan", database, "--json").json
    assert (shown["older"], shown["forecast"]) == (None, None)
    assert run_command(folder, "apply", database, "--expect", shown["hash"]).code == 0
    assert releases(connection) == [(1, "applied"), (2, "applied")]


def test_a_failed_upgrade_leaves_the_release_open(project: MakeProject, database: str, connection: Connection) -> None:
    """Nothing after it is sent, the end of the release neither."""
    older(project, database, connection)
    folder = project({**UPGRADED, "005_upgrade.sql": "update item set id = id / 0;"}, options=UPGRADE)
    assert run_command(folder, "apply", database).code == 1
    assert releases(connection) == [(1, "applied"), (2, "started")]


def test_a_release_alone_makes_a_database_known(project: MakeProject, database: str, connection: Connection) -> None:
    """A run that found all as declared has left no row in the history, and an upgrade that comes later is due."""
    connection.execute(ITEM.encode())
    folder = project({"010_item.sql": ITEM})
    assert run_command(folder, "apply", database).code == 0
    assert connection.execute("select count(*) from runner_history").fetchall() == [(0,)]
    assert releases(connection) == [(1, "applied")]
    folder = project({**UPGRADED, "010_item.sql": ITEM}, options=UPGRADE)
    assert run_command(folder, "plan", database, "--json").json["pending"] == 2
    again = project({"005_upgrade.sql": "insert into item values (7);", "010_item.sql": ITEM}, options=UPGRADE)
    assert run_command(again, "apply", database).code == 0
    assert connection.execute("select id from item").fetchall() == [(7,)]


def test_what_is_not_needed_is_of_the_project(project: MakeProject, database: str, connection: Connection) -> None:
    """In a new database an upgrade is recorded, in the first transaction, for the project."""
    folder = project(UPGRADED, options=UPGRADE)
    assert run_command(folder, "apply", database).code == 0
    query = "select project, run, status from runner_history where script like '%upgrade%'"
    assert connection.execute(query.encode()).fetchall() == [("small", 1, "applied")]
    assert releases(connection) == [(1, "applied")]
