"""Whatever a database, a role or the server has set, every command does what it does without."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from runner.project.lockfile import FILE
from tests.support.dumps import still_dump
from tests.support.in_process import call
from tests.support.projects import CASES, Result, until, write_project
from tests.support.servers import Server, psql

SETTINGS: dict[str, Any] = tomllib.loads((CASES / "settings.toml").read_text(encoding="utf-8"))
LEVELS = [(name, level) for name, case in SETTINGS.items() for level in case["at"]]
SCRIPTS = {
    "010_item.sql": r"""
        create type mood as enum ('x', 'y');
        create domain late as date default '2021-02-01' check (value > '2020-03-04');
        create table if not exists item (
            id bigint generated always as identity primary key, "user" text, "Größe" numeric(10, 2) default 1.5,
            code text, day date default '2020-02-03', at timestamptz default '2020-02-03 04:05+01',
            for_ interval default '1 year 2 days', size double precision default 0.1, small real default 1.1,
            bytes bytea default '\x00ff', name text default 'ä€', back text default E'a\\b\'c', mood mood default 'x',
            words text[] default '{a,NULL}', late late, check (day > '2020-01-02'),
            check (for_ > interval '-2 days 3 hours'), check (size < 0.30000000000000004),
            check (bytes <> '\x01'), check ("user" in ('a', 'b')),
            check (code is null or code <> '\')
        );
        create index if not exists item_day_idx on item (day) where day > '2020-12-01' and for_ > '-1 day';
        create table if not exists event (at timestamptz, k integer) partition by range (at);
        create table if not exists event_1 partition of event
            for values from ('2020-02-01 00:00+00') to ('2020-03-01 00:00+00');
        create or replace view seen as
            select id, "user", at + interval '1 month' as later from item where at > '2020-02-03 04:05+02';
        create or replace function described(day date default '2020-05-04') returns text language plpgsql immutable
            as $$ begin return 'ä\b'; end $$;
        create or replace function later(z interval default '1 day') returns interval immutable
            begin atomic select z + interval '2 days'; end;
        comment on table item is 'Größe, 1.2.2020';
        insert into item ("user", day) select 'a', '2020-05-06' where not exists (select from item where "user" = 'a');
    """,
    "020_once.sql": r"""
        create table text_of (a text, b text, c text, d text, e text, f text);
        insert into text_of
            select 0.1::float8 / 3, '\x00ff'::bytea, interval '-1 day 2 hours', date '2026-11-28', '\', null = null;
        select pg_sleep(0.4);
    """,
    "030_alone.sql": "create index concurrently if not exists item_name_idx on item (name); select pg_sleep(0.4);",
}
OPTIONS: dict[str, dict[str, object]] = {
    "020_once.sql": {"run": "once"},
    "030_alone.sql": {"run": "once", "transaction": False},
}
CHECKS = {"010_item.sql": "select id from item where day <> '2020-05-06' or words <> array['a', null];"}
COMMANDS = ("plan --check", "verify", "status", "lock --check")


class Expected(NamedTuple):
    """A project with a lock file, and what apply leaves of it in a database without settings."""

    folder: Path
    dump: str


@pytest.fixture(scope="module")
def expected(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    folder = write_project(tmp_path_factory.mktemp("settings"), SCRIPTS, options=OPTIONS, checks=CHECKS)
    with server.database() as dsn:
        for command in ("lock", "apply"):
            called(folder, command, dsn)
        return Expected(folder, still_dump(dsn))


def called(folder: Path, command: str, dsn: str) -> Result:
    """Run a command that must succeed, and that knows from the lock file what is declared."""
    result = call(*command.split(), "--dsn", dsn, folder=folder)
    assert result.code == 0, result
    assert "not fresh" not in result.said
    return result


@contextmanager
def having(dsn: str, level: str, settings: Mapping[str, str]) -> Iterator[None]:
    """Give a database, its role or the server the settings that it knows, and take them again."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        database, role = map(sql.Identifier, (connection.info.dbname, connection.info.user))
        where = {
            "database": sql.SQL("database {}").format(database),
            "role": sql.SQL("role {} in database {}").format(role, database),
            "server": sql.SQL("system"),
        }[level]
        connection.execute("load 'plpgsql'")  # whose settings are known from then on
        shown = {name: connection.execute("select current_setting(%s, true)", (name,)).fetchone() for name in settings}
        names = [name for name, value in shown.items() if value != (None,)]
        for name in names:
            connection.execute(sql.SQL("alter {} set {} to {}").format(where, sql.SQL(name), settings[name]))
        reload(connection) if level == "server" else None
        try:
            yield
        finally:
            for name in names:
                connection.execute(sql.SQL("alter {} reset {}").format(where, sql.SQL(name)))
            reload(connection) if level == "server" else None


def reload(connection: psycopg.Connection[Any]) -> None:
    """Let the server read its settings, and wait until new sessions have them."""
    before = connection.execute("select extract(epoch from pg_conf_load_time())").fetchone()
    connection.execute("select pg_reload_conf()")
    until(lambda: connection.execute("select extract(epoch from pg_conf_load_time())").fetchone() != before)


@pytest.mark.parametrize(("name", "level"), LEVELS)
def test_settings_do_no_harm(expected: Expected, server: Server, tmp_path: Path, name: str, level: str) -> None:
    """Each command ends well, apply and psql leave what they leave without, and then nothing is to be done."""
    folder = expected.folder
    with server.database() as dsn, server.database() as twin:
        with ExitStack() as stack:
            for each in dict.fromkeys((dsn, twin) if level != "server" else (dsn,)):
                stack.enter_context(having(each, level, SETTINGS[name]["set"]))
            dry = tmp_path / "dry.sql"
            dry.write_text(called(folder, "apply --dry-run", twin).out, encoding="utf-8")
            fed = psql(twin, dry)
            assert (fed.returncode, "ERROR" in fed.stderr) == (0, False), fed.stderr
            called(folder, "apply", dsn)
            for each in (dsn, twin):
                again = called(folder, "apply --json", each).json
                assert {script["status"] for script in again["scripts"]} == {"unchanged"}
                assert again["verify"]["findings"] == []
            for command in COMMANDS:
                called(folder, command, dsn)
            without_lock = write_project(tmp_path, SCRIPTS, options=OPTIONS, checks=CHECKS)
            assert call("plan", "--check", "--dsn", dsn, folder=without_lock).code == 0
        assert still_dump(dsn) == expected.dump
        assert still_dump(twin) == expected.dump


def test_a_default_tablespace_does_not_count_in_the_scratch(expected: Expected, server: Server, tmp_path: Path) -> None:
    """What is declared is found out even where PostgreSQL refuses partitioned tables a tablespace."""
    folder = write_project(tmp_path, SCRIPTS, options=OPTIONS, checks=CHECKS)
    with server.database() as dsn, having(dsn, "database", {"default_tablespace": "pg_default"}):
        called(folder, "lock", dsn)
    assert (folder / FILE).read_bytes() == (expected.folder / FILE).read_bytes()


def test_the_role_that_acts_is_named(server: Server, tmp_path: Path) -> None:
    """Where a database gives those who log in another role, it is that one who may not, and gets the grant."""
    folder = write_project(tmp_path, SCRIPTS, options=OPTIONS)
    with server.roles() as (role,), server.database() as dsn, having(dsn, "database", {"role": role}):
        for command in ("plan", "apply"):
            result = call(command, "--dsn", dsn, folder=folder)
            assert result.code == 1
            assert f"role {role!r} may not create a schema" in result.err
            assert f"grant create on database {conninfo_to_dict(dsn)['dbname']} to {role};" in result.err


AMBIGUOUS = """
    create table if not exists item (at timestamptz default '2026-01-02', day date check (day > '01/02/2020'));
    create table if not exists event (at timestamptz) partition by range (at);
    create table if not exists event_1 partition of event for values from ('2026-01-01') to ('2026-02-01');
"""


def test_a_lock_holds_for_the_dates_that_it_was_made_with(server: Server, tmp_path: Path) -> None:
    """Moments without an offset are the database's: elsewhere the lock is not fresh, and nothing differs."""
    folder = write_project(tmp_path, {"010_item.sql": AMBIGUOUS})
    others = {"timezone": "America/New_York", "datestyle": "ISO, DMY"}
    with server.database() as dsn, server.database() as other, having(other, "database", others):
        said = called(folder, "lock", dsn).err
        for item in ("column item.at", "constraint item.CHECK (day > '2020-01-02'::date)", "table event_1"):
            assert f"{item}: depends on the time zone" in said
        called(folder, "lock --check", dsn)
        for database in (dsn, other):
            for command in ("apply", "plan --check", "apply", "verify"):
                result = call(*command.split(), "--dsn", database, folder=folder)
                assert result.code == 0, result
                assert ("those of the session are in America/New_York, DMY" in result.err) is (database == other)
        assert call("lock", "--check", "--dsn", other, folder=folder).code == 1
