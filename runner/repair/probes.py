"""What a repair has to know of the rows and the catalog before it is planned: it is looked for, and not waited for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from runner.postgres.blockers import Blocker
from runner.postgres.errors import policy_notes
from runner.project.manifest import Manifest
from runner.repair.asking import Answers, ask_catalog, read_rows, reading
from runner.resources import read_sql
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import literal
from runner.sql.spelling import spelled
from runner.wording import listed, shown

if TYPE_CHECKING:
    from psycopg import Connection


SAMPLE = 5
"""How many rows a finding shows."""
_LONGEST_VALUE = 60


class Table(NamedTuple):
    """A table as it is: `size` in bytes, its indexes not counted; `whole` with its partitions.

    `is_placed` when it is in a tablespace of its own.
    """

    size: int
    has_rows: bool
    whole: int
    is_placed: bool = False


class Partition(NamedTuple):
    """A partition of a table, or of one of its partitions; `is_leaf` when it has none itself."""

    table: Object
    parent: Object
    is_leaf: bool


class Dependent(NamedTuple):
    """What a column cannot change its type under: how it is dropped, and made again, if that makes it as it is."""

    what: str
    drop: str
    create: str | None
    more: tuple[str, ...] = ()
    """The statements that give it back what else it has: comments, grants, its owner."""
    object: Object | None = None
    """What it is; None for what is not compared."""
    size: int = 0
    """How many bytes are computed anew."""

    @property
    def back(self) -> str:
        """What makes it again, as far as there are words for it."""
        return self.create or f"-- {shown(self.what)} has to be made again by hand"


class IndexUse(NamedTuple):
    """Where an index is stored, as SQL writes it unless it is the default, and what depends on it."""

    tablespace: str
    dependents: list[Dependent]

    @property
    def against(self) -> str:
        """Why it cannot be replaced, when something depends on it."""
        names = listed([shown(each.what) for each in self.dependents])
        return f"{names} would have to be dropped and made again" if names else ""


class Sample(NamedTuple):
    """A few rows as text, and why they could not be looked at, if they could not."""

    rows: tuple[str, ...]
    failure: str = ""


class Column(NamedTuple):
    """A column of a query's result; its type is an OID, with the modifier that the type has there."""

    name: str
    type: int
    modifier: int


