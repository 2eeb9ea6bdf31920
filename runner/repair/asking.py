"""Questions to a database before a run: each is a transaction of its own that only reads, and waits for no lock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.catalog.questions import BEGIN_ASKING, send_question
from runner.catalog.snapshot import LOCK_TIMEOUT
from runner.postgres.settings import begin_reading, search_path
from runner.project.manifest import Manifest

if TYPE_CHECKING:
    from psycopg import Connection

Answers = Sequence[tuple[Any, ...]]


def ask_catalog(
    connection: Connection[Any], manifest: Manifest, question: str, parameters: Mapping[str, Any] | None
) -> Answers:
    """Return the rows of a question to the catalog."""
    with reading(connection, manifest):
        for statement in BEGIN_ASKING:
            connection.execute(statement)
        send_question(connection, "asked", question, parameters)
        connection.execute(f"set local search_path = {search_path(manifest)}")
        cursor = connection.execute("fetch all from asked")
    return cursor.fetchall()


def read_rows(connection: Connection[Any], manifest: Manifest, query: str) -> Answers:
    """Return the rows of a query in the words of definitions: their search path is that of scripts."""
    with reading(connection, manifest):
        cursor = connection.execute(query)
    return cursor.fetchall()


@contextmanager
def reading(connection: Connection[Any], manifest: Manifest) -> Iterator[None]:
    """Open a transaction that only reads, and end it, also when a question fails."""
    import psycopg

    try:
        with connection.pipeline():
            for statement in (*begin_reading(manifest), f"set local lock_timeout = '{LOCK_TIMEOUT}'"):
                connection.execute(statement)
            yield
            connection.execute("rollback")
    except psycopg.Error:
        if not connection.closed:
            connection.execute("rollback")
        raise
