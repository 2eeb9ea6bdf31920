"""Let PostgreSQL itself say what the scripts declare: build it in scratch schemas, read the catalog, roll back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct

from runner import catalog
from runner.catalog import Facts, Scope, Snapshot
from runner.errors import DatabaseError
from runner.manifest import Manifest
from runner.plan import session_settings
from runner.quote import identifier
from runner.relocate import Known, Movable, Moved, RefusedError, move, restore_body
from runner.statements import Statement

if TYPE_CHECKING:
    from psycopg import Connection

_PREFIX = "_runner_scratch_"
_QUIET = (
    "set local check_function_bodies = off",
    "set local client_min_messages = 'error'",
    "set local statement_timeout = 0",
)
_WITHOUT_LOCK = "what the scripts declare is found out by building it in a schema of its own that is rolled back"
_COMMIT_LOCK = "or commit a fresh schema.lock.toml, written by 'python -m runner lock' where that is possible"


class Unbuilt(Struct, frozen=True):
    """A statement whose objects are known by their names alone, and why: refused, or the error that it failed with."""

    statement: Statement
    reason: str
    error: psycopg.Error | None = None


class Built(Struct, frozen=True):
    """What statements declare, and those of them that could not be asked."""

    facts: Facts
    unbuilt: tuple[Unbuilt, ...]


def build(connection: Connection[Any], manifest: Manifest, statements: Sequence[Statement]) -> Built:
    """Return what statements declare. Raise DatabaseError when the role may not build.

    A statement that is not known to be safe, or that fails, is left out and named in the result.
    """
    try:
        try:
            return _Build(connection, manifest, statements).run(careful=False)
        except _StatementError:
            connection.execute("rollback")
            return _Build(connection, manifest, statements).run(careful=True)
    except psycopg.errors.InsufficientPrivilege as error:
        role, database = connection.info.user, connection.info.dbname
        grant = f"grant create on database {identifier(database)} to {identifier(role)};"
        raise DatabaseError(
            f"role {role!r} may not create a schema in database {database!r}; {_WITHOUT_LOCK}",
            notes=(f"hint: {grant}", f"hint: {_COMMIT_LOCK}"),
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        message = f"the database accepts no writes; {_WITHOUT_LOCK}"
        raise DatabaseError(message, notes=(f"hint: verify the primary, {_COMMIT_LOCK}",)) from error
    finally:
        if not connection.closed:
            connection.execute("rollback")


class _StatementError(Exception):
    """Some statement failed; which one is found out when each has a savepoint."""


class _Build:
    def __init__(self, connection: Connection[Any], manifest: Manifest, statements: Sequence[Statement]) -> None:
        self.connection = connection
        self.manifest = manifest
        self.statements = statements
        self.unbuilt: list[Unbuilt] = []
        self.movables = list(self.readable(statements))
        target = manifest.project.schema
        made = {schema for movable in self.movables for schema in movable.made_schemas if not schema.startswith("pg_")}
        prefix = f"{_PREFIX}{secrets.token_hex(6)}_"
        self.names = {name: f"{prefix}{i:03}" for i, name in enumerate((target, *sorted(made - {"", target})))}
        self.for_extensions = f"{prefix}x"

    def readable(self, statements: Iterable[Statement]) -> Iterator[Movable]:
        for statement in statements:
            try:
                yield Movable(statement)
            except RefusedError as error:
                self.unbuilt.append(Unbuilt(statement, str(error)))

    def run(self, *, careful: bool) -> Built:
        self.begin()
        extensions = self.make_extensions()
        self.known = self.find_names(extensions)
        if careful:
            for movable in self.movables:
                self.try_to_make(movable)
        else:
            self.make_all()
        path = (*self.path, self.manifest.project.extension_schema)
        shown = {scratch: "" if name == self.known.target else name for name, scratch in self.names.items()}
        snapshot = catalog.read_in_transaction(self.connection, Scope(shown, path, extensions))
        return Built(self.facts(snapshot), tuple(self.unbuilt))

    @property
    def path(self) -> tuple[str, ...]:
        return self.names[self.manifest.project.schema], self.for_extensions

    def begin(self) -> None:
        with self.connection.pipeline():
            for statement in ("begin", *session_settings(self.manifest, local=True), *_QUIET):
                self.connection.execute(statement)
            for schema in (*self.names.values(), self.for_extensions):
                self.connection.execute(f"create schema {identifier(schema)}")

    def make_extensions(self) -> tuple[str, ...]:
        """Make the declared extensions that are missing; return the names of all that are declared."""
        names = tuple(movable.extension for movable in self.movables if movable.extension)
        rows = self.connection.execute(_sql("scratch_extensions.sql"), {"names": list(names)}) if names else ()
        for name, fixed_schema in rows:
            schema = "" if fixed_schema else f" schema {identifier(self.for_extensions)}"
            self.within_savepoint((f"create extension {identifier(name)}{schema} cascade",))
        return names

    def find_names(self, extensions: Sequence[str]) -> Known:
        """Find out which names that the statements use belong to extensions, and which to nobody known."""
        parameters = {
            "names": sorted({name for movable in self.movables for name in movable.names_used}),
            "path": [self.for_extensions, self.manifest.project.extension_schema],
            "extensions": list(extensions),
        }
        rows = self.connection.execute(_sql("scratch_names.sql"), parameters).fetchall()
        members = {name: schema for name, schema, is_member in rows if is_member}
        strangers = frozenset(name for name, _, is_member in rows if not is_member)
        catalog.set_search_path(self.connection, (*self.path, self.manifest.project.extension_schema), extensions)
        return Known(self.names, self.manifest.project.schema, members, strangers, set(), [])

    def make_all(self) -> None:
        try:
            with self.connection.pipeline():
                for movable in self.movables:
                    moved = self.moved(movable)
                    for sql in moved.sql:
                        self.connection.execute(sql)
                    if moved.removes:
                        self.look_again()
        except psycopg.Error as error:
            raise _StatementError from error

    def try_to_make(self, movable: Movable) -> None:
        moved = self.moved(movable)
        error = self.within_savepoint(moved.sql)
        if error:
            self.unbuilt.append(Unbuilt(movable.statement, "fails", error))
        if error or moved.removes:
            self.look_again()

    def moved(self, movable: Movable) -> Moved:
        """Return the statement as it is sent; a name that is not known is looked for once more."""
        try:
            return move(movable, self.known)
        except RefusedError:
            self.look_again()
        try:
            return move(movable, self.known)
        except RefusedError as error:
            self.unbuilt.append(Unbuilt(movable.statement, str(error)))
            return Moved()

    def look_again(self) -> None:
        """Ask what is in the scratch schemas by now."""
        parameters = {"names": list(self.names), "schemas": list(self.names.values())}
        self.known.own = set(self.connection.execute(_sql("scratch_own.sql"), parameters).fetchall())

    def within_savepoint(self, statements: Sequence[str]) -> psycopg.Error | None:
        self.connection.execute("savepoint statement")
        try:
            for sql in statements:
                self.connection.execute(sql)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            self.connection.execute("rollback to statement")
            return error
        return None

    def facts(self, snapshot: Snapshot) -> Facts:
        """Return the facts under the names of the schemas that they are declared in."""
        signatures = {item: known_by for known_by, items in snapshot.unnamed.items() for item in items}
        named = set(_named_constraints(self.statements))
        facts = {}
        for item, definition in snapshot.facts.items():
            if item.kind in ("schema", "extension"):
                continue
            known_by = item if item.kind != "constraint" or item.name in named else signatures[item]
            text = restore_body(definition, self.known.bodies) if item.kind == "function" else definition
            facts[known_by._replace(name=self.declared_name(known_by.name))] = self.declared_name(text)
        return facts

    def declared_name(self, text: str) -> str:
        for name, scratch in self.names.items():
            text = text.replace(scratch, name if text == scratch else identifier(name))
        return text


def _named_constraints(statements: Iterable[Statement]) -> Iterator[str]:
    """Return the names that scripts give to constraints."""
    for statement in statements:
        for effect in statement.declaration.effects:
            if effect.object.kind == "constraint":
                yield effect.value if effect.action == "rename" else effect.object.name


@cache
def _sql(name: str) -> str:
    return files("runner").joinpath(name).read_text(encoding="utf-8")
