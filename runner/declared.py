"""What the scripts, taken together, declare: the state that the database has when all of them have been run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from runner.declarations import Effect, Object
from runner.errors import InputError
from runner.field_mappings import MOST_COLUMNS
from runner.statements import Parsed, Statement

State = dict[Object, str]


def declare(scripts: Iterable[Parsed]) -> State:
    """Return the declared objects of all scripts with their states. Raise InputError for a table that is too wide."""
    state: State = {}
    widening: dict[tuple[str, str], Statement] = {}
    for script in scripts:
        for statement in script.statements:
            for effect in statement.declaration.effects:
                apply_effect(state, effect)
                if effect.object.kind == "column":
                    widening[effect.object.schema, effect.object.table] = statement
    _check_width(state, widening)
    return state


def apply_effect(state: State, effect: Effect) -> None:
    """Change `state` as the statement changes the database, as far as its text tells."""
    if effect.action == "create":
        state.setdefault(effect.object, effect.value)
        return
    if effect.action == "set":
        state[effect.object] = effect.value
        return
    affected = [item for item in state if _belongs_to(item, effect.object)]
    indexes = {item.name for item in affected if item.kind == "index"}
    affected += [item for item in state if item.kind == "comment on index" and item.name in indexes]
    for item in dict.fromkeys(affected):
        value = state.pop(item)
        if effect.action == "rename":
            state[_renamed(item, effect.object, effect.value)] = value


def _belongs_to(item: Object, owner: Object) -> bool:
    """Return whether `item` is `owner`, its comment, or a part of it."""
    if owner.kind == "schema":
        return item.schema == owner.name or item == owner
    if item.schema != owner.schema:
        return False
    same = item.name == owner.name and item.kind in (owner.kind, f"comment on {owner.kind}")
    if owner.kind == "index":
        return same
    if owner.kind == "table" and item.table == owner.name:
        return True
    return item.table == owner.table and (same or (owner.kind == "column" and owner.name in _columns(item)))


def _columns(item: Object) -> list[str]:
    """Return the columns of a constraint that is named by its definition."""
    _, bracket, rest = item.name.partition(" (")
    return rest.partition(")")[0].split(", ") if item.kind == "constraint" and bracket else []


def _renamed(item: Object, owner: Object, name: str) -> Object:
    if owner.kind == "table" and item.table == owner.name:
        return item._replace(table=name)
    if item.kind == "comment on index" and owner.kind == "table":
        return item
    if columns := _columns(item):
        renamed = ", ".join(name if column == owner.name else column for column in columns)
        return item._replace(name=item.name.replace(f"({', '.join(columns)})", f"({renamed})", 1))
    return item._replace(name=name)


def _check_width(state: State, widening: dict[tuple[str, str], Statement]) -> None:
    columns = Counter((item.schema, item.table) for item in state if item.kind == "column")
    for (schema, table), count in columns.items():
        if count > MOST_COLUMNS:
            statement = widening.get((schema, table))
            raise InputError(
                f"{Object('table', table, '', schema)} gets {count:,} columns; "
                f"PostgreSQL allows {MOST_COLUMNS:,}, dropped ones included",
                place=f"{statement.script}:{statement.line}" if statement else "",
                notes=("hint: move some to a second table, or into a jsonb column",),
            )
