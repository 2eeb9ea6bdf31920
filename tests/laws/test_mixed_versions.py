"""Older files: replicas with the files of one release start beside others that have those of the next.

The releases are those of tests/cases/releases.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.library import LAST, Library, apply, assert_older, assert_quiet, content, fill, write_release
from tests.support.projects import Result, run_runner, started_runner
from tests.support.proxy import CUT_AFTER, CUT_BEFORE, proxied
from tests.support.runs import LONGEST

REPLICAS = 20
FEW = 8
"""At how many round trips a run is killed."""
SEED = 20261127
AHEAD = "the database is ahead (run "


def start_together(dsn: str, folders: Sequence[Path], *arguments: str) -> list[Result]:
    """Apply the files of folders at once, twenty times over all, in an order that is random and always the same."""
    order = [folders[place % len(folders)] for place in range(REPLICAS)]
    random.Random(SEED).shuffle(order)  # noqa: S311  no secret
    with ThreadPoolExecutor(REPLICAS) as pool:
        runs = pool.map(lambda folder: run_runner("apply", "--dsn", dsn, *arguments, folder=folder), order)
        return list(runs)


def asked(dsn: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(query.encode()).fetchall()


def releases(dsn: str) -> list[tuple[Any, ...]]:
    """Return the numbers of all releases that were written down, and how far they came."""
    if asked(dsn, "select to_regclass('runner_history_release')") == [(None,)]:
        return []
    return asked(dsn, "select number, status from runner_history_release order by run")


# At once


@pytest.mark.long
@pytest.mark.parametrize(("old", "is_numbered"), [(5, True), (8, False), (9, True)])
def test_the_newer_release_has_the_last_word(library: Library, tmp_path: Path, old: int, *, is_numbered: bool) -> None:
    """Whichever starts first: each run ends well or says that the database is ahead, and sends nothing then."""
    numbers = (old, old + 1)
    folders = [library.lock(write_release(tmp_path / str(n), n, release=n if is_numbered else None)) for n in numbers]
    with library.copy(old) as dsn:
        results = start_together(dsn, folders)
        assert [result for result in results if result.code and AHEAD not in result.said] == []
        assert content(dsn) == library.content(old + 1)
        assert releases(dsn) == [(old, "applied"), (old + 1 if is_numbered else None, "applied")]
        assert_quiet(folders[1], dsn)
        assert_older(dsn, folders[0])


@pytest.mark.long
def test_releases_with_numbers_meet_an_empty_database(library: Library) -> None:
    """Neither release is known there: the number tells which one is newer."""
    with library.server.database() as dsn:
        results = start_together(dsn, [library.folder(8), library.folder(9)])
        assert [result for result in results if result.code and AHEAD not in result.said] == []
        fill(dsn, 9)
        assert content(dsn) == library.content(9)
        assert releases(dsn)[-1] == (9, "applied")


@pytest.mark.long
def test_the_last_run_has_the_last_word_when_older_files_may_be_applied(library: Library) -> None:
    """With --allow-older each run leaves what its files say, one after the other, and so does one that comes last."""
    old, new = library.folder(9), library.folder(10)
    body = "select prosrc from pg_proc where proname = 'is_overdue'"
    bodies = {}
    for number in (9, 10):
        with library.copy(number) as dsn:
            bodies[number] = asked(dsn, body)
    with library.copy(9) as dsn:
        results = start_together(dsn, [old, new], "--allow-older")
        assert [result for result in results if result.code] == []
        assert asked(dsn, body) == bodies[releases(dsn)[-1][0]]
        for number in (10, 9):
            apply(library.folder(number), dsn, "--allow-older")
            assert (releases(dsn)[-1], asked(dsn, body)) == ((number, "applied"), bodies[number])
        assert_quiet(old, dsn)


@pytest.mark.long
def test_two_branches_are_deployed_at_once(library: Library, tmp_path: Path) -> None:
    """Neither undoes the other, and the upgrade of each is run once."""
    branches = []
    for number, name in ((400, "one"), (500, "two")):
        upgrade, body = f"{number}_upgrade.sql", f"alter table setting add column if not exists {name} integer;"
        scripts = {
            upgrade: f"alter table setting add column {name} integer;\n"
            f"insert into setting (name, value, {name}) values ('{name}', '', 1);",
            f"{number + 10}_{name}.sql": body,
        }
        branches.append(library.lock(write_release(tmp_path / name, LAST, scripts, upgrade, release=None)))
    with library.copy(LAST) as dsn:
        results = start_together(dsn, branches)
        assert [result for result in results if result.code] == []
        assert asked(dsn, "select name, one, two from setting where value = '' order by 1") == [
            ("one", 1, None),
            ("two", None, 1),
        ]
        assert [number for number, _ in releases(dsn)] == [LAST, None, None]


# In turn


def test_older_files_start_while_a_newer_release_is_in_the_middle(library: Library) -> None:
    """Once the killed run has written its release down, they send nothing; before, they are the newest."""
    old, new = library.folder(8), library.folder(9)
    command = ("apply", "--manifest", new / "manifest.toml", "--dsn")
    with library.copy(8) as dsn, proxied(dsn) as (through, proxy):
        apply(new, through)
    points = [(trip, when) for trip in range(1, proxy.trips + 1) for when in (CUT_BEFORE, CUT_AFTER)]
    seen = set()
    for cut_at, when in points[:: max(len(points) // FEW, 1)]:
        with library.copy(8) as dsn:
            with proxied(dsn, cut_at=cut_at, when=when) as (through, cut), started_runner(*command, through) as running:
                cut.on_cut = running.kill
                out, _ = running.communicate(timeout=LONGEST)
            assert running.returncode == -9, out
            seen.add(releases(dsn)[-1])
            if releases(dsn)[-1][0] == 9:
                assert_older(dsn, old)
            else:
                assert_quiet(old, dsn)
                assert content(dsn) == library.content(8)
            apply(new, dsn)
            assert content(dsn) == library.content(9), (cut_at, when)
    assert {(8, "applied"), (9, "started")} <= seen


def test_a_revert_under_a_higher_number(library: Library, tmp_path: Path) -> None:
    """It is the current release, and makes the one before it older, which comes back under a higher number again."""
    revert, again = (write_release(tmp_path / str(n), n, release=n + by) for n, by in ((9, 2), (10, 2)))
    with library.copy(10) as dsn:
        apply(revert, dsn)
        assert_quiet(revert, dsn)
        assert_quiet(library.folder(9), dsn)  # the same files
        assert_older(dsn, library.folder(10))
        apply(again, dsn)
        assert_older(dsn, revert)
        assert content(dsn) == library.content(10)


def test_a_revert_of_an_upgrade_keeps_the_rows(library: Library, tmp_path: Path) -> None:
    """No files undo a renamed table: the run says what differs, and the newer release comes back with all rows."""
    revert, again = (write_release(tmp_path / str(n), n, release=n + by) for n, by in ((8, 2), (9, 2)))
    with library.copy(9) as dsn:
        before = asked(dsn, "select * from reader order by id")
        result = apply(revert, dsn, code=1)
        assert "loan_member_id_fkey" in result.said
        assert asked(dsn, "select * from reader order by id") == before
        apply(again, dsn)
        assert asked(dsn, "select * from reader order by id") == before
