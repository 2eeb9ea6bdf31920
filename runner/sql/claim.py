"""What one statement, or one clause of it, claims of one relation."""

from __future__ import annotations

from typing import NamedTuple

from runner.sql.objects import Object


class Claim(NamedTuple):
    """A kind of statement that `lock_rules` knows, with the relation that it is about, and what it names besides.

    A relation is called a table here, whatever it is: a statement does not always tell.
    """

    kind: str
    relation: Object
    named: tuple[Object, ...] = ()
    part: str = ""
    """The column, constraint, index or trigger."""
    columns: tuple[str, ...] = ()
    """The columns that cannot be NULL afterwards, or that an index has."""
    type: str = ""
    """The type that a column gets; empty when its values are computed anew."""
    functions: frozenset[str] = frozenset()
    """What a default calls."""
    level: str = ""
    """The lock that LOCK TABLE takes."""
    is_only: bool = False
    """ONLY: not what is below the relation."""
    subject: Object | None = None
    """What of the relation is dropped, a trigger, rule or policy."""
    becomes: Object | None = None
    """What the relation is called afterwards."""
