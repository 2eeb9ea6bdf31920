"""Definitions of functions and procedures, as far as CREATE OR REPLACE looks at them."""

from __future__ import annotations

from typing import NamedTuple

from runner.sql.lists import list_in

_DEFAULT = " DEFAULT "


class _Head(NamedTuple):
    """Its kind, its arguments, and its result."""

    kind: str
    arguments: tuple[str, ...]
    result: str


def is_replaceable(old: str, new: str) -> bool:
    """Return whether CREATE OR REPLACE gives a function of one definition the other one."""
    before, after = _head(old), _head(new)
    if (before.kind, before.result, len(before.arguments)) != (after.kind, after.result, len(after.arguments)):
        return False
    return all(_fits(*pair) for pair in zip(before.arguments, after.arguments, strict=True))


def _fits(old: str, new: str) -> bool:
    """Return whether an argument may become another one: with a default it keeps one; it may get a name."""
    (before, had_default, _), (after, has_default, _) = old.partition(_DEFAULT), new.partition(_DEFAULT)
    return (before == after or after.endswith(f" {before}")) and (bool(has_default) or not had_default)


def _head(definition: str) -> _Head:
    kind, _, rest = definition.partition("(")
    arguments, after = list_in(rest)
    return _Head(kind, arguments, after.partition(" language ")[0])
