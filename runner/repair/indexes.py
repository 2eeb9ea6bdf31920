"""What mends an index: the declared one is made beside the other, and takes its name in one moment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from runner.catalog.definitions import names, unquoted
from runner.catalog.diff import Difference
from runner.catalog.index_definitions import create_index, index_sql, unique_index_definition
from runner.repair.context import Context, duplicates_query
from runner.repair.partitioned_builds import index_build
from runner.repair.probes import Sample
from runner.repair.proposal import Late, Proposal, Use, alter, proposal, reserved_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier, literal


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Tell why an index cannot be made; one that can is made by the script's own statement."""
    makes = index_sql(item.declared or "", identifier(item.object.name), qualified_name(table))
    bad, taken = _duplicates(context, item, table), context.taken(item.object, item.object.name)
    blocked_by = bad.failure or ("rows have the same values" if bad.rows else taken)
    late = _late(context, item, table, ((makes,),)) if makes and bad.rows and not taken else None
    apart = index_build(context, table, item.object.name, item.declared or "") if makes and not blocked_by else None
    if apart:
        yield proposal(item, "missing", now=apart.now, then=(apart.then,), uses=apart.uses)
        return
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
    if index_sql(definition, name, qualified_name(table)) is None:
        return
    use = context.evidence.use(item.object)
    drops = f"drop index {qualified_name(item.object)}"
    apart = index_build(context, table, item.object.name, definition, replaced=item.object)
    if apart:
        now, swaps, uses = apart.now, (drops, *apart.then), apart.uses
    else:
        helper, now = build_beside(context, table, item.object.name, definition, tablespace=use.tablespace)
        renames = f"alter index {qualified_name(helper)} rename to {name}"
        swaps, uses = (drops, renames), (Use(helper, renames),)
    bad, marks = _duplicates(context, item, table), marks_of(context, item.object, table, definition)
    against = use.against or marks.blocked_by or marked_parts(context, table, item.object)
    blocked_by = bad.failure or ("rows have the same values" if bad.rows else against)
    comment = item.object.comment
    text = context.declared.get(comment) or context.actual.facts.get(comment)
    comments = (f"comment on index {qualified_name(item.object)} is {literal(text)}",) if text else ()
    gone, back = (each.drop for each in use.dependents), (each.back for each in use.dependents)
    swaps = (*gone, *swaps, *back, *marks.statements, *comments)
    detail = "it is invalid" if item.kind == "invalid" else f"{item.actual}, declared {definition}"
    yield proposal(
        item,
        "differs",
        detail,
        now=now,
        then=(swaps,),
        uses=uses,
        blocked_by=blocked_by,
        rows=bad.rows,
        late=_late(context, item, table, ((*now,), swaps)) if bad.rows and not against else None,
    )


def extra(_context: Context, item: Difference, _table: Object) -> Iterator[Proposal]:
    """Tell that a unique index refuses rows; nobody but a person removes it."""
    drops = (f"drop index {qualified_name(item.object)}",)
    blocked_by = "somebody may rely on what it keeps unique"
    yield proposal(item, "not declared", item.actual or "", becomes=None, now=drops, blocked_by=blocked_by)


def _duplicates(context: Context, item: Difference, table: Object) -> Sample:
    query = _duplicated(item, context.rows_of(table, alone=True))
    is_known = query and context.has_rows(table) and not context.has_new_value(query)
    return context.evidence.sample(query) if is_known else Sample(())


def _duplicated(item: Difference, rows: str) -> str:
    """Return the query for values that a unique index refuses; empty for another index."""
    index = unique_index_definition(item.declared or "")
    if index is None:
        return ""
    return duplicates_query(rows, index.keys, index.where, nulls="equal" if index.nulls_equal else "distinct")


def _late(context: Context, item: Difference, table: Object, transactions: tuple[tuple[str, ...], ...]) -> Late:
    return Late(_duplicated(item, context.relation(table, alone=True)), transactions, (table,))


def build_beside(
    context: Context, table: Object, name: str, definition: str, *, tablespace: str = ""
) -> tuple[Object, tuple[str, ...]]:
    """Return the index that is made beside what has a name, and what makes it unless a run that was cut off has."""
    helper = Object("index", reserved_name(name), table.name, table.schema)
    there = context.actual.facts.get(helper)
    if there == definition:
        return helper, ()
    makes = create_index(definition, identifier(helper.name), qualified_name(table), tablespace)
    return helper, (*((f"drop index {qualified_name(helper)}",) if there else ()), makes)


class Marks(NamedTuple):
    """What gives a table the marks again that go with its index, or why they cannot be given to another one."""

    statements: tuple[str, ...] = ()
    blocked_by: str = ""


def marks_of(context: Context, index: Object, table: Object, definition: str) -> Marks:
    """Return the marks of a table that name an index, which gets another definition."""
    shape, name = context.shape(table), identifier(index.name)
    statements = []
    for mark, marked in (("replica identity using index", shape.identity_index), ("cluster on", shape.cluster_index)):
        if unquoted(marked) == index.name:
            unique = unique_index_definition(definition)
            keys = names(unique.keys) if unique and not unique.where else ()
            is_identity = bool(keys) and all(context.is_not_null(table, unquoted(key)) for key in keys)
            if not (" where " not in definition if mark == "cluster on" else is_identity):
                return Marks(blocked_by=f"the table has {mark} {name}, which goes with the index")
            statements.append(alter(table, [f"{mark} {name}"]))
    return Marks(tuple(statements))


def marked_parts(context: Context, table: Object, index: Object) -> str:
    """Return why an index of a partitioned table cannot be replaced: a partition has a mark that names its part."""
    if not context.shape(table).is_partitioned:
        return ""
    parts = {(part.table.schema, part.table.name) for part in context.evidence.partitions(index)}
    for partition in (part.table for part in context.evidence.partitions(table)):
        shape = context.shape(partition)
        marks = ("replica identity using index", shape.identity_index), ("cluster on", shape.cluster_index)
        for mark, marked in marks:
            if (partition.schema, unquoted(marked)) in parts:
                return f"{partition} has {mark} {marked}, which goes with the index"
    return ""
