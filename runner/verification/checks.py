"""The checks of a manifest: SQL that returns the rows that are wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import Connection, Cursor

from runner.errors import StatementError
from runner.execution.sender import roll_back
from runner.postgres.errors import policy_notes, statement_error
from runner.postgres.replies import rows_as_text, send
from runner.postgres.settings import begin_reading, tag
from runner.project.manifest import CheckEntry, Manifest
from runner.sql.statements import Script, Statement


class CheckResult(Struct, frozen=True):
    """What a check found: the wrong rows as text, or the error that it failed with."""

    check: CheckEntry
    rows: tuple[str, ...]
    error: StatementError | None = None


def run_checks(connection: Connection[Any], manifest: Manifest, parsed: Sequence[Script]) -> list[CheckResult]:
    """Run all checks in one round trip; a check that fails costs one more for those after it."""
    results: list[CheckResult] = []
    while len(results) < len(parsed):
        results += _run_until_error(connection, manifest, parsed, skip=len(results))
    return results


def _run_until_error(
    connection: Connection[Any], manifest: Manifest, parsed: Sequence[Script], *, skip: int
) -> list[CheckResult]:
    checks, parsed = manifest.checks[skip:], parsed[skip:]
    cursors: list[list[Cursor[Any]]] = []
    failure: psycopg.Error | None = None
    try:
        with connection.pipeline():
            for setting in begin_reading(manifest):
                connection.execute(setting)
            for check in parsed:
                cursors.append([])
                for statement in check.statements:
                    send(connection, cursors[-1], _tag(statement) + statement.sql)
            connection.execute("rollback")
    except psycopg.Error as error:
        if connection.closed or not cursors:
            raise
        roll_back(connection)
        failure = error
    results: list[CheckResult] = []
    for entry, source, answers in zip(checks, parsed, cursors, strict=False):
        rows: list[str] = []
        for statement, cursor in zip(source.statements, answers, strict=False):
            if failure and cursor.statusmessage is None:
                failed = statement_error(failure, source, statement, _tag(statement), policy_notes(failure))
                return [*results, CheckResult(entry, tuple(rows), failed)]
            rows += _rows(cursor)
        results.append(CheckResult(entry, tuple(rows)))
    return results


def _rows(cursor: Cursor[Any]) -> Iterator[str]:
    names = [column.name for column in cursor.description or ()]
    for row in rows_as_text(cursor):
        yield ", ".join(f"{name}: {'null' if value is None else value}" for name, value in zip(names, row, strict=True))


def _tag(statement: Statement) -> str:
    return tag(statement.script, statement.line)
