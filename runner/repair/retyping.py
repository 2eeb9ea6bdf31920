"""What gives a column another type: what hangs on it is dropped and made again, with all that it has."""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from runner.catalog.column_definitions import ColumnDefinition, rewrites, widens
from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.dependents import in_one_transaction
from runner.repair.proposal import Proposal, alter, proposal
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier

_CLOCKS = ("timestamp without time zone", "timestamp with time zone")


class _Conversion(NamedTuple):
    """Why values are not converted by a run, the rows that block it, and whether a person may do it."""

    blocked_by: str = ""
    rows: tuple[str, ...] = ()
    is_safe: bool = True


def retyped(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Proposal:
    """Change a type where each value stays the same; what may change one is up to a person."""
    column = identifier(item.object.name)
    collation = f" collate {new.collation}" if new.collation else ""
    before = f"{old.type} collate {old.collation}" if old.collation else old.type
    detail = f"{before}, declared {new.type}{collation}"
    widened = old.type == new.type or widens(old.type, new.type)
    change = f"alter column {column} type {new.type}{collation}" + ("" if widened else f" using {column}::{new.type}")
    if not context.evidence.table(table):
        return proposal(item, "differs", detail, clauses=(change,))
    found = _conversion(context, item, table, old, new)
    if not found.is_safe:
        return proposal(item, "differs", detail, blocked_by=found.blocked_by, rows=found.rows)
    drops = (f"alter column {column} drop default",) if old.default and not (new.default and widened) else ()
    sets = (f"alter column {column} set default {new.default}",) if new.default and not widened else ()
    clauses = (*drops, change, *sets)
    follows = old.is_serial and old.fills == new.fills and new.type in ("smallint", "integer", "bigint")
    now = (f"alter sequence {context.evidence.sequence(table, item.object.name)} as {new.type}",) if follows else ()
    blocked_by = found.blocked_by or (context.too_large(table) if rewrites(old.type, new.type) else "")
    if dependents := context.evidence.dependents(table, item.object.name):
        return _after(in_one_transaction(context, item, detail, (alter(table, clauses), *now), dependents, blocked_by))
    analyze = column if context.has_rows(table) else ""
    return proposal(item, "differs", detail, clauses=clauses, now=now, blocked_by=blocked_by, analyze=analyze)


def _conversion(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> _Conversion:
    """Return what blocks a conversion: nothing when each value of the type is one of the other."""
    if old.type == new.type or widens(old.type, new.type):
        return _Conversion("a collation changes how values compare" if old.collation != new.collation else "")
    blocked_by, column = f"not every {old.type} is the same value as {new.type}", identifier(item.object.name)
    if {old.type, new.type} == set(_CLOCKS):
        return _Conversion(f"{blocked_by}: only a person can tell which time zone the values are of", is_safe=False)
    back = f"({column}::{new.type})::{old.type}::pg_catalog.text"
    query = f"select {column} from {qualified_name(table)} where {back} is distinct from {column}::pg_catalog.text"  # noqa: S608
    changed = context.evidence.sample(query)
    if changed.failure:
        return _Conversion(f"{blocked_by}: {changed.failure}", is_safe=False)
    return _Conversion(blocked_by, changed.rows, is_safe=not changed.rows)


def _after(made: Proposal) -> Proposal:
    """Return the repair as a transaction after that of the script, unless that goes on with what it makes."""
    if made.blocked_by:
        return replace(made, instead=False, now=("begin", *made.now, "commit") if made.now else ())
    return replace(made, instead=False) if made.also else replace(made, instead=False, now=(), then=(made.now,))
