"""Run a plan: each script in one transaction and one round trip, with its history row inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import psycopg
from msgspec import Struct
from psycopg import Connection, Cursor, pq

from runner import history
from runner.errors import ServerMessage, StatementError
from runner.manifest import Manifest
from runner.plan import OWN_ROLE, RESET, Plan, ScriptPlan, Step, session_settings
from runner.quote import literal
from runner.statements import Parsed, Statement, excerpt

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
    error: StatementError | None = None


def execute(
    connection: Connection[Any], plan: Plan, manifest: Manifest, started: Callable[[ScriptPlan], None]
) -> Iterator[ScriptResult]:
    """Run the plan and yield each script's result as it ends; `started` is told of each script that is run.

    With `on_error = "stop"` the scripts after a failed one are skipped. Raise StatementError when the setup fails.
    """
    _set_up(connection, plan, manifest)
    failed = False
    for script in plan.scripts:
        if failed and manifest.run.on_error == "stop":
            yield ScriptResult(script, "skipped")
        elif not script.is_run:
            yield ScriptResult(script, "unchanged")
        else:
            started(script)
            result = _run_script(connection, plan.run, script, manifest)
            failed = failed or result.status == "failed"
            yield result


def statement_error(error: psycopg.Error, parsed: Parsed, statement: Statement) -> StatementError:
    """Return what the server said of a statement of a script, with its line in the template."""
    position = _position(error)
    line = parsed.rendered.line_at(statement.offset + position - 1) if position else statement.line
    return _statement_error(error, place=f"{statement.script}:{line}", sql=statement.sql)


def _statement_error(error: psycopg.Error, *, place: str, sql: str) -> StatementError:
    diagnostics, position = error.diag, _position(error)
    server = ServerMessage(
        message=diagnostics.message_primary or (str(error).strip() or type(error).__name__).splitlines()[0],
        sqlstate=error.sqlstate,
        detail=diagnostics.message_detail,
        hint=diagnostics.message_hint,
        context=diagnostics.context,
    )
    lines = excerpt(sql, position - 1) if position else (sql.split("\n", 1)[0],)
    return StatementError(server, place=place, excerpt=lines)


def _position(error: psycopg.Error) -> int:
    """Return the character of the statement that the server points at, from 1; 0 when it points at none."""
    return int(error.diag.statement_position or 0)


def _set_up(connection: Connection[Any], plan: Plan, manifest: Manifest) -> None:
    if not plan.setup:
        return
    statements = ["begin", *session_settings(manifest, local=True), *plan.setup, "commit"]
    failure = _send(connection, statements, [])
    if failure:
        index, error = failure
        raise _statement_error(error, place="making the history table", sql=statements[index]) from error


def _run_script(connection: Connection[Any], run: int, script: ScriptPlan, manifest: Manifest) -> ScriptResult:
    begin = time.monotonic()
    own, recorded = script.own_steps, True
    cursors: list[Cursor[Any]] = []
    sent = len(script.to_send)
    before, after = _around(script, run, manifest)
    send = _send if script.script.transaction else _send_one_by_one
    failure = send(connection, [*before, *(step.sql for step in own), *after], cursors)
    failed = _script_error(script, own, failure[0] - len(before), failure[1]) if failure else None
    if not script.script.transaction and not connection.closed:
        _send(connection, [*OWN_ROLE, RESET], [])
    for steps in script.later_steps if failed is None else ():
        failed = _run_later(connection, script, steps, manifest)
        if failed:
            break
    seconds = time.monotonic() - begin
    if failed:
        _record(connection, manifest, run, script, seconds=seconds, error=failed)
        return ScriptResult(script, "failed", sent, 0, seconds, (), failed)
    if script.script.transaction and not script.later_steps:
        recorded = cursors[len(before) + len(own) + len(OWN_ROLE)].rowcount > 0
    else:
        _record(connection, manifest, run, script, seconds=seconds)
    rows, returned = _results(own, cursors[len(before) : len(before) + len(own)])
    return ScriptResult(script, "applied" if recorded else "unchanged", sent, rows, seconds, returned)


def _around(script: ScriptPlan, run: int, manifest: Manifest) -> tuple[list[str], list[str]]:
    """Return what is sent before and after the statements of a script; nothing after those without a transaction."""
    if not script.script.transaction:
        return [*session_settings(manifest, local=False)], []
    record = [] if script.later_steps else [history.record_applied(manifest, run, script)]
    return ["begin", *session_settings(manifest, local=True)], [*OWN_ROLE, *record, RESET, "commit"]


def _run_later(
    connection: Connection[Any], script: ScriptPlan, steps: Sequence[Step], manifest: Manifest
) -> StatementError | None:
    """Run steps in a transaction of their own, after the script's; return the error when it fails."""
    before = ["begin", *session_settings(manifest, local=True)]
    failure = _send(connection, [*before, *(step.sql for step in steps), "commit"], [])
    return _script_error(script, steps, failure[0] - len(before), failure[1]) if failure else None


def _send(
    connection: Connection[Any], statements: Sequence[str], cursors: list[Cursor[Any]]
) -> tuple[int, psycopg.Error] | None:
    """Send statements in one round trip; return the index of the one that failed, if one did, and roll back."""
    try:
        with connection.pipeline():
            for statement in statements:
                cursors.append(connection.execute(statement))  # noqa: PERF401  the list is read after an error
    except psycopg.Error as error:
        failed = next((i for i, cursor in enumerate(cursors) if cursor.statusmessage is None), len(cursors) - 1)
        roll_back(connection)
        return failed, error
    return None


def _send_one_by_one(
    connection: Connection[Any], statements: Sequence[str], cursors: list[Cursor[Any]]
) -> tuple[int, psycopg.Error] | None:
    """Send statements each on its own, as CREATE INDEX CONCURRENTLY and its like need it."""
    for index, statement in enumerate(statements):
        try:
            cursors.append(connection.execute(statement))
        except psycopg.Error as error:
            return index, error
    return None


def roll_back(connection: Connection[Any]) -> None:
    """Roll back the open transaction, if there is one."""
    if not connection.closed and connection.info.transaction_status != pq.TransactionStatus.IDLE:
        connection.execute("rollback")


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


def _script_error(script: ScriptPlan, steps: Sequence[Step], index: int, error: psycopg.Error) -> StatementError:
    path = script.script.path
    if not 0 <= index < len(steps):
        when = (
            "before the first statement" if index < 0 else "after the last statement, at the history row or the commit"
        )
        return _statement_error(error, place=path, sql=f"({when})")
    step = steps[index]
    if step.sql == step.statement.sql:
        return statement_error(error, script.parsed, step.statement)
    return _statement_error(error, place=f"{path}:{step.statement.line}", sql=step.sql)


def _record(
    connection: Connection[Any],
    manifest: Manifest,
    run: int,
    script: ScriptPlan,
    *,
    seconds: float,
    error: StatementError | None = None,
) -> None:
    """Write the history row of a script that has ended, in a transaction of its own."""
    if error and connection.closed:
        raise error
    text = str(error) if error else None
    record = history.record_ended(manifest, run, script, seconds=literal(round(seconds, 6)), error=text)
    failure = _send(connection, ["begin", *session_settings(manifest, local=True), record, "commit"], [])
    if failure:
        raise _statement_error(failure[1], place=f"history row of {script.script.path}", sql=record) from error
