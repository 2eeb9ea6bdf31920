"""What mends a column: its type, its default, and whether it may be NULL."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

from runner.catalog.column_definitions import (
    ColumnDefinition,
    column_definition,
    column_sql,
    without_not_null,
)
from runner.catalog.definitions import is_invalid
from runner.catalog.diff import Difference
from runner.repair.column_storage import generated, settings
from runner.repair.context import Context
from runner.repair.fills import filled, goes_with_identity
from runner.repair.foreign_servers import options_clause
from runner.repair.not_null import not_null_clause, not_null_settings
from runner.repair.proposal import Late, Proposal, Use, alter, folded, proposal, reserved_name
from runner.repair.retyping import retyped
from runner.repair.ways import best_way
from runner.sql.chosen_names import chosen_name
from runner.sql.objects import Object, qualified_name
from runner.sql.option_list import options_in
from runner.sql.quoting import identifier


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Add a column; without NOT NULL when the rows that are there would have no value."""
    shape, rows = column_definition(item.declared or ""), context.has_rows(table)
    without = rows and bool(shape.not_null) and not shape.fills_itself
    words = column_sql(shape, not_null=not without)
    if words is None:
        return
    clauses = (f"add column if not exists {identifier(item.object.name)} {words}",)
    if without:
        becomes, late = without_not_null(item.declared or ""), _not_null_later(context, item, table)
        yield proposal(item, "missing", "without its NOT NULL", becomes=becomes, clauses=clauses, late=late)
    else:
        blocked_by = context.too_large(table) if shape.fill_rewrites else ""
        may_wait_for_lock = not shape.fill_rewrites and (shape.fills_itself or not shape.not_null)
        yield proposal(
            item,
            "missing",
            clauses=clauses,
            blocked_by=blocked_by,
            is_script_statement=not blocked_by,
            may_wait_for_lock=may_wait_for_lock,
        )


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Mend what can be mended in one go, and tell the rest."""
    old, new = column_definition(item.actual or ""), column_definition(item.declared or "")
    yield from folded(item, [context.judged(part) for part in _parts(context, item, table, old, new)])


def extra(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Let a column that nobody declares be NULL."""
    clauses = (f"alter column {identifier(item.object.name)} drop not null",)
    blocked_by = _in_primary_key(context, item, table) or context.needs_align()
    becomes = without_not_null(item.actual or "")
    yield proposal(item, "not declared", "NOT NULL", becomes=becomes, clauses=clauses, blocked_by=blocked_by)


