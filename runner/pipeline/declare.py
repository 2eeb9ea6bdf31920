"""The declared schema on a server, and the actual one beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.catalog.agreed import Agreements, as_agreed
from runner.catalog.declared import Declared, declared
from runner.catalog.declared_words import in_declared_words
from runner.catalog.diff import is_as_declared
from runner.catalog.snapshot import Scope, Snapshot, read_and_ask, read_snapshot
from runner.errors import DatabaseError, Hint
from runner.planning import history, trust
from runner.postgres.dates import dates_of
from runner.project.loading import Project
from runner.project.lock_versions import facts_in, stale
from runner.project.manifest import Manifest
from runner.sql.objects import Facts, Object

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.planning.history import Records
    from runner.project.lockfile import Lockfile


def declare_on(connection: Connection[Any], loaded: Project, say: Callable[[str], None]) -> Declared:
    """Return what the scripts declare on this server. Raise DatabaseError when that cannot be found out."""
    lock, version = loaded.lock, connection.info.server_version // 10_000
    if lock and loaded.sealed and version in lock.postgresql and lock.dates in ("", dates_of(connection)):
        schema = loaded.project.manifest.project.schema
        return Declared(facts_in(lock, schema, version), lock.uncompared_on(version))
    if lock and version not in lock.postgresql and (known := _known_of_others(connection, loaded, lock)):
        return known
    return declared(connection, loaded.project.manifest, loaded.declaring, loaded.names, lock, say)


def _known_of_others(connection: Connection[Any], loaded: Project, lock: Lockfile) -> Declared | None:
    """Return what the nearest version that a lock covers declares, if all is there, in words that mean the same."""
    version = connection.info.server_version // 10_000
    nearest = min(lock.postgresql, key=lambda covered: (abs(covered - version), covered))
    if not loaded.sealed and stale(lock, loaded.project.manifest, loaded.declaring, nearest, dates_of(connection)):
        return None
    facts = facts_in(lock, loaded.project.manifest.project.schema, nearest)
    is_dated = lock.dates not in ("", dates_of(connection))
    if is_dated or not is_as_declared(facts, read_actual(connection, loaded, facts)):
        return None
    return Declared(facts, lock.uncompared_on(nearest))


def locked_facts(loaded: Project) -> Facts | None:
    """Return what the scripts declare, from the lock file, on whatever server it was written; None when it is stale."""
    lock = loaded.lock
    if lock is None or stale(lock, loaded.project.manifest, loaded.declaring, lock.postgresql[-1], lock.dates):
        return None
    return facts_in(lock, loaded.project.manifest.project.schema, lock.postgresql[-1])


def read_actual(connection: Connection[Any], loaded: Project, wanted: Mapping[Object, str]) -> Snapshot:
    """Return the facts of the database about the schemas that the wanted objects are in."""
    return _comparable(loaded, read_snapshot(connection, scope_of(loaded, wanted)), wanted)


def read_with_problems(connection: Connection[Any], loaded: Project, wanted: Mapping[Object, str]) -> Snapshot:
    """Return the facts of the database. Raise DatabaseError when what is there as its history is not the runner's."""
    manifest = loaded.project.manifest
    actual, (problems,) = read_and_ask(connection, scope_of(loaded, wanted), (trust.problems_question(manifest),))
    trust.require_own(manifest, problems)
    return _comparable(loaded, actual, wanted)


def _comparable(loaded: Project, actual: Snapshot, wanted: Facts) -> Snapshot:
    """Return the facts, in which nothing differs that means the same, or that the manifest accepts or ignores."""
    manifest = loaded.project.manifest
    return as_agreed(in_declared_words(actual, wanted), wanted, Agreements(manifest.accepted, manifest.ignored))


def read_with_history(
    connection: Connection[Any], loaded: Project, wanted: Mapping[Object, str]
) -> tuple[Snapshot, Records]:
    """Return the facts of the database and what is recorded of the project there, in one round trip.

    Raise DatabaseError when that is not the runner's own, of which nothing is read then, or when a role that is not
    trusted may create objects where scripts look for names.
    """
    manifest, scope = loaded.project.manifest, scope_of(loaded, wanted)
    with history.cure_named(connection, manifest):
        questions = trust.guarded(manifest, history.questions(manifest))
        actual, (_, is_read, *rows) = read_and_ask(connection, scope, questions)
        if not is_read:
            rows = _read_each(connection, manifest, scope, actual)
    trust.require_no_creators(actual.untrusted)
    return _comparable(loaded, actual, wanted), history.records(manifest, *rows)


def _read_each(
    connection: Connection[Any], manifest: Manifest, scope: Scope, actual: Snapshot
) -> list[list[tuple[Any, ...]]]:
    """Return the rows of the history and of the releases where not both are there.

    Raise DatabaseError when one is not the runner's own, or changes while it is read.
    """
    queries = history.questions(manifest)
    if any(not item.schema and not item.table and item.name in queries for item in actual.facts):
        _, (problems,) = read_and_ask(connection, scope, (trust.problems_question(manifest),))
        trust.require_own(manifest, problems)
        trust.require_no_creators(actual.untrusted)
    rows: list[list[tuple[Any, ...]]] = []
    for table, query in queries.items():
        if Object("table", table) not in actual.facts:
            rows.append([])
            continue
        _, (_, is_read, found) = read_and_ask(connection, scope, trust.guarded(manifest, {table: query}))
        if not is_read:
            message = f"table {table} was changed while it was read"
            raise DatabaseError(message, notes=(Hint("look who has changed it, and run the command again"),))
        rows.append(found)
    return rows


def scope_of(loaded: Project, wanted: Mapping[Object, str]) -> Scope:
    """Return which schemas have to be read for the wanted objects."""
    project = loaded.project.manifest.project
    others = dict.fromkeys(item.schema for item in wanted if item.schema)
    others |= dict.fromkeys(item.name for item in wanted if item.is_attached and item.subject.kind == "schema")
    extensions = tuple(item.name for item in wanted if item.kind == "extension")
    schemas = {name: name for name in others} | {project.schema: ""}
    path, managed = (project.schema, project.extension_schema), loaded.project.manifest.managed_roles
    return Scope(schemas, path, extensions, project.trusted_creators, managed)
