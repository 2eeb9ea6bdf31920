"""What a repair has to know of the rows and the catalog before it is planned: it is looked for, and not waited for.

Each question is a transaction of its own that only reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from runner.catalog.snapshot import LOCK_TIMEOUT
from runner.postgres.blockers import Blocker
from runner.postgres.settings import session_settings
from runner.project.manifest import Manifest
from runner.resources import read_sql
from runner.sql.quoting import literal

if TYPE_CHECKING:
    from psycopg import Connection


SAMPLE = 5
"""How many rows a finding shows."""
_LONGEST_VALUE = 60


class Table(NamedTuple):
    """A table as it is: `size` in bytes, its indexes not counted."""

    size: int
    has_rows: bool


class Dependent(NamedTuple):
    """What a column cannot change its type under: how it is dropped, and made again, if there are words for it."""

    what: str
    drop: str
    create: str | None


class Sample(NamedTuple):
    """A few rows as text, and why they could not be looked at, if they could not."""

    rows: tuple[str, ...]
    failure: str = ""


class Evidence(Struct):
    """Answers questions about the tables of one database; names are as SQL writes them."""

    connection: Connection[Any]
    manifest: Manifest
    tables: dict[str, Table | None] = {}
    failures: dict[str, str] = {}
    """Why tables could not be looked at."""
    locked: set[str] = set()
    """Those of them that somebody holds locked."""

    def table(self, table: str) -> Table | None:
        """Return what is known of a table; None when it cannot be looked at now."""
        import psycopg

        if table not in self.tables:
            query = f"select pg_table_size({literal(table)}::regclass), exists (select 1 from {table} limit 1)"  # noqa: S608
            try:
                self.tables[table] = Table(*self._ask(query, {})[0])
            except psycopg.Error as error:
                if self.connection.closed:
                    raise
                self.tables[table] = None
                self.failures[table] = error.diag.message_primary or str(error).strip()
                if isinstance(error, psycopg.errors.LockNotAvailable):
                    self.locked.add(table)
                    self.failures[table] = f"it is locked{self._held_by(table)}; apply again when the lock is gone"
        return self.tables[table]

    def sample(self, query: str) -> Sample:
        """Return the first rows of a query, each as `column: value` pairs.

        A query about what is not there yet finds nothing.
        """
        import psycopg

        try:
            rows = self._ask(f"select to_jsonb(sample) from ({query} limit {SAMPLE}) as sample", {})  # noqa: S608
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
            return Sample(())
        except psycopg.Error as error:
            return Sample((), error.diag.message_primary or str(error).strip())
        return Sample(tuple(_shown(row) for (row,) in rows))

    def dependents(self, table: str, column: str) -> list[Dependent]:
        """Return what depends on the type of a column, in the order in which it has to go."""
        rows = self._ask(read_sql("repair/dependents.sql"), {"table": table, "column": column})
        return [Dependent(*row[:3]) for row in rows]

    def sequence(self, table: str, column: str) -> str:
        """Return the sequence that belongs to a column."""
        rows = self._ask("select pg_get_serial_sequence(%(table)s, %(column)s)", {"table": table, "column": column})
        return str(rows[0][0])

    def not_null_constraint(self, table: str, column: str) -> str:
        """Return the name of the NOT NULL constraint of a column; PostgreSQL 18 and newer have them."""
        query = """
            select c.conname from pg_constraint as c
            inner join pg_attribute as a on c.conrelid = a.attrelid and a.attnum = any(c.conkey)
            where c.conrelid = %(table)s::regclass and c.contype = 'n' and a.attname = %(column)s
        """
        return str(self._ask(query, {"table": table, "column": column})[0][0])

    def _held_by(self, table: str) -> str:
        """Return who holds a table locked, as far as that is still to be seen."""
        rows = self._ask(read_sql("postgres/table_lock_holders.sql"), {"table": table})
        return f" by {'; '.join(str(Blocker(*row)) for row in rows)}" if rows else ""

    def _ask(self, query: str, parameters: dict[str, str]) -> Sequence[tuple[Any, ...]]:
        import psycopg

        limit = f"set local lock_timeout = '{LOCK_TIMEOUT}'"
        begin = ("begin read only", *session_settings(self.manifest, local=True), limit)
        try:
            with self.connection.pipeline():
                for statement in begin:
                    self.connection.execute(statement)
                cursor = self.connection.execute(query, parameters or None)
                self.connection.execute("rollback")
            return cursor.fetchall()
        except psycopg.Error:
            if not self.connection.closed:
                self.connection.execute("rollback")
            raise


def _shown(row: dict[str, object]) -> str:
    return ", ".join(f"{name}: {_cut('null' if value is None else str(value))}" for name, value in row.items())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
