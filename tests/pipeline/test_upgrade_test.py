"""The command upgrade-test: earlier releases from git and from folders, what is proven, and what is said."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.postgres.throwaway import PREFIX
from tests.conftest import Run
from tests.planning.test_changing import RECIPES, ROWS
from tests.support.git import git, make_release
from tests.support.processes import process
from tests.support.projects import Result, run_runner, until, write_project
from tests.support.screen import shown_on_terminal
from tests.support.servers import Server, dump, temporary_folder

PERSON = "create table if not exists person (id integer primary key, name varchar(20), is_active boolean);"
FULL_NAME = """
create table if not exists person (
    id integer primary key, full_name varchar(20), is_active boolean, age integer not null default 0
);
create table if not exists pet (
    id integer primary key, person integer references person, kind text not null check (kind in ('cat', 'dog'))
);
"""
RENAME = "alter table person rename name to full_name;"
UPGRADE = {"020_upgrade.sql": {"run": "upgrade"}}

Release = Callable[..., str]
Test = Callable[..., Result]


@pytest.fixture
def release(tmp_path: Path) -> Release:
    """Writes the scripts of a release into the repository of the test, and commits it, with a tag."""

    def make(scripts: Mapping[str, str], tag: str = "", **others: Any) -> str:
        for kind in ("script", "check"):
            shutil.rmtree(tmp_path / kind, ignore_errors=True)
        write_project(tmp_path, scripts, **others)
        return make_release(tmp_path, tag)

    return make


@pytest.fixture
def upgrade_test(run: Run, server: Server) -> Test:
    """Runs the command on the server of the tests."""

    def run_it(*arguments: str | Path, **others: Any) -> Result:
        return run("upgrade-test", "--dsn", server.conninfo, *arguments, **others)

    return run_it


def renamed(release: Release) -> tuple[str, str]:
    """Make two releases, of which the second one renames a column, and adds one that is NOT NULL and a table."""
    first = release({"010_person.sql": PERSON}, "v1.0.0")
    second = release({"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME}, "v1.1.0", options=UPGRADE)
    return first, second


def databases(server: Server) -> set[str]:
    with psycopg.connect(server.conninfo) as connection:
        return {name for (name,) in connection.execute("select datname from pg_database")}


def differences(result: Result) -> list[tuple[str, str, str]]:
    """Return what is not as it must be in the one release that was tested."""
    (tested,) = result.json["releases"]
    return [(found["proof"], found["kind"], found["object"]) for found in tested["differences"]]


def test_each_tag_ends_like_a_new_database(release: Release, upgrade_test: Test, tmp_path: Path) -> None:
    """From a tag on, each release is upgraded, the present one among them; the document has all that it says."""
    commits = renamed(release)
    release({"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME}, options=UPGRADE)
    result = upgrade_test("--since", "v1.0.0", "--json")
    assert result.code == 0, result
    document = result.json
    assert (document["ok"], document["tested"]) == (True, 2)
    names = [(each["release"], each["commit"], each["status"]) for each in document["releases"]]
    assert names == [("v1.0.0", commits[0], "passed"), ("v1.1.0", commits[1], "passed")]
    first, second = document["releases"]
    assert first["proofs"] == dict.fromkeys(("upgrade", "new", "rows", "again", "older"), True)
    assert (first["rows"], second["rows"]) == (4, 8)
    assert (first["differences"], first["reason"], second["notes"]) == ([], None, [])
    assert first["notes"] == [{"kind": "lacking", "object": "missing: column person.name", "detail": "", "rows": 0}]
    assert first["seconds"] > 0
    assert git(tmp_path, "status", "--short") == ""
    assert git(tmp_path, "worktree", "list").count("\n") == 0


def test_people_see_a_table(release: Release, upgrade_test: Test) -> None:
    """A row for each release, what is gone below it, and how many passed."""
    release({"010_person.sql": PERSON + "create table if not exists telex (id integer);"}, "v1.0.0")
    release({"010_person.sql": PERSON, "020_upgrade.sql": "drop table telex;"}, options=UPGRADE)
    shown = upgrade_test("--from", "v1.0.0")
    assert shown.code == 0, shown
    lines = shown.out.splitlines()
    assert lines[0].startswith("small: 1 earlier release on ")
    assert lines[1].split() == ["release", "rows", "as", "new", "kept", "quiet", "older", "seconds"]
    assert lines[2].split()[:6] == ["v1.0.0", "8", "yes", "yes", "yes", "yes"]
    assert lines[3:] == [
        "    no longer there: table telex (4 rows)",
        "    apply of the earlier files exits 1 now: missing: table telex",
        "1 earlier release: 1 passed",
    ]
    assert upgrade_test("--from", "v1.0.0", "--quiet").out == ""


LOSSES = {
    "update person set full_name = null;": ("rows", "changed", "column person.name, now person.full_name"),
    "alter table person drop column is_active; alter table person add column is_active boolean;": (
        "rows",
        "changed",
        "column person.is_active",
    ),
    "delete from person where id > 1;": ("rows", "lost", "table person"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_lossy_release_is_named(release: Release, upgrade_test: Test, loss: str) -> None:
    """Values and rows that an upgrade loses are a difference, under the names of then and now."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    release({"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME + loss}, options=UPGRADE)
    result = upgrade_test("--since", "v1.0.0", "--json")
    assert result.code == 1, result
    assert differences(result) == [LOSSES[loss]]
    proofs = result.json["releases"][0]["proofs"]
    assert proofs == {"upgrade": True, "new": True, "rows": False, "again": True, "older": True}
    shown = upgrade_test("--from", "v1.0.0", "--quiet")
    assert shown.code == 1
    assert LOSSES[loss][2] in shown.out
    assert "1 failed" in shown.out


