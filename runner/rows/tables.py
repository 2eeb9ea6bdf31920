"""The tables of a database with the rows that are in them, every value in PostgreSQL's own words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.catalog.snapshot import OWN_WORDS
from runner.resources import read_sql
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

_LABELS = "select enumtypid, oid, enumlabel::text from pg_catalog.pg_enum"
Row = tuple[str | None, ...]


class Column(Struct, frozen=True):
    """A column by the number that it keeps when it is renamed; `fills_itself` is that of an identity and a serial."""

    number: int
    name: str
    type_oid: int
    type: str
    full_type: str
    """With length and precision."""
    category: str
    is_not_null: bool
    fills_itself: bool
    is_key: bool
    is_generated: bool


class Table(Struct, frozen=True):
    """A table by the number that it keeps when it is renamed."""

    oid: int
    schema: str
    name: str
    is_partitioned: bool
    is_partition: bool
    columns: tuple[Column, ...]

    @property
    def sql(self) -> str:
        """Its name as SQL writes it."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"


class Contents(Struct, frozen=True):
    """Tables by their numbers, and their rows; the labels of enums by the numbers that they keep when renamed."""

    tables: Mapping[int, Table]
    rows: Mapping[int, Sequence[Row]]
    labels: Mapping[tuple[int, int], str]
    """By the type and the label."""


def read_tables(connection: Connection[Any]) -> list[Table]:
    """Return every table with its columns."""
    found = connection.execute(read_sql("rows/tables.sql")).fetchall()
    return [
        Table(oid, schema, name, is_partitioned, is_partition, tuple(Column(*row[5:]) for row in rows if row[5]))
        for (oid, schema, name, is_partitioned, is_partition), rows in groupby(found, key=lambda row: row[:5])
    ]


def read_contents(connection: Connection[Any]) -> Contents:
    """Return every table with its rows; those of partitions are their partitioned table's too."""
    with connection.transaction():
        for setting in (*OWN_WORDS, "set local search_path = ''"):
            connection.execute(setting)
        tables = {table.oid: table for table in read_tables(connection)}
        labels = {(type_, label): text for type_, label, text in connection.execute(_LABELS)}
        return Contents(tables, {oid: _read(connection, table) for oid, table in tables.items()}, labels)


def _read(connection: Connection[Any], table: Table) -> list[Row]:
    columns = ", ".join(f"{identifier(column.name)}::text" for column in table.columns)
    only = "" if table.is_partitioned else "only "
    query = f"select {columns} from {only}{table.sql}"  # noqa: S608  quoted
    return sorted(connection.execute(query.encode()).fetchall(), key=_sortable)


def _sortable(row: Row) -> list[tuple[bool, str]]:
    return [(value is None, value or "") for value in row]
