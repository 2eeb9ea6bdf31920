"""Definitions of all kinds: what a comparison asks of them, and their names; modules of their own take them apart."""

from __future__ import annotations

import re

from runner.sql.objects import Object

NAME = r'(?:"(?:[^"]|"")*"|[^\s",()]+)'
"""A pattern for a name as SQL writes it."""
_PARTS = re.compile(r'"(?:[^"]|"")*"|[^."]+')
_VALIDITY_SUFFIX = {"index": " invalid", "constraint": " NOT VALID"}


def is_invalid(item: Object, definition: str) -> bool:
    """Return whether an index is not valid, or a constraint not validated."""
    return item.kind in _VALIDITY_SUFFIX and definition.endswith(_VALIDITY_SUFFIX[item.kind])


def as_valid(item: Object, definition: str) -> str:
    """Return the definition that an object has once it is valid."""
    return definition.removesuffix(_VALIDITY_SUFFIX.get(item.kind, ""))


def keeps_unique(definition: str) -> bool:
    """Return whether a constraint has an index."""
    return definition.startswith(("PRIMARY KEY", "UNIQUE", "EXCLUDE"))


def has_index(item: Object, definition: str) -> bool:
    """Return whether an object is an index, or a constraint that has one."""
    return item.kind == "index" or (item.kind == "constraint" and keeps_unique(definition))


def is_unique_index(definition: str) -> bool:
    """Return whether an index is unique."""
    return definition.startswith("unique ")


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list, as SQL writes them."""
    return tuple(re.findall(NAME, text))


def table_named(text: str) -> Object:
    """Return the table of a name as SQL writes it."""
    *schema, name = map(unquoted, _PARTS.findall(text))
    return Object("table", name, "", "".join(schema))


def unquoted(name: str) -> str:
    """Return a name without the quotes that SQL writes it in."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