def _parts(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Iterator[Proposal]:
    has_type, stays = True, ""
    is_retyped = (old.type, old.collation) != (new.type, new.collation)
    if is_retyped:
        part = retyped(context, item, table, old, new)
        has_type = not context.judged(part).blocked_by
        stays = "" if has_type else "it is a value of another type"
        yield part
    if (old.generated, old.stored) != (new.generated, new.stored):
        yield generated(context, item, old, new)
    elif old.fills != new.fills:
        yield filled(context, item, table, old, new)
    elif old.default != new.default or (is_retyped and has_type and new.default):
        yield _default(item, old, new, blocked_by=stays if new.default else "")
    if old.not_null != new.not_null and not goes_with_identity(old, new):
        yield _nullability(context, item, table, old, new)
    elif (old.not_null_name, old.no_inherit) != (new.not_null_name, new.no_inherit):
        yield not_null_settings(context, item, table, old, new)
    if old.settings != new.settings:
        yield settings(context, item, table, old, new)
    if clause := options_clause(options_in(old.server_options), options_in(new.server_options)):
        yield _server_options(context, item, clause)


def _server_options(context: Context, item: Difference, clause: str) -> Proposal:
    clauses = (f"alter column {identifier(item.object.name)} {clause}",)
    blocked_by = context.needs_align()
    return proposal(item, "differs", clause, clauses=clauses, blocked_by=blocked_by, may_wait_for_lock=True)


def _default(item: Difference, old: ColumnDefinition, new: ColumnDefinition, *, blocked_by: str) -> Proposal:
    change = f"set default {new.default}" if new.default else "drop default"
    is_same = old.default == new.default
    detail = "" if is_same else f"default {old.default or 'none'}, declared {new.default or 'none'}"
    clauses = (f"alter column {identifier(item.object.name)} {change}",)
    return proposal(item, "differs", detail, clauses=clauses, blocked_by=blocked_by)


def _nullability(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Proposal:
    column, name = identifier(item.object.name), qualified_name(table)
    if not new.not_null:
        clauses = (f"alter column {column} drop not null",)
        return proposal(item, "differs", "NOT NULL", clauses=clauses, blocked_by=_in_primary_key(context, item, table))
    detail, change = "NOT NULL declared", not_null_clause(column, new)
    key = context.primary_key(table)
    selected = ", ".join(dict.fromkeys((*(key[1] if key else ("ctid",)), column)))
    nulls = context.evidence.sample(f"select {selected} from {name} where {column} is null")  # noqa: S608
    blocked_by = context.against(table) or nulls.failure or ("rows have no value" if nulls.rows else "")
    when = "first" if context.becomes_key(table, column) else "then"
    if old.not_null and not blocked_by:
        constraint = identifier(context.evidence.not_null_constraint(table, item.object.name))
        validates = ((alter(table, [f"validate constraint {constraint}"]),),)
        return proposal(item, "differs", "NOT NULL is not validated", **{when: validates})
    if blocked_by or not context.has_rows(table):
        late = _not_null_later(context, item, table) if nulls.rows else None
        return proposal(item, "differs", detail, clauses=(change,), blocked_by=blocked_by, rows=nulls.rows, late=late)
    adds, transactions, helper = _not_null_apart(context, item, table)
    there = context.actual.facts.get(helper) if helper else None
    left = transactions if helper is None or there is None or is_invalid(helper, there) else transactions[1:]
    uses = (Use(helper, transactions[-1][-1]),) if helper else ()
    if when == "first":
        first = left if there else ((alter(table, [adds]),), *left)
        return proposal(item, "differs", detail, first=first, uses=uses)
    return proposal(item, "differs", detail, clauses=() if there else (adds,), then=left, uses=uses)


def _not_null_apart(
    context: Context, item: Difference, table: Object
) -> tuple[str, tuple[tuple[str, ...], ...], Object | None]:
    """Return the clause that adds a NOT NULL for new rows, the transactions after that, and the CHECK that it needs."""
    if best_way("not null", context.evidence.server) == "not valid":
        return (*_not_null_not_valid(context, item, table), None)
    helper, adds, by_check = _not_null_by_check(item, table)
    return adds, by_check, helper


def _not_null_not_valid(context: Context, item: Difference, table: Object) -> tuple[str, tuple[tuple[str, ...], ...]]:
    """Return the clause that adds a NOT NULL that is not validated, under PostgreSQL's own name, and what does so."""
    chosen = chosen_name(table.name, item.object.name, "not_null")
    taken = {
        other.name for other in context.actual.facts if other.kind == "constraint" and other.schema == table.schema
    }
    shape = column_definition(item.declared or "")
    name = shape.not_null_name or identifier(next(n for i in count() if (n := f"{chosen}{i or ''}") not in taken))
    no_inherit = " no inherit" if shape.no_inherit else ""
    adds = f"add constraint {name} not null {identifier(item.object.name)}{no_inherit} not valid"
    return adds, ((alter(table, [f"validate constraint {name}"]),),)


def _not_null_by_check(item: Difference, table: Object) -> tuple[Object, str, tuple[tuple[str, ...], ...]]:
    """Return a CHECK that stands in for a NOT NULL, the clause that adds it, and the transactions after that."""
    helper = Object("constraint", reserved_name(f"{item.object.name}_not_null"), table.name, table.schema)
    quoted, column = identifier(helper.name), identifier(item.object.name)
    adds = f"add constraint {quoted} check ({column} is not null) not valid"
    validates = (alter(table, [f"validate constraint {quoted}"]),)
    # In one ALTER TABLE the constraint would be gone before SET NOT NULL looks for it, and scans the table.
    sets = alter(table, [f"alter column {column} set not null"])
    return helper, adds, (validates, (sets, alter(table, [f"drop constraint {quoted}"])))


def _not_null_later(context: Context, item: Difference, table: Object) -> Late:
    adds, then, _ = _not_null_apart(context, item, table)
    rows = f"select from {qualified_name(table)} where {identifier(item.object.name)} is null"
    return Late(rows, ((alter(table, [adds]),), *then), (table,), "NOT NULL declared")


def _in_primary_key(context: Context, item: Difference, table: Object) -> str:
    key = context.primary_key(table)
    return f"it is part of {key[0]}" if key and identifier(item.object.name) in key[1] else ""
