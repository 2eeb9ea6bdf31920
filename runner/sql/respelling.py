"""Definitions, as PostgreSQL writes them, when an object that they mention gets another name."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from runner.sql.objects import OF_TYPES, OWN_NAMES, PUBLICATION_MEMBERS, WITH_PARTS, Object, qualified_name
from runner.sql.quoting import identifier

_STRING = r"'(?:[^']|'')*'"
_BEFORE, _AFTER = r'(?<![\w"$.])', r'(?![\w"$])'
_WORD = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*')
_REFERENCES = " REFERENCES "
_NAME = r'(?:"(?:[^"]|"")*"|[^\s"]+)'
_HEADS = {
    "trigger": re.compile(rf"CREATE (?:CONSTRAINT )?TRIGGER {_NAME}"),
    "rule": re.compile(rf"CREATE RULE {_NAME}"),
    "policy": re.compile(r'(?:"(?:[^"]|"")*"|[^"])*?(?= using \(| with check \(|\Z)'),
}
"""The beginnings of definitions in which nothing has the name of another object."""
_Follow = Callable[[Object, str, Object, Object], str]


def words(text: str) -> set[str]:
    """Return the names and words in a text, names as SQL writes them."""
    return set(_WORD.findall(text))


def names_in(sql: str) -> set[str]:
    """Return the names and words of a statement as PostgreSQL understands them: in small letters, unless quoted."""
    return {word[1:-1].replace('""', '"') if word.startswith('"') else word.lower() for word in words(sql)}


def respelled(item: Object, definition: str, old: Object, new: Object) -> str:
    """Return the definition of an object, in which another one has its new name instead of the old one.

    The body of a function is a text that PostgreSQL does not follow names in; so is a comment.
    """
    if item.is_attached:
        return definition
    if item.kind in OF_TYPES and old.kind in WITH_PARTS:
        return _anywhere(definition, old, new)
    if item.kind == "function":
        head, separator, body = definition.partition(" as ")
        return _in_types(head, old, new) + separator + body
    if item.kind == "table" and old.kind != "server":
        head, separator, server = definition.partition(" server ")
        return _followed(item, head, old, new) + separator + server
    if item.kind in _HEADS and (begin := _HEADS[item.kind].match(definition)):
        return _own_name(item, begin[0], old, new) + _followed(item, definition[begin.end() :], old, new)
    return _followed(item, definition, old, new)


def _own_name(item: Object, head: str, old: Object, new: Object) -> str:
    """Return the beginning of a definition, which has the name of the object, or roles, and names nothing else."""
    written = identifier(old.name)
    return head.removesuffix(written) + identifier(new.name) if item == old and head.endswith(written) else head


def _followed(item: Object, definition: str, old: Object, new: Object) -> str:
    if follow := _OTHERS.get(old.kind):
        return follow(item, definition, old, new)
    if old.kind in WITH_PARTS:
        return _in_types(_with_relation(item, definition, old, new), old, new)
    return definition


def _anywhere(text: str, old: Object, new: Object) -> str:
    return _replace(text, rf"{_BEFORE}{re.escape(qualified_name(old))}{_AFTER}", qualified_name(new))


def _with_operator(item: Object, definition: str, old: Object, new: Object) -> str:
    """Follow an operator that gets another schema, in definitions and in expressions."""
    if item.kind in OF_TYPES:
        before, after = (f"{identifier(each.schema)}." if each.schema else "" for each in (old, new))
        return _replace(definition, rf"(?<= ){re.escape(before + old.word)}(?=\()", after + new.word)
    before, after = (f" OPERATOR({e.schema}.{e.word}) " if e.schema else f" {e.word} " for e in (old, new))
    return _replace(definition, re.escape(before), after)


def _after_word(*words: str, kinds: tuple[str, ...] = ()) -> _Follow:
    """Return what follows a name that comes after one of some words, in definitions of some kinds, or of all."""

    def follow(item: Object, definition: str, old: Object, new: Object) -> str:
        if kinds and item.kind not in kinds:
            return definition
        name, becomes = (qualified_name(each._replace(name=each.word)) for each in (old, new))
        places = "|".join(f"(?<={word})" for word in words)
        return _replace(definition, rf"(?:{places}){re.escape(name)}(?![\w$.])", becomes)

    return follow


_with_server = _after_word("server ", kinds=("table", "user mapping"))


def _with_configuration(_: Object, definition: str, old: Object, new: Object) -> str:
    return definition.replace(f"'{qualified_name(old)}'::regconfig", f"'{qualified_name(new)}'::regconfig")


def _with_domain(_: Object, definition: str, old: Object, new: Object) -> str:
    return _in_types(definition, old, new)


def _with_function(_: Object, definition: str, old: Object, new: Object) -> str:
    return _replace(definition, rf"{_BEFORE}{re.escape(_bare(old))}(?=\()", _bare(new))


def _with_sequence(_: Object, definition: str, old: Object, new: Object) -> str:
    return definition.replace(f"'{qualified_name(old)}'::regclass", f"'{qualified_name(new)}'::regclass")


def _with_index(_: Object, definition: str, old: Object, new: Object) -> str:
    place = "(?:(?<=using index )|(?<=cluster on ))"
    return _replace(definition, f"{place}{re.escape(identifier(old.name))}{_AFTER}", identifier(new.name))


def _with_schema(_: Object, definition: str, old: Object, new: Object) -> str:
    return _replace(definition, rf"{_BEFORE}{re.escape(identifier(old.name))}(?=\.)", identifier(new.name))


def _with_column(item: Object, definition: str, old: Object, new: Object) -> str:
    pattern = rf'(?<![\w"$:]){re.escape(identifier(old.name))}(?![\w"$(])'
    is_own = (item.schema, item.table) == (old.schema, old.table)
    own, references, other = definition.partition(_REFERENCES)
    if item.kind != "constraint" or not references:
        is_about = is_own or item.kind in ("view", "materialized view")
        return _replace(definition, pattern, identifier(new.name)) if is_about else definition
    if is_own:
        own = _replace(own, pattern, identifier(new.name))
    table = qualified_name(Object("table", old.table, "", old.schema))
    if other.startswith(f"{table}("):
        referenced, bracket, more = other[len(table) :].partition(")")
        other = table + _replace(referenced, pattern, identifier(new.name)) + bracket + more
    return f"{own}{references}{other}"


def _with_relation(item: Object, definition: str, old: Object, new: Object) -> str:
    name, becomes = re.escape(qualified_name(old)), qualified_name(new)
    match item.kind:
        case "constraint":
            return _replace(definition, rf"(?<={_REFERENCES[1:]}){name}(?=\()", becomes)
        case "trigger":
            return _replace(definition, rf"(?<= ON ){name}(?= )", becomes)
        case "table" | "view" | "materialized view" | "rule" | "policy" | "statistics":
            return _replace(definition, rf"{_BEFORE}{name}{_AFTER}", becomes)
    return definition


def _in_types(definition: str, old: Object, new: Object) -> str:
    """Replace a name where a type stands: first in a definition, after ::, and in the head of a function."""
    name = re.escape(qualified_name(old))
    is_head = definition.startswith(("function (", "procedure (", "window function ("))
    place = _BEFORE if is_head else r"(?:\A|(?<=::))"
    return _replace(definition, rf"{place}{name}{_AFTER}", qualified_name(new))


def _bare(function: Object) -> str:
    return qualified_name(function._replace(name=function.name.partition("(")[0]))


def _replace(text: str, pattern: str, becomes: str) -> str:
    """Replace what a pattern finds outside of strings."""
    return re.sub(f"{_STRING}|(?P<found>{pattern})", lambda match: becomes if match["found"] else match[0], text)


_OTHERS: Mapping[str, _Follow] = {
    "column": _with_column,
    "domain": _with_domain,
    "function": _with_function,
    "sequence": _with_sequence,
    "index": _with_index,
    "schema": _with_schema,
    "aggregate": _with_function,
    "operator": _with_operator,
    "operator class": _after_word(" ", kinds=("index", "table")),
    "operator family": _after_word("family ", "order by ", kinds=("operator class", "operator family")),
    "collation": _after_word("collate ", "COLLATE "),
    "text search parser": _after_word("parser ", kinds=("text search configuration",)),
    "text search template": _after_word("template ", kinds=("text search dictionary",)),
    "text search dictionary": _after_word(" ", kinds=("text search configuration",)),
    "text search configuration": _with_configuration,
    "foreign-data wrapper": _after_word("foreign data wrapper ", kinds=("server",)),
    "server": _with_server,
}
"""How names of a kind are followed in a definition."""


def renamed(item: Object, old: Object, new: Object) -> Object:
    """Return the identity that an object has when another one, or itself, has got another name or schema."""
    if item.is_attached:
        return item.attached_to(renamed(item.subject, old, new))
    if item.kind == old.kind and item.kind in OWN_NAMES:
        same = (item.schema, item.name) == (old.schema, old.name)
        table = new.table if item.kind == "statistics" else item.table
        return item._replace(schema=new.schema, name=new.name, table=table) if same else item
    if item == old:
        return new
    if old.kind in ("schema", "publication", "server"):
        return _within(item, old, new)
    if item.kind == "constraint" and " (" in item.name:
        item = item._replace(name=_signature(item, old, new))
    if old.kind in WITH_PARTS and (item.schema, item.table) == (old.schema, old.name):
        return item._replace(schema=new.schema, table=new.name)
    if item.kind in ("cast", "transform") and old.kind in WITH_PARTS:
        return item._replace(name=_anywhere(item.name, old, new))
    if item.kind in ("function", "aggregate", "operator") and old.kind in WITH_PARTS:
        name, bracket, arguments = item.name.partition("(")
        return item._replace(name=name + bracket + _anywhere(arguments, old, new))
    return item


def _within(item: Object, old: Object, new: Object) -> Object:
    """Return the identity of an object after its schema, or the publication or server that it is of, was renamed."""
    if old.kind == "schema":
        return item._replace(schema=new.name) if item.schema == old.name else item
    if item.kind == "user mapping":
        return item._replace(name=_with_server(item, item.name, old, new))
    is_its = item.kind in PUBLICATION_MEMBERS and item.name == old.name
    return item._replace(name=new.name) if is_its else item


def _signature(item: Object, old: Object, new: Object) -> str:
    """Return what a constraint without a name is known by: its columns and the table that it refers to, or itself."""
    if item.name.startswith("CHECK"):
        return respelled(item, item.name, old, new)
    what, bracket, rest = item.name.partition(" (")
    columns, closing, referenced = rest.partition(")")
    if old.kind == "column" and (item.schema, item.table) == (old.schema, old.table):
        columns = ", ".join(new.name if column == old.name else column for column in columns.split(", "))
    if old.kind in WITH_PARTS and referenced == f" references {old.name}":
        referenced = f" references {new.name}"
    return what + bracket + columns + closing + referenced
