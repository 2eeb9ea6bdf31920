"""Old as new: a database of any earlier release ends like a new one, its rows kept, whatever the history was."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings

from tests.support.planned_cases import EMPTY, feed, run_command, write_case
from tests.support.random_histories import Release, histories, scripts
from tests.support.random_schemas import EXAMPLES, MORE
from tests.support.servers import Server, dump


@pytest.fixture(scope="module")
def trio(server: Server) -> Iterator[tuple[str, str, str]]:
    """Three databases, which each history empties."""
    with server.database() as first, server.database() as second, server.database() as third:
        yield first, second, third


def project(releases: list[Release]) -> dict[str, Any]:
    """Return the project of a release: every migration so far, each of them run once."""
    made = dict(scripts(releases))
    return {"scripts": made, "options": {name: {"run": "once"} for name in made}}


def emptied(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for drop in connection.execute(EMPTY).fetchall():
            connection.execute(drop[0])
        connection.execute("create schema public")


def schema_of(dsn: str) -> str:
    """Return the schema as pg_dump writes it, without the history's rows."""
    return re.sub(r"(?ms)^COPY .*?^\\\.$", "", dump(dsn))


def fill(dsn: str) -> None:
    """Put a row into each table that takes one with defaults alone."""
    query = "select format('insert into %I.%I (id) values (1)', schemaname, tablename) from pg_tables"
    with psycopg.connect(dsn, autocommit=True) as connection:
        for (insert,) in connection.execute(f"{query} where tablename ~ '^t[0-9]' order by 1").fetchall():
            connection.execute(insert)


def counted(dsn: str) -> int:
    """Return how many rows there are."""
    query = "select format('select count(*) from %I.%I', schemaname, tablename) from pg_tables"
    with psycopg.connect(dsn) as connection:
        selects = connection.execute(f"{query} where tablename ~ '^t[0-9]'").fetchall()
        return sum(row[0] for (select,) in selects for row in connection.execute(select).fetchall())


T1 = ["create table t1 (id integer primary key, a integer, b text)"]
USING_INDEX = ["create unique index i2 on t1 (id)", "alter table t1 add constraint k3 unique using index i2"]
FOUND: dict[str, list[Release]] = {
    "a key that refers to a renamed table": [
        [T1],
        [
            ["alter table t1 rename to t2"],
            ["create index i3 on t2 (id)"],
            ["alter table t2 add column f5 integer", "alter table t2 add constraint k4 foreign key (f5) references t2"],
        ],
    ],
    "a table that passes through a schema": [
        [T1],
        [["alter table t1 rename to t3"]],
        [["alter table t3 set schema side"], ["alter table side.t3 add column c5 integer"]],
        [["alter table side.t3 add column f7 integer"], ["alter table side.t3 set schema public"]],
    ],
    "a constraint by an index, dropped later": [
        [T1],
        [USING_INDEX],
        [["alter table t1 rename to t6"]],
        [["alter table t6 drop constraint k3", "alter table t6 add constraint k3 check (id is null or id >= 0)"]],
    ],
    "a default that is dropped later": [
        [T1],
        [["alter table t1 drop column b"], ["alter table t1 add column c3 integer not null default 7"]],
        [
            ["alter table t1 rename a to r4"],
            [
                "alter table t1 alter column c3 drop default",
                "alter table t1 alter column c3 type bigint using c3::bigint",
            ],
        ],
    ],
    "a swap": [
        [T1],
        [["alter table t1 add column c4 text"]],
        [
            [
                "alter table t1 rename column b to passing",
                "alter table t1 rename column c4 to b",
                "alter table t1 rename column passing to c4",
            ]
        ],
    ],
}
"""Histories that were found by chance, and went wrong once."""


@pytest.mark.parametrize("case", FOUND)
def test_a_known_release_becomes_the_last_one(trio: tuple[str, str, str], tmp_path: Path, case: str) -> None:
    """From an empty database as psql does, from each release, and without the history."""
    assert_old_as_new(trio, tmp_path, FOUND[case])


@pytest.mark.skipif(MORE is None, reason="takes long; set RUNNER_TEST_EXAMPLES to a number")
@given(releases=histories())
@settings(EXAMPLES, max_examples=int(MORE or 1))
def test_any_release_becomes_the_last_one(
    trio: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory, releases: list[Release]
) -> None:
    """The same for random histories."""
    assert_old_as_new(trio, tmp_path_factory.mktemp("releases"), releases)


def assert_old_as_new(trio: tuple[str, str, str], folder: Path, releases: list[Release]) -> None:
    new, old, by_psql = trio
    for dsn in (new, by_psql):
        emptied(dsn)
    write_case(folder, project(releases))
    dry = run_command(folder, "apply", by_psql, "--dry-run")
    applied = run_command(folder, "apply", new)
    assert applied.code == 0, applied
    assert feed(folder, by_psql, dry.out) == (0, "")
    expected = schema_of(new)
    assert schema_of(by_psql) == expected
    for number in range(1, len(releases)):
        emptied(old)
        write_case(folder, project(releases[:number]))
        assert run_command(folder, "apply", old).code == 0
        fill(old)
        rows = counted(old)
        write_case(folder, project(releases))
        upgraded = run_command(folder, "apply", old)
        assert upgraded.code == 0, upgraded
        assert schema_of(old) == expected
        assert counted(old) == rows
    assert_quiet(folder, new)
    forget_history(new)
    assert_quiet(folder, new, pending=True)
    assert schema_of(new) == expected


def assert_quiet(folder: Path, dsn: str, *, pending: bool = False) -> None:
    planned = run_command(folder, "plan", dsn, "--json").json
    assert [step["sql"] for step in planned["steps"] if step["action"] != "unchanged"] == []
    again = run_command(folder, "apply", dsn, "--json")
    assert again.code == 0, again
    assert {script["status"] for script in again.json["scripts"]} == {"unchanged"}
    if pending:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute("select script, status, statements from runner_history order by 1").fetchall()
        assert rows == [(script["path"], "applied", 0) for script in again.json["scripts"]]


def forget_history(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("truncate runner_history, runner_history_release")
