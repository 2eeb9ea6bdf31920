"""The tables of the runner itself in the target schema, and the statements that make them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

import msgspec

from runner.project.manifest import Manifest
from runner.project.templates import render
from runner.resources import read_sql
from runner.sql.quoting import identifier

Row = TypeVar("Row", bound=msgspec.Struct)
STARTED = """to_char(started, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM')"""
"""When a run began, however the database writes dates."""


def history_name(manifest: Manifest) -> str:
    """Return the table of the history, as SQL."""
    return f"{identifier(manifest.project.schema)}.{identifier(manifest.run.history_table)}"


def release_name(manifest: Manifest) -> str:
    """Return the table of the releases, as SQL."""
    return f"{identifier(manifest.project.schema)}.{identifier(manifest.run.release_table)}"


def read_row(row: Sequence[object], type_: type[Row]) -> Row:
    """Return a row of such a table, asked for with STARTED, as a value of a type."""
    return msgspec.convert(dict(zip(type_.__struct_fields__, row, strict=True)), type_)


@cache
def statements_in(file: str, table: str, schema: str) -> tuple[str, ...]:
    """Return the statements of a file of the runner's own, for a table in a schema."""
    from runner.sql.parser import parse

    rendered = render(file, read_sql(file), {"schema": schema, "table": table})
    return tuple(statement.sql for statement in parse(rendered, schema=schema).statements)
