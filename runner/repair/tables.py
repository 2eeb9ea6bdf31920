"""What mends a table itself: its storage options, what it is clustered on, the values of a partition."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.catalog.table_definitions import TableDefinition, options_changed, table_definition
from runner.repair.context import Context
from runner.repair.foreign_servers import options_clause
from runner.repair.partitions import attached, bound_changed
from runner.repair.proposal import Proposal, alter, folded, proposal
from runner.sql.objects import Object
from runner.sql.option_list import options_in


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Mend what can be mended, and tell the rest."""
    old, new = table_definition(item.actual or ""), table_definition(item.declared or "")
    yield from folded(item, [context.judged(part) for part in _parts(context, item, table, old, new)])


def _parts(
    context: Context, item: Difference, table: Object, old: TableDefinition, new: TableDefinition
) -> Iterator[Proposal]:
    if _anew(old) != _anew(new):
        detail = f"{item.actual}, declared {item.declared}"
        yield proposal(item, "differs", detail, blocked_by=_ANEW if not old.is_foreign else _OTHER_SERVER)
        return
    if (old.relation, old.parents) != (new.relation, new.parents):
        yield attached(item, table, old, new)
    elif old.bound != new.bound:
        yield bound_changed(context, item, table, new)
    if old.is_unlogged != new.is_unlogged:
        yield _logged(context, item, table, new)
    if clauses := options_changed(old.options, new.options):
        detail = f"settings {old.options or 'none'}, declared {new.options or 'none'}"
        yield proposal(item, "differs", detail, now=(alter(table, clauses),))
    if old.cluster_index != new.cluster_index:
        clause = f"cluster on {new.cluster_index}" if new.cluster_index else "set without cluster"
        yield proposal(item, "differs", clause, then=((alter(table, (clause,)),),))  # after an index that is made apart
    if clause := options_clause(options_in(old.server_options), options_in(new.server_options)):
        yield _altered(item, table, clause, blocked_by=context.needs_align())
    for before, after, blocked_by in zip(clauses_of(old), clauses_of(new), _REASONS, strict=True):
        if before != after:
            yield _altered(item, table, after, blocked_by=blocked_by)


_ANEW = "the table would have to be made anew, with its rows"
_OTHER_SERVER = "no statement changes the server of a foreign table"


def _anew(shape: TableDefinition) -> tuple[str, str, bool, str]:
    """Return what of a table no statement changes."""
    return shape.keys, shape.method, shape.is_foreign, shape.server


_REASONS = (
    "a type has its shape",
    "it decides who sees which rows",
    "it decides who sees which rows",
    "it decides what is known of old rows where changes are replicated",
)
"""Why what the clauses say is not done by a run."""


def clauses_of(shape: TableDefinition) -> tuple[str, ...]:
    """Return the clauses of ALTER TABLE that give a table some of what it is."""
    return (
        f"of {shape.of_type}" if shape.of_type else "not of",
        f"{'enable' if shape.has_row_security else 'disable'} row level security",
        f"{'force' if shape.is_forced else 'no force'} row level security",
        f"replica identity {shape.identity or 'default'}",
    )


def _altered(item: Difference, table: Object, clause: str, *, blocked_by: str = "") -> Proposal:
    return proposal(item, "differs", clause, now=(alter(table, (clause,)),), blocked_by=blocked_by)


def _logged(context: Context, item: Difference, table: Object, new: TableDefinition) -> Proposal:
    """Let a table be kept after a crash; that it is not is up to a person."""
    if new.is_unlogged:
        blocked_by = "the rows of an unlogged table are gone after a crash"
        return _altered(item, table, "set unlogged", blocked_by=blocked_by)
    return _altered(item, table, "set logged", blocked_by=context.too_large(table))
