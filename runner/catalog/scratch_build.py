"""Let PostgreSQL itself say what the scripts declare: build it in scratch schemas, read the catalog, roll back."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.outside import Outside
from runner.catalog.relocation import Moved, move
from runner.catalog.relocation_guards import RelocationContext, home
from runner.catalog.scratch_classes import with_families
from runner.catalog.scratch_context import find_names
from runner.catalog.scratch_errors import is_of_others
from runner.catalog.scratch_facts import as_written, declared_facts
from runner.catalog.scratch_limits import Room, raise_if_of_server
from runner.catalog.scratch_session import ScratchSession
from runner.catalog.snapshot import read_in_transaction
from runner.errors import DatabaseError, Hint
from runner.postgres.session import current_role
from runner.project.manifest import Manifest
from runner.sql.early_values import SINCE, EarlyValues, early_values
from runner.sql.foreign_tables import as_table
from runner.sql.names import Name, RefusedError
from runner.sql.objects import Facts
from runner.sql.quoting import identifier
from runner.sql.references import References
from runner.sql.statements import Statement
from runner.wording import PROGRAM

if TYPE_CHECKING:
    from psycopg import Connection


_PREFIX = "_runner_scratch_"
_AMBIGUOUS = "42725"
_WITHOUT_LOCK = "what the scripts declare is found out by building it in a schema of its own that is rolled back"
_COMMIT_LOCK = f"or commit a fresh schema.lock.toml, written by '{PROGRAM} lock' where that is possible"


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
    other_kinds: Mapping[str, int]
    """How many objects they make of kinds that no fact is about, by kind."""


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
    except psycopg.Error as error:
        raise_if_of_server(error)
        raise
    finally:
        if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            connection.execute("rollback")


class _StatementError(Exception):
    """Some statement failed; which one is found out when each has a savepoint."""


class _Build:
    def __init__(self, connection: Connection[Any], manifest: Manifest, statements: Sequence[Statement]) -> None:
        self.connection = connection
        self.manifest = manifest
        self.statements = statements
        self.unbuilt: list[Unbuilt] = []
        self.left_out: set[Name] = set()
        """What scripts make and is not there."""
        self.bodies: list[str] = []
        """The bodies of functions, by the number that stands for them."""
        self.movables = list(self.readable(statements))
        self.room = Room(connection)
        target = manifest.project.schema
        made = {schema for movable, _ in self.movables for schema in movable.schemas if _is_ordinary(schema)}
        prefix = f"{_PREFIX}{secrets.token_hex(6)}_"
        names = {name: f"{prefix}{i:03}" for i, name in enumerate((target, *sorted(made - {"", target})))}
        self.session = ScratchSession(connection, manifest, prefix, names)
        self.outside = Outside(self.session, self.movables, self.find_names)
        old = connection.info.server_version < SINCE
        self.values = early_values(statements) if old else EarlyValues()

    def readable(self, statements: Iterable[Statement]) -> Iterator[tuple[References, Statement]]:
        for statement in statements:
            try:
                sql = as_table(statement.sql)
                if sql is not None:
                    yield References(sql), statement
            except RefusedError as error:
                self.unbuilt.append(Unbuilt(statement, str(error)))

    def run(self, *, careful: bool) -> Built:
        self.room.require(statement for _, statement in self.movables)
        self.session.begin()
        self.session.make_extensions(dict(movable.extension for movable, _ in self.movables if movable.extension))
        self.outside.other_kinds += Counter(self.session.read_snapshot().other_kinds)
        self.known = self.outside.make(self.find_names(()))
        self.room.look()
        if careful:
            for movable, statement in self.movables:
                self.try_to_make(movable, statement)
        else:
            self.make_all()
        snapshot = read_in_transaction(self.connection, self.session.scope)
        before, names = self.outside.facts, self.session.scratch_names
        facts = declared_facts(snapshot, before, self.statements, self.bodies, names)
        named = {name for movable, _ in self.movables for name in movable.named_not_null}
        facts = dict(as_written(facts, named))
        made = Counter(snapshot.other_kinds) - self.outside.other_kinds
        return Built(with_families(facts, self.movables, self.known), tuple(self.unbuilt), dict(made))

    def find_names(self, others: Sequence[References]) -> RelocationContext:
        session, project = self.session, self.manifest.project
        path = [session.for_extensions, project.extension_schema]
        found = find_names(self.connection, project, self.movables, session.extensions, path, others)
        session.use_path()
        return found.context(session.names, session.own, self.left_out, self.bodies)

    def make_all(self) -> None:
        try:
            with self.connection.pipeline():
                for movable, statement in self.movables:
                    moved = self.moved(movable, statement)
                    if moved.otherwise is None:
                        for sql in moved.sql:
                            self.connection.execute(sql)
                    elif error := self.session.within_savepoint(moved):
                        raise error
                    if moved.looks_again:
                        self.session.look_again()
                    self.room.count()
        except psycopg.Error as error:
            raise_if_of_server(error)
            raise _StatementError from error

    def try_to_make(self, movable: References, statement: Statement) -> None:
        moved = self.moved(movable, statement)
        error = self.session.within_savepoint(moved)
        if error and error.sqlstate == _AMBIGUOUS:
            moved = self.moved(movable, statement, qualified=True)
            error = self.session.within_savepoint(moved) and error
        self.room.count()
        if error:
            raise_if_of_server(error)
            reason = f"fails: {self.session.scratch_names.declared(error.diag.message_primary or '')}"
            left = [item.statement for item in self.unbuilt if not item.error]
            is_own = not is_of_others(movable, statement, error, left)
            self.leave_out(movable, Unbuilt(statement, reason, error if is_own else None))
        if error or moved.looks_again:
            self.session.look_again()

    def moved(self, movable: References, statement: Statement, *, qualified: bool = False) -> Moved:
        """Return the statement as it is sent; a name that is not known is looked for once more."""
        if statement.key in self.values.needless:
            return Moved()
        effects = statement.declaration.effects
        functions = [effect.object for effect in effects if effect.object.kind.endswith("function")]
        try:
            moved = move(movable, functions, self.known, qualified=qualified)
        except RefusedError:
            self.session.look_again()
            if self.outside.late:
                self.known = self.outside.make_late(self.known)
            try:
                moved = move(movable, functions, self.known, qualified=qualified)
            except RefusedError as error:
                self.leave_out(movable, Unbuilt(statement, str(error)))
                return Moved()
        self.session.own |= moved.made
        self.bodies += moved.bodies
        return replace(moved, sql=tuple(self.values.sql(statement, sql) for sql in moved.sql))

    def leave_out(self, movable: References, item: Unbuilt) -> None:
        self.unbuilt.append(item)
        self.left_out.update(home(name, self.known) for name in movable.made)


def _is_ordinary(schema: str) -> bool:
    return not schema.startswith("pg_") and schema != "information_schema"
