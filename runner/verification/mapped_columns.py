"""What field mappings ask of the columns that they name: each is there, with a type that holds the same values."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.column_definitions import column_type
from runner.catalog.diff import Difference
from runner.catalog.snapshot import Snapshot
from runner.project.field_mappings import FieldMappings, family
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.verification.finding import Finding, Remedy


def is_kindred(difference: Difference, mappings: FieldMappings) -> bool:
    """Return whether a mapped column is as declared, but for a type that holds the same kind of values."""
    item = difference.object
    if difference.kind != "different" or not any(item == _mapped(mappings, column.name) for column in mappings.columns):
        return False
    declared, actual = str(difference.declared), str(difference.actual)
    types = column_type(declared), column_type(actual)
    return family(types[0]) == family(types[1]) and declared[len(types[0]) :] == actual[len(types[1]) :]


def find_mapped(mappings: FieldMappings, actual: Snapshot) -> Iterator[Finding]:
    """Return the mapped columns that the database lacks, and those whose type is of another kind than the mapping's."""
    for column in mappings.columns:
        item = _mapped(mappings, column.name)
        there = actual.facts.get(item)
        if there is None:
            yield Finding("missing", item, column.type, None, item.table, _added(item, column.type))
        elif family(column_type(there)) != family(column.type):
            yield Finding("type", item, column.type, column_type(there), item.table, _retyped(item, column.type))


def _mapped(mappings: FieldMappings, column: str) -> Object:
    return Object("column", column, mappings.table)


def _added(column: Object, type_: str) -> Remedy:
    """Return what makes a mapped column that no script makes."""
    sql = f"alter table {identifier(column.table)} add column if not exists {identifier(column.name)} {type_};"
    return Remedy(sql, "no script makes the column, and the field mappings have it: a script adds it from them")


def _retyped(column: Object, type_: str) -> Remedy:
    """Return what gives a mapped column the type of its mapping."""
    quoted = identifier(column.name)
    sql = f"alter table {identifier(column.table)} alter column {quoted} type {type_} using {quoted}::{type_};"
    return Remedy(sql, f"the scripts declare the column as it is, and {literal(type_)} comes from the field mappings")
