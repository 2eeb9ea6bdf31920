"""Definitions are taken apart as PostgreSQL words them, whatever names and texts they hold."""

from __future__ import annotations

import pytest

from runner.catalog.column_definitions import column_definition
from runner.catalog.constraint_definitions import foreign_key_definition
from runner.catalog.definitions import as_valid
from runner.catalog.table_definitions import TableDefinition, enum_values, table_definition, table_options
from runner.sql.objects import PRESENT, Object

TABLES = {
    "table": (TableDefinition(), ""),
    "unlogged table": (TableDefinition(is_unlogged=True), "unlogged table"),
    "foreign table": (TableDefinition(is_foreign=True), "foreign table"),
    "table inherits a, b": (TableDefinition(relation="inherits", parents="a, b"), "inherits a, b"),
    "table partition of a FOR VALUES IN ('x with (y=1)') partition by LIST (b)": (
        TableDefinition(relation="partition of", parents="a", bound="FOR VALUES IN ('x with (y=1)')", keys="LIST (b)"),
        "partition of a FOR VALUES IN ('x with (y=1)') partition by LIST (b)",
    ),
    "table partition of a DEFAULT row security forced replica identity full": (
        TableDefinition(
            relation="partition of",
            parents="a",
            bound="DEFAULT",
            has_row_security=True,
            is_forced=True,
            identity="full",
        ),
        "partition of a DEFAULT replica identity full",
    ),
    'table with (fillfactor=70, toast.a=b) replica identity using index "A ""b" cluster on a_idx': (
        TableDefinition(options="fillfactor=70, toast.a=b", identity='using index "A ""b"', cluster_index="a_idx"),
        'with (fillfactor=70, toast.a=b) replica identity using index "A ""b" cluster on a_idx',
    ),
    PRESENT: (TableDefinition(), ""),
}


@pytest.mark.parametrize("definition", TABLES)
def test_a_table(definition: str) -> None:
    """A table says what it is, and which of its indexes it needs."""
    assert (table_definition(definition), table_options(definition)) == TABLES[definition]


def test_a_column_of_a_type_with_a_misleading_name() -> None:
    """What a quoted name holds is no part of the definition."""
    column = column_definition('"a not null default b" not null default 1')
    assert (column.type, column.not_null, column.default) == ('"a not null default b"', "not null", "1")


def test_a_column_with_a_sequence() -> None:
    """A serial and an identity have a sequence, with options where they are not the usual ones."""
    serial = column_definition("bigint not null serial (as integer increment 2)")
    identity = column_definition("integer not null generated always as identity")
    assert (serial.is_serial, serial.is_identity, serial.sequence_options) == (True, False, "as integer increment 2")
    assert (identity.is_serial, identity.is_identity, identity.sequence_options) == (False, True, "")
    assert serial.is_counted
    assert identity.is_counted


def test_what_a_foreign_key_refers_to() -> None:
    """A table is known whether it has a schema, and whether its name needs quotes."""
    found = foreign_key_definition('FOREIGN KEY (a) REFERENCES other."My ""T"(id) ON DELETE CASCADE')
    assert found is not None
    assert found.relation == Object("table", 'My "T', "", "other")


def test_the_values_of_an_enum() -> None:
    """Values are as SQL writes them; another type has none, which is not the same as an enum without values."""
    assert enum_values("enum ('a', 'it''s, b')") == ("'a'", "'it''s, b'")
    assert enum_values("enum ()") == ()
    assert enum_values("composite (a integer)") is None


def test_validity() -> None:
    """Only the kinds that can be invalid lose what says so."""
    assert as_valid(Object("index", "i", "t"), "btree (a) invalid") == "btree (a)"
    assert as_valid(Object("constraint", "c", "t"), "CHECK (a) NOT VALID") == "CHECK (a)"
    assert as_valid(Object("trigger", "g", "t"), "a trigger invalid") == "a trigger invalid"
