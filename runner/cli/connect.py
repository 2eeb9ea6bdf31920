"""How a command reaches its database: the project, which database it is, and a connection whose notices are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.project.loading import Project, load
from runner.report.reporter import Reporter

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.pipeline.run import Connect


def load_for_database(manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...]) -> Project:
    """Load a project, and while its templates are rendered, what connects to a database. Raise InputError."""
    return load(manifest, variables, profiles, meanwhile=lambda: import_module("runner.postgres.connection"))


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
    from runner.postgres.connection import describe
    from runner.postgres.opener import Opener
    from runner.postgres.target import find_target

    with reporter.progress(), find_target(dsn, loaded.project.folder, reporter.say) as target:
        opener = Opener(target, loaded.project.manifest, wait, reporter.say, reporter.notice)

        def connect() -> AbstractContextManager[Connection[Any]]:
            reporter.stage("connecting")
            return opener.connect()

        yield connect, lambda connection: describe(connection, target)
