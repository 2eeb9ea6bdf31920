"""What the ledger of another tool says of a database, and its migrations recorded as applied."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.untrusted import trusted_roles_sql
from runner.errors import DatabaseError, Hint
from runner.execution.listener import Listener
from runner.pipeline.apply import ApplyResult, Request
from runner.pipeline.run import Connect, run
from runner.planning.model import Options
from runner.postgres.cancellation import Cancellation
from runner.postgres.settings import ALL_ROWS, own_settings
from runner.project.importing.ledgers import LEDGERS, Ledger, Recorded, recorded
from runner.project.importing.migrations import Imported
from runner.project.loading import read_project
from runner.project.manifest import Manifest, ManifestFile
from runner.project.outcomes import raise_first
from runner.resources import read_sql
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

_TABLES = ("r", "p")


class _Relation(Struct, frozen=True):
    """What has the name of a ledger."""

    schema: str
    kind: str
    owner: str
    is_trusted: bool
    columns: tuple[str, ...]


def read_ledger(connection: Connection[Any], manifest: Manifest, imported: Imported) -> Recorded:
    """Return what the ledger of the tool says of the migrations. Only read. Raise DatabaseError."""
    ledger = LEDGERS[imported.tool]
    with _reading(connection, manifest):
        table = _table(connection, manifest, ledger)
        columns = ", ".join(map(identifier, ledger.columns))
        rows = connection.execute(read_sql("pipeline/ledger_rows.sql").format(columns=columns, table=table).encode())
        found = [dict(zip(ledger.columns, row, strict=True)) for row in rows.fetchall()]
    return recorded(imported, found)


@contextmanager
def _reading(connection: Connection[Any], manifest: Manifest) -> Iterator[None]:
    for statement in ("begin read only", *own_settings(manifest), ALL_ROWS):
        connection.execute(statement.encode())
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("rollback")


def _table(connection: Connection[Any], manifest: Manifest, ledger: Ledger) -> str:
    """Return the name of the ledger, as SQL has it. Raise DatabaseError when there is none that can be read."""
    query = read_sql("pipeline/ledger_tables.sql").format(trusted_roles=trusted_roles_sql())
    trusted = list(manifest.project.trusted_creators)
    parameters = {"name": ledger.table, "schema": ledger.schema, "trusted": trusted}
    there = [
        _Relation(schema, kind, owner, is_trusted, tuple(columns))
        for schema, kind, owner, is_trusted, columns in connection.execute(query.encode(), parameters).fetchall()
    ]
    relation = _first_of(connection, manifest, ledger, there)
    name = f"{identifier(relation.schema)}.{identifier(ledger.table)}"
    if relation.kind not in _TABLES:
        raise DatabaseError(f"{name} is no table; it was not read")
    if not relation.is_trusted:
        cure = "import without --dsn, name the role in trusted_creators, [project] in the manifest, and import again"
        hint = Hint(f"use the role that owns it, or {cure}")
        raise DatabaseError(f"{name} belongs to {relation.owner}, who is not trusted; it was not read", notes=(hint,))
    if "dirty" in relation.columns:
        raise DatabaseError(f"{name} is the ledger of golang-migrate: it has a column 'dirty'; it was not read")
    missing = [column for column in ledger.columns if column not in relation.columns]
    if missing:
        raise DatabaseError(f"{name} is not the ledger of the tool: it has no column {missing[0]!r}; it was not read")
    return name


def _first_of(connection: Connection[Any], manifest: Manifest, ledger: Ledger, there: Sequence[_Relation]) -> _Relation:
    """Return the relation that the session would find by the path of its role and its database, else the only one."""
    name = f"{identifier(ledger.schema)}.{ledger.table}" if ledger.schema else ledger.table
    if not there:
        hint = Hint("without --dsn, the scripts are written and nothing is read")
        raise DatabaseError(f"the database has no table {name}, in which the tool keeps what is applied", notes=(hint,))
    connection.execute("reset search_path")
    row = connection.execute(read_sql("pipeline/usual_schemas.sql").encode()).fetchone()
    for statement in own_settings(manifest):
        connection.execute(statement.encode())
    path = list(row[0]) if row else []
    first = min(
        (relation for relation in there if relation.schema in path), key=lambda r: path.index(r.schema), default=None
    )
    if first is None and len(there) > 1:
        schemas = ", ".join(identifier(relation.schema) for relation in there)
        hint = Hint("choose one by the search path: --dsn 'postgresql://…?options=-csearch_path=SCHEMA'")
        raise DatabaseError(f"there is a table {name} in several schemas: {schemas}", notes=(hint,))
    return first or there[0]


def record_applied(
    connect: Connect, project: ManifestFile, paths: Collection[str], listener: Listener, stop: Cancellation
) -> ApplyResult:
    """Record some scripts as applied, as `apply --baseline` does, and compare what they declare. Run nothing.

    Raise DatabaseError, and InputError for a script that cannot be read.
    """
    manifest = project.manifest
    of_ledger = replace(
        manifest,
        scripts=tuple(script for script in manifest.scripts if script.path in paths),
        project=replace(manifest.project, release=None),
        run=replace(manifest.run, repair="none"),
        checks=(),
    )
    loaded, problems = read_project(replace(project, manifest=of_ledger), with_lock=False)
    raise_first(problems)
    return run(connect, loaded, Request(Options(baseline=True)), listener, stop)
