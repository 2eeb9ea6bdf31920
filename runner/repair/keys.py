"""What mends a primary key or a unique constraint: its index is built before, beside the one that is there."""

from __future__ import annotations

from runner.catalog.constraint_definitions import Key
from runner.catalog.diff import Difference
from runner.repair.context import Context, is_part
from runner.repair.indexes import build_beside, marked_parts, marks_of
from runner.repair.partitioned_builds import Build, key_build
from runner.repair.probes import Sample
from runner.repair.proposal import Proposal, Use, alter, proposal
from runner.repair.violations import late_repair, violations
from runner.sql.objects import Object, stands_in
from runner.sql.quoting import identifier
from runner.sql.spelling import comment_sql


def key_added(
    context: Context, item: Difference, table: Object, name: str, key: Key, bad: Sample, blocked_by: str
) -> Proposal:
    """Add a primary key or unique constraint by way of an index, which takes no lock that stops readers."""
    by_index = key.by_index and not context.shape(table).is_partitioned
    index = _fitting_index(context, table, key) if by_index else None
    against = "" if index and index.name == name else context.taken(item.object, name)
    if key.primary and (other := context.primary_key(table)):
        against = blocked_by = f"the table has another primary key, {other[0]}"
    blocked_by = blocked_by or against
    if not blocked_by and (apart := key_build(context, table, name, item.declared or "")):
        return proposal(item, "missing", now=apart.now, then=(apart.then,), uses=apart.uses)
    helper, makes = (index, ()) if index else build_beside(context, table, name, key.index)
    uses = _takes_over(table, name, key, helper)
    if not blocked_by and by_index and (index is not None or context.has_rows(table)):
        detail = f"{index} becomes it" if index and not stands_in(index) else ""
        return proposal(item, "missing", detail, now=makes, then=((uses,),), uses=(Use(helper, uses),))
    clauses = (f"add constraint {identifier(name)} {key.sql if key.settings else item.declared}",)
    way = (*((makes,) if makes else ()), (uses,)) if by_index else ((alter(table, clauses),),)
    return proposal(
        item,
        "missing",
        clauses=clauses,
        blocked_by=blocked_by,
        rows=bad.rows,
        late=late_repair(context, table, item.declared or "", way) if bad.rows and not against else None,
        is_script_statement=not blocked_by,
    )


def key_replaced(context: Context, item: Difference, table: Object, key: Key, drops: str) -> Proposal:
    """Put a key in the place of another one in one moment, once its index has been built beside that."""
    old = item.actual_object
    index = Object("index", old.name, table.name, table.schema)
    use, marks = context.evidence.use(index), marks_of(context, index, table, key.index)
    made = _in_its_place(context, item, table, key, use.tablespace)
    bad, drop = violations(context, table, item.declared or ""), alter(table, [drops])
    against = use.against or marks.blocked_by or marked_parts(context, table, index) or context.needs_align()
    text = context.declared.get(item.object.comment) or context.actual.facts.get(old.comment)
    comments = (comment_sql(old.comment, text),) if text else ()
    gone, back = (each.drop for each in use.dependents), (each.back for each in use.dependents)
    swaps = (*gone, drop, *made.then, *back, *marks.statements, *comments)
    return proposal(
        item,
        "differs",
        f"{item.actual}, declared {item.declared}",
        now=made.now,
        then=(swaps,),
        uses=made.uses,
        blocked_by=bad.failure or ("rows are against it" if bad.rows else against),
        rows=bad.rows,
        late=late_repair(context, table, item.declared or "", (*filter(None, (made.now,)), swaps))
        if bad.rows and not against
        else None,
    )


def _in_its_place(context: Context, item: Difference, table: Object, key: Key, tablespace: str) -> Build:
    """Return what makes a key when the one that it replaces is gone."""
    name = item.actual_object.name
    index = Object("index", name, table.name, table.schema)
    if context.shape(table).is_partitioned:
        apart = key_build(context, table, name, item.declared or "", replaced=index)
        return apart or Build((), (alter(table, [f"add constraint {identifier(name)} {key.sql}"]),), ())
    helper, makes = build_beside(context, table, name, key.index, tablespace=tablespace)
    uses = _takes_over(table, name, key, helper)
    return Build(makes, (uses,), (Use(helper, uses),))


def _takes_over(table: Object, name: str, key: Key, index: Object) -> str:
    """Return what makes a constraint of an index, which gets its name."""
    adds = f"add constraint {identifier(name)} {key.kind} using index {identifier(index.name)}"
    return alter(table, [f"{adds}{key.timing.lower()}"])


def _fitting_index(context: Context, table: Object, key: Key) -> Object | None:
    fitting = (
        item
        for item, definition in context.actual.facts.items()
        if is_part(item, "index", table) and definition == key.index and item not in context.declared
    )
    return next(fitting, None)
