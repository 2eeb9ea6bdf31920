"""What mends a constraint: short locks on a table with rows, and nothing that the rows are against."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

from msgspec.structs import replace

from runner.catalog.constraint_definitions import (
    Key,
    check_expression,
    foreign_key_definition,
    is_disabled,
    is_exclusion,
    key_definition,
)
from runner.catalog.definitions import is_invalid, keeps_unique, names
from runner.catalog.diff import Difference
from runner.catalog.index_definitions import create_index, unique_index_definition
from runner.repair.context import Context, duplicates_query, is_part
from runner.repair.probes import Sample
from runner.repair.proposal import Late, Proposal, Use, alter, has_constraint, proposal
from runner.sql.chosen_names import chosen_name
from runner.sql.inventory import automatic_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier
from runner.sql.respelling import words
from runner.sql.spelling import comment_sql

_UNIQUE = "somebody may rely on what it keeps unique"


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Add a constraint, unless it is there under another name."""
    if same := _under_another_name(context, item, table):
        names = f"{identifier(same.name)} to {identifier(item.object.name)}"
        rename = alter(table, [f"rename constraint {names}"])
        yield proposal(item, "missing", f"{same} is the same", now=(rename,), uses=Use(same, rename))
    else:
        name = _name(context, item.object, table)
        added = _added(context, item, table, name)
        late = added.late and added.late._replace(unless=has_constraint(table, name))
        yield replace(added, late=late)


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Put the declared constraint in the place of the other one, or validate it."""
    definition, name = item.declared or "", item.actual_object.name
    if item.kind == "invalid":
        bad = _violations(context, table, definition)
        blocked_by = bad.failure or ("rows are against it" if bad.rows else "")
        then = (_validated(table, name),)
        late = _late(context, table, definition, then) if bad.rows else None
        yield proposal(item, "invalid", "not validated", then=then, blocked_by=blocked_by, rows=bad.rows, late=late)
        return
    if is_disabled(item.actual or ""):
        sql = alter(table, ["enable trigger all"])
        blocked_by = "somebody has disabled what keeps it, on this table or the other one, and rows may be against it"
        yield proposal(item, "differs", "disabled", now=(sql,), blocked_by=blocked_by)
        return
    drops, adds = f"drop constraint {identifier(name)}", f"add constraint {identifier(name)} {definition}"
    if key_definition(definition) or key_definition(item.actual or "") or is_exclusion(definition):
        detail = f"{item.actual}, declared {definition}"
        yield proposal(item, "differs", detail, clauses=(drops, adds), blocked_by=_UNIQUE)
        return
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
    bad = _violations(context, table, definition) if rows else Sample(())
    unreferenced = _unreferenced(context, definition)
    blocked_by = bad.failure or ("rows are against it" if bad.rows else unreferenced)
    if key := key_definition(definition):
        return _key_added(context, item, table, name, key, bad, blocked_by)
    if rows and is_exclusion(definition):
        blocked_by = blocked_by or "whether the rows keep it is known only when it is made"
    at_once = context.shape(table).is_partitioned or is_invalid(item.object, definition)
    now, then = (alter(table, [f"{adds} not valid"]),), (_validated(table, name),)  # after what it may refer to
    if not blocked_by and rows and not at_once:
        return proposal(item, "missing", now=now, then=then)
    late = _late(context, table, definition, ((alter(table, [adds]),),) if at_once else (now, *then))
    return proposal(
        item,
        "missing",
        clauses=(adds,),
        blocked_by=blocked_by,
        rows=bad.rows,
        late=late if bad.rows and not unreferenced else None,
        is_script_statement=not blocked_by,
    )


def _key_added(
    context: Context, item: Difference, table: Object, name: str, key: Key, bad: Sample, blocked_by: str
) -> Proposal:
    """Add a primary key or unique constraint by way of an index, which takes no lock that stops readers."""
    definition, quoted = item.declared or "", identifier(name)
    by_index = key.plain and not context.shape(table).is_partitioned
    index = _fitting_index(context, table, key) if by_index else None
    against = "" if index and index.name == name else context.taken(item.object, name)
    if key.primary and (other := context.primary_key(table)):
        against = blocked_by = f"the table has another primary key, {other[0]}"
    blocked_by = blocked_by or against
    kind = "primary key" if key.primary else "unique"
    uses = alter(table, [f"add constraint {quoted} {kind} using index {identifier(index.name) if index else quoted}"])
    makes = () if index else (create_index(key.index, quoted, qualified_name(table)),)
    if not blocked_by and by_index and (index is not None or context.has_rows(table)):
        detail, used = (f"{index} becomes it", Use(index, uses)) if index else ("", None)
        return proposal(item, "missing", detail, now=makes, then=((uses,),), uses=used)
    clauses = (f"add constraint {quoted} {definition}",)
    way = (*((makes,) if makes else ()), (uses,)) if by_index else ((alter(table, clauses),),)
    return proposal(
        item,
        "missing",
        clauses=clauses,
        blocked_by=blocked_by,
        rows=bad.rows,
        late=_late(context, table, definition, way) if bad.rows and not against else None,
        is_script_statement=not blocked_by,
    )


def _fitting_index(context: Context, table: Object, key: Key) -> Object | None:
    fitting = (
        item
        for item, definition in context.actual.facts.items()
        if is_part(item, "index", table) and definition == key.index and item not in context.declared
    )
    return next(fitting, None)


def _validated(table: Object, name: str) -> tuple[str, ...]:
    return (alter(table, [f"validate constraint {identifier(name)}"]),)


def _violations(context: Context, table: Object, definition: str) -> Sample:
    """Return rows that a constraint refuses."""
    foreign = foreign_key_definition(definition)
    is_there = foreign is None or foreign.relation in context.actual.facts
    key = context.primary_key(table)
    query = _violating(context.rows_of, table, definition, shown=", ".join(key[1]) if key else "*", is_there=is_there)
    return context.evidence.sample(query) if query else Sample(())


def _late(context: Context, table: Object, definition: str, transactions: tuple[tuple[str, ...], ...]) -> Late:
    """Return how a constraint is made when no rows are against it any more, and all tables and columns are there."""
    foreign = foreign_key_definition(definition)
    tables = (table, foreign.relation) if foreign else (table,)
    return Late(_violating(context.relation, table, definition), transactions, tables)


def _violating(
    rows_of: Callable[..., str], table: Object, definition: str, *, shown: str = "", is_there: bool = True
) -> str:
    """Return the query for rows that a constraint refuses, empty when there is none; `is_there`: what it refers to."""
    if key := key_definition(definition):
        nulls = "refused" if key.primary else "equal" if key.nulls_equal else "distinct"
        return duplicates_query(rows_of(table, alone=True), key.columns, nulls=nulls)
    if foreign := foreign_key_definition(definition):
        rows, others = rows_of(table, alone=True), rows_of(foreign.relation, alone=True)
        given = " and ".join(f"own.{column} is not null" for column in foreign.columns)
        columns = ", ".join(f"own.{column}" for column in foreign.columns)
        referenced = ", ".join(f"other.{column}" for column in foreign.referenced)
        values = f"select distinct {columns} from {rows} as own where {given}"  # noqa: S608
        # EXCEPT compares as keys do: by the types, and by no operator that a name on the search path stands for
        return f"{values} except select {referenced} from {others} as other" if is_there else values  # noqa: S608
    condition = check_expression(definition)
    rows = rows_of(table, alone=definition.endswith(" NO INHERIT"))
    return f"select {shown} from {rows} as own where not {condition}" if condition else ""  # noqa: S608


def _unreferenced(context: Context, definition: str) -> str:
    """Return why a foreign key has nothing to refer to: what keeps its columns unique there cannot be made."""
    foreign = foreign_key_definition(definition)
    if foreign is None:
        return ""
    relation = foreign.relation
    if relation not in context.actual.facts:
        return ""
    missing_keys = {item: text for item, text in context.declared.items() if item not in context.actual.facts}
    for item, text in (*context.actual.facts.items(), *missing_keys.items()):
        key = key_definition(text) if is_part(item, "constraint", relation) else None
        index = unique_index_definition(text) if is_part(item, "index", relation) else None
        columns = key.columns if key and not key.deferrable else index.keys if index and not index.where else ""
        if frozenset(names(columns)) != frozenset(foreign.referenced):
            continue
        if item in context.actual.facts:
            return ""
        is_primary = key is not None and key.primary
        other = context.primary_key(relation) if is_primary else None
        if (
            other is None
            and not context.duplicates(relation, columns, nulls="refused" if is_primary else "distinct").rows
        ):
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
