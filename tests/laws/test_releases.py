"""Old as new: a database of any earlier release ends like a new one, its rows kept, whatever the history was."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.support.planned_cases import EMPTY, feed, run_command, write_case
from tests.support.projects import Result
from tests.support.random_bodies import end_states
from tests.support.random_histories import Release, histories, scripts
from tests.support.random_schemas import EXAMPLES
from tests.support.servers import Server, dump

Project = dict[str, Any]
"""The scripts of a release by path, and their options."""


@pytest.fixture(scope="module")
def trio(server: Server) -> Iterator[tuple[str, str, str]]:
    """Three databases, which each history empties."""
    with server.database() as first, server.database() as second, server.database() as third:
        yield first, second, third


def projects(releases: list[Release]) -> list[Project]:
    """Return the project of each release: every migration so far, each of them run once."""
    made = (dict(scripts(releases[: number + 1])) for number in range(len(releases)))
    return [{"scripts": own, "options": {name: {"run": "once"} for name in own}} for own in made]


def emptied(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for drop in connection.execute(EMPTY).fetchall():
            connection.execute(drop[0])
        connection.execute("create schema public")


def schema_of(dsn: str) -> str:
    """Return the schema as pg_dump writes it, without rows and the positions of sequences."""
    return re.sub(r"(?ms)^COPY .*?^\\\.$|^SELECT pg_catalog.setval.*?$", "", dump(dsn))


def in_any_order(dsn: str) -> str:
    """Return the same without the order of columns, which is that of the upgrades, and the names of NOT NULL."""
    dumped = re.sub(r" CONSTRAINT \w+_not_null NOT NULL", " NOT NULL", schema_of(dsn))
    return re.sub(r"(?ms)^CREATE TABLE .*?^\)", lambda body: str(sorted(re.split(r",?\n", body[0]))), dumped)


def fill(dsn: str) -> None:
    """Put a row into each table, with a value for each column that must have one."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for (insert,) in connection.execute(INSERTS).fetchall():
            connection.execute(insert)


INSERTS = """
    select
        format(
            'insert into %s (%s) values (%s)',
            c.oid::regclass, string_agg(quote_ident(a.attname), ', '), string_agg($$'1'$$, ', ')
        )
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid
    where c.relkind = 'r' and not c.relispartition and c.relname ~ '^[tu][0-9]' and a.attnum > 0
        and (a.attname = 'id' or (a.attnotnull and not a.atthasdef and a.attidentity = '' and not a.attisdropped))
    group by c.oid
    order by c.oid
"""
Values = dict[str, list[str | None] | None]
COLUMNS = """
    select
        format('%s %s %s', c.oid, a.attnum, a.atttypid),
        format('select array_agg(%I::text order by %1$I::text) from only %s', a.attname, c.oid::regclass)
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid
    where c.relkind = 'r' and c.relname !~ '^runner_' and a.attnum > 0 and not a.attisdropped
        and c.relnamespace in (select oid from pg_namespace where nspname !~ '^pg_|^information_schema$')
"""


def values(dsn: str) -> Values:
    """Return the values of each column, by what it keeps when it is renamed: its table, its number, its type."""
    with psycopg.connect(dsn) as connection:
        return {
            key: connection.execute(query).fetchall()[0][0] for key, query in connection.execute(COLUMNS).fetchall()
        }


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
    releases = projects(FOUND[case])
    for start in range(len(releases)):
        assert_old_as_new(trio, tmp_path, releases, start, None)


def sampled(config: pytest.Config, number: int) -> settings:
    """Return settings for so many examples, always the same ones; for many more of chance with --torture.

    What fails is shown as it is: making it smaller takes minutes.
    """
    torture = config.getoption("torture")
    most = number * 25 if torture else number
    return settings(EXAMPLES, max_examples=most, derandomize=not torture, database=None, phases={Phase.generate})


