"""How a session reads moments without an offset, and dates that are not written as ISO does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.sql.quoting import literal

if TYPE_CHECKING:
    from psycopg import Connection

_NOWHERE = "<nowhere>-13:37"
"""A time zone with an offset that no other one has."""


def dates_of(connection: Connection[Any]) -> str:
    """Return the time zone of a session, and its order of day, month and year: `UTC, MDY`."""
    zone = connection.info.parameter_status("TimeZone") or ""
    return f"{zone.removeprefix('Etc/')}, {_order(connection)}"


@contextmanager
def other_dates(connection: Connection[Any]) -> Iterator[None]:
    """Give the session another time zone, and another order, while the block runs."""
    zone, order = connection.info.parameter_status("TimeZone"), _order(connection)
    _set(connection, _NOWHERE, "DMY" if order == "MDY" else "MDY")
    try:
        yield
    finally:
        _set(connection, str(zone), order)


def _order(connection: Connection[Any]) -> str:
    return (connection.info.parameter_status("DateStyle") or "").rpartition(" ")[2]


def _set(connection: Connection[Any], zone: str, order: str) -> None:
    connection.execute(f"set timezone = {literal(zone)}".encode())
    connection.execute(f"set datestyle = {order}".encode())
