"""Seals: what was parsed when the lock was written is known again, and the plan is the one that parsing makes."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from msgspec.structs import replace
from psycopg import Connection

from runner.errors import StatementError
from runner.pipeline.apply import apply_plan
from runner.pipeline.lock import lock_on
from runner.pipeline.plan import plan_database
from runner.project import seals
from runner.project.loading import Project, load
from runner.project.lockfile import lockfile_text
from tests.conftest import MakeProject
from tests.support.in_process import loaded_modules as packages_of
from tests.support.projects import CASES, copy_project, run_runner, write_project
from tests.support.servers import Server

PLANS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "plan.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def applied(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """This repository's project with a lock of this server, and a database that it is applied to."""
    folder = copy_project(tmp_path_factory.mktemp("sealed"))
    with server.database() as dsn:
        for command in ("lock", "apply"):
            result = run_runner(command, "--dsn", dsn, folder=folder)
            assert result.code == 0, result
        yield folder, dsn


@pytest.fixture
def sealed(applied: tuple[Path, str], tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return Path(shutil.copytree(applied[0], tmp_path / "project"))


@pytest.fixture
def settled(applied: tuple[Path, str]) -> str:
    """The database, which a test leaves as declared."""
    return applied[1]


def sealed_now(folder: Path, connection: Connection[Any]) -> Project:
    """Return the project with a lock that is written on this server."""
    text = lockfile_text(lock_on(connection, load(folder / "manifest.toml", with_lock=False), lambda _: None).lock)
    (folder / "schema.lock.toml").write_text(text, encoding="utf-8", newline="")
    return load(folder / "manifest.toml")


@pytest.mark.parametrize("case", PLANS)
def test_the_plan_is_the_same(server: Server, tmp_path: Path, case: str) -> None:
    """On a database that is as declared, the plan of sealed scripts sends what the plan of all statements does."""
    folder = write_project(tmp_path, PLANS[case]["scripts"], options=PLANS[case].get("options", {}))
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        try:
            loaded = sealed_now(folder, connection)
        except StatementError:
            pytest.skip("it is about what was there before")
        apply_plan(connection, loaded, plan_database(connection, loaded, pytest.fail))
        brief = plan_database(connection, loaded, pytest.fail, brief=True).plan
        full = plan_database(connection, loaded, pytest.fail).plan
        assert brief.hash == full.hash
        sent = [[(step.statement.line, step.sql) for step in script.to_send] for script in full.scripts]
        assert sent == [[(step.statement.line, step.sql) for step in script.to_send] for script in brief.scripts]
        assert [s.parsed.total for s in brief.scripts] == [s.parsed.total for s in full.scripts]
        assert [s.parsed.checksum for s in brief.scripts] == [s.parsed.checksum for s in full.scripts]
        if loaded.sealed:
            assert all(step.statement.is_data for script in brief.scripts for step in script.steps)


def test_a_start_without_changes_parses_nothing(sealed: Path, settled: str) -> None:
    """With a fresh lock, neither `apply` nor `verify` loads the parser or the planner."""
    for command in ("apply", "verify"):
        packages = packages_of(command, "--dsn", settled, "--quiet", folder=sealed)
        assert "postgast" not in packages
        assert "psycopg" in packages
        assert "jinja2" not in packages, "templates are rendered by another process"


CHANGES: dict[str, Callable[[Path], object]] = {
    "a comment": lambda folder: append(folder / "sql/030_indexes.sql", "-- more\n"),
    "a statement of rows": lambda folder: append(folder / "sql/050_default_sync_config.sql", "select 1;\n"),
    "a check": lambda folder: append(folder / "sql/checks/020_sync_config.sql", "-- more\n"),
    "the mode of a script": lambda folder: substitute(
        folder / "manifest.toml", 'path = "sql/030_indexes.sql"', 'path = "sql/030_indexes.sql"\nrun = "on_change"'
    ),
    "the history table": lambda folder: substitute(folder / "manifest.toml", '"runner_history"', '"other"'),
}


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def substitute(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_is_parsed(sealed: Path, change: str) -> None:
    """A seal holds for the same text and the same manifest alone; the lock stays what it is."""
    assert load(sealed / "manifest.toml").sealed
    CHANGES[change](sealed)
    assert load(sealed / "manifest.toml").sealed is None


def test_another_runner_parses(sealed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What another version of the runner has found out is found out again."""
    monkeypatch.setattr(seals, "__version__", "0.0.0")
    assert load(sealed / "manifest.toml").sealed is None


def test_a_variable_for_one_run_is_parsed_and_applied(sealed: Path, settled: str) -> None:
    """A value that differs from the lock's reaches the database, and `lock --check` accepts the lock."""
    result = run_runner("apply", "--json", "--dsn", settled, "--var", "max_workers=77", folder=sealed)
    assert result.code == 0, result
    assert "applied" in [script["status"] for script in result.json["scripts"]]
    result = run_runner("lock", "--check", "--dsn", settled, "--var", "max_workers=77", folder=sealed)
    assert result.code == 0
    assert "slightly slower" in result.out
    assert run_runner("apply", "--dsn", settled, folder=sealed).code == 1  # the files are older now
    assert run_runner("apply", "--dsn", settled, "--allow-older", folder=sealed).code == 0


@pytest.mark.parametrize(
    "damage",
    [
        "alter table sync_history drop column status",
        "drop index idx_jira_issues_v2_status",
        "truncate runner_history",
        "create index _runner_left on sync_history (status)",
        "alter table sync_history add constraint _runner_left check (status is not null) not valid",
    ],
)
def test_a_difference_is_planned_in_full(sealed: Path, settled: str, damage: str) -> None:
    """Seals say what to do when nothing is missing, and nothing else: what is missing is made."""
    with psycopg.connect(settled, autocommit=True) as connection:
        connection.execute(damage.encode())
        loaded = load(sealed / "manifest.toml")
        full = plan_database(connection, loaded, pytest.fail).plan
        assert plan_database(connection, loaded, pytest.fail, brief=True).plan.hash == full.hash
    result = run_runner("apply", "--dsn", settled, folder=sealed)
    assert result.code == 0, result


SPLITS = {
    "semicolons in a string": "select ';' ; select 'a''; b'",
    "semicolons in a name": 'select 1 as ";"; select 2',
    "an escape string": r"select E'\';'; select 2",
    "a dollar body": "select $a$ ; $b$ ; $a$; select 2",
    "comments": "-- one; two\nselect 1 -- three;\n; /* four; */ select /* five; */ 2; -- six",
    "a nested comment": "/* one /* two; */ three; */ select 1; select 2",
    "a plain string with a backslash": r"select '\'; select 2",
    "no end": "select 1;\nselect 2",
    "data and objects": "create table if not exists item (id integer); insert into item select 1 where false;",
    "a body in SQL": "create or replace function one() returns integer begin atomic select 1; select 2; end; select 3",
    "a table of a query": "create table if not exists item as select 1 as id; with one as (select 1) select * from one",
    "brackets first": "(select 1); select 2",
    "names that are not ASCII": "select 'ä;ö' as \"größe\"; select '→'",
    "empty": "-- nothing\n;;",
}


@pytest.mark.parametrize("split", SPLITS)
def test_the_splitter_is_right_or_refused(project: MakeProject, connection: Connection[Any], split: str) -> None:
    """Where the simple splitter finds other statements than PostgreSQL's grammar, there is no seal: all is parsed."""
    folder = project({"010_some.sql": SPLITS[split]})
    loaded = sealed_now(folder, connection)
    assert loaded.lock
    data = [(item.offset, item.line, item.sql) for item in loaded.scripts[0].statements if item.is_data]
    if loaded.sealed is None:
        assert split in ("a nested comment", "a body in SQL")
        assert loaded.lock.seals == {}
    else:
        assert loaded.lock.seals.keys() == {"script/010_some.sql"}
        assert [(s.offset, s.line, s.sql) for s in loaded.sealed.scripts[0].statements] == data


def test_a_script_that_drops_each_time_is_not_sealed(project: MakeProject, connection: Connection[Any]) -> None:
    """Where more than rows is at stake, every start plans with all statements."""
    scripts = {"010_some.sql": "create table if not exists old (id integer); insert into old select 1; drop table old"}
    folder = project(scripts, options={"010_some.sql": {"allow_destructive": True}})
    loaded = sealed_now(folder, connection)
    assert loaded.lock
    assert loaded.lock.seals == {}


def test_what_is_dropped_and_made_again_is_sealed(project: MakeProject, connection: Connection[Any]) -> None:
    """While it is as declared nothing is sent for it; when it is not, it is planned with all statements."""
    view = "drop view if exists one; create view one as select 1 as one;"
    folder = project({"010_some.sql": view}, options={"010_some.sql": {"allow_destructive": True}})
    loaded = sealed_now(folder, connection)
    apply_plan(connection, loaded, plan_database(connection, loaded, pytest.fail, brief=True))
    assert loaded.sealed
    assert not plan_database(connection, loaded, pytest.fail, brief=True).plan.sent
    connection.execute("reset search_path")
    connection.execute("create or replace view one as select 2 as one")
    sent = plan_database(connection, loaded, pytest.fail, brief=True).plan.sent
    assert [step.sql for step in sent] == ["drop view if exists one", "create view one as select 1 as one"]


def test_lock_says_that_there_are_no_seals(project: MakeProject, database: str) -> None:
    """Who writes the lock file learns that each start will parse all scripts."""
    folder = project({"010_some.sql": "set lock_timeout = '1s';"})
    result = run_runner("lock", "--dsn", database, folder=folder)
    assert result.code == 0, result
    assert "no seals: each start parses all scripts" in result.err


@pytest.mark.parametrize("text", ["", "1", "x y z", "1 2 3 4"])
def test_a_seal_of_another_form_does_not_match(sealed: Path, text: str) -> None:
    """A lock whose seals are of no known form is a lock; its scripts are parsed."""
    from runner.project import lockfile

    known = load(sealed / "manifest.toml").lock
    assert known
    written = lockfile_text(replace(known, seals={}))
    assert "seals" in written
    seals = lockfile._seal(text)  # noqa: SLF001  what a file of another version may hold
    (sealed / "schema.lock.toml").write_text(
        lockfile_text(replace(known, seals=dict.fromkeys(known.seals, seals))), encoding="utf-8", newline=""
    )
    assert load(sealed / "manifest.toml").sealed is None


LEFT_OVER = {
    "a table": ("drop table if exists old;", "create table old (id integer)"),
    "a view": ("drop view if exists old;", "create view old as select 1 as one"),
    "a column": ("alter table item drop column if exists old;", "alter table item add column old integer"),
    "a comment": ("comment on table item is null;", "comment on table item is 'old'"),
    "another name": ("alter index if exists old rename to new;", "create index old on item (id)"),
}


@pytest.mark.parametrize("left", LEFT_OVER)
def test_what_is_left_to_drop_is_planned(project: MakeProject, connection: Connection[Any], left: str) -> None:
    """What a script removes `if exists` is removed when it is there again, although nobody declares it."""
    removes, again = LEFT_OVER[left]
    scripts = {"010_some.sql": f"create table if not exists item (id integer); {removes}"}
    loaded = sealed_now(project(scripts, options={"010_some.sql": {"allow_destructive": True}}), connection)
    apply_plan(connection, loaded, plan_database(connection, loaded, pytest.fail, brief=True))
    connection.execute("reset search_path")
    connection.execute(again.encode())
    full = plan_database(connection, loaded, pytest.fail).plan
    assert full.pending == 1
    assert plan_database(connection, loaded, pytest.fail, brief=True).plan.hash == full.hash


def test_a_schema_that_no_script_needs_is_made_again(project: MakeProject, connection: Connection[Any]) -> None:
    """The schema of the extensions is made when it is missing, whether or not the scripts are parsed."""
    loaded = sealed_now(
        project({"010_some.sql": "select 1;"}, project={"extension_schema": "shared_extensions"}), connection
    )
    assert loaded.sealed
    apply_plan(connection, loaded, plan_database(connection, loaded, pytest.fail, brief=True))
    connection.execute("drop schema shared_extensions")
    assert plan_database(connection, loaded, pytest.fail, brief=True).plan.setup == ("create schema shared_extensions",)
