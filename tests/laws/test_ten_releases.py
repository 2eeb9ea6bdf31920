"""Old as new, over ten releases of one project: each of them becomes each later one, with its rows.

The rows of a release are the same facts as those of the release before it. So a database that has come from any release
ends like a new one of the last release with the rows of the last release: to the letter, as pg_dump shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.support.dumps import still_dump
from tests.support.in_process import call
from tests.support.library import (
    FOLDER,
    KINDS,
    LAST,
    NUMBERS,
    RELEASES,
    Library,
    apply,
    assert_older,
    assert_quiet,
    changed_files,
    content,
    files,
    fill,
    runs,
    write_release,
)
from tests.support.planned_cases import feed, run_command
from tests.support.projects import started_runner
from tests.support.proxy import CUT_AFTER, CUT_BEFORE, proxied
from tests.support.runs import LONGEST

FEW = 8
"""At how many round trips a run is killed, unless all are asked for."""
PATHS = [(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), (1, 3, 5, 7, 9, 10), (2, 6, 10)]
HALVES: Mapping[int, Sequence[str]] = {
    2: ("alter table publisher add column website text",),
    3: ("alter table fee add column note text",),
    6: ("drop index book_title", "create index book_title_lower on book (lower(title))", "drop index loan_due"),
    10: (
        "alter table charge add column currency char(3) not null default 'EUR'",
        "create table visit_2027 partition of visit for values from ('2027-01-01') to ('2028-01-01')",
        "update setting set value = '28' where name = 'loan_days'",
    ),
}
"""Statements of a release that hands have run on the release before it."""

FAILING = ["020_shelf.sql", "070_copy.sql", "125_charge.sql", "190_catalogue.sql"]
FAILING += sorted(name for name in runs(LAST) if runs(1).get(name) != "once")


# The releases themselves


def test_a_folder_has_only_what_its_release_changes() -> None:
    """A reader of the folders sees what each release is about, and no file is out of use."""
    for number in NUMBERS:
        listed = {name for kind in KINDS for name in RELEASES[number - 1].get(kind, ())}
        assert listed <= changed_files(number, "script").keys()
        for kind in ("script", "rows"):
            before = files(number - 1, kind) if number > 1 else {}
            changed = changed_files(number, kind)
            assert not {name for name, text in changed.items() if before.get(name) == text}
            assert set(RELEASES[number - 1].get("removed", ())).isdisjoint(changed)
    assert {path.name for path in FOLDER.iterdir() if path.is_dir()} == {f"{number:02}" for number in NUMBERS}
    assert len([name for name in files(1, "script") if "create table" in files(1, "script")[name]]) == 15


@pytest.mark.parametrize("number", NUMBERS)
def test_a_new_database_is_as_psql_leaves_it(library: Library, number: int) -> None:
    """What apply makes of an empty database is what psql makes of the rendered scripts."""
    with library.server.database() as by_psql:
        rendered = call("render", folder=library.folder(number))
        assert feed(library.folder(number), by_psql, rendered.out) == (0, "")
        fill(by_psql, number)
        assert content(by_psql) == library.content(number)


# From each release to the last


@pytest.mark.parametrize("start", NUMBERS[:-1])
def test_each_release_becomes_the_last_one(library: Library, start: int) -> None:
    """In one run; a second one is quiet, and the files of the older release change nothing afterwards."""
    with library.copy(start) as dsn:
        apply(library.folder(LAST), dsn)
        assert content(dsn) == library.content(LAST)
        assert_quiet(library.folder(LAST), dsn)
        assert_older(dsn, library.folder(start))


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_releases_step_by_step(library: Library, path: Sequence[int]) -> None:
    """Each step ends like a new database of its release; in the end no older files change anything."""
    with library.copy(path[0]) as dsn:
        for number in path[1:]:
            apply(library.folder(number), dsn)
            assert content(dsn) == library.content(number), number
        assert_quiet(library.folder(LAST), dsn)
        assert_older(dsn, *map(library.folder, NUMBERS[:-1]))


@pytest.mark.parametrize("start", NUMBERS[:-1])
def test_psql_does_what_was_reviewed(library: Library, start: int) -> None:
    """The dry run of each stage does what apply does that expects its plan, the history included."""
    folder = library.folder(LAST)
    with library.copy(start) as by_apply, library.copy(start) as by_psql:
        for is_stage in (True, False) if start < LAST - 1 else (False,):
            dry = apply(folder, by_psql, "--dry-run").out
            assert feed(folder, by_psql, dry) == (0, "")
            expected = dry.splitlines()[1].removeprefix("-- Plan ").partition(",")[0]
            apply(folder, by_apply, "--expect", expected, code=int(is_stage))
            assert still_dump(by_psql) == still_dump(by_apply)
        assert content(by_psql) == library.content(LAST)
        assert run_command(folder, "plan", by_psql, "--check").code == 0


# Half of an upgrade


@pytest.mark.parametrize("script", FAILING)
def test_a_run_that_fails_is_ended_by_the_next(library: Library, tmp_path: Path, script: str) -> None:
    """Whichever script has failed at its end: what was done before it is not done again."""
    text = f"{files(LAST, 'script')[script]}\nselect 1 / 0;"
    broken = write_release(tmp_path / "broken", LAST, {script: text})
    with library.copy(1) as dsn:
        failed = apply(broken, dsn, "--json", code=1).json
        assert [each["path"] for each in failed["scripts"] if each["status"] == "failed"] == [f"script/{script}"]
        apply(library.folder(LAST), dsn)
        assert content(dsn) == library.content(LAST)


def test_a_run_that_is_killed_is_ended_by_the_next(pytestconfig: pytest.Config, library: Library) -> None:
    """At whatever round trip."""
    command = ("apply", "--manifest", library.folder(LAST) / "manifest.toml", "--dsn")
    with library.copy(1) as dsn, proxied(dsn) as (through, proxy):
        apply(library.folder(LAST), through)
        points = [(trip, when) for trip in range(1, proxy.trips + 1) for when in (CUT_BEFORE, CUT_AFTER)]
    if not pytestconfig.getoption("torture"):
        points = points[:: max(len(points) // FEW, 1)]
    for cut_at, when in points:
        with library.copy(1) as dsn:
            with (
                proxied(dsn, cut_at=cut_at, when=when) as (through, proxy),
                started_runner(*command, through) as running,
            ):
                proxy.on_cut = running.kill
                out, _ = running.communicate(timeout=LONGEST)
            assert running.returncode == -9, out
            apply(library.folder(LAST), dsn)
            assert content(dsn) == library.content(LAST), (cut_at, when)


@pytest.mark.parametrize("number", HALVES)
def test_what_hands_have_done_is_not_done_again(library: Library, number: int) -> None:
    """What is not of an upgrade may have been run by hand, in part."""
    for count in range(1, len(HALVES[number]) + 1):
        with library.copy(number - 1) as dsn:
            by_hand(dsn, HALVES[number][:count])
            apply(library.folder(number), dsn)
            assert content(dsn) == library.content(number), count


def test_a_statement_of_an_upgrade_that_was_run_by_hand(library: Library) -> None:
    """The upgrade fails, its place is named, nothing of it is left; when that is undone, it is run."""
    with library.copy(3) as dsn:
        by_hand(dsn, ["create table copy_condition (name text primary key)"])
        failed = apply(library.folder(LAST), dsn, code=1)
        assert 'script/230_condition_to_table.sql:1: relation "copy_condition" already exists' in failed.said
        by_hand(dsn, ["drop table copy_condition"])
        apply(library.folder(LAST), dsn)
        assert content(dsn) == library.content(LAST)


def by_hand(dsn: str, statements: Sequence[str]) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
