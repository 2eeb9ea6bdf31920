"""What is not built, and is known of what is: the servers of foreign tables, and which views are not filled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.catalog.column_definitions import with_server_options
from runner.catalog.view_definitions import without_data
from runner.sql.objects import FOREIGN_TABLE, NO_DATA, PRESENT, Facts, Object
from runner.sql.option_list import OPTIONS


def with_written_parts(facts: Facts, names: Mapping[Object, str]) -> Iterator[tuple[Object, str]]:
    """Yield facts with what `names`, what the text of the scripts tells, has of them."""
    for item, definition in facts.items():
        known = names.get(item, PRESENT)
        if definition == PRESENT:
            yield item, definition
        elif item.kind == "table" and known.startswith(FOREIGN_TABLE):
            yield item, f"foreign {definition}{known.removeprefix(FOREIGN_TABLE)}"
        elif item.kind == "column" and known.startswith(f"{OPTIONS} ("):
            yield item, with_server_options(definition, known)
        elif item.kind == "materialized view" and known == NO_DATA:
            yield item, without_data(definition)
        else:
            yield item, definition
