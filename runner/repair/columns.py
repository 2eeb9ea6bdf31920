"""What mends a column: its type, its default, and whether it may be NULL."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.column_definitions import (
    ColumnDefinition,
    column_definition,
    column_sql,
    rewrites,
    widens,
    without_not_null,
)
from runner.catalog.definitions import is_invalid
from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Late, Proposal, Use, alter, proposal, reserved_name, shortened_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier, literal
from runner.wording import listed, shown


def missing(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Add a column; without NOT NULL when the rows that are there would have no value."""
    shape, rows = column_definition(item.declared or ""), context.has_rows(table)
    without = rows and bool(shape.not_null) and not shape.fills_itself
    words = column_sql(shape, not_null=not without)
    if words is None:
        return
    clauses = (f"add column if not exists {identifier(item.object.name)} {words}",)
    if without:
        becomes, late = without_not_null(item.declared or ""), _not_null_later(item, table)
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
    parts = [context.judged(part) for part in _parts(context, item, table, old, new)]
    runs, stays = [part for part in parts if not part.blocked_by], [part for part in parts if part.blocked_by]
    if runs:
        yield proposal(
            item,
            "differs",
            listed([part.detail for part in runs if part.detail]),
            becomes=item.actual if stays else item.declared,
            clauses=tuple(clause for part in runs for clause in part.clauses),
            now=tuple(statement for part in runs for statement in part.now),
            then=tuple(transaction for part in runs for transaction in part.then),
            analyze=next((part.analyze for part in runs if part.analyze), ""),
            uses=next((part.uses for part in runs if part.uses), None),
        )
    yield from stays


