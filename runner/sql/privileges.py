"""Privileges as texts, `select, insert with grant option`, and what GRANT and REVOKE make of them.

The privileges of one role on one object are a fact: `privileges of app on table item`. Where PostgreSQL gives PUBLIC
something by default, that is no fact, and `none` is one. PUBLIC is called so, and a role as SQL writes its name.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from runner.sql.lists import list_in
from runner.sql.objects import IN_SCHEMA, NEW, Effect, Object

PUBLIC = "PUBLIC"
NONE = "none"
ALL = "all"
OPTION_FOR = "grant option for "
"""Begins the value of a REVOKE that leaves the privilege itself."""
EVERY = "(all)"
"""The name of all objects of a kind in a schema."""
EVERY_OTHER, EVERY_PROCEDURE = "(all but procedures)", "(all procedures)"
"""The names of all functions but procedures, and of these."""
RUNNING = "CURRENT_USER"
"""The role of the run, whose default privileges have no role in their text."""
GRANTED_BY = " granted by "
"""Between a privilege and its grantor, where that is not the owner."""
WITH_OPTION = " with grant option"
_VIEWS = ("view", "materialized view")
_TABLE = ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain")
_OF_KIND: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("table", "view", "materialized view", "new tables"), _TABLE),
    "column": ("select", "insert", "update", "references"),
    **dict.fromkeys(("sequence", "new sequences"), ("usage", "select", "update")),
    **dict.fromkeys(("schema", "new schemas"), ("usage", "create")),
    **dict.fromkeys(("function", "aggregate", "new functions"), ("execute",)),
}
_USAGE = ("usage",)
"""What there is of other kinds: types, domains, languages, foreign-data wrappers and servers."""
_OF_EVERYBODY = ("function", "aggregate", "type", "domain", "language", "new functions", "new types")
"""Kinds of which PUBLIC has all by default."""
_MADE: Mapping[str, str] = {
    **dict.fromkeys(("table", "view", "materialized view"), "new tables"),
    **dict.fromkeys(("type", "domain"), "new types"),
    "aggregate": "new functions",
    **{kind: f"{NEW}{kind}s" for kind in ("sequence", "function", "schema")},
}
"""Which default privileges are about what is made."""
EVERY_OF: Mapping[str, tuple[str, ...]] = {
    "table": ("table", "view", "materialized view"),
    "sequence": ("sequence",),
    "function": ("function", "aggregate"),
}
_PROCEDURE = "procedure ("
_NEW_KINDS = tuple(f"{NEW}{kind}" for kind in ("tables", "sequences", "functions", "types", "schemas"))
OF_DATABASE = ("language", "foreign-data wrapper", "server", *_NEW_KINDS, *(kind + IN_SCHEMA for kind in _NEW_KINDS))
"""Kinds of what has privileges and is no fact by itself."""
Privileges = dict[str, bool]
"""Privileges, and whether each may be given on."""


def privileges_of(role: str, subject: Object) -> Object:
    """Return the identity of what a role may do with an object."""
    return subject._replace(kind=f"privileges of {role} on {subject.kind}")


def owner_of(subject: Object) -> Object:
    """Return the identity of the owner of an object."""
    return subject._replace(kind=f"owner of {subject.kind}")


def is_every(item: Object) -> bool:
    """Return whether it stands for all objects of a kind in a schema."""
    return item.name in (EVERY, EVERY_OTHER, EVERY_PROCEDURE)


def is_meant(every: Object, item: Object, definition: str) -> bool:
    """Return whether an object is one of those that GRANT or REVOKE names by their kind and schema."""
    is_of_kind = item.schema == every.schema and item.kind in EVERY_OF[every.subject.kind]
    return is_of_kind and (every.name == EVERY or (every.name == EVERY_PROCEDURE) == definition.startswith(_PROCEDURE))


def may_be_no_fact(subject: Object) -> bool:
    """Return whether it may be there and be no fact by itself: a sequence may be a part of a column."""
    return subject.kind in (*OF_DATABASE, "schema", "sequence")


def has_subject(item: Object, known: Collection[Object]) -> bool:
    """Return whether what privileges or an owner are about is known, or may be no fact: a column of a view is none."""
    subject = item.subject
    views = [Object(kind, subject.table, "", subject.schema) for kind in _VIEWS] if subject.kind == "column" else ()
    return subject in known or may_be_no_fact(subject) or any(view in known for view in views)


def role_of(item: Object) -> str:
    """Return whose privileges they are, as SQL writes it."""
    return item.kind.removeprefix("privileges of ").rpartition(" on ")[0]


def is_managed(role: str, managed: Sequence[str]) -> bool:
    """Return whether a role has one of the names, in which `*` stands for any characters."""
    patterns = (".*".join(map(re.escape, name.split("*"))) for name in managed)
    return any(re.fullmatch(pattern, role, re.DOTALL) for pattern in patterns)


def known_privileges(kind: str) -> tuple[str, ...]:
    """Return the privileges that there are on objects of a kind."""
    return _OF_KIND.get(kind.removesuffix(IN_SCHEMA), _USAGE)


def read_privileges(kind: str, text: str) -> Privileges:
    """Return the privileges that a text names."""
    found: Privileges = {}
    for part in _parts(text) if text not in ("", NONE) else ():
        name = part.removesuffix(WITH_OPTION)
        for one in known_privileges(kind) if name == ALL else (name,):
            found[one] = name != part
    return found


def _parts(text: str) -> Sequence[str]:
    """Return the items of a list, in which the name of a grantor may have commas in quotes."""
    return list_in(f"{text})")[0] if '"' in text else text.split(", ")


def privileges_text(kind: str, privileges: Privileges) -> str:
    """Return privileges in PostgreSQL's order; all there are as `all`, unless it is a single one."""
    known = known_privileges(kind)
    options = set(privileges.values())
    if len(known) > 1 and len(options) == 1 and privileges.keys() == set(known):
        return ALL + (WITH_OPTION if True in options else "")
    names = sorted(privileges, key=lambda name: (known.index(name) if name in known else len(known), name))
    return ", ".join(name + (WITH_OPTION if privileges[name] else "") for name in names) or NONE


