"""Questions to the catalog: their names are PostgreSQL's own, and their words are those of some search path.

Names are looked up when a cursor is declared, and PostgreSQL chooses its words when rows are fetched from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from runner.postgres.settings import ON_OWN_PATH
from runner.resources import read_sql
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection


BEGIN_ASKING = (ON_OWN_PATH, "set local cursor_tuple_fraction = 1")
"""What a transaction needs before questions are sent: all rows will be fetched."""


def send_question(connection: Connection[Any], name: str, sql: str, parameters: Mapping[str, Any] | None) -> None:
    """Send a question after `BEGIN_ASKING`; its rows are to be fetched once the search path is that of its words."""
    connection.execute(f"declare {name} no scroll cursor for {sql}", parameters)


def set_search_path(connection: Connection[Any], path: Sequence[str], extensions: Sequence[str]) -> None:
    """Put schemas, and those of extensions after them, on the search path of the open transaction."""
    names = [identifier(name) for name in dict.fromkeys(path)]
    connection.execute(ON_OWN_PATH)
    connection.execute(read_sql("catalog/search_path.sql"), {"path": names, "extensions": list(extensions)})


def ask(
    connection: Connection[Any], sql: str, parameters: Mapping[str, Any], path: Sequence[str], extensions: Sequence[str]
) -> list[tuple[Any, ...]]:
    """Return the rows of a question, in the words of a search path, which the open transaction has from then on."""
    with connection.pipeline():
        for statement in BEGIN_ASKING:
            connection.execute(statement)
        send_question(connection, "asked", sql, parameters)
        set_search_path(connection, path, extensions)
        cursor = connection.execute("fetch all from asked")
        connection.execute("close asked")
    return cursor.fetchall()
