"""Facts as the nested tables of a lock file, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

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
_OTHER_SCHEMAS = "schemas"


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
        if table := item.table or tables.get(item.subject):
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
    sections = {name: kind for kind, name in _PARTS.items()} | _COMMENTS
    for key, objects in document.items():
        if key == _OTHER_SCHEMAS and not schema:
            for name, below in objects.items():
                yield from unnested(below, name)
            continue
        kind = key.replace("_", " ")
        for name, entry in objects.items():
            for part, value in entry.items():
                if part == "definition":
                    yield Object(kind, name, "", schema), value
                elif part == "comment":
                    yield Object(kind, name, "", schema).comment, value
                elif part in sections:
                    for inner, text in value.items():
                        item = Object(sections[part], inner, name, schema)
                        yield item.comment if part in _COMMENTS else item, text
