"""What counts only where the scripts say it: PostgreSQL chooses it else, and may have chosen otherwise before."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.column_definitions import column_definition, without_not_null_name
from runner.catalog.view_definitions import has_no_data, without_data
from runner.sql.objects import Facts, Object


def unsaid(actual: Facts, declared: Facts) -> Iterator[tuple[Object, str]]:
    """Yield the facts of a database that have more than the declared ones say, without that.

    A view that nobody has to fill may be filled.
    """
    for item, definition in actual.items():
        if item.kind == "column" and " named " in definition:
            wanted = declared.get(item, "")
            if not column_definition(wanted).not_null_name:
                yield item, without_not_null_name(definition)
        elif item.kind == "materialized view" and has_no_data(declared.get(item, "")):
            yield item, without_data(definition)
