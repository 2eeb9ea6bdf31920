"""What a server answers to a statement, kept small: a cursor of the driver takes some thousand bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from psycopg import Connection, Cursor


class Reply(Struct, frozen=True):
    """What a statement was answered: `INSERT 0 1`, the number of rows, and the rows themselves where it returns some.

    `columns` is None when it returns no rows. The values are in PostgreSQL's own words.
    """

    status: str | None
    count: int
    columns: tuple[str, ...] | None = None
    rows: tuple[tuple[str | None, ...], ...] = ()


def send(
    connection: Connection[Any], cursors: list[Cursor[Any]], sql: str, parameters: Mapping[str, Any] | None = None
) -> None:
    """Send a statement in a pipeline, its cursor added to the others before: its error may come while it is sent."""
    cursors.append(connection.cursor())
    cursors[-1].execute(sql, parameters)


def reply_of(cursor: Cursor[Any]) -> Reply:
    """Return the answer that a cursor holds."""
    if not cursor.description:
        return _without_rows(cursor.statusmessage, cursor.rowcount)
    columns = tuple(column.name for column in cursor.description)
    return Reply(cursor.statusmessage, cursor.rowcount, columns, tuple(rows_as_text(cursor)))


@lru_cache
def _without_rows(status: str | None, count: int) -> Reply:
    """Return one and the same answer for statements that were answered alike."""
    return Reply(status, count)


def rows_as_text(cursor: Cursor[Any]) -> Iterator[tuple[str | None, ...]]:
    """Return the rows in PostgreSQL's own words; Python has no value for some, such as infinite dates."""
    result = cursor.pgresult
    if result is None:
        return
    for row in range(result.ntuples):
        values = (result.get_value(row, column) for column in range(result.nfields))
        yield tuple(None if value is None else bytes(value).decode() for value in values)
