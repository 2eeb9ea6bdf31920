"""Definitions of tables and of enum types taken apart."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME
from runner.sql.objects import PRESENT

_TABLE = re.compile(
    r"(?:unlogged )?(?P<foreign>foreign )?table(?P<parent> (?:partition of|inherits) )?(?P<keys>.* partition by )?.*?"
    rf"(?: replica identity using index (?P<identity>{NAME}))?(?: cluster on (?P<cluster>{NAME}))?",
    re.DOTALL,
)
_ENUM = re.compile(r"enum \((.*)\)", re.DOTALL)
_STRING = re.compile(r"'(?:[^']|'')*'")


class TableDefinition(Struct, frozen=True):
    """What a table is; names are as SQL writes them, empty where there is none."""

    is_foreign: bool = False
    has_parent: bool = False
    """Whether it is a partition, or inherits from another table."""
    is_partitioned: bool = False
    identity_index: str = ""
    """The index that is its replica identity."""
    cluster_index: str = ""


def table_definition(definition: str) -> TableDefinition:
    """Take the definition of a table apart."""
    match = _TABLE.fullmatch(definition)
    if not match:
        return TableDefinition()
    foreign, parent, keys, identity, cluster = match.groups(default="")
    return TableDefinition(bool(foreign), bool(parent), bool(keys), identity, cluster)


def table_options(definition: str) -> str:
    """Return what the definition of a table says beyond that it is one."""
    return "" if definition == PRESENT else definition.removeprefix("table").strip()


def enum_values(definition: str) -> tuple[str, ...] | None:
    """Return the values of an enum type, as SQL writes them; None for another type."""
    match = _ENUM.fullmatch(definition)
    return tuple(_STRING.findall(match[1])) if match else None
