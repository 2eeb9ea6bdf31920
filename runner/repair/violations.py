"""The rows that a constraint refuses."""

from __future__ import annotations

from collections.abc import Callable

from runner.catalog.constraint_definitions import check_expression, foreign_key_definition, key_definition
from runner.repair.context import Context, duplicates_query
from runner.repair.probes import Sample
from runner.repair.proposal import Late
from runner.sql.objects import Object


def violations(context: Context, table: Object, definition: str) -> Sample:
    """Return rows that a constraint refuses; with a value that is yet to be added, PostgreSQL looks for them later."""
    foreign = foreign_key_definition(definition)
    is_there = foreign is None or foreign.relation in context.actual.facts
    key = context.primary_key(table)
    query = _violating(context.rows_of, table, definition, shown=", ".join(key[1]) if key else "*", is_there=is_there)
    return context.evidence.sample(query) if query and not context.has_new_value(query) else Sample(())


def late_repair(context: Context, table: Object, definition: str, transactions: tuple[tuple[str, ...], ...]) -> Late:
    """Return how a constraint is made when no rows are against it any more, and all tables and columns are there."""
    foreign = foreign_key_definition(definition)
    tables = (table, foreign.relation) if foreign else (table,)
    return Late(_violating(context.relation, table, definition), transactions, tables)


def _violating(
    rows_of: Callable[..., str], table: Object, definition: str, *, shown: str = "", is_there: bool = True
) -> str:
    """Return the query for rows that a constraint refuses, empty when there is none; `is_there`: what it refers to."""
    if key := key_definition(definition):
        nulls = "refused" if key.primary else "equal" if key.nulls_equal else "distinct"
        return duplicates_query(rows_of(table, alone=True), key.columns, nulls=nulls)
    if foreign := foreign_key_definition(definition):
        rows, others = rows_of(table, alone=True), rows_of(foreign.relation, alone=True)
        given = " and ".join(f"own.{column} is not null" for column in foreign.columns)
        columns = ", ".join(f"own.{column}" for column in foreign.columns)
        referenced = ", ".join(f"other.{column}" for column in foreign.referenced)
        values = f"select distinct {columns} from {rows} as own where {given}"  # noqa: S608
        # EXCEPT compares as keys do: by the types, and by no operator that a name on the search path stands for
        return f"{values} except select {referenced} from {others} as other" if is_there else values  # noqa: S608
    condition = check_expression(definition)
    rows = rows_of(table, alone=definition.endswith(" NO INHERIT"))
    return f"select {shown} from {rows} as own where not {condition}" if condition else ""  # noqa: S608
