"""The history table: what was run, when, by whom, and how it ended. Nothing here sends anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import DatabaseError, Hint
from runner.planning import releases
from runner.planning.model import LateRepair, ScriptPlan
from runner.planning.own_tables import STARTED, history_name, read_row, release_name, statements_in
from runner.planning.past import Applied
from runner.planning.releases import ReleaseRow
from runner.postgres.blockers import Blocker
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.sql.respelling import words
from runner.version import __version__

if TYPE_CHECKING:
    from psycopg import Connection


HistoryStatus = Literal["started", "applied", "failed"]
_COLUMNS = "run, script, checksum, status, statements, started, seconds, role, runner_version, error"
# by way of JSON, because a table of an earlier version has no such column
_PROJECT = "coalesce(to_jsonb(h) ->> 'project', '')"

_ENDS = """
on conflict (project, run, script) do update
set status = excluded.status, seconds = excluded.seconds, error = excluded.error"""


class HistoryRow(Struct, frozen=True):
    """A row of the history table; `seconds` is a duration, `statements` the number that was sent."""

    run: int
    script: str
    checksum: str
    status: str
    statements: int
    started: datetime
    seconds: float
    role: str
    runner_version: str
    error: str | None
    project: str = ""
    """Empty in a row of a runner that did not know projects."""


class Records(Struct, frozen=True):
    """What a database knows of the project: its rows of the history, its releases, and the number of the next run."""

    entries: tuple[HistoryRow, ...]
    releases: tuple[ReleaseRow, ...]
    run: int


def ddl(manifest: Manifest, facts: Mapping[Object, str]) -> tuple[str, ...]:
    """Return the statements that make the tables of history and releases, or bring older ones up to date.

    `facts` are those of the database.
    """
    table, schema = manifest.run.release_table, manifest.project.schema
    is_there, counts = (item in facts for item in (Object("table", table), Object("column", "recorded", table)))
    file = "planning/releases_upgrade.sql" if is_there else "planning/releases.sql"
    return (*_history_ddl(manifest, facts), *(() if counts else statements_in(file, table, schema)))


def _history_ddl(manifest: Manifest, facts: Mapping[Object, str]) -> tuple[str, ...]:
    table = manifest.run.history_table
    if Object("table", table) not in facts:
        return statements_in("planning/history.sql", table, manifest.project.schema)
    status = facts.get(Object("constraint", f"{table}_status_check", table), "")
    knows_all = Object("column", "project", table) in facts and (not status or "started" in words(status))
    file = "planning/history_upgrade.sql"
    return () if knows_all else statements_in(file, table, manifest.project.schema)


def claims(manifest: Manifest, entries: Iterable[HistoryRow]) -> tuple[str, ...]:
    """Return the statement that makes rows without a project the project's own, where they are of its scripts."""
    paths = sorted({entry.script for entry in entries if not entry.project})
    if not paths:
        return ()
    update = f"update {history_name(manifest)} set project = {literal(manifest.project.name)}"  # noqa: S608
    return (f"{update}\nwhere project = '' and script in ({', '.join(map(literal, paths))})",)


def records(manifest: Manifest, rows: Sequence[tuple[Any, ...]], released: Sequence[tuple[Any, ...]]) -> Records:
    """Return what the answers to the `questions` tell.

    A row without a project belongs to whichever project finds a script of its own in it.
    """
    known, recorded = [read_row(row, HistoryRow) for row in rows], tuple(read_row(row, ReleaseRow) for row in released)
    paths = {script.path for script in manifest.scripts}
    own = tuple(entry for entry in known if entry.project or entry.script in paths)
    return Records(own, recorded, next_run(known, recorded))


def questions(manifest: Manifest) -> dict[str, str]:
    """Return the queries for the history of the project, and for its releases, by their tables.

    The rows of the history are `HistoryRow`, oldest first, those without a project among them.
    """
    own = f"where {_PROJECT} in ('', {literal(manifest.project.name)})"
    columns = _COLUMNS.replace("started", STARTED)
    query = f"select {columns}, {_PROJECT} from {history_name(manifest)} as h {own} order by run, started"  # noqa: S608
    return {manifest.run.history_table: query, manifest.run.release_table: releases.question(manifest)}


@contextmanager
def cure_named(connection: Connection[Any], manifest: Manifest) -> Iterator[None]:
    """Turn the server's refusal to show the history into an error that names the cure, or who holds it locked."""
    from psycopg.errors import InsufficientPrivilege, LockNotAvailable

    from runner.postgres.session import current_role, scalar

    try:
        yield
    except LockNotAvailable as error:
        held = f"it is locked for more than {manifest.run.lock_timeout} (lock_timeout of the manifest)"
        rows = connection.execute(read_sql("postgres/table_lock_holders.sql"), {"table": history_name(manifest)})
        notes = tuple(f"locked by {Blocker(*row)}" for row in rows)
        raise DatabaseError(f"reading the history table {history_name(manifest)}: {held}", notes=notes) from error
    except InsufficientPrivilege as error:
        said = error.diag.message_primary or ""
        if manifest.run.history_table not in said:
            raise
        role = identifier(current_role(connection))
        releases_there = f"select to_regclass({literal(release_name(manifest))})"
        others = f", {release_name(manifest)}" if scalar(connection, releases_there) else ""
        hint = Hint(f"its owner says: grant select on {history_name(manifest)}{others} to {role};")
        raise DatabaseError(f"reading the history table: {said} [{error.sqlstate}]", notes=(hint,)) from error


