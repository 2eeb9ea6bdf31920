"""What counts only where the scripts say it: PostgreSQL chooses it else, and may have chosen otherwise before."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.column_definitions import column_definition, without_not_null_name
from runner.catalog.view_definitions import has_no_data, without_data
from runner.sql.objects import SUBSCRIPTION, Facts, Object, without_table
from runner.sql.option_list import STREAMING, listed_options, options_in

DEFAULT = "pg_default"
OF_DATABASE = Object("tablespace of database", "")
"""The fact about a database that has another one."""


def unsaid(actual: Facts, declared: Facts) -> Iterator[tuple[Object, str]]:
    """Yield the facts of a database that have more than the declared ones say, without that.

    A view that nobody has to fill may be filled.
    """
    yield from _tablespaces(actual, declared)
    for item, definition in actual.items():
        if item.kind == "column" and " named " in definition:
            wanted = declared.get(item, "")
            if not column_definition(wanted).not_null_name:
                yield item, without_not_null_name(definition)
        elif item.kind == SUBSCRIPTION:
            yield item, _as_said(definition, declared.get(item, ""))
        elif item.kind == "materialized view" and has_no_data(declared.get(item, "")):
            yield item, without_data(definition)


def _tablespaces(actual: Facts, declared: Facts) -> Iterator[tuple[Object, str]]:
    """Yield where that is for which a script names a tablespace and which is in that of the database."""
    wanted = [item for item in declared if item.is_tablespace and item not in actual]
    there = {without_table(item) for item in actual} if wanted else set()
    own = actual.get(OF_DATABASE, DEFAULT)
    yield from ((item, own) for item in wanted if item.subject in there)


def _as_said(actual: str, declared: str) -> str:
    """Return the definition of a subscription without how rows are streamed, where a declared one does not say that."""
    if f" {STREAMING} " in declared or f"({STREAMING} " in declared:
        return actual
    head, _, options = actual.partition(" with (")
    return listed_options(head, "with", {name: text for name, text in options_in(options).items() if name != STREAMING})