def test_a_change_on_purpose_is_allowed(release: Release, upgrade_test: Test) -> None:
    """A column under its name of then or now, or a whole table, may change; and that is said."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    change = RENAME + "update person set full_name = upper(full_name);"
    release({"010_person.sql": FULL_NAME, "020_upgrade.sql": change}, options=UPGRADE)
    assert upgrade_test("--from", "v1.0.0").code == 1
    for name in ("person.name", "person.full_name", "person"):
        result = upgrade_test("--from", "v1.0.0", "--may-change", name, "--json")
        assert (result.code, differences(result)) == (0, [])
        notes = [(note["kind"], note["object"]) for note in result.json["releases"][0]["notes"]]
        assert ("may change", "column person.name, now person.full_name") in notes
    assert upgrade_test("--from", "v1.0.0", "--may-change", "person.age").code == 1


NOT_LIKE_NEW = {
    "left over": (
        {"010_person.sql": PERSON + "create table if not exists telex (id integer);"},
        {"010_person.sql": PERSON},
        [("new", "unmanaged", "table telex")],
    ),
    "a column that stays": (
        {"010_person.sql": PERSON.replace("id integer", "fax text, id integer")},
        {"010_person.sql": PERSON},
        [("new", "unmanaged", "column person.fax")],
    ),
    "what the catalog does not know": (
        {"010_person.sql": PERSON, "020_grant.sql": "grant select on person to public;"},
        {"010_person.sql": PERSON},
        [("new", "dump", "ACL public.TABLE person")],
    ),
    "a type that cannot be changed back": (
        {"010_person.sql": PERSON.replace("varchar(20)", "text")},
        {"010_person.sql": PERSON},
        [("new", "finding", "different: column person.name: declared 'character varying(20)', actual 'text'")],
    ),
}


@pytest.mark.parametrize("case", NOT_LIKE_NEW)
def test_an_end_that_is_not_like_a_new_database_is_named(release: Release, upgrade_test: Test, case: str) -> None:
    """What is left over of an earlier release, what differs, and what only pg_dump knows."""
    before, after, expected = NOT_LIKE_NEW[case]
    release(before, "v1.0.0", options={"020_grant.sql": {"run": "once"}})
    release(after)
    result = upgrade_test("--from", "v1.0.0", "--json")
    assert result.code == 1, result
    assert differences(result) == expected


def test_rows_stop_an_upgrade(release: Release, upgrade_test: Test) -> None:
    """A NOT NULL without a backfill meets a NULL that was made up; the script's place is shown."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    strict = "alter table person alter column name set not null;"
    release({"010_person.sql": PERSON.replace("(20)", "(20) not null"), "020_upgrade.sql": strict}, options=UPGRADE)
    result = upgrade_test("--from", "v1.0.0", "--json")
    assert result.code == 1, result
    found = result.json["releases"][0]["differences"][0]
    assert (found["proof"], found["kind"], found["object"]) == ("upgrade", "error", "script/020_upgrade.sql")
    assert found["actual"].startswith(
        'script/020_upgrade.sql:1: column "name" of relation "person" contains null values'
    )
    assert result.json["releases"][0]["proofs"]["again"] is None


