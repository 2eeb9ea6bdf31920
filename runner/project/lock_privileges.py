"""The privileges of a role on a table and its columns as one text of the lock file: `select, update (a, b)`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.sql.objects import Object
from runner.sql.privileges import Privileges, owner_of, privileges_of, privileges_text, read_privileges, role_of
from runner.sql.quoting import identifier

_QUOTED = r'"(?:[^"]|"")*"'
_PART = re.compile(
    rf'(?P<name>[^,("]+?)(?: \((?P<columns>(?:{_QUOTED}|[^")])*)\))?(?P<option> with grant option)?(?:, |$)'
)
_COLUMN = re.compile(rf"{_QUOTED}|[^,\s]+")
ACCESS = ("owner", "privileges")
"""Keys of an object."""
_ABSENT = "absent"


def add_access(entry: dict[str, Any], item: Object, definition: str | None) -> None:
    """Put an owner, or privileges, into the table of an object; those on columns are in that of their table.

    None is what a version of PostgreSQL does not have.
    """
    if item == owner_of(item.subject):
        entry["owner"] = False if definition is None else definition
        return
    text = _ABSENT if definition is None else definition
    own, role = entry.setdefault("privileges", {}), role_of(item)
    whole, columns = parted_text(own.get(role, ""))
    own[role] = joined_text(whole, {**columns, item.name: text}) if item.table else joined_text(text, columns)


def access_in(subject: Object, key: str, value: Any) -> Iterator[tuple[Object, str | bool]]:
    """Yield the facts that a key of an object's table has."""
    if key == "owner":
        yield owner_of(subject), value
        return
    for role, text in value.items():
        whole, columns = parted_text(text)
        if whole:
            yield privileges_of(role, subject), whole != _ABSENT and whole
        for column, own in columns.items():
            yield privileges_of(role, Object("column", column, subject.name, subject.schema)), own != _ABSENT and own


def joined_text(whole: str, columns: Mapping[str, str]) -> str:
    """Return the privileges on all of a table, an empty text for none of them, and those on columns."""
    of: dict[tuple[str, bool], list[str]] = {}
    for column, text in columns.items():
        for name, option in read_privileges("column", text).items():
            of.setdefault((name, option), []).append(identifier(column))
    parts = [f"{name} ({', '.join(own)}){' with grant option' if option else ''}" for (name, option), own in of.items()]
    return ", ".join(([whole] if whole else []) + parts)


def parted_text(text: str) -> tuple[str, Mapping[str, str]]:
    """Return the privileges on all of a table, and those on columns, of a text that joins them."""
    whole: list[str] = []
    columns: dict[str, Privileges] = {}
    for part in _PART.finditer(text):
        option = part["option"] or ""
        for column in _columns(part["columns"] or ""):
            columns.setdefault(column, {})[part["name"]] = bool(option)
        if part["columns"] is None and part["name"]:
            whole.append(part["name"] + option)
    return ", ".join(whole), {column: privileges_text("column", own) for column, own in columns.items()}


def _columns(text: str) -> Iterator[str]:
    for word in _COLUMN.findall(text):
        yield word[1:-1].replace('""', '"') if word.startswith('"') else word
