"""Definitions of constraints taken apart."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME, names, unquoted
from runner.sql.objects import Object

_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY \((?P<columns>{NAME}(?:, {NAME})*)\) REFERENCES "
    rf"(?P<table>{NAME}(?:\.{NAME})?)\((?P<referenced>{NAME}(?:, {NAME})*)\).*",
    re.DOTALL,
)
_KEY = re.compile(
    rf"(?P<kind>PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? \((?P<columns>{NAME}(?:, {NAME})*)\)(?P<more>.*)",
    re.DOTALL,
)
_PARTS = re.compile(r'"(?:[^"]|"")*"|[^."]+')


def is_exclusion(definition: str) -> bool:
    """Return whether a constraint is an EXCLUDE."""
    return definition.startswith("EXCLUDE")


def is_foreign_key(definition: str) -> bool:
    """Return whether a constraint is a foreign key."""
    return definition.startswith("FOREIGN KEY")


def is_disabled(definition: str) -> bool:
    """Return whether the triggers of a constraint itself do not fire, those of a foreign key above all."""
    return definition.endswith(" disabled")


class Key(Struct, frozen=True):
    """A primary key or unique constraint; `columns` are as SQL writes them."""

    primary: bool
    columns: str
    nulls_equal: bool
    plain: bool
    """Whether an index of these columns is all that it needs."""
    deferrable: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, as SQL writes them."""
        return names(self.columns)

    @property
    def index(self) -> str:
        """The definition of the index that fits it."""
        return f"unique btree ({self.columns}){' nulls not distinct' if self.nulls_equal else ''}"


def key_definition(definition: str) -> Key | None:
    """Take a primary key or unique constraint apart; None for another constraint."""
    match = _KEY.fullmatch(definition)
    if not match:
        return None
    more = match["more"]
    return Key(match["kind"] == "PRIMARY KEY", match["columns"], bool(match["nulls"]), not more, " DEFERRABLE" in more)


class ForeignKey(Struct, frozen=True):
    """A foreign key; the names are as SQL writes them."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]

    @property
    def relation(self) -> Object:
        """The table that it refers to."""
        *schema, name = map(unquoted, _PARTS.findall(self.table))
        return Object("table", name, "", "".join(schema))


def foreign_key_definition(definition: str) -> ForeignKey | None:
    """Take a foreign key apart; None for another constraint."""
    match = _FOREIGN_KEY.fullmatch(definition)
    if not match:
        return None
    return ForeignKey(names(match["columns"]), match["table"], names(match["referenced"]))


def check_expression(definition: str) -> str | None:
    """Return the condition of a CHECK, with its parentheses; None for another constraint."""
    found = re.match(r"CHECK (\(.*\))(?: NO INHERIT)?\Z", definition, re.DOTALL)
    return found[1] if found else None