def test_a_second_run_that_is_not_quiet_is_named(release: Release, upgrade_test: Test) -> None:
    """A script that writes a row each time, with the table that it writes to."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    always = (
        "create table if not exists log (at timestamptz default clock_timestamp()); insert into log default values;"
    )
    release({"010_person.sql": PERSON, "020_log.sql": always})
    result = upgrade_test("--from", "v1.0.0", "--json")
    assert result.code == 1, result
    assert ("again", "sent", "script/020_log.sql") in differences(result)
    assert ("again", "data", "log") in differences(result)
    proofs = result.json["releases"][0]["proofs"]
    assert (proofs["again"], proofs["older"], proofs["rows"]) == (False, True, True)


def test_names_that_postgresql_chose_do_not_count(release: Release, upgrade_test: Test) -> None:
    """Of keys, NOT NULLs and the sequence of a renamed table; the order of columns counts neither."""
    old = """
        create table if not exists person (
            id serial primary key, name text not null unique, boss integer references person
        );
    """
    new = """
        create table if not exists people (
            age integer, id serial primary key, label text not null unique, boss integer references people
        );
    """
    release({"010_person.sql": old}, "v1.0.0")
    rename = "alter table person rename to people; alter table people rename name to label;"
    release({"010_person.sql": new, "020_upgrade.sql": rename}, options=UPGRADE)
    result = upgrade_test("--from", "v1.0.0", "--json")
    assert (result.code, differences(result)) == (0, []), result


MAY_CHANGE = {"A constraint after a clean-up": ("--may-change", "person")}
"""What recipes change on purpose."""


@pytest.mark.parametrize("title", RECIPES)
def test_the_recipes_pass(release: Release, upgrade_test: Test, tmp_path: Path, title: str) -> None:
    """Each recipe of docs/changing.md passes, with its rows."""
    before, after = RECIPES[title]
    release(before["scripts"], "v1.0.0", options=before["options"])
    release(after["scripts"], options=after["options"])
    (tmp_path / "rows.sql").write_text(ROWS[title][0], encoding="utf-8")
    result = upgrade_test("--from", "v1.0.0", "--rows", "rows.sql", "--json", *MAY_CHANGE.get(title, ()))
    assert (result.code, differences(result)) == (0, []), result
    assert result.json["releases"][0]["rows"] > 0


# Which releases


def test_files_that_are_refused_are_not_tested(release: Release, upgrade_test: Test) -> None:
    """An earlier release whose SQL is wrong, or that cannot be made: the reason, and exit code 0."""
    broken = release({"010_person.sql": "create tabel person ();"}, "v0.1.0")
    release({"010_person.sql": "create table if not exists person (id nonsense);"}, "v0.2.0")
    release({"010_person.sql": PERSON}, "v1.0.0")
    result = upgrade_test("--from", broken, "--from", "v0.2.0", "--from", "v1.0.0", "--json")
    assert result.code == 0, result
    first, second, third = result.json["releases"]
    assert [each["status"] for each in (first, second, third)] == ["not tested", "not tested", "passed"]
    assert first["reason"] == 'script/010_person.sql:1: syntax error at or near "tabel"'
    assert 'type "nonsense" does not exist' in second["reason"]
    shown = upgrade_test("--from", broken)
    assert shown.code == 0
    assert shown.out.splitlines()[-1] == "1 earlier release: none tested"


def test_a_release_before_the_project_is_not_tested(upgrade_test: Test, release: Release, tmp_path: Path) -> None:
    """A commit without the manifest has no files to test."""
    (tmp_path / "README").write_text("nothing yet", encoding="utf-8")
    make_release(tmp_path, "v0.0.1")
    release({"010_person.sql": PERSON}, "v1.0.0")
    first, second = upgrade_test("--since", "v0.0.1", "--json").json["releases"]
    assert (first["status"], second["status"]) == ("not tested", "passed")
    assert first["reason"].startswith("manifest.toml: file not found")


def test_a_project_below_the_root_of_its_repository(upgrade_test: Test, tmp_path: Path) -> None:
    """The manifest is looked for at the same path from the root on."""
    folder = tmp_path / "data base" / "é"
    folder.mkdir(parents=True)
    write_project(folder, {"010_person.sql": PERSON})
    first = make_release(tmp_path)
    write_project(folder, {"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME}, options=UPGRADE)
    for arguments, where in ((("--manifest", "data base/é/manifest.toml"), tmp_path), ((), folder)):
        result = upgrade_test("--from", first[:9], "--json", *arguments, folder=where)
        assert (result.code, result.json["releases"][0]["commit"]) == (0, first), result


def test_a_shallow_clone_is_said(release: Release, upgrade_test: Test, tmp_path: Path) -> None:
    """What a shallow clone does not have is not tested; what it has is."""
    first, _ = renamed(release)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path}", str(clone))
    for arguments in (("--from", first), ("--since", "v1.0.0"), ("--from", "v1.0.0")):
        result = upgrade_test(*arguments, "--json", folder=clone)
        assert (result.code, result.json["tested"]) == (0, 0), result
        assert "shallow" in result.json["releases"][0]["reason"]
    mixed = upgrade_test("--from", first, "--from", "HEAD", "--json", folder=clone)
    assert [each["status"] for each in mixed.json["releases"]] == ["not tested", "passed"]


WRONG = {
    ("--from", "nonsense"): "--from: git knows no revision 'nonsense'",
    ("--from", "0123456789012345678901234567890123456789"): "git knows no revision",
    ("--from", "long" * 100): "git knows no revision 'longlong",
    ("--from", "--help-me"): "git knows no revision '--help-me'",
    ("--from", "./script"): "'./script' has no manifest.toml",
    ("--since", "v9"): "--since: git knows no tag 'v9'",
    ("--since", "aside"): "--since: HEAD does not come after the tag 'aside'",
    ("--from", "v1.0.0", "--rows", "missing.sql"): "missing.sql: file not found",
    ("--from", "v1.0.0", "--rows", "wrong.sql"): "wrong.sql:2: syntax error",
    (): "no earlier release is named",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_what_does_not_exist_is_an_error(
    release: Release, upgrade_test: Test, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    """In a whole clone an unknown revision is a mistake of the command line, and so are rows that cannot be read."""
    renamed(release)
    git(tmp_path, "switch", "--quiet", "--create", "other", "v1.0.0")
    make_release(tmp_path, "aside")
    git(tmp_path, "switch", "--quiet", "main")
    (tmp_path / "wrong.sql").write_text("select 1;\ninsert of;\n", encoding="utf-8")
    result = upgrade_test(*arguments)
    assert result.code == 2, result
    assert WRONG[arguments] in result.err
    assert result.out == ""


def test_a_folder_is_an_earlier_release(upgrade_test: Test, tmp_path: Path) -> None:
    """Without git, a folder with a manifest will do; nothing is written there."""
    before, now = tmp_path / "before", tmp_path / "now"
    for folder in (before, now):
        folder.mkdir()
    write_project(before, {"010_person.sql": PERSON})
    write_project(now, {"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME}, options=UPGRADE)
    files = sorted(before.rglob("*"))
    result = upgrade_test("--from", "../before", "--json", folder=now)
    assert result.code == 0, result
    (tested,) = result.json["releases"]
    assert (tested["release"], tested["commit"], tested["status"]) == ("../before", None, "passed")
    assert sorted(before.rglob("*")) == files
    refused = upgrade_test("--from", "v1.0.0", folder=now)
    assert (refused.code, "is in no git repository" in refused.err) == (2, True)


def test_what_a_release_does_not_know_is_left_out(upgrade_test: Test, release: Release) -> None:
    """Variables and profiles that are newer than it are no reason not to test it."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    scripts = {
        "010_person.sql": PERSON,
        "020_pet.sql": "create table if not exists pet (id integer default {{ first }});",
    }
    release(scripts, options={"020_pet.sql": {"profiles": ["pets"]}}, variables={"first": 1})
    result = upgrade_test("--from", "v1.0.0", "--profile", "pets", "--var", "first=7", "--json")
    assert (result.code, result.json["tested"]) == (0, 1), result


