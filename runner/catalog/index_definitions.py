"""Definitions of indexes taken apart, and written as statements."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME, is_unique_index

_UNIQUE_INDEX = re.compile(
    r"unique btree \((?P<keys>.*?)\)(?: include \(.*?\))?(?P<nulls> nulls not distinct)?(?: with \([^)]*\))?"
    r"(?: where (?P<where>.*))?",
    re.DOTALL,
)
_PLAIN_KEYS = re.compile(
    rf"{NAME}(?: desc)?(?: nulls (?:first|last))?(?:, {NAME}(?: desc)?(?: nulls (?:first|last))?)*"
)
_INDEX_SETTINGS = re.compile(r" statistics [0-9]+| with \([^)]*\)")
_ORDER = re.compile(r" desc\b| nulls (?:first|last)\b")


class UniqueIndex(Struct, frozen=True):
    """What a unique index keeps unique: `keys` and `where` are expressions."""

    keys: str
    where: str
    nulls_equal: bool


def unique_index_definition(definition: str) -> UniqueIndex | None:
    """Take a unique index of plain columns apart; None for another index."""
    match = _UNIQUE_INDEX.fullmatch(definition)
    if not match or not _PLAIN_KEYS.fullmatch(match["keys"]):
        return None
    return UniqueIndex(_ORDER.sub("", match["keys"]), match["where"] or "", bool(match["nulls"]))


def is_plain_index(definition: str) -> bool:
    """Return whether an index is a btree on columns alone, without operator classes or expressions."""
    match = re.match(r"(?:unique )?btree \((.*?)\)", definition, re.DOTALL)
    return bool(match and _PLAIN_KEYS.fullmatch(match[1]))


def without_settings(definition: str) -> str:
    """Return the definition of an index without what ALTER INDEX gives it."""
    return _INDEX_SETTINGS.sub("", definition)


def index_sql(definition: str, name: str, table: str) -> str | None:
    """Return the statement that makes an index of a definition; None for one that needs more than that."""
    return None if " statistics " in definition else create_index(definition, name, table)


def create_index(definition: str, name: str, table: str, tablespace: str = "") -> str:
    """Return the statement that makes an index of a definition which CREATE INDEX can write whole."""
    unique = "unique " if is_unique_index(definition) else ""
    body, where, condition = definition.removeprefix("unique ").partition(" where ")
    stored = f" tablespace {tablespace}" if tablespace else ""
    return f"create {unique}index {name} on {table} using {body}{stored}{where}{condition}"
