"""Let PostgreSQL itself say what the scripts declare: build it in scratch schemas, read the catalog, roll back."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.questions import ask, set_search_path
from runner.catalog.relocation import Moved, move
from runner.catalog.relocation_guards import RelocationContext, home
from runner.catalog.scratch_context import find_names
from runner.catalog.scratch_errors import is_of_others
from runner.catalog.scratch_facts import ScratchNames, declared_facts
from runner.catalog.snapshot import READING_TIMEOUT, Scope, read_in_transaction
from runner.catalog.stand_ins import read_stand_ins
from runner.errors import DatabaseError, Hint
from runner.postgres.session import current_role
from runner.postgres.settings import own_settings
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.early_values import SINCE, EarlyValues, early_values
from runner.sql.names import Name, RefusedError
from runner.sql.objects import Facts
from runner.sql.quoting import identifier
from runner.sql.references import References
from runner.sql.statements import Statement

if TYPE_CHECKING:
    from psycopg import Connection


_PREFIX = "_runner_scratch_"
_QUIET = (
    "set local check_function_bodies = off",
    "set local client_min_messages = 'error'",
    "set local default_tablespace = ''",
    f"set local statement_timeout = '{READING_TIMEOUT}'",
)
_EVENT_TRIGGERS_SINCE = 170_000
_AMBIGUOUS = "42725"
_DUPLICATE = "42710"
_WITHOUT_LOCK = "what the scripts declare is found out by building it in a schema of its own that is rolled back"
_COMMIT_LOCK = "or commit a fresh schema.lock.toml, written by 'python -m runner lock' where that is possible"


class Unbuilt(Struct, frozen=True):
    """A statement whose objects are known by their names alone, and why: refused, or the error that it failed with.

    There is no error when it failed because of what is outside of the scripts.
    """

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
        self.left_out: set[Name] = set()
        """What scripts make and is not there."""
        self.bodies: list[str] = []
        """The bodies of functions, by the number that stands for them."""
        self.extensions: tuple[str, ...] = ()
        """Those that are declared: their schemas are on the search path of what is built."""
        self.homes: tuple[str, ...] = ()
        """The scratch schemas that stand for schemas of extensions: what is in these has no schema in facts."""
        self.movables = list(self.readable(statements))
        target = manifest.project.schema
        made = {schema for movable, _ in self.movables for schema in movable.schemas if _is_ordinary(schema)}
        self.prefix = prefix = f"{_PREFIX}{secrets.token_hex(6)}_"
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
        self.extensions = self.make_extensions()
        self.known = self.find_names()
        before = self.make_stand_ins()
        if careful:
            for movable, statement in self.movables:
                self.try_to_make(movable, statement)
        else:
            self.make_all()
        snapshot = read_in_transaction(self.connection, self.scope)
        facts = declared_facts(snapshot, before, self.statements, self.bodies, self.scratch_names)
        return Built(facts, tuple(self.unbuilt))

    @property
    def scope(self) -> Scope:
        shown = {scratch: "" if name == self.known.target else name for name, scratch in self.names.items()}
        return Scope(shown, (*self.path, *self.homes), self.extensions)

    @property
    def scratch_names(self) -> ScratchNames:
        return ScratchNames(self.names, self.manifest.project.extension_schema, self.for_extensions)

    @property
    def path(self) -> tuple[str, ...]:
        project = self.manifest.project
        found = (self.names.get(schema) for schema in (project.schema, project.extension_schema))
        return (*filter(None, found), self.for_extensions, project.extension_schema)

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
            self.within_savepoint(Moved((f"set local {setting}",)))

    def make_extensions(self) -> tuple[str, ...]:
        """Make the declared extensions that are missing; return the names of all that are declared."""
        homes = dict(movable.extension for movable, _ in self.movables if movable.extension)
        query = read_sql("catalog/scratch_extensions.sql")
        for name, fixed, there in self.connection.execute(query, {"names": list(homes)}).fetchall() if homes else ():
            homes[name] = there or fixed or homes[name]
            if not there:
                schema = "" if fixed else f" schema {identifier(self.for_extensions)}"
                self.within_savepoint(Moved((f"create extension {identifier(name)}{schema} cascade",)))
        self.homes = tuple(self.names[schema] for schema in sorted(set(homes.values())) if schema in self.names)
        return tuple(homes)

    def find_names(self) -> RelocationContext:
        path = [self.for_extensions, self.manifest.project.extension_schema]
        found = find_names(self.connection, self.manifest.project, self.movables, self.extensions, path)
        set_search_path(self.connection, self.path, self.extensions)
        return found.context(self.names, self.own, self.left_out, self.bodies)

    def make_stand_ins(self) -> Facts:
        """Make what the scripts refer to and do not make; return the facts about it."""
        missing = read_stand_ins(self.connection, self.manifest, self.movables, self.known, self.prefix)
        set_search_path(self.connection, self.path, self.extensions)
        for name, scratch in {item.schema: item.scratch for item in missing}.items():
            if name not in self.names:
                self.names[name] = scratch
                self.connection.execute(f"create schema {identifier(scratch)}")
        if not missing:
            return {}
        left = [item for item in missing if self.within_savepoint(Moved((item.sql,)))]
        while left != missing:  # some need others
            missing, left = left, [item for item in left if self.within_savepoint(Moved((item.sql,)))]
        self.look_again()
        self.known = replace(self.known, stand_ins=frozenset(self.own))
        self.connection.execute("savepoint reading")
        facts = read_in_transaction(self.connection, self.scope).facts
        self.connection.execute("rollback to reading")  # and with it cursors and settings
        return facts

    def make_all(self) -> None:
        try:
            with self.connection.pipeline():
                for movable, statement in self.movables:
                    moved = self.moved(movable, statement)
                    if moved.otherwise is None:
                        for sql in moved.sql:
                            self.connection.execute(sql)
                    elif error := self.within_savepoint(moved):
                        raise error
                    if moved.looks_again:
                        self.look_again()
        except psycopg.Error as error:
            raise _StatementError from error

    def try_to_make(self, movable: References, statement: Statement) -> None:
        moved = self.moved(movable, statement)
        error = self.within_savepoint(moved)
        if error and error.sqlstate == _AMBIGUOUS:
            moved = self.moved(movable, statement, qualified=True)
            error = self.within_savepoint(moved) and error
        if error:
            reason = f"fails: {self.scratch_names.declared(error.diag.message_primary or '')}"
            left = [item.statement for item in self.unbuilt if not item.error]
            is_own = not is_of_others(movable, statement, error, left)
            self.leave_out(movable, Unbuilt(statement, reason, error if is_own else None))
        if error or moved.looks_again:
            self.look_again()

    def moved(self, movable: References, statement: Statement, *, qualified: bool = False) -> Moved:
        """Return the statement as it is sent; a name that is not known is looked for once more."""
        if statement.key in self.values.needless:
            return Moved()
        effects = statement.declaration.effects
        functions = [effect.object for effect in effects if effect.object.kind.endswith("function")]
        try:
            moved = move(movable, functions, self.known, qualified=qualified)
        except RefusedError:
            self.look_again()
            try:
                moved = move(movable, functions, self.known, qualified=qualified)
            except RefusedError as error:
                self.leave_out(movable, Unbuilt(statement, str(error)))
                return Moved()
        self.own |= moved.made
        self.bodies += moved.bodies
        return replace(moved, sql=tuple(self.values.sql(statement, sql) for sql in moved.sql))

    def leave_out(self, movable: References, item: Unbuilt) -> None:
        self.unbuilt.append(item)
        self.left_out.update(home(name, self.known) for name in movable.made)

    def look_again(self) -> None:
        """Ask what is in the scratch schemas by now."""
        parameters = {"names": list(self.names), "schemas": list(self.names.values())}
        rows = ask(self.connection, read_sql("catalog/scratch_own.sql"), parameters, self.path, self.extensions)
        self.own.clear()
        self.own.update(Name(*row) for row in rows)

    def within_savepoint(self, moved: Moved) -> psycopg.Error | None:
        """Send statements; return the error, after which all is as it was."""
        with self.connection.pipeline():  # an error of what was sent before is none of these statements
            self.connection.execute("savepoint statement")
        try:
            with self.connection.pipeline():
                for sql in moved.sql:
                    self.connection.execute(sql)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            self.connection.execute("rollback to statement")
            if error.sqlstate == _DUPLICATE and moved.otherwise is not None:
                return self.within_savepoint(Moved(moved.otherwise))
            return error
        return None


def _is_ordinary(schema: str) -> bool:
    return not schema.startswith("pg_") and schema != "information_schema"