def default_text(item: Object) -> str:
    """Return what PostgreSQL gives a role by itself; that is no fact."""
    subject = item.subject
    if role_of(item) != PUBLIC:
        return NONE
    if subject.kind in _OF_EVERYBODY:
        return known_privileges(subject.kind)[0]
    return "usage" if (subject.kind, subject.name) == ("schema", "public") else NONE


def after(effect: Effect, there: str | None) -> str:
    """Return what GRANT or REVOKE makes of the privileges that are there."""
    item, kind = effect.object, effect.object.subject.kind
    privileges = read_privileges(kind, default_text(item) if there is None else there)
    said = read_privileges(kind, effect.value.removeprefix(OPTION_FOR))
    for name, option in said.items():
        if effect.action == "grant":
            privileges[name] = option or privileges.get(name, False)
        elif not effect.value.startswith(OPTION_FOR):
            privileges.pop(name, None)
        elif name in privileges:
            privileges[name] = False
    return privileges_text(kind, privileges)


def serves(effect: Effect, declared: str, there: str | None) -> bool:
    """Return whether GRANT or REVOKE brings some privilege to what is declared."""
    kind = effect.object.subject.kind
    wanted = read_privileges(kind, declared)
    before = read_privileges(kind, default_text(effect.object) if there is None else there)
    made = read_privileges(kind, after(effect, there))
    names = {*before, *made}
    return any(made.get(name) == wanted.get(name) != before.get(name) for name in names)


def of_new(item: Object, defaults: Sequence[tuple[Object, str]]) -> Iterator[tuple[Object, str]]:
    """Yield the privileges that an object has when it is made, where they are not PostgreSQL's own."""
    new = _MADE.get(item.kind, "")
    roles: dict[str, list[str]] = {}
    for default, text in defaults:
        is_global = default.subject.kind == new
        if is_global or (default.subject.kind == new + IN_SCHEMA and default.schema == item.schema):
            roles.setdefault(role_of(default), []).insert(0 if is_global else 1, text if is_global else f"+{text}")
    for role, texts in roles.items():
        made = privileges_of(role, item)
        start = texts.pop(0) if not texts[0].startswith("+") else default_text(made)
        for text in texts:
            start = after(Effect("grant", made, text[1:]), start)
        if start != default_text(made):
            yield made, start
