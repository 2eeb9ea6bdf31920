"""What mends how the values of a column are stored, counted for statistics, and generated."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.column_definitions import ColumnDefinition, column_settings
from runner.catalog.diff import Difference
from runner.catalog.table_definitions import options_changed
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier

_SET_EXPRESSION = 17
"""The server version from which on an expression can be replaced."""
_ANEW = "the column would have to be made anew, without the values that it has"


def settings(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Proposal:
    """Change how values are stored from now on; those that are there stay as they are."""
    changes = tuple(
        f"alter column {identifier(item.object.name)} {c}" for c in _changes(context, item, table, old, new)
    )
    detail = f"settings{old.settings or ' none'}, declared{new.settings or ' none'}"
    return proposal(item, "differs", detail, clauses=changes)


def _changes(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Iterator[str]:
    before, after = column_settings(old.settings), column_settings(new.settings)
    if before.storage != after.storage:
        yield f"set storage {after.storage or context.evidence.usual_storage(table, item.object.name)}"
    if before.compression != after.compression:
        yield f"set compression {after.compression or 'default'}"
    if before.statistics != after.statistics:
        yield f"set statistics {after.statistics or -1}"
    yield from options_changed(before.options, after.options)


def generated(context: Context, item: Difference, old: ColumnDefinition, new: ColumnDefinition) -> Proposal:
    """Let values that were generated be values; what is generated otherwise is another value."""
    column = f"alter column {identifier(item.object.name)}"
    detail = f"declared {f'generated as ({new.generated})' if new.generated else 'not generated'}"
    if old.stored and not new.generated:
        default = (f"{column} set default {new.default}",) if new.default else ()
        return proposal(item, "differs", detail, clauses=(f"{column} drop expression", *default))
    can_be_set = bool(old.generated and new.generated) and old.stored == new.stored
    if can_be_set and context.evidence.server >= _SET_EXPRESSION:
        change = f"{column} set expression as ({new.generated})"
        return proposal(item, "differs", detail, clauses=(change,), blocked_by="each row gets another value")
    return proposal(item, "differs", detail, blocked_by=_ANEW)