@pytest.mark.long
def test_any_release_becomes_the_last_one(
    trio: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    """The same for random migrations, from one of the releases, and from one whose upgrade was cut off."""

    @sampled(pytestconfig, 60)
    @given(releases=histories(), start=st.integers(0, 5), cut=st.none() | st.floats(0, 1))
    def check(releases: list[Release], start: int, cut: float | None) -> None:
        folder = tmp_path_factory.mktemp("releases")
        assert_old_as_new(trio, folder, projects(releases), start % len(releases), cut)

    check()


@pytest.mark.long
def test_any_end_state_is_reached(
    trio: tuple[str, str, str], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> None:
    """The same for bodies that are edited, with upgrades."""

    @sampled(pytestconfig, 40)
    @given(releases=end_states(), start=st.integers(0, 5), cut=st.none() | st.floats(0, 1))
    def check(releases: list[Project], start: int, cut: float | None) -> None:
        folder = tmp_path_factory.mktemp("bodies")
        assert_old_as_new(trio, folder, releases, start % len(releases), cut, in_any_order)

    check()


def assert_old_as_new(
    trio: tuple[str, str, str],
    folder: Path,
    releases: list[Project],
    start: int,
    cut: float | None,
    schema_of: Callable[[str], str] = schema_of,
) -> None:
    """Compare a database of an earlier release with an empty one; `cut` is where a run is killed, in parts of it.

    0 is a database that is empty, 1 one of the first release.
    """
    new, old, by_psql = trio
    for dsn in trio:
        emptied(dsn)
    write_case(folder, releases[-1])
    dry = run_command(folder, "apply", by_psql, "--dry-run")
    applied = run_command(folder, "apply", new)
    assert applied.code == 0, applied
    assert feed(folder, by_psql, dry.out) == (0, "")
    expected = schema_of(new)
    assert schema_of(by_psql) == expected
    if start:
        write_case(folder, releases[start - 1])
        assert run_command(folder, "apply", old).code == 0
        fill(old)
    before = values(old)
    write_case(folder, releases[-1])
    if cut is not None:
        dry = run_command(folder, "apply", old, "--dry-run")
        feed(folder, old, dry.out[: int(cut * len(dry.out))].rpartition("\n")[0])
    upgraded = run_command(folder, "apply", old)
    assert upgraded.code == 0, upgraded
    assert schema_of(old) == expected
    assert_kept(before, values(old))
    if start and releases[start - 1] != releases[-1]:
        write_case(folder, releases[start - 1])
        assert_ahead(run_command(folder, "apply", old))
        assert schema_of(old) == expected
        write_case(folder, releases[-1])
    assert_quiet(folder, new)
    forget_history(new)
    assert_quiet(folder, new, recorded=releases[-1]["options"])
    assert schema_of(new) == expected


def assert_kept(before: Values, after: Values) -> None:
    """See that the columns which still exist have as many rows, and the values that they had; a NULL may be filled."""
    for key in before.keys() & after.keys():
        was, is_ = Counter(before[key] or ()), Counter(after[key] or ())
        del was[None]
        assert was <= is_
        assert len(before[key] or ()) == len(after[key] or ())


def assert_ahead(result: Result) -> None:
    assert result.code in (0, 1), result
    assert "ahead" in result.out + result.err, result


def assert_quiet(folder: Path, dsn: str, *, recorded: Iterable[str] = ()) -> None:
    planned = run_command(folder, "plan", dsn, "--json").json
    assert [step["sql"] for step in planned["steps"] if step["action"] != "unchanged"] == []
    again = run_command(folder, "apply", dsn, "--json")
    assert again.code == 0, again
    assert {script["status"] for script in again.json["scripts"]} == {"unchanged"}
    if recorded:
        with psycopg.connect(dsn) as connection:
            rows = connection.execute("select script, status, statements from runner_history order by 1").fetchall()
        assert rows == [(path, "applied", 0) for path in sorted(f"script/{name}" for name in recorded)]


def forget_history(dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("truncate runner_history, runner_history_release")