def extra(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Let a column that nobody declares be NULL."""
    clauses = (f"alter column {identifier(item.object.name)} drop not null",)
    blocked_by = _in_primary_key(context, item, table) or context.needs_align()
    becomes = without_not_null(item.actual or "")
    yield proposal(item, "not declared", "NOT NULL", becomes=becomes, clauses=clauses, blocked_by=blocked_by)


def _parts(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Iterator[Proposal]:
    retyped, stays = False, ""
    if (old.type, old.collation) != (new.type, new.collation):
        part = _type(context, item, table, old, new)
        retyped = not context.judged(part).blocked_by
        stays = "" if retyped else "it is a value of another type"
        yield part
    if (old.generated, old.stored) != (new.generated, new.stored):
        yield _generated(item, new)
    elif old.fills != new.fills:
        yield _fills(context, item, table, old, new)
    elif old.default != new.default or (retyped and new.default):
        yield _default(item, old, new, blocked_by=stays if new.default else "")
    if old.not_null != new.not_null and not _goes_with_identity(old, new):
        yield _nullability(context, item, table, old, new)
    if old.settings != new.settings:
        yield _settings(item, old, new)


def _type(context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> Proposal:
    column = identifier(item.object.name)
    collation = f" collate {new.collation}" if new.collation else ""
    before = f"{old.type} collate {old.collation}" if old.collation else old.type
    detail = f"{before}, declared {new.type}{collation}"
    change = f"alter column {column} type {new.type}{collation}"
    if old.type != new.type and not widens(old.type, new.type):
        clauses = (f"{change} using {column}::{new.type}",)
        blocked_by = f"not every {old.type} is the same value as {new.type}"
        return proposal(item, "differs", detail, clauses=clauses, blocked_by=blocked_by)
    if old.collation != new.collation:
        return proposal(item, "differs", detail, clauses=(change,), blocked_by="a collation changes how values compare")
    if not context.evidence.table(table):
        return proposal(item, "differs", detail, clauses=(change,))
    drops = (f"alter column {column} drop default",) if old.default and not new.default else ()
    grows = old.is_serial and old.fills == new.fills and new.type in ("integer", "bigint")
    now = (f"alter sequence {context.evidence.sequence(table, item.object.name)} as {new.type}",) if grows else ()
    clauses = (*drops, change)
    dependents = context.evidence.dependents(table, item.object.name)
    if dependents:
        gone = [other.drop for other in dependents]
        back = [other.create or _by_hand(other.what) for other in reversed(dependents)]
        whole = (*gone, alter(table, clauses), *now, *back)
        blocked_by = f"{listed([other.what for other in dependents])} would have to be dropped and made again"
        return proposal(item, "differs", detail, now=whole, blocked_by=blocked_by)
    blocked_by = context.too_large(table) if rewrites(old.type, new.type) else ""
    analyze = column if context.has_rows(table) else ""
    return proposal(item, "differs", detail, clauses=clauses, now=now, blocked_by=blocked_by, analyze=analyze)


def _by_hand(what: str) -> str:
    return f"-- {shown(what)} has to be made again by hand"


def _default(item: Difference, old: ColumnDefinition, new: ColumnDefinition, *, blocked_by: str) -> Proposal:
    change = f"set default {new.default}" if new.default else "drop default"
    is_same = old.default == new.default
    detail = "" if is_same else f"default {old.default or 'none'}, declared {new.default or 'none'}"
    clauses = (f"alter column {identifier(item.object.name)} {change}",)
    return proposal(item, "differs", detail, clauses=clauses, blocked_by=blocked_by)


def _generated(item: Difference, new: ColumnDefinition) -> Proposal:
    column = identifier(item.object.name)
    words = column_sql(new, not_null=True) or new.type
    detail = f"declared {f'generated as ({new.generated})' if new.generated else 'not generated'}"
    clauses = (f"drop column {column}", f"add column {column} {words}")
    return proposal(item, "differs", detail, clauses=clauses, blocked_by="the column would have to be dropped")


def _fills(context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> Proposal:
    """Bring a serial's sequence to the type of its column; anything else decides about the values to come."""
    column, name = identifier(item.object.name), qualified_name(table)
    detail = f"filled by {old.fills or 'nothing'}, declared {new.fills or 'nothing'}"
    blocked_by = "which values come next is a decision about the rows that are there"
    if old.is_serial and new.is_serial:
        sequence = context.evidence.sequence(table, item.object.name)
        if old.sequence_options == "as integer" and not new.sequence_options:
            return proposal(item, "differs", detail, now=(f"alter sequence {sequence} as {new.type}",))
        options = new.sequence_options or "increment 1 no minvalue no maxvalue cache 1 no cycle"
        return proposal(item, "differs", detail, now=(f"alter sequence {sequence} {options}",), blocked_by=blocked_by)
    if new.is_identity:
        return proposal(
            item, "differs", detail, clauses=(f"alter column {column} add {new.fills}",), blocked_by=blocked_by
        )
    if not new.fills:
        changes = ["drop identity" if old.is_identity else "drop default"]
        changes += ["drop not null"] if _goes_with_identity(old, new) else []
        clauses = tuple(f"alter column {column} {change}" for change in changes)
        return proposal(item, "differs", detail, clauses=clauses, blocked_by=blocked_by)
    sequence = identifier(shortened_name(f"{item.object.table}_{item.object.name}_seq"))
    now = (
        f"create sequence {sequence} as {new.type} owned by {name}.{column}",
        f"select pg_catalog.setval({literal(sequence)}, pg_catalog.max({column})) from {name}",  # noqa: S608
        alter(table, [f"alter column {column} set default pg_catalog.nextval({literal(sequence)})"]),
    )
    return proposal(item, "differs", detail, now=now, blocked_by=blocked_by)


def _nullability(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Proposal:
    column, name = identifier(item.object.name), qualified_name(table)
    if not new.not_null:
        clauses = (f"alter column {column} drop not null",)
        return proposal(item, "differs", "NOT NULL", clauses=clauses, blocked_by=_in_primary_key(context, item, table))
    detail, change = "NOT NULL declared", f"alter column {column} set not null"
    key = context.primary_key(table)
    selected = ", ".join(dict.fromkeys((*(key[1] if key else ("ctid",)), column)))
    nulls = context.evidence.sample(f"select {selected} from {name} where {column} is null")  # noqa: S608
    blocked_by = context.against(table) or nulls.failure or ("rows have no value" if nulls.rows else "")
    if old.not_null and not blocked_by:
        constraint = identifier(context.evidence.not_null_constraint(table, item.object.name))
        then = ((alter(table, [f"validate constraint {constraint}"]),),)
        return proposal(item, "differs", "NOT NULL is not validated", then=then)
    if blocked_by or not context.has_rows(table):
        late = _not_null_later(item, table) if nulls.rows else None
        return proposal(item, "differs", detail, clauses=(change,), blocked_by=blocked_by, rows=nulls.rows, late=late)
    helper, adds, (validates, sets) = _not_null_by_check(item, table)
    there = context.actual.facts.get(helper)
    is_proven = there is not None and not is_invalid(helper, there)
    ways, uses = (sets,) if is_proven else (validates, sets), Use(helper, sets[-1])
    return proposal(item, "differs", detail, clauses=() if there else (adds,), then=ways, uses=uses)


def _not_null_by_check(item: Difference, table: Object) -> tuple[Object, str, tuple[tuple[str, ...], ...]]:
    """Return a CHECK that stands in for a NOT NULL, the clause that adds it, and the transactions after that."""
    helper = Object("constraint", reserved_name(f"{item.object.name}_not_null"), table.name, table.schema)
    quoted, column = identifier(helper.name), identifier(item.object.name)
    adds = f"add constraint {quoted} check ({column} is not null) not valid"
    validates = (alter(table, [f"validate constraint {quoted}"]),)
    # In one ALTER TABLE the constraint would be gone before SET NOT NULL looks for it, and scans the table.
    sets = alter(table, [f"alter column {column} set not null"])
    return helper, adds, (validates, (sets, alter(table, [f"drop constraint {quoted}"])))


def _not_null_later(item: Difference, table: Object) -> Late:
    _, adds, then = _not_null_by_check(item, table)
    rows = f"select from {qualified_name(table)} where {identifier(item.object.name)} is null"
    return Late(rows, ((alter(table, [adds]),), *then), (table,), "NOT NULL declared")


def _goes_with_identity(old: ColumnDefinition, new: ColumnDefinition) -> bool:
    """Return whether a column can be NULL only when it is an identity column no more."""
    return old.is_identity and not new.is_identity and bool(old.not_null) and not new.not_null


def _in_primary_key(context: Context, item: Difference, table: Object) -> str:
    key = context.primary_key(table)
    return f"it is part of {key[0]}" if key and identifier(item.object.name) in key[1] else ""


def _settings(item: Difference, old: ColumnDefinition, new: ColumnDefinition) -> Proposal:
    detail = f"settings{old.settings or ' none'}, declared{new.settings or ' none'}"
    clauses = (f"alter column {identifier(item.object.name)} set storage {new.storage}",)
    return proposal(
        item, "differs", detail, clauses=clauses, blocked_by="how values are stored changes with the next writes"
    )