# Rows


def test_rows_of_a_file(release: Release, upgrade_test: Test, tmp_path: Path) -> None:
    """They are what there is, and tables without rows are said; rows that cannot be put in fail with their place."""
    renamed(release)
    (tmp_path / "rows.sql").write_text("insert into person values (1, 'Zoë');\n", encoding="utf-8")
    result = upgrade_test("--from", "v1.0.0", "--rows", "rows.sql", "--json")
    assert (result.code, result.json["releases"][0]["rows"]) == (0, 1), result
    failing = upgrade_test("--from", "v1.1.0", "--rows", "rows.sql", "--json")
    assert [note["object"] for note in failing.json["releases"][0]["notes"]] == ["table pet"]
    (tmp_path / "rows.sql").write_text(
        "select 1;\ninsert into person values (1, 'Zoë'), (1, null);\n", encoding="utf-8"
    )
    result = upgrade_test("--from", "v1.0.0", "--rows", "rows.sql")
    assert result.code == 1, result
    assert 'rows.sql:2: duplicate key value violates unique constraint "person_pkey" [23505]' in result.out


def test_tables_that_take_no_row_are_said(release: Release, upgrade_test: Test) -> None:
    """With what the server said: a proof without rows is none."""
    empty = "create table if not exists never (id integer not null check (id > 1 and id < 1));"
    release({"010_person.sql": PERSON + empty}, "v1.0.0")
    (note,) = upgrade_test("--from", "v1.0.0", "--json").json["releases"][0]["notes"]
    assert (note["kind"], note["object"]) == ("no rows", "table never")
    assert "violates check constraint" in note["detail"]


