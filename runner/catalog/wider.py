"""Which differences leave all working that relies on the declared schema: what is there is the same, or wider."""

from __future__ import annotations

import re

from runner.catalog.column_definitions import ColumnDefinition, column_definition, widens
from runner.catalog.definitions import is_unique_index
from runner.catalog.diff import Difference
from runner.catalog.table_definitions import enum_values

_HARMLESS = ("undeclared", "unmanaged", "not compared")
_TEXT_CAST = re.compile(r"::(?:character varying|text)(?:\(\d+\))?$")


def is_wider(difference: Difference) -> bool:
    """Return whether what is there takes each row and each query that the declared one takes."""
    if difference.kind in _HARMLESS or difference.object.is_comment:
        return True
    if difference.kind != "different" or difference.declared is None or difference.actual is None:
        return False
    declared, actual = difference.declared, difference.actual
    match difference.object.kind:
        case "column":
            return _is_wider_column(column_definition(declared), column_definition(actual))
        case "index":
            return not is_unique_index(declared) and not is_unique_index(actual)
        case "type":
            values, there = enum_values(declared), enum_values(actual)
            return values is not None and there is not None and _is_within(values, there)
    return False


def _is_wider_column(declared: ColumnDefinition, actual: ColumnDefinition) -> bool:
    is_retyped = declared.type != actual.type
    if is_retyped and not widens(declared.type, actual.type):
        return False
    same_fill = declared.fills == actual.fills or (declared.is_serial and actual.is_serial)
    defaults = [_TEXT_CAST.sub("", column.default) if is_retyped else column.default for column in (declared, actual)]
    return (
        declared.collation == actual.collation
        and (declared.generated, declared.stored) == (actual.generated, actual.stored)
        and same_fill
        and (bool(declared.not_null) or not actual.not_null)
        and defaults[0] in ("", defaults[1])
    )


def _is_within(values: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Return whether all values are among others, in the same order."""
    return [value for value in others if value in values] == list(values)
