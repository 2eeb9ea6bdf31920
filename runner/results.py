"""How scripts ended, and the rows that they returned, as values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from runner.errors import RunnerError
from runner.plans import ScriptPlan, Step

if TYPE_CHECKING:
    from psycopg import Cursor

Status = Literal["applied", "unchanged", "failed", "skipped"]


class Returned(Struct, frozen=True):
    """The rows that a statement of a script returned, for people: column names, and values as text."""

    line: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class ScriptResult(Struct, frozen=True):
    """How a script ended; `sent` counts statements, `rows` the rows written, `seconds` the whole script."""

    plan: ScriptPlan
    status: Status
    sent: int = 0
    rows: int = 0
    seconds: float = 0.0
    returned: tuple[Returned, ...] = ()
    error: RunnerError | None = None


def ended_well(
    script: ScriptPlan, cursors: Sequence[Cursor[Any]], seconds: float, *, is_recorded: bool
) -> ScriptResult:
    """Return the result of a script; `cursors` begin with those of its own steps.

    `is_recorded` tells whether the history has a row for it.
    """
    own = script.own_steps
    rows, returned = _results(own, cursors[: len(own)])
    status: Status = "applied" if is_recorded else "unchanged"
    return ScriptResult(script, status, len(script.to_send), rows, seconds, returned)


def _results(steps: Sequence[Step], cursors: Sequence[Cursor[Any]]) -> tuple[int, tuple[Returned, ...]]:
    written, returned = 0, []
    for step, cursor in zip(steps, cursors, strict=True):
        command = (cursor.statusmessage or "").split(" ")[0]
        if command in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            written += max(cursor.rowcount, 0)
        if cursor.description:
            columns = tuple(column.name for column in cursor.description)
            returned.append(Returned(step.statement.line, columns, tuple(rows_as_text(cursor))))
    return written, tuple(returned)


def rows_as_text(cursor: Cursor[Any]) -> Iterator[tuple[str | None, ...]]:
    """Return the rows in PostgreSQL's own words; Python has no value for some, such as infinite dates."""
    result = cursor.pgresult
    if result is None:
        return
    for row in range(result.ntuples):
        values = (result.get_value(row, column) for column in range(result.nfields))
        yield tuple(None if value is None else bytes(value).decode() for value in values)
