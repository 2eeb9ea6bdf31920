"""How a command reaches its databases: which they are, and a connection to one whose notices are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.fleet.targets import Where
from runner.report.reporter import Reporter

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.pipeline.run import Connect
    from runner.project.loading import Project


def where_of(others: dict[str, Any]) -> tuple[Where, Reporter]:
    """Return which databases and schemas a command is for, and what its results are told by."""
    names = ("dsns", "file", "schemas", "pattern", "jobs", "wait")
    return Where(*(others.pop(name) for name in names)), Reporter(**others)


@contextmanager
def open_connection(
    loaded: Project, dsn: str | None, wait: float, reporter: Reporter
) -> Iterator[tuple[Connection[Any], str]]:
    """Yield a connection to the database, and what describes it."""
    with found_database(loaded, dsn, wait, reporter) as (connect, describe), connect() as connection:
        yield connection, describe(connection)


@contextmanager
def found_database(
    loaded: Project, dsn: str | None, wait: float, reporter: Reporter
) -> Iterator[tuple[Connect, Callable[[Connection[Any]], str]]]:
    """Yield what connects to the database, and what describes it."""
    from runner.postgres.connection import connect_to, describe
    from runner.postgres.target import find_target

    with reporter.progress(), find_target(dsn, loaded.project.folder, reporter.say) as target:

        @contextmanager
        def connect() -> Iterator[Connection[Any]]:
            reporter.stage("connecting")
            with connect_to(target, loaded.project.manifest, wait, reporter.say) as connection:
                connection.add_notice_handler(
                    lambda notice: reporter.notice(notice.severity_nonlocalized or "", notice.message_primary or "")
                )
                yield connection

        yield connect, lambda connection: describe(connection, target)
