"""Foreign tables as they are declared: built as tables, with what the statements say of their servers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.catalog.column_definitions import with_server_options
from runner.sql.foreign_servers import OPTIONS
from runner.sql.foreign_tables import FOREIGN_TABLE
from runner.sql.objects import PRESENT, Facts, Object


def with_servers(facts: Facts, names: Mapping[Object, str]) -> Iterator[tuple[Object, str]]:
    """Yield facts with what `names`, what the text of the scripts tells, has of servers and options."""
    for item, definition in facts.items():
        known = names.get(item, PRESENT)
        if definition == PRESENT:
            yield item, definition
        elif item.kind == "table" and known.startswith(FOREIGN_TABLE):
            yield item, f"foreign {definition}{known.removeprefix(FOREIGN_TABLE)}"
        elif item.kind == "column" and known.startswith(f"{OPTIONS} ("):
            yield item, with_server_options(definition, known)
        else:
            yield item, definition
