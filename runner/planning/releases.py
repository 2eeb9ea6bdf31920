"""Releases: which files were applied, in which order, and which files are older. Nothing here sends anything."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec
from msgspec import Struct

from runner.catalog.diff import Difference
from runner.planning.own_tables import STARTED, history_name, release_name
from runner.planning.past import Applied
from runner.project.manifest import Manifest
from runner.sql.quoting import literal
from runner.sql.statements import Script
from runner.version import __version__

_COLUMNS = "identity, profiles, run, number, data, status, started, role"
# by way of JSON, because a table of an earlier version has no such column
_RECORDED = "(to_jsonb(r) ->> 'recorded')::integer"


class Release(Struct, frozen=True):
    """The files of a project with its chosen profiles, `identity`, and their data statements, `data`, as hashes."""

    identity: str
    profiles: str
    number: int | None
    data: str


class ReleaseRow(Struct, frozen=True):
    """A row of the table of the releases, of whatever profiles."""

    identity: str
    profiles: str
    run: int
    number: int | None
    data: str
    status: str
    started: datetime
    role: str
    recorded: int | None = None
    """How many rows its runs wrote to the history until it was applied; None if a runner did not count them."""

    @property
    def applied(self) -> Applied:
        """When it was begun, and by whom."""
        return Applied(self.identity, f"{self.started:%Y-%m-%d %H:%M}", self.role, self.run)


class Recording(Struct, frozen=True):
    """A release that a run writes down, with the number of the run that begins it or, when `is_begun`, has begun it.

    `is_again`: a later one had made it older. When it `goes_on`, its end is not written down yet.
    """

    release: Release
    run: int
    is_begun: bool = False
    is_again: bool = False
    goes_on: bool = False


class Older(Struct, frozen=True):
    """Files, by their identity, that are older than the newest release; `lacks` is what they need that is not there.

    `has_other_data`: their data statements are not those of the newest release.
    """

    identity: str
    newest: Applied
    lacks: tuple[Difference, ...] = ()
    has_other_data: bool = False

    @property
    def is_enough(self) -> bool:
        """Whether the database has all that the files declare."""
        return not self.lacks and not self.has_other_data


def release_of(manifest: Manifest, scripts: Sequence[Script]) -> Release:
    """Return the release that the scripts of a manifest are; sealed ones will do."""
    files = [(parsed.rendered.path, parsed.checksum) for parsed in scripts]
    always = (parsed for entry, parsed in zip(manifest.scripts, scripts, strict=True) if entry.run == "always")
    data = (statement.sql for parsed in always for statement in parsed.statements if statement.is_data)
    profiles = sorted({name for script in manifest.scripts for name in script.profiles})
    return Release(_hash(files), ",".join(profiles), manifest.project.release, _hash_of(data))


def later_than(release: Release, rows: Sequence[ReleaseRow]) -> ReleaseRow | None:
    """Return the newest of the releases, in their order, when it makes a release older; a number goes before all else.

    The last number counts, and not the highest: an older release that was applied again is the current one.
    """
    own = [row for row in rows if row.profiles == release.profiles]
    if not own or own[-1].identity == release.identity:
        return None
    last = next((row.number for row in reversed(own) if row.number is not None), None)
    if release.number is not None and last is not None and release.number < last:
        return own[-1]
    is_higher = release.number is not None and (last is None or release.number > last)
    was_recorded = any(row.identity == release.identity for row in own)
    return own[-1] if was_recorded and not is_higher else None


def have_lost_nothing(rows: Sequence[ReleaseRow]) -> bool:
    """Return whether releases tell that a history without rows never had any."""
    applied = [row for row in rows if row.status == "applied"]
    return bool(applied) and all(row.recorded == 0 for row in applied)


def recording(release: Release, rows: Sequence[ReleaseRow], run: int) -> Recording | None:
    """Return what a run has to write down of its release; None when it is the newest, and was applied."""
    own = [row for row in rows if row.profiles == release.profiles]
    newest = own[-1] if own else None
    if newest is None or newest.identity != release.identity:
        return Recording(release, run, is_again=later_than(release, rows) is not None)
    if release.number is not None and (newest.number is None or newest.number < release.number):
        return Recording(release, run)
    return None if newest.status == "applied" else Recording(release, newest.run, is_begun=True)


def question(manifest: Manifest) -> str:
    """Return the query for the releases of a project, oldest first, as `ReleaseRow`."""
    where = f"where project = {literal(manifest.project.name)}"
    columns = _COLUMNS.replace("started", STARTED)
    return f"select {columns}, {_RECORDED} from {release_name(manifest)} as r {where} order by run"  # noqa: S608


def begin_release(manifest: Manifest, made: Recording | None) -> tuple[str, ...]:
    """Return the statement that belongs to the first transaction of a run."""
    if made is None or made.is_begun:
        return ()
    release = made.release
    values = (release.identity, release.profiles, made.run, release.number, release.data, "started")
    who = f"session_user, {literal(manifest.project.name)}, {literal(__version__)}"
    insert = f"insert into {release_name(manifest)} ({_COLUMNS}, project, runner_version)"
    return (f"{insert}\nvalues ({', '.join(map(literal, values))}, transaction_timestamp(),\n    {who})",)


def end_release(manifest: Manifest, made: Recording | None) -> tuple[str, ...]:
    """Return the statement that follows when every script has ended well."""
    if made is None or made.goes_on:
        return ()
    project = f"project = {literal(manifest.project.name)}"
    recorded = f"(select count(*) from {history_name(manifest)} where {project} and run >= {made.run})"  # noqa: S608
    ends = f"set status = 'applied', recorded = {recorded}"
    return (f"update {release_name(manifest)} {ends} where {project} and run = {made.run}",)


def _hash_of(texts: Iterable[str]) -> str:
    """Return the hash of texts that together may be very long."""
    made = hashlib.sha256()
    for data in (text.encode() for text in texts):
        made.update(b"%d:" % len(data))
        made.update(data)
    return made.hexdigest()


def _hash(value: object) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
