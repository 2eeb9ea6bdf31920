"""A project from a database: its scripts declare what the database has."""

from __future__ import annotations

from pathlib import Path

from runner.errors import DatabaseError, RunnerError
from runner.postgres.connection import connect_to
from runner.postgres.schema_dump import dumped_schema
from runner.postgres.target import Say, find_target
from runner.project.manifest import Manifest, ProjectSection, RunSection
from runner.project.written_schema import WrittenSchema, written_schema
from runner.sql.dump_entries import dump_entries

_WAIT = 2.0
"""Seconds for a server that is still starting."""


def schema_of(dsn: str, folder: Path, manifest: str, name: str | None, say: Say) -> WrittenSchema:
    """Return the files that declare what a database has; without a name, it is called as the database.

    Only reads. Raise RunnerError.
    """
    with find_target(dsn, folder, say, origin="--from") as target:
        as_any = Manifest(ProjectSection(name or "database"), ())
        with connect_to(target, as_any, _WAIT, say) as connection:
            database, role = connection.info.dbname, connection.info.user
        own = RunSection()
        tables = (own.history_table, own.release_table)
        try:
            text = dumped_schema(target, [f"--exclude-table=*.{table}" for table in tables])
        except RunnerError as error:
            raise DatabaseError(f"pg_dump: {error.message}", place="--from") from None
    entries = list(dump_entries(text))
    if not entries:
        raise DatabaseError(f"database {database!r} has nothing to be declared; run 'init' without it", place="--from")
    return written_schema(name or database, manifest, entries, role)
