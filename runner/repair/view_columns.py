"""The columns that a view has, and those that it will have."""

from __future__ import annotations

from collections.abc import Sequence

from runner.catalog.view_definitions import query_of
from runner.repair.context import Context
from runner.sql.objects import Object, qualified_name
from runner.sql.output_columns import output_columns


def declared_names(context: Context, view: Object) -> Sequence[str] | None:
    """Return the names of the columns that a view is declared with; None when they cannot be told."""
    return output_columns(query_of(context.declared.get(view, ""))[1])


def keeps_columns(context: Context, view: Object) -> bool:
    """Return whether each column stays at its place, as CREATE OR REPLACE VIEW demands.

    Of what reads something that the run has yet to make, the names alone are known.
    """
    _, query = query_of(context.declared.get(view, ""))
    there = context.evidence.columns(f"select * from {qualified_name(view)}")  # noqa: S608
    if there is None or not query:
        return True
    declared = context.evidence.columns(query)
    if declared is not None:
        return declared[: len(there)] == there
    names = output_columns(query)
    return names is None or list(names[: len(there)]) == [column.name for column in there]
