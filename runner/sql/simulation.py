"""What the scripts, taken together, declare: the state that the database has when all of them have been run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from runner.errors import Hint, InputError, Place
from runner.sql import foreign_servers, publications, subscriptions
from runner.sql.inventory import Inventory, automatic_name
from runner.sql.objects import ANY_ARGUMENTS, MOST_COLUMNS, OWN_NAMES, PRESENT, PUBLICATION_MEMBERS, Effect, Object
from runner.sql.privileges import is_every, is_meant, privileges_of, role_of
from runner.sql.statements import Script, Statement, effects_in
from runner.sql.written_facts import changed

State = Inventory


_VIEWS = ("view", "materialized view")
_ALSO: Mapping[str, Sequence[str]] = {
    "type": ("domain",),
    "table": (*_VIEWS, "sequence"),
    "function": ("aggregate",),
}
"""Other kinds of what statements may call by one kind."""


def declare(scripts: Iterable[Script]) -> State:
    """Return the declared objects of all scripts with their states. Raise InputError for a table that is too wide."""
    state = Inventory()
    widening: dict[tuple[str, str], Statement] = {}
    for statement, written in effects_in(scripts):
        for named in of_each(written, state):
            effect = _applied(statement, named, state)
            if effect.object.kind == "column":
                widening[effect.object.schema, effect.object.table] = statement
    _check_width(state, widening)
    return state


def _applied(statement: Statement, named: Effect, state: Inventory) -> Effect:
    """Take in an effect of a statement, and return it with the names and the definition that it has."""
    is_chosen = statement.declaration.nameless and named.action == "create" and named.object.kind in OWN_NAMES
    effect = numbered(named, state) if is_chosen else resolved(named, state) or named
    for follow in (publications.follow, subscriptions.follow, foreign_servers.follow):
        effect = follow(effect, state)
    state.apply(effect)
    if effect.action == "change" and effect.value != PRESENT:
        state[effect.object] = changed(effect.object, state[effect.object], effect.value)
    return effect


def of_each(effect: Effect, known: Inventory) -> Iterator[Effect]:
    """Yield the effect, one for each object that there is when it is about all objects of a kind in a schema.

    What is revoked of a table is revoked of its columns; what is published of it, of what inherits from it.
    """
    item = effect.object
    if item.kind in PUBLICATION_MEMBERS and effect.other:
        heirs = (item._replace(table=heir.name, schema=heir.schema) for heir in known.heirs(effect.other))
        yield from (effect._replace(object=one, other=None) for one in dict.fromkeys((item, *heirs)))
        return
    if not is_every(item):
        yield effect
        if effect.action == "revoke" and not item.table:
            columns = privileges_of(role_of(item), Object("column", "")).kind
            own = [other for other in known.near(item.schema, item.name) if other.kind == columns]
            yield from (effect._replace(object=other) for other in own)
        return
    for other, definition in [(other, text) for other, text in known.items() if other.schema == item.schema]:
        if is_meant(item, other, definition):
            yield from of_each(effect._replace(object=item.attached_to(other)), known)
        elif other.kind == "column" and item.subject.kind == "sequence":
            for name in known.columns(other):
                yield effect._replace(object=item._replace(name=name))


def numbered(effect: Effect, known: Mapping[Object, str]) -> Effect:
    """Return the effect on the first name with a number that nothing has: PostgreSQL chooses that one."""
    item, number = effect.object, 0
    while item in known:
        number += 1
        item = item._replace(name=f"{effect.object.name}{number}")
    return effect._replace(object=item)


def resolved(effect: Effect, known: Inventory) -> Effect | None:
    """Return the effect on the object by which it is known; None when nothing is known that it may be about.

    A function, or the comment on one, may be named without its arguments. DROP and ALTER INDEX name no table, and may
    be about the index of a constraint; the sequence of a serial or identity column is part of the column. A type may be
    a domain, and what ALTER TABLE names a view, a sequence or an index; a column of a view is no object by itself.
    """
    item = effect.object
    if item in known:
        return effect
    found: Object | None = None
    if item.kind == "column" and effect.action in ("rename", "change") and (view := _view_of(item, known)):
        return Effect("change", view)
    if item.name.endswith(ANY_ARGUMENTS):
        found = None if effect.action == "create" else _with_arguments(item, known)
    elif item.kind in OWN_NAMES and not item.table:
        found = _with_table(item, known)
    elif item.subject.kind in _ALSO and effect.action != "create":
        found = _of_another_kind(item, known)
    elif item.kind == "sequence" and effect.action == "change":
        found = _of_column(item, known)
    elif item.kind == "constraint":
        own = (other for other in known.near(item.schema, item.name) if other.table == item.table)
        found = next((other for other in own if automatic_name(other) == item.name), None)
    if found is None:
        return None
    value = effect.value
    if effect.action == "rename" and found.kind == "function":
        value = value.partition("(")[0] + found.name[found.name.index("(") :]
    return effect._replace(object=found, value=value)


def _with_arguments(item: Object, known: Inventory) -> Object | None:
    own = known.near(item.schema, item.name.removesuffix(ANY_ARGUMENTS))
    kinds = (item.subject.kind, *_ALSO.get(item.subject.kind, ()))
    found = next((other for other in own if other.kind in kinds), None)
    return item.attached_to(found) if found and item.is_attached else found


def _of_another_kind(item: Object, known: Inventory) -> Object | None:
    """Return what a statement calls a type or a table, and is a domain or another relation, or the comment on it."""
    others = (_called(item.subject, kind) for kind in _ALSO[item.subject.kind])
    found = next((other for other in others if other in known), None)
    if found is None and item.kind == "table":
        return _with_table(item, known)
    return item.attached_to(found) if found and item.is_attached else found


def _called(item: Object, kind: str) -> Object:
    """Return what an object of another kind is called; an aggregate without arguments has a star."""
    name = f"{item.word}(*)" if kind == "aggregate" and item.name.endswith("()") else item.name
    return item._replace(kind=kind, name=name)


def _view_of(column: Object, known: Inventory) -> Object | None:
    views = (Object(kind, column.table, "", column.schema) for kind in _VIEWS)
    return next((view for view in views if view in known), None)


def _with_table(item: Object, known: Inventory) -> Object | None:
    own = known.near(item.schema, item.name)
    if item.kind == "statistics":
        return next((other for other in own if (other.kind, other.name) == (item.kind, item.name)), None)
    indexes = (other for other in own if other.kind == "index" and other.name == item.name)
    constraints = (other for other in own if other.kind == "constraint" and other.name == item.name)
    unnamed = (other for other in own if automatic_name(other) == item.name)
    return next(chain(indexes, constraints, unnamed), None)


def _of_column(item: Object, known: Inventory) -> Object | None:
    """Return the column whose sequence has the name that PostgreSQL gives it."""
    words = item.name.removesuffix("_seq").split("_")
    splits = (("_".join(words[:at]), "_".join(words[at:])) for at in range(1, len(words)))
    columns = (Object("column", column, table, item.schema) for table, column in splits)
    return next((column for column in columns if column in known), None)


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
