"""The names of the columns that a query has, as PostgreSQL writes the query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import postgast

from runner.sql.trees import tree_of


def output_columns(query: str) -> tuple[str, ...] | None:
    """Return the names of the columns of a query; None when its text does not tell them."""
    try:
        body = tree_of(query) if query else None
    except postgast.PgQueryError:
        return None
    while body is not None and body.HasField("larg"):
        body = body.larg
    names = tuple(_names(body)) if body is not None else ()
    return names if names and all(names) else None


def _names(body: Any) -> Iterator[str]:
    """Yield a name for each column, empty where the text does not tell it."""
    for node in body.target_list:
        target = node.res_target
        if target.name:
            yield target.name
        elif target.val.HasField("column_ref"):
            yield target.val.column_ref.fields[-1].string.sval
        else:
            yield "?column?"
