"""The history table: what was run, when, by whom, and how it ended. Nothing here needs a connection but `read`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner import __version__
from runner.manifest import Manifest
from runner.plan import Applied, ScriptPlan
from runner.quote import identifier, literal
from runner.render import render
from runner.statements import parse

if TYPE_CHECKING:
    from psycopg import Connection

_COLUMNS = "run, script, checksum, status, statements, started, seconds, role, runner_version, error"


class Entry(Struct, frozen=True):
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


def ddl(manifest: Manifest) -> tuple[str, ...]:
    """Return the statements that make the history table."""
    text = files("runner").joinpath("history.sql").read_text(encoding="utf-8")
    rendered = render("history.sql", text, {"table": manifest.run.history_table})
    return tuple(statement.sql for statement in parse(rendered, schema=manifest.project.schema).statements)


def read(connection: Connection[Any], manifest: Manifest) -> list[Entry]:
    """Return the whole history, oldest first; the table must exist."""
    table = f"{identifier(manifest.project.schema)}.{identifier(manifest.run.history_table)}"
    rows = connection.execute(f"select {_COLUMNS} from {table} order by run, started")  # noqa: S608
    return [Entry(*row) for row in rows]


def last_applied(entries: Iterable[Entry]) -> dict[str, Applied]:
    """Return how each script was last applied, by its path."""
    return {
        entry.script: Applied(entry.checksum, f"{entry.started:%Y-%m-%d %H:%M}", entry.role)
        for entry in entries
        if entry.status == "applied"
    }


def next_run(entries: Iterable[Entry]) -> int:
    """Return the number of the next run."""
    return max((entry.run for entry in entries), default=0) + 1


def record_applied(table: str, run: int, plan: ScriptPlan) -> str:
    """Return the statement that records a script from within its own transaction.

    An `always` script is recorded only when its transaction wrote something, so that a quiet run leaves no trace.
    """
    quiet = plan.script.run == "always" and plan.script.transaction
    condition = "\nwhere pg_current_xact_id_if_assigned() is not null" if quiet else ""
    values = _values(run, plan, "applied")
    return (
        f"insert into {identifier(table)} ({_COLUMNS})\n"
        f"select {values}, transaction_timestamp(),\n"
        "    extract(epoch from clock_timestamp() - transaction_timestamp()), current_user, "
        f"{literal(__version__)}, null{condition}"
    )


def record_failed(table: str, run: int, plan: ScriptPlan, *, seconds: float, error: str) -> str:
    """Return the statement that records, in a transaction of its own, a script that was rolled back."""
    values = _values(run, plan, "failed")
    return (
        f"insert into {identifier(table)} ({_COLUMNS})\n"
        f"select {values}, clock_timestamp() - {literal(round(seconds, 3))} * interval '1 second',\n"
        f"    {literal(round(seconds, 3))}, current_user, {literal(__version__)}, {literal(error)}"
    )


def _values(run: int, plan: ScriptPlan, status: str) -> str:
    values = (run, plan.script.path, plan.parsed.checksum, status, len(plan.to_send))
    return ", ".join(literal(value) for value in values)
