"""What mends an index: the declared one is made beside the other, and takes its name in one moment."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.definitions import unquoted
from runner.catalog.diff import Difference
from runner.catalog.index_definitions import index_sql, unique_index_definition
from runner.repair.context import Context, duplicates_query
from runner.repair.probes import Sample
from runner.repair.proposal import Late, Proposal, Use, proposal, reserved_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier, literal


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Tell why an index cannot be made; one that can is made by the script's own statement."""
    makes = index_sql(item.declared or "", identifier(item.object.name), qualified_name(table))
    bad, taken = _duplicates(context, item, table), context.taken(item.object, item.object.name)
    blocked_by = bad.failure or ("rows have the same values" if bad.rows else taken)
    late = _late(context, item, table, ((makes,),)) if makes and bad.rows and not taken else None
    yield proposal(
        item,
        "missing",
        now=(makes,) if makes else (),
        blocked_by=blocked_by,
        rows=bad.rows,
        late=late
        and late._replace(unless=f"pg_catalog.to_regclass({literal(qualified_name(item.object))}) is not null"),
        is_script_statement=not blocked_by,
    )


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Replace an index of another definition, or an invalid one; its comment stays."""
    definition, name = item.declared or "", identifier(item.object.name)
    helper = Object("index", reserved_name(item.object.name), table.name, table.schema)
    makes = index_sql(definition, identifier(helper.name), qualified_name(table))
    if makes is None:
        return
    there = context.actual.facts.get(helper)
    renames = f"alter index {qualified_name(helper)} rename to {name}"
    bad, mark = _duplicates(context, item, table), _mark(context, item.object, table)
    blocked_by = bad.failure or ("rows have the same values" if bad.rows else mark)
    comment = item.object.comment
    text = context.declared.get(comment) or context.actual.facts.get(comment)
    swaps = (
        f"drop index {qualified_name(item.object)}",
        renames,
        *((f"comment on index {qualified_name(item.object)} is {literal(text)}",) if text else ()),
    )
    gone = (f"drop index {qualified_name(helper)}",) if there else ()
    now = () if there == definition else (*gone, makes)
    detail = "it is invalid" if item.kind == "invalid" else f"{item.actual}, declared {definition}"
    yield proposal(
        item,
        "differs",
        detail,
        now=now,
        then=(swaps,),
        uses=Use(helper, renames),
        blocked_by=blocked_by,
        rows=bad.rows,
        late=_late(context, item, table, ((makes,), swaps)) if bad.rows and not mark else None,
    )


def extra(_context: Context, item: Difference, _table: Object) -> Iterator[Proposal]:
    """Tell that a unique index refuses rows; nobody but a person removes it."""
    drops = (f"drop index {qualified_name(item.object)}",)
    blocked_by = "somebody may rely on what it keeps unique"
    yield proposal(item, "not declared", item.actual or "", becomes=None, now=drops, blocked_by=blocked_by)


def _duplicates(context: Context, item: Difference, table: Object) -> Sample:
    query = _duplicated(item, context.rows_of(table, alone=True))
    return context.evidence.sample(query) if query and context.has_rows(table) else Sample(())


def _duplicated(item: Difference, rows: str) -> str:
    """Return the query for values that a unique index refuses; empty for another index."""
    index = unique_index_definition(item.declared or "")
    if index is None:
        return ""
    return duplicates_query(rows, index.keys, index.where, nulls="equal" if index.nulls_equal else "distinct")


def _late(context: Context, item: Difference, table: Object, transactions: tuple[tuple[str, ...], ...]) -> Late:
    return Late(_duplicated(item, context.relation(table, alone=True)), transactions, (table,))


def _mark(context: Context, index: Object, table: Object) -> str:
    """Return what a table would lose with the index, when that is so."""
    shape = context.shape(table)
    marked = {"replica identity using index": shape.identity_index, "cluster on": shape.cluster_index}
    for mark, name in marked.items():
        if unquoted(name) == index.name:
            return f"the table has {mark} {identifier(index.name)}, which goes with the index"
    return ""
