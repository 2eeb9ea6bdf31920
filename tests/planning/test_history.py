"""The history knows the project: what two projects share is the table, and not its rows."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.support.dumps import still_dump
from tests.support.planned_cases import feed, run_command
from tests.support.projects import write_project
from tests.support.servers import Server

ONCE = {"010_seed.sql": {"run": "once"}}
ROWS = "select project, run, script from runner_history order by project, run, script"
OLD = (
    "alter table runner_history drop constraint runner_history_pkey",
    "alter table runner_history drop column project",
    "alter table runner_history add constraint runner_history_pkey primary key (run, script)",
)
"""Makes a history table what a runner left that did not know projects."""


def rows(connection: Connection, query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two projects, each with a once script of the same path."""
    made = []
    for name, table in (("first", "a"), ("second", "b")):
        folder = tmp_path / name
        folder.mkdir()
        sql = f"create table {table} (n integer); insert into {table} values (1);"
        made.append(write_project(folder, {"010_seed.sql": sql}, options=ONCE, project={"name": name}))
    return made[0], made[1]


def apply(folder: Path, dsn: str, *arguments: str) -> str:
    result = run_command(folder, "apply", dsn, *arguments)
    assert result.code == 0, result
    return result.out


def test_two_projects_do_not_mix(folders: tuple[Path, Path], database: str, connection: Connection) -> None:
    """The once script of each runs, whatever path the other one's has, and each counts its runs by itself."""
    for folder in (*folders, *folders):
        apply(folder, database)
    assert rows(connection, ROWS) == [("first", 1, "script/010_seed.sql"), ("second", 1, "script/010_seed.sql")]
    assert rows(connection, "select (select count(*) from a), (select count(*) from b)") == [(1, 1)]


@pytest.mark.parametrize("style", ["SQL, DMY", "German", "Postgres, MDY"])
def test_moments_are_read_however_dates_are_written(
    folders: tuple[Path, Path], database: str, connection: Connection, style: str
) -> None:
    """Each command reads when runs began, and tells it in the time zone of the database."""
    connection.execute(f"alter database {connection.info.dbname} set datestyle = {style}".encode())
    connection.execute(f"alter database {connection.info.dbname} set timezone = 'Asia/Kolkata'".encode())
    for command in ("apply", "apply", "plan", "verify"):
        assert run_command(folders[0], command, database).code == 0
    status = run_command(folders[0], "status", database, "--json").json
    (began,) = rows(connection, "select extract(epoch from started)::float8 from runner_history")[0]
    for row in (status["history"][0], status["releases"][0]):
        assert row["started"].endswith("+05:30")
    assert datetime.fromisoformat(status["history"][0]["started"]).timestamp() == pytest.approx(began)


def test_status_shows_the_rows_of_its_own_project(folders: tuple[Path, Path], database: str) -> None:
    """What another project did is not shown, nor taken for one's own."""
    first, second = folders
    apply(first, database)
    status = run_command(second, "status", database, "--json").json
    assert status["history"] == []
    assert [script["reason"] for script in status["pending"]] == ["not applied yet"]
    assert [row["script"] for row in run_command(first, "status", database, "--json").json["history"]] == [
        "script/010_seed.sql"
    ]


def test_psql_writes_the_rows_of_the_project(folders: tuple[Path, Path], server: Server) -> None:
    """The dry run beside another project's history leaves what apply leaves."""
    first, second = folders
    with server.database() as by_apply, server.database() as by_psql:
        for dsn in (by_apply, by_psql):
            apply(first, dsn)
        script = run_command(second, "apply", by_psql, "--dry-run").out
        assert feed(second, by_psql, script) == (0, "")
        apply(second, by_apply)
        assert still_dump(by_psql) == still_dump(by_apply)


@pytest.mark.parametrize("by", ["apply", "psql"])
def test_an_older_table_is_brought_up_to_date(
    folders: tuple[Path, Path], database: str, connection: Connection, by: str
) -> None:
    """Its rows are those of the project that finds its scripts in them; no once script is run again."""
    first, second = folders
    apply(first, database)
    connection.execute("update runner_history set statements = 7")
    for statement in OLD:
        connection.execute(statement)
    assert run_command(first, "plan", database, "--check").code == 0
    if by == "apply":
        apply(first, database)
    else:
        assert feed(first, database, run_command(first, "apply", database, "--dry-run").out) == (0, "")
    assert rows(connection, "select project, statements from runner_history") == [("first", 7)]
    assert "setup" not in run_command(first, "plan", database).out
    apply(second, database)
    assert rows(connection, "select n from a union all select n from b") == [(1,), (1,)]


def test_rows_of_scripts_that_it_does_not_have_are_not_its_own(
    folders: tuple[Path, Path], database: str, connection: Connection
) -> None:
    """What a project finds no script of its own in is left for the one that does."""
    first, _ = folders
    apply(first, database)
    connection.execute("update runner_history set project = '', script = 'script/020_other.sql', run = 4")
    connection.execute("drop table a")
    apply(first, database)
    assert rows(connection, ROWS) == [("", 4, "script/020_other.sql"), ("first", 5, "script/010_seed.sql")]


def test_a_table_that_is_up_to_date_is_as_a_new_one(
    folders: tuple[Path, Path], database: str, connection: Connection, server: Server
) -> None:
    """An older history ends with the columns, constraints and comments of a new one."""
    first, _ = folders
    apply(first, database)
    for statement in OLD:
        connection.execute(statement)
    apply(first, database)
    with server.database() as other:
        apply(first, other)
        assert still_dump(database) == still_dump(other)
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("update runner_history set status = 'other'")
