"""What mends where the next value of a column comes from: an identity, a serial's sequence, or neither."""

from __future__ import annotations

from runner.catalog.column_definitions import ColumnDefinition
from runner.catalog.diff import Difference
from runner.catalog.sequence_definitions import SequenceDefinition, sequence_definition
from runner.repair.context import Context
from runner.repair.proposal import Proposal, alter, proposal, reserved_name
from runner.repair.sequences import altered, outside
from runner.sql.chosen_names import chosen_name
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier, literal

_NEXT = "which values come next is a decision about the rows that are there"


def filled(context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> Proposal:
    """Keep the counter where there is one; where there is none, what comes next is up to a person."""
    detail = f"filled by {old.fills or 'nothing'}, declared {new.fills or 'nothing'}"
    before, after = _options(old), _options(new)
    if not old.fills or not new.fills:
        now = _begun(item, table, old, new) if new.fills else _ended(item, table, old, new)
        return proposal(item, "differs", detail, now=now, blocked_by=_NEXT)
    sequence = context.evidence.sequence(table, item.object.name)
    blocked_by = outside(context, sequence, after)
    if not blocked_by and old.is_serial != new.is_serial and (other := context.evidence.other_use(sequence)):
        blocked_by = f"{other} takes values from the same sequence"
    if blocked_by:
        return proposal(item, "differs", detail, blocked_by=blocked_by)
    if old.is_serial == new.is_serial:
        now = (*_kind_changed(item, table, old, new), *altered(sequence, before, after))
    else:
        ways = _to_identity if new.is_identity else _to_serial
        now = ways(item, table, old, new, sequence)
    return proposal(item, "differs", detail, now=now)


def _options(shape: ColumnDefinition) -> SequenceDefinition:
    return sequence_definition(shape.sequence_options, shape.type)


def _kind_changed(item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> tuple[str, ...]:
    kinds = [shape.fills.partition(" as identity")[0] for shape in (old, new) if shape.is_identity]
    return (_alter(item, table, f"set {kinds[-1]}"),) if len(set(kinds)) > 1 else ()


def _to_identity(
    item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition, sequence: str
) -> tuple[str, ...]:
    """Put an identity in the place of a serial; its sequence begins where the other one is."""
    away = _sequence(table, reserved_name(chosen_name(table.name, item.object.name, "seq")))
    return (
        *(() if old.not_null else (_alter(item, table, "set not null"),)),
        _alter(item, table, "drop default"),
        f"alter sequence {sequence} rename to {identifier(away.name)}",
        _alter(item, table, f"add {_identity(new)}"),
        f"select pg_catalog.setval({_own_sequence(item, table)}, last_value, is_called) from {qualified_name(away)}",  # noqa: S608
        f"drop sequence {qualified_name(away)}",
    )


def _to_serial(
    item: Difference, table: Object, _old: ColumnDefinition, new: ColumnDefinition, sequence: str
) -> tuple[str, ...]:
    """Put a serial in the place of an identity; its sequence begins where the other one is."""
    name = chosen_name(table.name, item.object.name, "seq")
    away, own = _sequence(table, reserved_name(name)), _sequence(table, name)
    return (
        f"create sequence {qualified_name(away)} {_options(new).options}",
        f"select pg_catalog.setval({literal(qualified_name(away))}, last_value, is_called) from {sequence}",  # noqa: S608
        _alter(item, table, "drop identity"),
        f"alter sequence {qualified_name(away)} rename to {identifier(name)}",
        *_taken(item, table, own),
    )


def _begun(item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> tuple[str, ...]:
    """Let a column count on from the largest value that is there."""
    column, options = identifier(item.object.name), _options(new)
    last = f"coalesce(pg_catalog.max({column}), {options.start}), pg_catalog.max({column}) is not null"
    drops = (_alter(item, table, "drop default"),) if old.default else ()
    if new.is_identity:
        nulls = () if old.not_null else (_alter(item, table, "set not null"),)
        makes: tuple[str, ...] = (*nulls, *drops, _alter(item, table, f"add {_identity(new)}"))
        return (*makes, f"select pg_catalog.setval({_own_sequence(item, table)}, {last}) from {qualified_name(table)}")  # noqa: S608
    own = _sequence(table, chosen_name(table.name, item.object.name, "seq"))
    return (
        f"create sequence {qualified_name(own)} {options.options}",
        f"select pg_catalog.setval({literal(qualified_name(own))}, {last}) from {qualified_name(table)}",  # noqa: S608
        *_taken(item, table, own),
    )


def _ended(item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition) -> tuple[str, ...]:
    changes = ["drop identity" if old.is_identity else "drop default"]
    changes += ["drop not null"] if goes_with_identity(old, new) else []
    changes += [f"set default {new.default}"] if new.default else []
    return tuple(_alter(item, table, change) for change in changes)


def goes_with_identity(old: ColumnDefinition, new: ColumnDefinition) -> bool:
    """Return whether a column can be NULL only when it is an identity column no more."""
    return old.is_identity and not new.is_identity and bool(old.not_null) and not new.not_null


def _taken(item: Difference, table: Object, own: Object) -> tuple[str, ...]:
    name = qualified_name(own)
    return (
        f"alter sequence {name} owned by {qualified_name(table)}.{identifier(item.object.name)}",
        _alter(item, table, f"set default pg_catalog.nextval({literal(name)})"),
    )


def _identity(shape: ColumnDefinition) -> str:
    """Return what ADD takes; a sequence that is logged as its table is has no word for that."""
    return shape.fills.replace(" (logged ", " (").replace(" (unlogged ", " (")


def _own_sequence(item: Difference, table: Object) -> str:
    return f"pg_catalog.pg_get_serial_sequence({literal(qualified_name(table))}, {literal(item.object.name)})"


def _sequence(table: Object, name: str) -> Object:
    return Object("sequence", name, "", table.schema)


def _alter(item: Difference, table: Object, change: str) -> str:
    return alter(table, (f"alter column {identifier(item.object.name)} {change}",))
