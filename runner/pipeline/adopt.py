"""A project from a database: its scripts declare what the database has."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from runner.errors import DatabaseError, Hint, InputError, RunnerError
from runner.postgres.connection import connect_to
from runner.postgres.schema_dump import dumped_schema
from runner.postgres.target import Say, find_target
from runner.project.input_files import read_text
from runner.project.manifest import Manifest, ProjectSection, RunSection
from runner.project.written_schema import WrittenSchema, written_schema
from runner.sql.dump_entries import dump_entries
from runner.wording import count

_WAIT = 2.0
"""Seconds for a server that is still starting."""
_ARCHIVE = b"PGDMP"
"""How pg_dump's own format begins, which is no text."""
_OTHER_DATABASE = "\n\\connect "


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


def schema_of_dump(path: Path, manifest: str, name: str | None) -> WrittenSchema:
    """Return the files that declare what a dump has, without its rows; without a name, it is called as the file.

    Whoever owns most is taken for the role that will apply them. Raise InputError.
    """
    shown = str(path)
    if path.is_file() and path.read_bytes().startswith(_ARCHIVE):
        hint = Hint("make a script of it: pg_restore --schema-only --file schema.sql ARCHIVE")
        raise InputError("an archive of pg_dump, not a script", place=shown, notes=(hint,))
    text = read_text(path, shown)
    entries = list(dump_entries(text))
    own = [entry for entry in entries if entry.is_schema]
    if any(_OTHER_DATABASE in entry.sql for entry in entries):
        hint = Hint("dump each database by itself: pg_dump --schema-only")
        raise InputError("has several databases", place=shown, notes=(hint,))
    if not own:
        hint = Hint("write one: pg_dump --schema-only --file schema.sql")
        raise InputError("has no object as pg_dump writes it", place=shown, notes=(hint,))
    owners = Counter(entry.owner for entry in own if entry.owner)
    written = written_schema(name or path.stem, manifest, own, next((role for role, _ in owners.most_common(1)), ""))
    tables = sum(entry.kind == "TABLE DATA" for entry in entries)
    return written._replace(lost=(*written.lost, f"rows of {count(tables, 'table')}")) if tables else written
