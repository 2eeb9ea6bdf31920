"""Definitions of constraints taken apart."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME, names, table_named
from runner.sql.objects import Object

_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY \((?P<columns>{NAME}(?:, {NAME})*)\) REFERENCES "
    rf"(?P<table>{NAME}(?:\.{NAME})?)\((?P<referenced>{NAME}(?:, {NAME})*)\).*",
    re.DOTALL,
)
_KEY = re.compile(
    rf"(?P<kind>PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? \((?P<columns>{NAME}(?:, {NAME})*)\)"
    rf"(?: INCLUDE \((?P<included>{NAME}(?:, {NAME})*)\))?(?P<timing>(?: NOT)?(?: DEFERRABLE| INITIALLY [A-Z]+)*)"
    r"(?P<settings> with \([^()]*\))?(?P<more>.*)",
    re.DOTALL,
)
_NO_INDEX_BEFORE = re.compile(rf"EXCLUDE |(?:PRIMARY KEY|UNIQUE) \((?:{NAME}, )+{NAME} WITHOUT OVERLAPS\)")


def is_exclusion(definition: str) -> bool:
    """Return whether a constraint is an EXCLUDE, or a key WITHOUT OVERLAPS: neither can take over an index."""
    return bool(_NO_INDEX_BEFORE.match(definition))


def is_foreign_key(definition: str) -> bool:
    """Return whether a constraint is a foreign key."""
    return definition.startswith("FOREIGN KEY")


def is_disabled(definition: str) -> bool:
    """Return whether the triggers of a constraint itself do not fire, those of a foreign key above all."""
    return definition.endswith(" disabled")


class Key(Struct, frozen=True):
    """A primary key or unique constraint; `columns` and `included` are as SQL writes them."""

    primary: bool
    columns: str
    nulls_equal: bool
    included: str
    timing: str
    """When it is looked at, as ADD CONSTRAINT has it."""
    settings: str
    """Those of its index, as CREATE INDEX has them."""
    by_index: bool
    """Whether it can take over an index."""

    @property
    def kind(self) -> str:
        """What it is, as ADD CONSTRAINT has it before USING INDEX."""
        return "primary key" if self.primary else "unique"

    @property
    def deferrable(self) -> bool:
        """Whether it may be looked at later: no foreign key refers to it."""
        return " DEFERRABLE" in self.timing and not self.timing.startswith(" NOT")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns, as SQL writes them."""
        return names(self.columns)

    @property
    def index(self) -> str:
        """The definition of the index that fits it."""
        return f"unique btree ({self._columns()}{' nulls not distinct' if self.nulls_equal else ''}{self.settings}"

    @property
    def sql(self) -> str:
        """What ADD CONSTRAINT adds, its parts in the order of SQL."""
        nulls = " nulls not distinct" if self.nulls_equal else ""
        return f"{self.kind}{nulls} ({self._columns()}{self.settings}{self.timing.lower()}"

    def _columns(self) -> str:
        return self.columns + (f") include ({self.included})" if self.included else ")")


def key_definition(definition: str) -> Key | None:
    """Take a primary key or unique constraint apart; None for another constraint."""
    match = _KEY.fullmatch(definition)
    if not match:
        return None
    kind, nulls, columns, included, timing, settings, more = match.groups(default="")
    return Key(kind == "PRIMARY KEY", columns, bool(nulls), included, timing, settings, not more)


class ForeignKey(Struct, frozen=True):
    """A foreign key; the names are as SQL writes them."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]

    @property
    def relation(self) -> Object:
        """The table that it refers to."""
        return table_named(self.table)


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
