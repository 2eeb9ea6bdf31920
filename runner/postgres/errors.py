"""What a server says of a failed statement, as an error with its place in the template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.errors import Hint, Place, ServerMessage, StatementError
from runner.sql.excerpts import excerpt, point
from runner.sql.statements import Script, Statement

if TYPE_CHECKING:
    import psycopg


def statement_error(
    error: psycopg.Error, parsed: Script, statement: Statement, prefix: str = "", notes: tuple[str, ...] = ()
) -> StatementError:
    """Return what the server said of a statement of a script, with its place in the template.

    `prefix` is what was sent before it.
    """
    position = _position(error, prefix)
    if not position:
        return server_error(error, place=Place(statement.script, statement.line), sql=statement.sql, notes=notes)
    found = point(parsed.rendered, statement.offset + position - 1)
    place = Place(statement.script, found.line)
    return StatementError(_said(error), place=place, excerpt=found.excerpt, notes=notes, column=found.column)


def server_error(
    error: psycopg.Error, *, place: str, sql: str, prefix: str = "", notes: tuple[str, ...] = ()
) -> StatementError:
    """Return what the server said of SQL that is in no template as it was sent; `prefix` is what was sent before it."""
    position = _position(error, prefix)
    lines = excerpt(sql, position - 1) if position else (sql.split("\n", 1)[0],)
    return StatementError(_said(error), place=place, excerpt=lines, notes=notes)


def policy_notes(error: psycopg.Error) -> tuple[Hint, ...]:
    """Return what an error means that a policy made with row_security off; other privileges have the same code."""
    if error.sqlstate != "42501" or "row-level security" not in (error.diag.message_primary or ""):
        return ()
    return (Hint("the role sees only a part of the rows: be the owner of the table, or have bypassrls"),)


def _said(error: psycopg.Error) -> ServerMessage:
    diagnostics = error.diag
    return ServerMessage(
        message=diagnostics.message_primary or first_line(error),
        sqlstate=error.sqlstate,
        detail=diagnostics.message_detail,
        hint=diagnostics.message_hint,
        context=diagnostics.context,
    )


def _position(error: psycopg.Error, prefix: str) -> int:
    """Return the character of the statement that the server points at, from 1; 0 when it points at none."""
    return max(int(error.diag.statement_position or 0) - len(prefix), 0)


def first_line(error: psycopg.Error) -> str:
    """Return the first line of what the driver says."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
