"""What mends a constraint: short locks on a table with rows, and nothing that the rows are against."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from msgspec.structs import replace

from runner.catalog.constraint_definitions import (
    ForeignKey,
    foreign_key_definition,
    is_disabled,
    is_exclusion,
    is_foreign_key,
    key_definition,
)
from runner.catalog.definitions import is_invalid, keeps_unique, names
from runner.catalog.diff import Difference
from runner.catalog.index_definitions import unique_index_definition
from runner.repair.context import Context, is_part
from runner.repair.foreign_keys import Parts, added_by_partition
from runner.repair.keys import key_added, key_replaced
from runner.repair.probes import Sample
from runner.repair.proposal import Proposal, Use, alter, has_constraint, proposal
from runner.repair.violations import late_repair, violations
from runner.repair.ways import best_way
from runner.sql.chosen_names import chosen_name
from runner.sql.inventory import automatic_name
from runner.sql.objects import Object
from runner.sql.quoting import identifier
from runner.sql.respelling import words
from runner.sql.spelling import comment_sql

_UNIQUE = "somebody may rely on what it keeps unique"
_AT_ONCE = (
    "it cannot take over an index that is built before, so that nobody writes while it is made, "
    "and only then it is known whether the rows keep it"
)


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Add a constraint, unless it is there under another name."""
    if same := _under_another_name(context, item, table):
        names = f"{identifier(same.name)} to {identifier(item.object.name)}"
        rename = alter(table, [f"rename constraint {names}"])
        yield proposal(item, "missing", f"{same} is the same", now=(rename,), uses=(Use(same, rename),))
    else:
        name = _name(context, item.object, table)
        added = _added(context, item, table, name)
        late = added.late and added.late._replace(unless=has_constraint(table, name))
        yield replace(added, late=late)


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Put the declared constraint in the place of the other one, or validate it."""
    definition, name = item.declared or "", item.actual_object.name
    if item.kind == "invalid":
        bad = violations(context, table, definition)
        blocked_by = bad.failure or ("rows are against it" if bad.rows else "")
        then = (_validated(table, name),)
        late = late_repair(context, table, definition, then) if bad.rows else None
        yield proposal(item, "invalid", "not validated", then=then, blocked_by=blocked_by, rows=bad.rows, late=late)
        return
    if is_disabled(item.actual or ""):
        sql = alter(table, ["enable trigger all"])
        blocked_by = "somebody has disabled what keeps it, on this table or the other one, and rows may be against it"
        yield proposal(item, "differs", "disabled", now=(sql,), blocked_by=blocked_by)
        return
    drops, key = f"drop constraint {identifier(name)}", key_definition(definition)
    if key and key_definition(item.actual or "") and key.by_index:
        yield key_replaced(context, item, table, key, drops)
    elif keeps_unique(definition) or keeps_unique(item.actual or ""):
        adds = f"add constraint {identifier(name)} {key.sql if key else definition}"
        detail = f"{item.actual}, declared {definition}"
        yield proposal(item, "differs", detail, clauses=(drops, adds), blocked_by=_UNIQUE)
    else:
        yield _replaced(context, item, table, drops)


def _replaced(context: Context, item: Difference, table: Object, drops: str) -> Proposal:
    """Put the declared constraint in the place of the other one; its comment stays."""
    name, comment = item.actual_object.name, item.actual_object.comment
    added, needs = _added(context, item, table, name), context.needs_align()
    text = context.declared.get(item.object.comment) or context.actual.facts.get(comment)
    comments = (comment_sql(comment, text),) if text else ()
    late = None
    if added.late and not needs:
        first, *then = added.late.transactions
        late = added.late._replace(transactions=((alter(table, [drops]), *first, *comments), *then))
    return proposal(
        item,
        "differs",
        f"{item.actual}, declared {item.declared}",
        clauses=(drops, *added.clauses),
        now=(*added.now, *comments),
        then=added.then,
        blocked_by=added.blocked_by or needs,
        rows=added.rows,
        late=late,
    )


def extra(context: Context, item: Difference, _table: Object) -> Iterator[Proposal]:
    """Remove a constraint that nobody declares, unless it keeps something unique."""
    definition = item.actual or ""
    clauses = (f"drop constraint {identifier(item.object.name)}",)
    blocked_by = _UNIQUE if keeps_unique(definition) else context.needs_align()
    yield proposal(item, "not declared", definition, becomes=None, clauses=clauses, blocked_by=blocked_by)


def _under_another_name(context: Context, item: Difference, table: Object) -> Object | None:
    if _is_unnamed(item.object):
        return None
    claimed = {other for known_by in context.declared for other in context.actual.unnamed.get(known_by, ())}
    for other, definition in context.actual.facts.items():
        if is_part(other, "constraint", table) and definition == item.declared and other not in context.declared:
            return None if other in claimed else other
    return None


def _added(context: Context, item: Difference, table: Object, name: str) -> Proposal:
    definition, rows = item.declared or "", context.has_rows(table)
    adds = f"add constraint {identifier(name)} {definition}"
    bad = violations(context, table, definition) if rows else Sample(())
    unreferenced = _unreferenced(context, definition)
    blocked_by = bad.failure or ("rows are against it" if bad.rows else unreferenced)
    if key := key_definition(definition):
        return key_added(context, item, table, name, key, bad, blocked_by)
    if rows and is_exclusion(definition):
        blocked_by = blocked_by or _AT_ONCE
    at_once = is_invalid(item.object, definition)
    parts = _in_parts(context, table, name, definition)
    waits = not blocked_by and _waits_for_key(context, definition)
    way = ((alter(table, [adds]),),) if at_once else tuple(filter(None, (parts.adds, *parts.then)))
    if waits:  # for what it refers to
        return proposal(item, "missing", then=way, uses=parts.uses)
    if not blocked_by and rows and not at_once:
        return proposal(item, "missing", now=parts.adds, then=parts.then, uses=parts.uses)
    late = late_repair(context, table, definition, way)
    return proposal(
        item,
        "missing",
        clauses=(adds,),
        blocked_by=blocked_by,
        rows=bad.rows,
        late=late if bad.rows and not unreferenced else None,
        is_script_statement=not blocked_by,
    )


def _validated(table: Object, name: str) -> tuple[str, ...]:
    return (alter(table, [f"validate constraint {identifier(name)}"]),)


def _in_parts(context: Context, table: Object, name: str, definition: str) -> Parts:
    """Return what adds a constraint for new rows first, and then looks at those that are there."""
    way = best_way("foreign key of partitions", context.evidence.server)
    if context.shape(table).is_partitioned and is_foreign_key(definition) and way == "by partition":
        return added_by_partition(context, table, name, definition)
    adds = alter(table, [f"add constraint {identifier(name)} {definition} not valid"])
    return Parts((adds,), (_validated(table, name),))


def _referable(context: Context, foreign: ForeignKey) -> Iterator[tuple[Object, str, bool]]:
    """Return what is there or declared that a foreign key can refer to, with its columns, and whether it is primary."""
    facts = context.actual.facts
    missing_keys = {item: text for item, text in context.declared.items() if item not in facts}
    for item, text in (*facts.items(), *missing_keys.items()):
        key = key_definition(text) if is_part(item, "constraint", foreign.relation) else None
        index = unique_index_definition(text) if is_part(item, "index", foreign.relation) else None
        columns = key.columns if key and not key.deferrable else index.keys if index and not index.where else ""
        if frozenset(names(columns)) == frozenset(foreign.referenced):
            yield item, columns, key is not None and key.primary


def _waits_for_key(context: Context, definition: str) -> bool:
    """Return whether a foreign key refers to what this run adds to a table that is there, after its own transaction."""
    foreign = foreign_key_definition(definition)
    if foreign is None or foreign.relation not in context.actual.facts:
        return False
    return all(item not in context.actual.facts for item, _, _ in _referable(context, foreign))


def _unreferenced(context: Context, definition: str) -> str:
    """Return why a foreign key has nothing to refer to: what keeps its columns unique there cannot be made."""
    foreign = foreign_key_definition(definition)
    if foreign is None or foreign.relation not in context.actual.facts:
        return ""
    relation = foreign.relation
    for item, columns, is_primary in _referable(context, foreign):
        if item in context.actual.facts:
            return ""
        nulls, is_taken = "refused" if is_primary else "distinct", is_primary and context.primary_key(relation)
        if not (is_taken or context.duplicates(relation, columns, nulls=nulls).rows):
            return ""
    return f"{foreign.table} has nothing that keeps {', '.join(foreign.referenced)} unique"


def _is_unnamed(item: Object) -> bool:
    """Return whether a constraint is known by its definition."""
    return " (" in item.name


def _only_column(context: Context, check: Object, table: Object) -> str:
    """Return the column that a CHECK, known by its definition, is about; empty when there are several."""
    mentioned = words(check.name)
    known = dict.fromkeys((*context.declared, *context.actual.facts))
    columns = [item.name for item in known if is_part(item, "column", table) and identifier(item.name) in mentioned]
    return columns[0] if len(columns) == 1 else ""


def _name(context: Context, item: Object, table: Object) -> str:
    """Return the name of a constraint, as PostgreSQL would choose it when the scripts give it none.

    Before it, the others without a name get theirs that the table lacks as well.
    """
    facts = (context.actual.facts, context.declared)
    taken = {other.name for known in facts for other in known if other.schema == item.schema}
    for other in context.declared if _is_unnamed(item) else ():
        if is_part(other, "constraint", table) and _is_unnamed(other) and other not in context.actual.unnamed:
            chosen = automatic_name(other) or chosen_name(table.name, _only_column(context, other, table), "check")
            name = next(name for number in count() if (name := f"{chosen}{number or ''}") not in taken)
            if other == item:
                return name
            taken.add(name)
    return item.name