class Evidence(Struct):
    """Answers questions about the tables of one database."""

    connection: Connection[Any]
    manifest: Manifest
    tables: dict[Object, Table | None] = {}
    failures: dict[Object, str] = {}
    """Why tables could not be looked at."""
    locked: set[Object] = set()
    """Those of them that somebody holds locked."""

    def table(self, table: Object) -> Table | None:
        """Return what is known of a table; None when it cannot be looked at now."""
        import psycopg

        if table not in self.tables:
            name = self._name(table)
            relation = f"{literal(name)}::regclass"
            whole = f"(select sum(pg_table_size(relid)) from pg_partition_tree({relation}))"  # noqa: S608
            size = f"pg_table_size({relation})"
            whole = f"coalesce({whole}, {size})::bigint"
            placed = f"(select reltablespace <> 0 from pg_class where oid = {relation})"  # noqa: S608
            query = f"select {size}, exists (select 1 from {name} limit 1), {whole}, {placed}"  # noqa: S608
            try:
                self.tables[table] = Table(*self._ask(query)[0])
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
            asked = f"select pg_catalog.to_jsonb(sample) from ({query} limit {SAMPLE}) as sample"  # noqa: S608
            rows = read_rows(self.connection, self.manifest, asked)
        except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
            return Sample(())
        except psycopg.Error as error:
            notes = (note.text for note in policy_notes(error))
            return Sample((), "; ".join((error.diag.message_primary or str(error).strip(), *notes)))
        return Sample(tuple(_shown(row) for (row,) in rows))

    def dependents(self, table: Object, column: str) -> list[Dependent]:
        """Return what depends on the type of a column, in the order in which it has to go."""
        return self._dependents({"relation": self._name(table), "column": column})

    def hanging_on(self, item: Object, columns: Sequence[str] | None = None) -> list[Dependent]:
        """Return what depends on a view or a function, in the order in which it has to go, and last that itself.

        With `columns` it comes back with these alone: what is about other ones is left out.
        """
        own = item._replace(schema=item.schema or self.manifest.project.schema)
        name = spelled(own).removeprefix(f"{item.kind} ")
        kind = "function" if item.kind == "function" else "relation"
        return self._dependents({kind: name, "columns": None if columns is None else list(columns)})

    def _dependents(self, parameters: Mapping[str, str | list[str] | None]) -> list[Dependent]:
        whole = {"relation": None, "column": None, "function": None, "columns": None, **parameters}
        own = self.manifest.project.schema
        return [
            Dependent(what, drop, create, tuple(more), _object(identity, own), size)
            for what, drop, create, more, identity, size, *_ in self._ask(read_sql("repair/dependents.sql"), whole)
        ]

    def columns(self, query: str) -> tuple[Column, ...] | None:
        """Return the columns of a query's result; None when it cannot be asked before the run."""
        import psycopg

        try:
            with reading(self.connection, self.manifest):
                cursor = self.connection.execute(f"select * from ({query}) as asked limit 0")  # noqa: S608
        except psycopg.Error:
            if self.connection.closed:
                raise
            return None
        result = cursor.pgresult
        found = () if result is None else range(result.nfields)
        return tuple(
            Column((result.fname(n) or b"").decode(), result.ftype(n), result.fmod(n)) for n in found if result
        )

    def use(self, index: Object) -> IndexUse:
        """Return what is known of an index, or of that of a constraint, which has its name."""
        rows = self._ask(read_sql("repair/index_use.sql"), {"index": self._name(index)})
        dependents = [Dependent(what, gone or f"-- drop {what}", back) for _, what, gone, back in rows if what]
        return IndexUse(rows[0][0] or "", dependents)

    def partitions(self, table: Object) -> list[Partition]:
        """Return the partitions of a table, those above before those below; foreign tables are left out."""
        rows = self._ask(read_sql("repair/partition_tree.sql"), {"table": self._name(table)})
        own = self.manifest.project.schema
        return [
            Partition(_table(own, schema, name), _table(own, above, parent), is_leaf)
            for schema, name, above, parent, is_leaf in rows
        ]

    def has_name(self, table: Object, name: str, *, of_constraint: bool) -> bool:
        """Return whether a relation beside a table has a name, or a constraint there when it is for one."""
        parameters = {"table": self._name(table), "name": name, "of_constraint": str(of_constraint)}
        return bool(self._ask(read_sql("repair/taken_name.sql"), parameters)[0][0])

    @property
    def server(self) -> int:
        """The server's major version."""
        return self.connection.info.server_version // 10_000

    def sequence(self, table: Object, column: str) -> str:
        """Return the sequence that belongs to a column."""
        parameters = {"table": self._name(table), "column": column}
        return str(self._ask("select pg_get_serial_sequence(%(table)s, %(column)s)", parameters)[0][0])

    def other_use(self, sequence: str) -> str:
        """Return what takes values from a sequence besides the column that it belongs to; empty when nothing does."""
        rows = self._ask(read_sql("repair/sequence_use.sql"), {"sequence": sequence})
        return str(rows[0][0]) if rows else ""

    def usual_storage(self, table: Object, column: str) -> str:
        """Return how the values of a column's type are stored when nobody says anything else."""
        parameters = {"table": self._name(table), "column": column}
        return str(self._ask(read_sql("repair/usual_storage.sql"), parameters)[0][0])

    def not_null_constraint(self, table: Object, column: str) -> str:
        """Return the name of the NOT NULL constraint of a column; PostgreSQL 18 and newer have them."""
        query = """
            select c.conname from pg_constraint as c
            inner join pg_attribute as a on c.conrelid = a.attrelid and a.attnum = any(c.conkey)
            where c.conrelid = %(table)s::regclass and c.contype = 'n' and a.attname = %(column)s
        """
        return str(self._ask(query, {"table": self._name(table), "column": column})[0][0])

    def _held_by(self, table: Object) -> str:
        """Return who holds a table locked, as far as that is still to be seen."""
        rows = self._ask(read_sql("postgres/table_lock_holders.sql"), {"table": self._name(table)})
        return f" by {'; '.join(str(Blocker(*row)) for row in rows)}" if rows else ""

    def _name(self, table: Object) -> str:
        """Return the name of a table that is found on every search path."""
        return qualified_name(table._replace(schema=table.schema or self.manifest.project.schema))

    def _ask(self, question: str, parameters: Mapping[str, Any] | None = None) -> Answers:
        return ask_catalog(self.connection, self.manifest, question, parameters)


def _object(identity: Sequence[str] | None, own_schema: str) -> Object | None:
    if identity is None:
        return None
    kind, name, table, schema = identity
    return Object(kind, name, table, "" if schema == own_schema else schema)


def _table(own_schema: str, schema: str, name: str) -> Object:
    return Object("table", name, "", "" if schema == own_schema else schema)


def _shown(row: dict[str, object]) -> str:
    return ", ".join(f"{name}: {_cut('null' if value is None else str(value))}" for name, value in row.items())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
