"""The transaction in which scratch schemas are made, and what is in them by now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import psycopg

from runner.catalog.questions import ask, set_search_path
from runner.catalog.relocation import Moved
from runner.catalog.scratch_facts import ScratchNames
from runner.catalog.snapshot import READING_TIMEOUT, Scope, Snapshot, read_in_transaction
from runner.postgres.settings import own_settings
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.names import Name
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

_QUIET = (
    "set local check_function_bodies = off",
    "set local client_min_messages = 'error'",
    "set local default_tablespace = ''",
    f"set local statement_timeout = '{READING_TIMEOUT}'",
)
_MODERN = 170_000
"""The server version that has a setting for event triggers, and expressions of generated columns that can be set."""
_DUPLICATE = "42710"


class ScratchSession:
    """An open transaction with scratch schemas; `names` has each by the schema that it stands for."""

    def __init__(self, connection: Connection[Any], manifest: Manifest, prefix: str, names: dict[str, str]) -> None:
        self.connection = connection
        self.manifest = manifest
        self.prefix = prefix
        self.names = names
        self.own: set[Name] = set()
        """What is in the scratch schemas by now."""
        self.extensions: tuple[str, ...] = ()
        """Those that are declared: their schemas are on the search path of what is built."""
        self.homes: tuple[str, ...] = ()
        """The scratch schemas that stand for schemas of extensions: what is in these has no schema in facts."""
        self.for_extensions = f"{prefix}x"

    @property
    def is_modern(self) -> bool:
        """Whether the server is of PostgreSQL 17 or newer."""
        return self.connection.info.server_version >= _MODERN

    @property
    def scope(self) -> Scope:
        """The scratch schemas as they are read."""
        target = self.manifest.project.schema
        shown = {scratch: "" if name == target else name for name, scratch in self.names.items()}
        return Scope(shown, (*self.path, *self.homes), self.extensions)

    @property
    def scratch_names(self) -> ScratchNames:
        """The schemas that they stand for."""
        return ScratchNames(self.names, self.manifest.project.extension_schema, self.for_extensions)

    @property
    def path(self) -> tuple[str, ...]:
        """The search path of what is built, without the schemas of extensions."""
        project = self.manifest.project
        found = (self.names.get(schema) for schema in (project.schema, project.extension_schema))
        return (*filter(None, found), self.for_extensions, project.extension_schema)

    def begin(self) -> None:
        """Begin the transaction, and make the scratch schemas."""
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
            setting = "event_triggers = off" if self.is_modern else "session_replication_role = replica"
            self.within_savepoint(Moved((f"set local {setting}",)))

    def make_extensions(self, declared: Mapping[str, str]) -> None:
        """Make the declared extensions that are missing; `declared` has the schemas that scripts name for them."""
        homes = dict(declared)
        query = read_sql("catalog/scratch_extensions.sql")
        for name, fixed, there in self.connection.execute(query, {"names": list(homes)}).fetchall() if homes else ():
            homes[name] = there or fixed or homes[name]
            if not there:
                schema = "" if fixed else f" schema {identifier(self.for_extensions)}"
                self.within_savepoint(Moved((f"create extension {identifier(name)}{schema} cascade",)))
        self.homes = tuple(self.names[schema] for schema in sorted(set(homes.values())) if schema in self.names)
        self.extensions = tuple(homes)

    def make_schema(self, name: str, scratch: str) -> None:
        """Make a scratch schema, unless there is one for that name."""
        if name not in self.names:
            self.names[name] = scratch
            self.connection.execute(f"create schema {identifier(scratch)}")

    def use_path(self) -> None:
        """Have names looked for in the scratch schemas."""
        set_search_path(self.connection, self.path, self.extensions)

    def read_snapshot(self) -> Snapshot:
        """Read what is in the scratch schemas by now, and leave the session as it is."""
        self.connection.execute("savepoint reading")
        snapshot = read_in_transaction(self.connection, self.scope)
        self.connection.execute("rollback to reading")  # and with it cursors and settings
        return snapshot

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
