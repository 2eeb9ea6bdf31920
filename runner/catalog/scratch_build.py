"""Let PostgreSQL itself say what the scripts declare: build it in scratch schemas, read the catalog, roll back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.questions import ask, set_search_path
from runner.catalog.relocation import Moved, move, restore_body
from runner.catalog.relocation_guards import RelocationContext
from runner.catalog.snapshot import READING_TIMEOUT, Scope, Snapshot, read_in_transaction
from runner.errors import DatabaseError, Hint
from runner.postgres.session import current_role
from runner.postgres.settings import own_settings
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.early_values import SINCE, EarlyValues, early_values
from runner.sql.names import Name, Sort
from runner.sql.objects import Facts
from runner.sql.quoting import identifier
from runner.sql.references import References, RefusedError
from runner.sql.statements import Statement

if TYPE_CHECKING:
    from psycopg import Connection


_STRING = re.compile(r"'(?:[^']|'')*'")
_PREFIX = "_runner_scratch_"
_QUIET = (
    "set local check_function_bodies = off",
    "set local client_min_messages = 'error'",
    "set local default_tablespace = ''",
    f"set local statement_timeout = '{READING_TIMEOUT}'",
)
_EVENT_TRIGGERS_SINCE = 170_000
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
        role, database = current_role(connection), connection.info.dbname
        grant = f"grant create on database {identifier(database)} to {identifier(role)};"
        raise DatabaseError(
            f"role {role!r} may not create a schema in database {database!r}; {_WITHOUT_LOCK}",
            notes=(Hint(f"{grant}"), Hint(f"{_COMMIT_LOCK}")),
        ) from error
    except psycopg.errors.ReadOnlySqlTransaction as error:
        message = f"the database accepts no writes; {_WITHOUT_LOCK}"
        raise DatabaseError(message, notes=(Hint(f"verify the primary, {_COMMIT_LOCK}"),)) from error
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
        self.own: set[Name] = set()
        """What is in the scratch schemas by now."""
        self.bodies: list[str] = []
        """The bodies of functions, by the number that stands for them."""
        self.extensions: Sequence[str] = ()
        """Those that are declared: their schemas are on the search path of what is built."""
        self.movables = list(self.readable(statements))
        target = manifest.project.schema
        made = {schema for movable, _ in self.movables for schema in movable.schemas if _is_ordinary(schema)}
        prefix = f"{_PREFIX}{secrets.token_hex(6)}_"
        self.names = {name: f"{prefix}{i:03}" for i, name in enumerate((target, *sorted(made - {"", target})))}
        self.for_extensions = f"{prefix}x"
        old = connection.info.server_version < SINCE
        self.values = early_values(statements) if old else EarlyValues()

    def readable(self, statements: Iterable[Statement]) -> Iterator[tuple[References, Statement]]:
        for statement in statements:
            try:
                yield References(statement.sql), statement
            except RefusedError as error:
                self.unbuilt.append(Unbuilt(statement, str(error)))

    def run(self, *, careful: bool) -> Built:
        self.begin()
        extensions = self.make_extensions()
        self.known = self.find_names(extensions)
        if careful:
            for movable, statement in self.movables:
                self.try_to_make(movable, statement)
        else:
            self.make_all()
        shown = {scratch: "" if name == self.known.target else name for name, scratch in self.names.items()}
        snapshot = read_in_transaction(self.connection, Scope(shown, self.path, extensions))
        return Built(self.facts(snapshot), tuple(self.unbuilt))

    @property
    def path(self) -> tuple[str, ...]:
        project = self.manifest.project
        return self.names[project.schema], self.for_extensions, project.extension_schema

    def begin(self) -> None:
        with self.connection.pipeline():
            for statement in ("begin", *own_settings(self.manifest), *_QUIET):
                self.connection.execute(statement)
        self.silence_event_triggers()
        with self.connection.pipeline():
            for schema in (*self.names.values(), self.for_extensions):
                self.connection.execute(f"create schema {identifier(schema)}")

    def silence_event_triggers(self) -> None:
        """Keep the database's event triggers from running, where the role may; what they do is rolled back anyway."""
        if self.connection.execute(read_sql("catalog/scratch_event_triggers.sql")).fetchone():
            modern = self.connection.info.server_version >= _EVENT_TRIGGERS_SINCE
            setting = "event_triggers = off" if modern else "session_replication_role = replica"
            self.within_savepoint((f"set local {setting}",))

    def make_extensions(self) -> tuple[str, ...]:
        """Make the declared extensions that are missing; return the names of all that are declared."""
        names = tuple(movable.extension for movable, _ in self.movables if movable.extension)
        rows = (
            self.connection.execute(read_sql("catalog/scratch_extensions.sql"), {"names": list(names)}) if names else ()
        )
        for name, fixed_schema in rows:
            schema = "" if fixed_schema else f" schema {identifier(self.for_extensions)}"
            self.within_savepoint((f"create extension {identifier(name)}{schema} cascade",))
        return names

    def find_names(self, extensions: Sequence[str]) -> RelocationContext:
        """Find out which names that the statements use belong to extensions, and which to nobody known."""
        project = self.manifest.project
        parameters = {
            "names": sorted({word for movable, _ in self.movables for word in movable.words}),
            "path": [self.for_extensions, project.extension_schema],
            "extensions": list(extensions),
        }
        path = (project.schema, project.extension_schema)
        rows = ask(self.connection, read_sql("catalog/scratch_names.sql"), parameters, path, ())
        members = {(sort, name): schema for sort, name, schema, _, whose in rows if whose == "extension"}
        strangers: dict[tuple[Sort, str], frozenset[Name]] = {}
        for sort, name, schema, exact, whose in rows:
            if whose == "nobody":
                strangers[sort, name] = strangers.get((sort, name), frozenset()) | {Name(sort, schema, exact)}
        harmless = frozenset(name for _, name, *_, whose in rows if whose == "harmless")
        self.extensions = extensions
        with self.connection.pipeline():
            set_search_path(self.connection, self.path, extensions)
        target = project.schema
        scripted = frozenset(
            Name("function", effect.object.schema or target, effect.object.name)
            for _, statement in self.movables
            for effect in statement.declaration.effects
            if effect.action == "create" and effect.object.kind == "function"
        )
        return RelocationContext(self.names, target, members, strangers, scripted, harmless, self.own, self.bodies)

    def make_all(self) -> None:
        try:
            with self.connection.pipeline():
                for movable, statement in self.movables:
                    moved = self.moved(movable, statement)
                    for sql in moved.sql:
                        self.connection.execute(sql)
                    if moved.removes:
                        self.look_again()
        except psycopg.Error as error:
            raise _StatementError from error

    def try_to_make(self, movable: References, statement: Statement) -> None:
        moved = self.moved(movable, statement)
        error = self.within_savepoint(moved.sql)
        if error:
            self.unbuilt.append(Unbuilt(statement, "fails", error))
        if error or moved.removes:
            self.look_again()

    def moved(self, movable: References, statement: Statement) -> Moved:
        """Return the statement as it is sent; a name that is not known is looked for once more."""
        if statement.key in self.values.needless:
            return Moved()
        effects = statement.declaration.effects
        functions = [effect.object for effect in effects if effect.object.kind.endswith("function")]
        try:
            moved = move(movable, functions, self.known)
        except RefusedError:
            self.look_again()
            try:
                moved = move(movable, functions, self.known)
            except RefusedError as error:
                self.unbuilt.append(Unbuilt(statement, str(error)))
                return Moved()
        self.own |= moved.made
        self.bodies += moved.bodies
        return replace(moved, sql=tuple(self.values.sql(statement, sql) for sql in moved.sql))

    def look_again(self) -> None:
        """Ask what is in the scratch schemas by now."""
        parameters = {"names": list(self.names), "schemas": list(self.names.values())}
        rows = ask(self.connection, read_sql("catalog/scratch_own.sql"), parameters, self.path, self.extensions)
        self.own.clear()
        self.own.update(Name(*row) for row in rows)

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
            if item.kind == "schema" or item.subject.kind == "extension":
                continue
            known_by = item if item.kind != "constraint" or item.name in named else signatures[item]
            text = restore_body(definition, self.bodies) if item.kind == "function" else definition
            declared = known_by._replace(name=self.declared_name(known_by.name))
            facts[item if declared in facts else declared] = self.declared_name(text)
        return facts

    def declared_name(self, text: str) -> str:
        for name, scratch in (*self.names.items(), (self.manifest.project.extension_schema, self.for_extensions)):
            if text == scratch:
                return name
            quoted = identifier(name)
            if "'" in quoted and scratch in text:
                text = _STRING.sub(partial(_replace_in_string, scratch, quoted), text)
            text = text.replace(scratch, quoted)
        return text


def _replace_in_string(old: str, new: str, string: re.Match[str]) -> str:
    return string[0].replace(old, new.replace("'", "''"))


def _is_ordinary(schema: str) -> bool:
    return not schema.startswith("pg_") and schema != "information_schema"


def _named_constraints(statements: Iterable[Statement]) -> Iterator[str]:
    """Return the names that scripts give to constraints."""
    for statement in statements:
        for effect in statement.declaration.effects:
            if effect.object.kind == "constraint":
                yield effect.value if effect.action == "rename" else effect.object.name
