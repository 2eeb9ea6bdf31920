"""The ten releases of a library's database in tests/cases/releases/: their files, and their rows."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.support.dumps import still_dump
from tests.support.planned_cases import run_command, write_case
from tests.support.projects import CASES, Result
from tests.support.servers import Server

FOLDER = CASES / "releases"
RELEASES: list[dict[str, Any]] = tomllib.loads((FOLDER / "releases.toml").read_text(encoding="utf-8"))["release"]
NUMBERS = range(1, len(RELEASES) + 1)
LAST = NUMBERS[-1]
KINDS = ("once", "on_change", "upgrade")


def changed_files(number: int, kind: str) -> dict[str, str]:
    """Return what a release changes of its scripts, or of its rows: texts by the names of their files."""
    folder = FOLDER / f"{number:02}" / kind
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.sql"))}


def files(number: int, kind: str) -> dict[str, str]:
    """Return all scripts of a release, or all of its rows, in their order."""
    found: dict[str, str] = {}
    for each in range(1, number + 1):
        gone = RELEASES[each - 1].get("removed", ())
        found = {name: text for name, text in found.items() if name not in gone} | changed_files(each, kind)
    return dict(sorted(found.items()))


def runs(number: int) -> dict[str, str]:
    """Return how the scripts of a release are run, but for those that are run always."""
    releases = RELEASES[:number]
    return {name: kind for release in releases for kind in KINDS for name in release.get(kind, ())}


def write_release(
    folder: Path, number: int, changed: Mapping[str, str] | None = None, upgrade: str = "", **project: object
) -> Path:
    """Write the project of a release into a folder; `changed` are other and more scripts, of which one is `upgrade`.

    It has the number of the release, unless `project` has another one, or None.
    """
    folder.mkdir(exist_ok=True)
    scripts = dict(sorted((files(number, "script") | dict(changed or {})).items()))
    options = {script: {"run": run} for script, run in (runs(number) | {upgrade: "upgrade"}).items()}
    named = {"name": "library", "release": number} | project
    manifest = {"project": {key: value for key, value in named.items() if value is not None}}
    return write_case(folder, {"scripts": scripts, "options": options, "manifest": manifest})


def fill(dsn: str, number: int) -> None:
    """Put the rows of a release into a database."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for text in files(number, "rows").values():
            connection.execute(text.encode())


def content(dsn: str) -> str:
    """Return schema and rows, without the history.

    Since PostgreSQL 18 a NOT NULL has a name, which stays as it is when its column gets another one.
    """
    shown = still_dump(dsn, "--exclude-table=runner_history*")
    return re.sub(r"CONSTRAINT \w+ (?=NOT NULL)", "", shown)


def apply(folder: Path, dsn: str, *arguments: str, code: int = 0) -> Result:
    """Apply the files of a folder in this process."""
    result = run_command(folder, "apply", dsn, *arguments)
    assert result.code == code, result
    return result


def assert_quiet(folder: Path, dsn: str) -> None:
    """Assert that nothing is pending, and that a run sends nothing and changes nothing."""
    planned = run_command(folder, "plan", dsn, "--json").json
    sent = [step["sql"] for step in planned["steps"] if step["action"] not in ("unchanged", "run")]
    assert (planned["pending"], planned["setup"], sent, planned["forecast"]) == (0, [], [], None)
    before = still_dump(dsn)
    again = apply(folder, dsn, "--json")
    assert {script["status"] for script in again.json["scripts"]} == {"unchanged"}
    assert still_dump(dsn) == before


def assert_older(dsn: str, *folders: Path) -> None:
    """Assert that the files of some folders are older than the database, and leave it as it is."""
    before = still_dump(dsn)
    for folder in folders:
        result = run_command(folder, "apply", dsn)
        assert "the database is ahead (run " in result.said, result
        assert result.code == ("--allow-older" in result.said), result
    assert still_dump(dsn) == before


class Library:
    """The projects of all releases, with lock files, and a new database of each with its rows."""

    def __init__(self, server: Server, folder: Path, stack: ExitStack) -> None:
        self.server = server
        self._parent = folder
        self._stack = stack
        self._made: dict[int, tuple[str, str]] = {}

    def folder(self, number: int) -> Path:
        """Return the project of a release, which is written when it is needed."""
        folder = self._parent / f"{number:02}"
        if not folder.exists():
            self.lock(write_release(folder, number))
        return folder

    def lock(self, folder: Path) -> Path:
        """Write the lock file of a project."""
        with self.server.database() as dsn:
            locked = run_command(folder, "lock", dsn)
        assert locked.code == 0, locked
        return folder

    def made(self, number: int) -> tuple[str, str]:
        """Return the name of a database of a release, which is made when it is needed, and what is in it."""
        if number not in self._made:
            dsn = self._stack.enter_context(self.server.database())
            apply(self.folder(number), dsn)
            fill(dsn, number)
            self._made[number] = str(conninfo_to_dict(dsn)["dbname"]), content(dsn)
        return self._made[number]

    def content(self, number: int) -> str:
        """Return what is in a new database of a release."""
        return self.made(number)[1]

    def copy(self, number: int) -> AbstractContextManager[str]:
        """Copy the database of a release."""
        return self.server.database(self.made(number)[0])