def last_applied(entries: Iterable[HistoryRow]) -> dict[str, Applied]:
    """Return how each script was last applied, by its path."""
    return {
        entry.script: Applied(entry.checksum, f"{entry.started:%Y-%m-%d %H:%M}", entry.role, entry.run)
        for entry in entries
        if entry.status == "applied"
    }


def begun(entries: Iterable[HistoryRow]) -> dict[str, Applied]:
    """Return how each script was last begun of which it is unknown the end, by its path."""
    last = {entry.script: entry for entry in entries}
    return {
        path: Applied(entry.checksum, f"{entry.started:%Y-%m-%d %H:%M}", entry.role, entry.run)
        for path, entry in last.items()
        if entry.status == "started"
    }


def failed(entries: Iterable[HistoryRow]) -> frozenset[str]:
    """Return the paths of the scripts that failed last."""
    last = {entry.script: entry.status for entry in entries}
    return frozenset(path for path, status in last.items() if status == "failed")


def next_run(entries: Iterable[HistoryRow], released: Iterable[ReleaseRow]) -> int:
    """Return the number of the next run."""
    runs = (*(entry.run for entry in entries), *(row.run for row in released))
    return max(runs, default=0) + 1


def record_applied(manifest: Manifest, run: int, plan: ScriptPlan) -> str:
    """Return the statement that records a script from within its own transaction.

    An `always` script is recorded only when it wrote something, so that a quiet run leaves no trace.
    """
    quiet = plan.script.run == "always"
    started, seconds = "transaction_timestamp()", "extract(epoch from clock_timestamp() - transaction_timestamp())"
    condition = "\nwhere pg_current_xact_id_if_assigned() is not null" if quiet else ""
    insert = _insert(manifest, run, plan, plan.ends, started=started, seconds=seconds, error=None)
    return insert + (_ENDS if plan.earlier_steps else condition)


def record_unfinished(manifest: Manifest, run: int, plan: ScriptPlan) -> str:
    """Return the statement that records, before the own transaction of a script, that nothing of that is there."""
    error = "it was cut off before its own transaction"
    return _insert(manifest, run, plan, "failed", started="clock_timestamp()", seconds="0", error=error)


def record_started(manifest: Manifest, run: int, plan: ScriptPlan) -> str:
    """Return the statement that records that a script has begun, whose end `record_ended` records."""
    insert = _insert(manifest, run, plan, "started", started="clock_timestamp()", seconds="0", error=None)
    return insert + (_ENDS if plan.earlier_steps else "")


def record_ended(
    manifest: Manifest,
    run: int,
    plan: ScriptPlan,
    status: HistoryStatus = "applied",
    *,
    seconds: str,
    error: str | None = None,
) -> str:
    """Return the statement that records the end of a script from without its own transaction.

    `seconds` is SQL: how long ago the script began. With the status `started` it has not ended, and `error` says why.
    """
    started = f"clock_timestamp() - {seconds} * interval '1 second'"
    return _insert(manifest, run, plan, status, started=started, seconds=seconds, error=error) + _ENDS


def record_late(manifest: Manifest, run: int, late: LateRepair, *, seconds: str) -> str:
    """Return the statement that adds a late repair to the row of its script, which has none if it had nothing to send.

    `seconds` is SQL: how long ago it began.
    """
    plan, started = replace(late.script, steps=late.steps), f"clock_timestamp() - {seconds} * interval '1 second'"
    insert = _insert(manifest, run, plan, late.script.ends, started=started, seconds=seconds, error=None)
    table = identifier(manifest.run.history_table)
    adds = (f"{column} = {table}.{column} + excluded.{column}" for column in ("statements", "seconds"))
    return f"{insert}\non conflict (project, run, script) do update set {', '.join(adds)}"


def record_whole(manifest: Manifest, run: int, plan: ScriptPlan) -> str:
    """Return the statement that records that a script has ended, as its late repairs have."""
    where = f"project = {literal(manifest.project.name)} and run = {run} and script = {literal(plan.script.path)}"
    return f"update {history_name(manifest)} set status = 'applied' where {where}"  # noqa: S608


def _insert(
    manifest: Manifest,
    run: int,
    plan: ScriptPlan,
    status: HistoryStatus,
    *,
    started: str,
    seconds: str,
    error: str | None,
) -> str:
    values = (run, plan.script.path, plan.parsed.checksum, status, len(plan.to_send))
    return (
        f"insert into {history_name(manifest)} ({_COLUMNS}, project)\n"
        f"select {', '.join(literal(value) for value in values)}, {started},\n"
        f"    {seconds}, session_user, {literal(__version__)}, {literal(error)}, {literal(manifest.project.name)}"
    )
