"""Releases: each is written down once, and files that are older than the database do not undo what newer ones did."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.planning.releases import Recording, Release, ReleaseRow, later_than, recording
from tests.support.dumps import still_dump
from tests.support.planned_cases import feed, run_command
from tests.support.projects import Result, run_runner, write_project
from tests.support.servers import Server

RELEASES = "select run, number, status from runner_history_release order by run"
AHEAD = re.compile(r"the database is ahead \(run ([0-9]+) of [0-9-]+ [0-9:]+ by \w+\)")

SETTING = (
    "insert into setting select 'size', {0} where not exists (select from setting);\n"
    "update setting set value = {0} where name = 'size' and value is distinct from {0};"
)
TABLES = (
    "create table if not exists setting (name text primary key, value integer);\n"
    "create table if not exists item (id integer primary key, name varchar(20) not null{0});\n"
    "create index if not exists item_name on item ({1});"
)
OLD = {"010_item.sql": TABLES.format("", "name"), "020_setting.sql": SETTING.format(250)}
WIDER = {**OLD, "010_item.sql": TABLES.format(", note text", "name")}
"""Has all that the old files need."""
NARROWER = {**OLD, "010_item.sql": TABLES.format(", constraint item_name check (name <> '')", "name")}
SAME = {**OLD, "030_none.sql": "create table if not exists item (id integer primary key);"}
"""Changes nothing."""
OTHER_DATA = {**OLD, "020_setting.sql": SETTING.format(400)}

WriteRelease = Callable[..., Path]


@pytest.fixture
def release(tmp_path: Path) -> WriteRelease:
    """Writes a release of a project into a folder of its own."""

    def write(name: str, scripts: Mapping[str, str], **sections: Any) -> Path:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        return write_project(folder, scripts, **sections)

    return write


def apply(folder: Path, dsn: str, *arguments: str, code: int = 0) -> Result:
    result = run_command(folder, "apply", dsn, *arguments)
    assert result.code == code, result
    return result


def rows(connection: Connection, query: str = RELEASES) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


def next_transaction(connection: Connection) -> Any:
    return rows(connection, "select pg_snapshot_xmax(pg_current_snapshot())::text")


# What is written down


def test_a_release_is_written_down_once(release: WriteRelease, database: str, connection: Connection) -> None:
    """The same files write nothing the second time."""
    old = release("old", OLD)
    apply(old, database)
    before = still_dump(database)
    apply(old, database)
    assert still_dump(database) == before
    assert rows(connection) == [(1, None, "applied")]


def test_files_that_change_nothing_write_one_row(release: WriteRelease, database: str, connection: Connection) -> None:
    """Other files that send nothing are a release all the same, of which nothing is pending, and no history row."""
    apply(release("old", OLD), database)
    new = release("new", SAME)
    assert run_command(new, "plan", database, "--check").code == 0
    for _ in range(2):
        apply(new, database)
        assert rows(connection) == [(1, None, "applied"), (2, None, "applied")]
    assert rows(connection, "select max(run) from runner_history") == [(1,)]


def test_the_lock_file_changes_nothing_about_it(release: WriteRelease, database: str, connection: Connection) -> None:
    """With seals the release is the same as without: nothing is written, and no transaction id is taken."""
    new = release("new", OLD)
    apply(new, database)
    assert run_command(new, "lock", database).code == 0
    before = next_transaction(connection)
    apply(new, database)
    assert next_transaction(connection) == before
    write_project(new, SAME)
    assert run_command(new, "lock", database).code == 0
    for _ in range(2):
        apply(new, database)
        assert rows(connection) == [(1, None, "applied"), (2, None, "applied")]


def test_comments_are_no_other_release(release: WriteRelease, database: str, connection: Connection) -> None:
    """What is identified are the tokens of the rendered scripts."""
    apply(release("old", OLD), database)
    apply(release("new", {name: f"-- what it is\n\n{sql}" for name, sql in OLD.items()}), database)
    assert rows(connection) == [(1, None, "applied")]


def test_a_run_that_fails_leaves_a_release_that_has_started(
    release: WriteRelease, database: str, connection: Connection
) -> None:
    """It counts as the newest from its first transaction on, and the run that ends well says so."""
    old = release("old", OLD)
    apply(old, database)
    scripts = {**WIDER, "030_fails.sql": "insert into item values (1, 'one');"}
    new = release("new", scripts, options={"030_fails.sql": {"run": "once"}})
    connection.execute("insert into item values (1, 'uno')")
    apply(new, database, code=1)
    assert rows(connection) == [(1, None, "applied"), (2, None, "started")]
    assert AHEAD.search(apply(old, database).said)
    connection.execute("delete from item")
    apply(new, database)
    assert rows(connection) == [(1, None, "applied"), (2, None, "applied")]


@pytest.mark.parametrize("arguments", [(), ("--single-transaction",)])
def test_psql_writes_what_apply_writes(release: WriteRelease, server: Server, arguments: tuple[str, ...]) -> None:
    """The dry run of a new database, of the next release and of one that changes nothing leaves the same rows."""
    releases = [release("old", OLD), release("new", WIDER), release("none", {**SAME, **WIDER})]
    with server.database() as by_apply, server.database() as by_psql:
        for folder in releases:
            apply(folder, by_apply, "--release", "7", *arguments)
            script = apply(folder, by_psql, "--dry-run", "--release", "7", *arguments).out
            assert feed(folder, by_psql, script) == (0, "")
            assert still_dump(by_psql) == still_dump(by_apply)


def test_projects_and_profiles_have_releases_of_their_own(
    release: WriteRelease, database: str, connection: Connection
) -> None:
    """Neither another project nor another choice of profiles makes files older."""
    old = release("old", OLD, options={"020_setting.sql": {"profiles": ["settings"]}})
    other = release("other", {"010_other.sql": "create table if not exists other ();"}, project={"name": "other"})
    for _ in range(2):
        apply(old, database)
        apply(old, database, "--profile", "settings")
        apply(other, database)
    assert rows(connection, "select project, profiles, run from runner_history_release order by 1, 3") == [
        ("other", "", 1),
        ("small", "", 1),
        ("small", "settings", 2),
    ]


# Older files


@pytest.fixture
def unchanged(database: str) -> Callable[[], None]:
    """Asserts that the database is as it was when this was called before, history included."""
    seen: list[str] = []

    def look() -> None:
        with psycopg.connect(database) as connection:
            stopped = rows(connection, "select pg_current_wal_insert_lsn()::text")
            assert stopped
        seen.append(still_dump(database))
        assert seen[0] == seen[-1]

    return look


@pytest.mark.parametrize("new", [WIDER, SAME, {"010_item.sql": OLD["010_item.sql"]}])
def test_older_files_with_all_that_they_need(
    release: WriteRelease, database: str, unchanged: Callable[[], None], new: Mapping[str, str]
) -> None:
    """Nothing is sent, and the exit code is 0, when the newer release has all that the older one declares."""
    old, newer = release("old", OLD), release("new", new)
    apply(old, database)
    apply(newer, database)
    unchanged()
    if "020_setting.sql" in new:
        assert AHEAD.search(apply(old, database).said)
    else:
        assert "data: those of run 2 are others" in apply(old, database, code=1).said
    unchanged()
    apply(newer, database)
    unchanged()


@pytest.mark.parametrize(
    ("new", "finding"),
    [
        (NARROWER, "rejecting: constraint item.item_name"),
        (OTHER_DATA, "data: those of run 2 are others"),
        ({**OLD, "040_drop.sql": "alter table item drop column name;"}, "missing: column item.name"),
    ],
)
def test_older_files_that_lack_something(
    release: WriteRelease, database: str, unchanged: Callable[[], None], new: Mapping[str, str], finding: str
) -> None:
    """Nothing is sent either, and the exit code is 1, with what to do."""
    old = release("old", OLD)
    apply(old, database)
    once = {"040_drop.sql": {"run": "once"}}
    apply(release("new", new, options={name: once[name] for name in new if name in once}), database)
    unchanged()
    result = apply(old, database, code=1)
    assert AHEAD.search(result.said)
    assert finding in result.said
    assert "--allow-older" in result.said
    assert "release" in result.said
    assert run_command(old, "plan", database, "--check").code == 1
    unchanged()


def test_an_old_replica_does_not_undo_a_release(
    release: WriteRelease, database: str, unchanged: Callable[[], None]
) -> None:
    """NOT NULL, index, function, foreign key, CHECK and settings of the newer release stay, with align too."""
    function = "create or replace function f() returns integer language sql as 'select {0}';"
    old = release("old", {**OLD, "030_f.sql": function.format(1)}, run={"repair": "align"})
    scripts = {
        "010_item.sql": TABLES.format(
            ", owner integer not null references setting_owner, check (name <> '')", "lower(name)"
        ),
        "020_setting.sql": SETTING.format(400),
        "030_f.sql": function.format(2),
    }
    scripts["010_item.sql"] = (
        "create table if not exists setting_owner (id integer primary key);\n" + (scripts["010_item.sql"])
    )
    apply(old, database)
    apply(release("new", scripts, run={"repair": "align"}), database)
    unchanged()
    assert AHEAD.search(apply(old, database, code=1).said)
    unchanged()


def test_checks_of_older_files_must_hold(release: WriteRelease, database: str, unchanged: Callable[[], None]) -> None:
    """A check that finds a row makes the exit code 1."""
    checks = {"010_size.sql": "select * from setting where value > 300;"}
    old = release("old", OLD, checks=checks)
    apply(old, database)
    apply(release("new", WIDER), database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("update setting set value = 999")
    unchanged()
    assert "--allow-older" in apply(old, database, code=1).said
    unchanged()


def test_plan_of_older_files(release: WriteRelease, database: str) -> None:
    """The plan says which run is later, and has a hash of its own, that the run may be held to."""
    old = release("old", OLD)
    apply(old, database)
    before = run_command(old, "plan", database, "--json").json["hash"]
    apply(release("new", WIDER), database)
    planned = run_command(old, "plan", database)
    assert planned.code == 0
    assert "older than run 2" in planned.out
    assert "0 pending" in planned.out
    document = run_command(old, "plan", database, "--json").json
    assert document["hash"] != before
    assert document["older"]["run"] == 2
    assert run_command(old, "plan", database, "--check").code == 0
    apply(old, database, "--expect", document["hash"])
    assert "the plan is" in apply(old, database, "--expect", before, code=1).said
    assert "older than run 2" in apply(old, database, "--dry-run").out
    assert "older than run 2" in run_command(old, "status", database).out


def test_two_releases_in_turn(release: WriteRelease, database: str, connection: Connection) -> None:
    """Two branches that are deployed in turn do not undo each other: the one before the last is older."""
    old, new = release("old", OLD), release("new", WIDER)
    for folder, is_older in ((old, False), (new, False), (old, True), (new, False), (old, True)):
        assert bool(AHEAD.search(apply(folder, database).said)) is is_older
    assert [run for run, _, _ in rows(connection)] == [1, 2]


def test_a_rollback(release: WriteRelease, database: str, connection: Connection) -> None:
    """With --allow-older the older files are applied and are the newest again, which makes the others older."""
    old, new = release("old", OLD), release("new", OTHER_DATA)
    apply(old, database)
    apply(new, database)
    assert "rolled back" not in apply(old, database, "--allow-older").said
    assert rows(connection, "select value from setting") == [(250,)]
    apply(old, database)
    assert [run for run, _, _ in rows(connection)] == [1, 2, 3]
    assert AHEAD.search(apply(new, database, code=1).said)
    apply(new, database, "--allow-older")
    assert rows(connection, "select value from setting") == [(400,)]


def test_a_rollback_by_psql(release: WriteRelease, server: Server) -> None:
    """The dry run of a rollback does what it does, and names the options of the run that does the same."""
    old, new = release("old", OLD), release("new", OTHER_DATA)
    with server.database() as by_apply, server.database() as by_psql:
        for dsn in (by_apply, by_psql):
            apply(old, dsn)
            apply(new, dsn)
        script = apply(old, by_psql, "--allow-older", "--dry-run").out
        assert "apply --allow-older --expect" in script
        apply(old, by_apply, "--allow-older")
        assert feed(old, by_psql, script) == (0, "")
        assert still_dump(by_psql) == still_dump(by_apply)


def test_development_goes_back_and_forth(release: WriteRelease, database: str, connection: Connection) -> None:
    """With older = "apply" any files are applied."""
    old, new = (release(name, OLD | more, run={"older": "apply"}) for name, more in (("old", {}), ("new", OTHER_DATA)))
    for folder, value in ((old, 250), (new, 400), (old, 250), (new, 400)):
        apply(folder, database)
        assert rows(connection, "select value from setting") == [(value,)]


# Numbers


def test_a_number_decides(release: WriteRelease, database: str, connection: Connection) -> None:
    """A revert under a higher number is the current release; a hotfix under a lower one is older, though it is new."""
    apply(release("old", OLD, project={"release": 1}), database)
    apply(release("new", OTHER_DATA, project={"release": 2}), database)
    hotfix = release("hotfix", SAME, project={"release": 1})
    assert AHEAD.search(apply(hotfix, database, code=1).said)
    revert = release("revert", OLD, project={"release": 3})
    apply(revert, database)
    assert rows(connection) == [(1, 1, "applied"), (2, 2, "applied"), (3, 3, "applied")]
    assert rows(connection, "select value from setting") == [(250,)]
    apply(revert, database)
    assert len(rows(connection)) == 3


def test_a_number_of_the_command_line(release: WriteRelease, database: str, connection: Connection) -> None:
    """--release goes before the manifest; the same files under a higher number are written down, under a lower not."""
    old = release("old", OLD, project={"release": 1})
    apply(old, database, "--release", "20261127")
    apply(old, database, "--release", "20261126")
    apply(old, database)
    apply(old, database, "--release", "20261128")
    assert [number for _, number, _ in rows(connection)] == [20261127, 20261128]
    assert AHEAD.search(apply(release("new", WIDER), database, "--release", "5", code=1).said)


def test_a_rollback_with_numbers(release: WriteRelease, database: str) -> None:
    """After a rollback the older number is the current one, and a higher one goes forward again."""
    old, new = release("old", OLD, project={"release": 1}), release("new", WIDER, project={"release": 2})
    apply(old, database)
    apply(new, database)
    assert AHEAD.search(apply(old, database).said)
    apply(old, database, "--allow-older")
    assert not AHEAD.search(apply(old, database).said)
    assert not AHEAD.search(apply(new, database).said)


@pytest.mark.parametrize("value", ["-1", "x", str(1 << 63)])
def test_a_number_that_is_none(release: WriteRelease, value: str) -> None:
    """It is refused before anything is sent."""
    result = run_runner("apply", "--release", value, folder=release("old", OLD))
    assert (result.code, "--release" in result.err) == (2, True)


# What is shown


def test_status_shows_releases(release: WriteRelease, database: str) -> None:
    """The releases of the project are in the text and in the document."""
    apply(release("old", OLD), database)
    new = release("new", WIDER)
    apply(new, database, "--release", "12")
    document = run_command(new, "status", database, "--json").json
    assert [(row["run"], row["number"], row["status"]) for row in document["releases"]] == [
        (1, None, "applied"),
        (2, 12, "applied"),
    ]
    assert document["older"] is None
    assert re.search(r"^[0-9a-f]{12} +12 +2  applied ", run_command(new, "status", database).out, re.MULTILINE)


def test_a_fleet_in_the_middle_of_a_rollout(release: WriteRelease, server: Server) -> None:
    """It is decided for each target, and shown, which of them are ahead."""
    old, new, other = release("old", OLD), release("new", WIDER), release("other", OTHER_DATA)
    with server.database() as first, server.database() as second, server.database() as third:
        for dsn in (first, second, third):
            apply(old, dsn)
        apply(new, second)
        apply(other, third)
        targets = ("--dsn", first, "--dsn", second)
        result = run_runner("apply", *targets, folder=old)
        assert result.code == 0, result
        assert re.search(r"unchanged .*\n(?s:.*)ahead |ahead .*\n(?s:.*)unchanged ", result.out)
        planned = run_runner("plan", *targets, folder=old)
        assert "nothing pending" in planned.out
        assert "older than run 2" in planned.out
        result = run_runner("apply", *targets, "--dsn", third, folder=old)
        assert result.code == 1
        assert "ahead, 1 finding" in result.out
        assert "--allow-older" in result.out


# Tables of earlier versions


def test_a_history_without_releases(release: WriteRelease, database: str, connection: Connection) -> None:
    """The table is made beside an older history, whose runs are counted on."""
    old = release("old", OLD)
    apply(old, database)
    connection.execute("drop table runner_history_release")
    assert "setup: " in run_command(old, "plan", database).out
    apply(old, database)
    assert rows(connection) == [(2, None, "applied")]


ONCE = {**OLD, "030_once.sql": "insert into setting values ('once', 1);"}
RUN_ONCE = {"030_once.sql": {"run": "once"}}
LOST = ("drop table runner_history", "truncate runner_history")


@pytest.mark.parametrize("loses", LOST)
def test_a_history_that_is_lost_beside_the_releases(
    release: WriteRelease, database: str, connection: Connection, loses: str
) -> None:
    """What was run once may have been: it is not run again, neither by the same files nor by newer ones."""
    files = release("old", ONCE, options=RUN_ONCE)
    apply(files, database)
    connection.execute(loses.encode())
    apply(files, database)
    assert rows(connection, "select count(*) from setting where name = 'once'") == [(1,)]
    connection.execute(loses.encode())
    newer = release("newer", {**ONCE, "040_item.sql": "create table other ();"}, options=RUN_ONCE)
    assert "it is unknown whether script/030_once.sql was applied" in apply(newer, database, code=1).said
    apply(newer, database, "--baseline")
    assert rows(connection) == [(1, None, "applied"), (2, None, "applied")]
    assert rows(connection, "select count(*) from setting where name = 'once'") == [(1,)]


@pytest.mark.parametrize("loses", LOST)
def test_releases_that_recorded_nothing(
    release: WriteRelease, database: str, connection: Connection, loses: str
) -> None:
    """A database that had all before the first run is known by its release, whatever becomes of an empty history."""
    old = release("old", {"010_item.sql": "create table if not exists item (id integer);"})
    connection.execute("create table item (id integer)")
    apply(old, database)
    assert rows(connection, "select recorded from runner_history_release") == [(0,)]
    connection.execute(loses.encode())
    scripts = {
        "005_item.sql": "alter table item rename column id to number;",
        "010_item.sql": "create table if not exists item (number integer);",
    }
    apply(release("new", scripts, options={"005_item.sql": {"run": "upgrade"}}), database)
    assert rows(
        connection, "select attname::text from pg_attribute where attrelid = 'item'::regclass and attnum > 0"
    ) == [("number",)]


def test_a_table_of_releases_that_counted_nothing(release: WriteRelease, database: str, connection: Connection) -> None:
    """It is brought up to date, and tells alone of nothing."""
    files = release("old", ONCE, options=RUN_ONCE)
    apply(files, database)
    columns = "select attname::text, atttypid, attnotnull from pg_attribute where attnum > 0 and not attisdropped"
    columns += " and attrelid = 'runner_history_release'::regclass order by attnum"
    made = rows(connection, columns)
    connection.execute("alter table runner_history_release drop column recorded")
    assert "setup: " in run_command(files, "plan", database).out
    apply(files, database)
    assert rows(connection, columns) == made
    assert "setup: " not in run_command(files, "plan", database).out
    connection.execute("truncate runner_history")
    apply(files, database)
    assert rows(connection, "select count(*) from setting where name = 'once'") == [(1,)]


def test_a_table_that_is_not_the_runners(release: WriteRelease, database: str, connection: Connection) -> None:
    """A table in its place is refused."""
    connection.execute("create table runner_history_release (id integer)")
    old = release("old", OLD)
    with pytest.raises(AssertionError):
        apply(old, database)
    connection.execute("drop table runner_history_release")
    apply(old, database)
    connection.execute("alter table runner_history_release rename identity to other")
    result = apply(old, database, code=1)
    assert "runner_history_release is not a history table: column" in result.said
    assert (
        run_command(release("new", {"010_x.sql": "create table runner_history_release ();"}), "plan", database).code
        == 2
    )


# The order of releases, as values

ORDER = """
    a    |           | -       | recorded       | the first
    a    | a         | -       | -              | the same
    a    | a!        | -       | begun by 1     | the same, whose run was cut off
    b    | a         | -       | recorded       | another one
    a    | a b       | b       | recorded again | the one before
    a    | a b!      | b       | recorded again | the one before, while the next has begun
    a    | a b@p     | -       | -              | the newest, beside one of another profile
    a@p  | a         | -       | recorded       | the same of another profile
    a@p  | a@p b     | -       | -              | the newest of its profile
    c1   | b1 a2@p   | -       | recorded       | a number of another profile does not count
    c1   | a2        | a       | recorded again | a lower number, never applied
    c2   | a2        | -       | recorded       | the same number, never applied
    c    | a2        | -       | recorded       | no number, never applied
    a    | a b2      | b       | recorded again | no number, applied before
    a2   | a2 b2     | b       | recorded again | the same number, applied before
    a3   | a1 b2     | -       | recorded       | files from before under a higher number
    a1   | a b       | -       | recorded       | files from before under the first number
    c1   | a2 b      | b       | recorded again | the last number counts
    c1   | a2 b1     | -       | recorded       | and not the highest
    a2   | a1        | -       | recorded       | a higher number for the same files
    a1   | a         | -       | recorded       | the first number for the same files
    a1   | a1        | -       | -              | the same number
    a1   | a2        | -       | -              | a lower number for the same files
    a    | a1        | -       | -              | the same files without their number
    a2   | a2!       | -       | begun by 1     | the same number, whose run was cut off