# The server


def test_no_other_database_is_touched(release: Release, upgrade_test: Test, server: Server, database: str) -> None:
    """The database of --dsn stays as it is, and the throw-away ones are gone, also when an upgrade fails."""
    renamed(release)
    release({"010_person.sql": FULL_NAME, "020_upgrade.sql": RENAME + "select 1/0;"}, options=UPGRADE)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table person (id integer); insert into person values (7)")
    before, names = dump(database), databases(server)
    result = upgrade_test("--since", "v1.0.0", "--dsn", database)
    assert result.code == 1, result
    assert (dump(database), databases(server)) == (before, names)


def test_a_role_that_may_make_no_database(release: Release, run: Run, server: Server) -> None:
    """What to do is said."""
    renamed(release)
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("create role upgrade_test_nobody login password 'x'")
    try:
        dsn = psycopg.conninfo.make_conninfo(server.conninfo, user="upgrade_test_nobody", password="x")  # noqa: S106
        result = run("upgrade-test", "--from", "v1.0.0", "--dsn", dsn)
    finally:
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute("drop role upgrade_test_nobody")
    assert result.code == 1, result
    assert "permission denied to create database [42501]" in result.err
    assert "hint: alter role upgrade_test_nobody createdb;" in result.err


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the embedded PostgreSQL may keep its data in."""
    with temporary_folder() as folder:
        yield folder


def test_the_environment_names_no_server(place: Path) -> None:
    """Without --dsn it is the embedded PostgreSQL, whatever DATABASE_URL says."""
    write_project(place, {"010_person.sql": PERSON})
    variables = {"DATABASE_URL": "postgresql://127.0.0.1:1/production", "PGHOST": "127.0.0.1"}
    result = run_runner("upgrade-test", "--from", ".", folder=place, variables=variables)
    assert result.code == 0, result
    assert result.out.startswith("small: 1 earlier release on embedded PostgreSQL ")


def test_an_interrupted_test_leaves_no_database(release: Release, server: Server, tmp_path: Path) -> None:
    """Ctrl-C in the middle of an upgrade drops what was made."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    release({"010_person.sql": PERSON, "020_upgrade.sql": "select pg_sleep(60);"}, options=UPGRADE)
    running = process("upgrade-test", "--from", "v1.0.0", "--dsn", server.conninfo, folder=tmp_path)
    asleep = "select count(*) from pg_stat_activity where wait_event = 'PgSleep' and datname like %s"

    def is_asleep() -> bool:
        with psycopg.connect(server.conninfo) as connection:
            row = connection.execute(asleep, (f"{PREFIX}%",)).fetchone()
            return bool(row and row[0])

    until(is_asleep, running)
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert (running.returncode, "interrupted" in err) == (130, True)
    assert not {name for name in databases(server) if name.startswith(PREFIX)}


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_shows_whole_lines(release: Release, server: Server, tmp_path: Path, columns: int) -> None:
    """No line is cut or longer than the terminal, and the words are those of a pipe."""
    release({"010_person.sql": PERSON}, "v1.0.0")
    change = RENAME + "update person set full_name = null;"
    release({"010_person.sql": FULL_NAME, "020_upgrade.sql": change}, options=UPGRADE)
    command = ("upgrade-test", "--from", "v1.0.0", "--dsn", server.conninfo)
    session = shown_on_terminal(*command, folder=tmp_path, columns=columns)
    assert session.running.returncode == 1
    lines = session.screen.lines
    assert max(map(len, lines)) <= columns
    words = " ".join(" ".join(lines).split())
    assert "column person.name, now person.full_name: 3 rows changed, such as" in words
    assert words.endswith("1 earlier release: 1 failed")
