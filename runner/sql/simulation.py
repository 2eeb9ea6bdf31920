"""What the scripts, taken together, declare: the state that the database has when all of them have been run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import chain

from runner.errors import Hint, InputError, Place
from runner.sql.objects import ANY_ARGUMENTS, MOST_COLUMNS, WITH_PARTS, Effect, Object
from runner.sql.statements import Script, Statement, effects_in

State = dict[Object, str]
Uses = dict[Object, tuple[str, ...]]
"""The columns that a constraint or an index goes with when they are dropped."""


def declare(scripts: Iterable[Script]) -> State:
    """Return the declared objects of all scripts with their states. Raise InputError for a table that is too wide."""
    state: State = {}
    uses: Uses = {}
    widening: dict[tuple[str, str], Statement] = {}
    for statement, named in effects_in(scripts):
        effect = resolved(named, state)
        if effect.columns:
            uses[effect.object] = effect.columns
        apply_effect(state, effect, uses)
        if effect.object.kind == "column":
            widening[effect.object.schema, effect.object.table] = statement
    _check_width(state, widening)
    return state


def apply_effect(state: State, effect: Effect, uses: Uses) -> None:
    """Change `state` as the statement changes the database, as far as its text tells."""
    if effect.action in ("create", "change"):
        state.setdefault(effect.object, effect.value)
        return
    if effect.action == "set":
        state[effect.object] = effect.value
        return
    affected = [item for item in state if belongs_to(item, effect.object)]
    if effect.action == "drop":
        affected += [item for item in state if goes_with(item, effect.object, uses)]
    elif effect.object.kind == "column":
        affected += [
            item for item in state if effect.object.name in _columns(item) and _same_table(item, effect.object)
        ]
    comments = {item.comment for item in affected if item.kind == "index"}
    affected += [item for item in state if item in comments]
    for item in dict.fromkeys(affected):
        value = state.pop(item)
        if effect.action == "rename":
            state[_renamed(item, effect.object, effect.value)] = value


def resolved(effect: Effect, known: Collection[Object]) -> Effect:
    """Return the effect on the object by which it is known, when the statement names it in another way.

    A function, or the comment on one, may be named without its arguments. ALTER INDEX names no table, and may be about
    the index of a constraint; the sequence of a serial or identity column is part of the column.
    """
    item = effect.object
    if item.name.endswith(ANY_ARGUMENTS) and effect.action != "create":
        return effect._replace(object=_with_arguments(item, known))
    if item.kind == "index" and effect.action in ("change", "rename"):
        return effect._replace(object=_with_table(item, known))
    if item.kind == "sequence" and effect.action == "change" and item not in known:
        return effect._replace(object=_of_column(item, known))
    return effect


def _with_arguments(item: Object, known: Iterable[Object]) -> Object:
    name = item.name.removesuffix(ANY_ARGUMENTS)
    own = (o.name for o in known if o.kind == "function" and o.schema == item.schema)
    return item._replace(name=next((other for other in own if other.partition("(")[0] == name), item.name))


def _with_table(item: Object, known: Iterable[Object]) -> Object:
    own = [other for other in known if other.kind in ("index", "constraint") and other.schema == item.schema]
    indexes = (other for other in own if other.kind == "index" and other.name == item.name)
    constraints = (other for other in own if other.kind == "constraint" and other.name == item.name)
    unnamed = (other for other in own if automatic_name(other) == item.name)
    return next(chain(indexes, constraints, unnamed), item)


def _of_column(item: Object, known: Iterable[Object]) -> Object:
    columns = (other for other in known if other.kind == "column" and other.schema == item.schema)
    return next((other for other in columns if f"{other.table}_{other.name}_seq" == item.name), item)


def belongs_to(item: Object, owner: Object) -> bool:
    """Return whether `item` is `owner`, its comment, or a part of it."""
    if owner.kind == "schema":
        return item.schema == owner.name or item == owner
    if item.schema != owner.schema:
        return False
    name = item.name.partition("(")[0] + ANY_ARGUMENTS if owner.name.endswith(ANY_ARGUMENTS) else item.name
    same = name == owner.name and owner.kind in (item.kind, item.subject.kind)
    if owner.kind == "index":
        return same
    return (owner.kind in WITH_PARTS and item.table == owner.name) or (same and item.table == owner.table)


def goes_with(item: Object, dropped: Object, uses: Uses) -> bool:
    """Return whether PostgreSQL drops `item` with the column, or knows it by the constraint name that is dropped."""
    if not _same_table(item, dropped):
        return False
    if dropped.kind == "column":
        return dropped.name in uses.get(item, ())
    return dropped.kind == "constraint" and dropped.name == automatic_name(item)


def _same_table(item: Object, other: Object) -> bool:
    return (item.schema, item.table) == (other.schema, other.table)


def automatic_name(item: Object) -> str:
    """Return the name that PostgreSQL gives a constraint that is known by its definition."""
    what, columns = item.name.partition(" (")[0], "_".join(_columns(item))
    suffixes = {"primary key": "_pkey", "unique": f"_{columns}_key", "foreign key": f"_{columns}_fkey"}
    return item.table + suffixes[what] if item.kind == "constraint" and what in suffixes else ""


def _columns(item: Object) -> list[str]:
    """Return the columns of a constraint that is known by its definition."""
    _, bracket, rest = item.name.partition(" (")
    return rest.partition(")")[0].split(", ") if item.kind == "constraint" and bracket else []


def _renamed(item: Object, owner: Object, name: str) -> Object:
    if owner.kind == "schema" and item != owner:
        return item._replace(schema=name)
    if owner.kind == "table" and item.table == owner.name:
        return item._replace(table=name)
    if item.subject.kind == "index" and owner.kind == "table":
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
                place=Place(statement.script, statement.line) if statement else "",
                notes=(Hint("move some to a second table, or into a jsonb column"),),
            )