"""
"""The release, those recorded (a letter is the identity; then the number, `!` has not ended, `@` a profile), the one
that makes it older, and what run 9 writes down."""
CODED = re.compile(r"(?P<identity>[a-z])(?P<number>[0-9]?)(?P<open>!?)@?(?P<profiles>[a-z]*)")


def decoded(text: str) -> dict[str, str]:
    found = CODED.fullmatch(text)
    assert found, text
    return found.groupdict()


@pytest.mark.parametrize("case", [line.split("|") for line in ORDER.strip().splitlines()], ids=lambda case: case[4])
def test_which_release_is_older_and_which_is_recorded(case: list[str]) -> None:
    """The order of the rows decides, a number goes before it, and profiles have nothing to do with each other."""
    coded, recorded, older, written, _ = (part.strip() for part in case)
    own = decoded(coded)
    release = Release(own["identity"], own["profiles"], int(own["number"] or 0) or None, "")
    rows = []
    for run, row in enumerate(map(decoded, recorded.split()), 1):
        status, number = "started" if row["open"] else "applied", int(row["number"] or 0) or None
        rows.append(ReleaseRow(row["identity"], row["profiles"], run, number, "", status, datetime.now(UTC), "me"))
    later = later_than(release, rows)
    assert (later.identity if later else "-") == older
    made = {
        "-": None,
        "recorded": Recording(release, 9),
        "recorded again": Recording(release, 9, is_again=True),
        "begun by 1": Recording(release, 1, is_begun=True),
    }
    assert recording(release, rows, 9) == made[written]
