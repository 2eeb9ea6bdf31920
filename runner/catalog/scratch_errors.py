"""Whose fault it is that a statement fails in the scratch schemas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.sql.defined_names import MAKERS
from runner.sql.respelling import names_in

if TYPE_CHECKING:
    import psycopg

    from runner.sql.references import References
    from runner.sql.statements import Statement

_MISSING = ("42703", "42704", "42883", "42P01", "3F000")
_UNCAST = ("42704", "42804", "42846", "42883")
"""What a cast, an operator, or the default class of a type is missed by: it is not named."""
_OF_SERVER = ("42501", "0A000", "22023", "42704", "58P01", "F0000")
"""What makes something of these kinds impossible here: a privilege, a locale, a file."""
_PARTS = ("column", "constraint", "index", "function", "policy", "rule", "statistics")
"""What may be missing in something that was built."""


def is_of_others(
    movable: References, statement: Statement, error: psycopg.Error, left_out: Sequence[Statement]
) -> bool:
    """Return whether the server refuses it, or something is missing that is outside of the scripts or left out."""
    if statement.node in MAKERS and error.sqlstate in _OF_SERVER:
        return True
    if error.sqlstate in _UNCAST and any(item.node in MAKERS for item in left_out):
        return True
    if error.sqlstate not in _MISSING:
        return False
    message = error.diag.message_primary or ""
    if any(f'"{name}"' in message for name in movable.outside):
        return True
    names = names_in(statement.sql)
    effects = [effect for item in left_out for effect in item.declaration.declares]
    lacking = [effect.object for effect in effects if effect.object.kind in _PARTS]
    return any({item.name.partition("(")[0], item.table or item.name.partition("(")[0]} <= names for item in lacking)
