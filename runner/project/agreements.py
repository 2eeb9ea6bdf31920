"""What the manifest says of differences that are known, and of objects that others own."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

import msgspec

from runner.errors import without_passwords

Text = Annotated[str, msgspec.Meta(min_length=1)]
AcceptedKind = Literal["missing", "different", "invalid", "undeclared", "rejecting"]
_LONGEST = 200
"""A longer definition is known by its digest."""


class Section(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the manifest: unknown keys are errors."""


class AcceptEntry(Section, frozen=True):
    """A difference that somebody has accepted, as long as the database has this definition."""

    object: Text
    kind: AcceptedKind
    because: Text
    found: Text | None = None
    """The definition in the database, or its digest; what is missing has none."""
    until: date | None = None


class IgnoreEntry(Section, frozen=True):
    """Objects of a kind that are not declared, and are no concern: `*` stands for anything, `!` makes an exception."""

    kind: Text
    objects: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    because: Text


def found_text(definition: str | None) -> str | None:
    """Return how an entry names a definition: as it is, or, when it is long or has a password, by its digest."""
    if definition is None:
        return None
    is_line = len(definition) <= _LONGEST and "\n" not in definition and definition != ""
    if is_line and without_passwords(definition) == definition:
        return definition
    return f"sha256:{hashlib.sha256(definition.encode()).hexdigest()}"


def is_ignored(kind: str, name: str, entries: Iterable[IgnoreEntry]) -> bool:
    """Return whether an object is one of others; `name` has its schema and its table before it, where it has them."""
    return any(entry.kind == kind and _matches(name, entry.objects) for entry in entries)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    """Return what the last pattern that fits a name says of it."""
    fits = False
    for pattern in patterns:
        parts = pattern.removeprefix("!").split("*")
        if re.fullmatch(".*".join(map(re.escape, parts)), name, re.DOTALL):
            fits = not pattern.startswith("!")
    return fits
