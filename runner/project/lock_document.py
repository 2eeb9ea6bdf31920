"""Facts as the nested tables of a lock file, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from runner.project.lock_privileges import ACCESS, access_in, add_access
from runner.sql.objects import OWN_NAMES, WITH_PARTS, Facts, Object, without_table

ABSENT = False
"""The definition of what a version of PostgreSQL does not have."""
_PARTS = {
    "column": "columns",
    "constraint": "constraints",
    "index": "indexes",
    "trigger": "triggers",
    "rule": "rules",
    "policy": "policies",
    "statistics": "statistics",
    "publication table": "publications",
}
_COMMENTS = {f"{kind.replace(' ', '_')}_comments": kind for kind in (*_PARTS, "domain constraint")}
_SECTIONS = {name: kind for kind, name in _PARTS.items()} | _COMMENTS
_OTHER_SCHEMAS = "schemas"
_TABLESPACES = "tablespaces"
_LABELS = "security_labels"


def nested(facts: Mapping[Object, str | None], known: Facts) -> dict[str, Any]:
    """Return facts as nested tables: the kind, the name, and what belongs to it; `known` has what they belong to."""
    every = (*known, *facts)
    kinds = {(item.schema, item.name): item.kind for item in every if item.kind in WITH_PARTS}
    tables = {without_table(item): item.table for item in every if item.kind in OWN_NAMES}
    document: dict[str, Any] = {}
    for item, text in facts.items():
        definition = ABSENT if text is None else text
        base = document if not item.schema else _below(document, _OTHER_SCHEMAS, item.schema)
        kind = item.subject.kind
        if item.is_tablespace:
            _below(base, _TABLESPACES, _key(kind))[item.name] = definition
        elif item.is_label:
            own = (item.table,) if item.table else ()
            _below(base, _LABELS, item.provider, _key(kind), *own)[item.name] = definition
        elif item.is_access:
            owner = kinds.get((item.schema, item.table), "table") if item.table else kind
            add_access(_below(base, _key(owner), item.table or item.name), item, text)
        elif table := item.table or tables.get(item.subject):
            section = f"{_key(kind)}_comments" if item.is_comment else _PARTS[kind]
            owner = kinds.get((item.schema, table), "table")
            _below(base, _key(owner), table, section)[item.name] = definition
        else:
            _below(base, _key(kind), item.name)["comment" if item.is_comment else "definition"] = definition
    return document


def _below(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        document = document.setdefault(key, {})
    return document


def _key(kind: str) -> str:
    return kind.replace(" ", "_")


def unnested(document: Mapping[str, Any], schema: str = "") -> Iterator[tuple[Object, str]]:
    """Return the facts that `nested` has nested."""
    for key, objects in document.items():
        if key == _OTHER_SCHEMAS and not schema:
            for name, below in objects.items():
                yield from unnested(below, name)
            continue
        kind = key.replace("_", " ")
        for name, entry in objects.items():
            if key == _TABLESPACES:
                own = name.replace("_", " ")
                yield from ((Object(own, each, "", schema).tablespace, value) for each, value in entry.items())
                continue
            if key == _LABELS:
                yield from _labels(name, entry, schema)
                continue
            for part, value in entry.items():
                yield from _part(Object(kind, name, "", schema), part, value)


def _labels(provider: str, entry: Mapping[str, Any], schema: str) -> Iterator[tuple[Object, Any]]:
    """Return the security labels of a provider."""
    for kind, own in ((key.replace("_", " "), own) for key, own in entry.items()):
        for name, value in own.items():
            inner = value.items() if isinstance(value, Mapping) else ()
            yield from ((Object(kind, part, name, schema).label(provider), text) for part, text in inner)
            if not isinstance(value, Mapping):
                yield Object(kind, name, "", schema).label(provider), value


def _part(item: Object, part: str, value: Any) -> Iterator[tuple[Object, Any]]:
    """Return the facts that a key of an object's table has."""
    if part == "definition":
        yield item, value
    elif part == "comment":
        yield item.comment, value
    elif part in ACCESS:
        yield from access_in(item, part, value)
    elif part in _SECTIONS:
        for inner, text in value.items():
            own = Object(_SECTIONS[part], inner, item.name, item.schema)
            yield own.comment if part in _COMMENTS else own, text
