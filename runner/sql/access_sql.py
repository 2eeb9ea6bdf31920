"""GRANT, REVOKE and OWNER TO as SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.sql.objects import IN_SCHEMA, NEW, Effect, Object
from runner.sql.privileges import OPTION_FOR, RUNNING, WITH_OPTION, Privileges, known_privileges, role_of
from runner.sql.quoting import identifier
from runner.sql.spelling import spelled

_WORDS = {
    "view": "table",
    "materialized view": "table",
    "function": "routine",
    "aggregate": "routine",
    "foreign-data wrapper": "foreign data wrapper",
    "server": "foreign server",
}
_GLOBAL = ("language", "foreign-data wrapper", "server")


def given_sql(item: Object, privileges: Privileges, schema: str) -> Iterator[str]:
    """Yield the statements that give privileges to a role; `schema` is the target."""
    for option in sorted(set(privileges.values())):
        names = [name for name, own in privileges.items() if own == option]
        end = " with grant option" if option else ""
        yield _access_sql("grant", item, names, schema) + end


def given_together(effects: Sequence[Effect]) -> str:
    """Return one GRANT or REVOKE with the effects of one such statement, on no more than their objects."""
    first = effects[0]
    text = first.value.removeprefix(OPTION_FOR)
    verb = "grant" if first.action == "grant" else "revoke"
    verb += " grant option for" if text != first.value else ""
    what, option, _ = text.partition(WITH_OPTION)
    columns = ", ".join(dict.fromkeys(identifier(one.object.subject.name) for one in effects if one.object.table))
    names = [f"{name} ({columns})" if columns else name for name in what.split(", ")]
    word = _named(first.object.subject).partition(" ")[0]
    objects = ", ".join(dict.fromkeys(_named(one.object.subject).removeprefix(f"{word} ") for one in effects))
    roles = ", ".join(dict.fromkeys(role_of(one.object) for one in effects))
    end = WITH_OPTION if option else ""
    return f"{verb} {', '.join(names)} on {word} {objects} {'to' if first.action == 'grant' else 'from'} {roles}{end}"


def taken_sql(item: Object, names: Sequence[str], schema: str, *, option: bool = False) -> str:
    """Return the statement that takes privileges from a role, or with `option` the right to give them on."""
    return _access_sql("revoke grant option for" if option else "revoke", item, names, schema)


def owner_sql(item: Object, role: str) -> str:
    """Return the statement that gives an object another owner."""
    subject = item.subject
    word = subject.kind if subject.kind in ("view", "materialized view") else _WORDS.get(subject.kind, subject.kind)
    name = _spelled(subject).removeprefix(subject.kind).strip()
    return f"alter {word.removeprefix('foreign ') if subject.kind == 'server' else word} {name} owner to {role}"


def _access_sql(verb: str, item: Object, names: Sequence[str], schema: str) -> str:
    subject = item.subject
    is_all = len(names) > 1 and set(names) == set(known_privileges(subject.kind))
    columns = f" ({identifier(subject.name)})" if subject.kind == "column" else ""
    what = ("all" if is_all else ", ".join(f"{name}{columns}" for name in names)) + (columns if is_all else "")
    preposition = "from" if verb.startswith("revoke") else "to"
    start = ""
    if subject.kind.startswith(NEW):
        creator = "" if subject.name == RUNNING else f" for role {subject.name}"
        within = f" in schema {identifier(subject.schema or schema)}" if subject.kind.endswith(IN_SCHEMA) else ""
        start = f"alter default privileges{creator}{within} "
    return f"{start}{verb} {what} on {_named(subject)} {preposition} {role_of(item)}"


def _named(subject: Object) -> str:
    if subject.kind.startswith(NEW):
        return subject.kind.removeprefix(NEW).removesuffix(IN_SCHEMA)
    if subject.kind == "column":
        return spelled(Object("table", subject.table, "", subject.schema))
    if subject.kind in _GLOBAL:
        return f"{_WORDS.get(subject.kind, subject.kind)} {identifier(subject.name)}"
    return _WORDS.get(subject.kind, subject.kind) + _spelled(subject).removeprefix(subject.kind)


def _spelled(subject: Object) -> str:
    return spelled(subject).replace("(*)", "()") if subject.kind == "aggregate" else spelled(subject)
