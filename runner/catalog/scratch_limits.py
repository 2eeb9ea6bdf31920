"""How much of a server the build in scratch schemas may take, and what ends it.

All sessions of a server share its table of locks. A transaction keeps those of all that it makes or drops until its
end, and once the table is full, other sessions are refused.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from runner.errors import DatabaseError, Hint
from runner.resources import read_sql
from runner.sql.statements import Statement
from runner.wording import PROGRAM

if TYPE_CHECKING:
    import psycopg
    from psycopg import Connection

_LOCKS = {"table": 5, "materialized view": 5, "constraint": 2, "column": 0, "schema": 0}
"""Of a table, what keeps its long values and its row type are locked too; of a constraint, its index."""
_LOOKS_AFTER = 200
"""After how many statements the locks are counted again."""
_INSUFFICIENT_RESOURCES, _TRANSACTION_ROLLBACK, _INTERVENTION = "53", "40", "57"
_LOCK_NOT_AVAILABLE = "55P03"
_LOCK_FILE = Hint(
    f"commit a fresh schema.lock.toml: '{PROGRAM} lock' on a server of your own, such as the embedded one"
)


class Room:
    """How many locks one build may take: half of what others leave. Raise DatabaseError when it takes more."""

    def __init__(self, connection: Connection[Any]) -> None:
        self.connection = connection
        self.free: int
        self.setting: int
        (self.free, self.setting) = connection.execute(read_sql("catalog/scratch_locks.sql")).fetchall()[0]
        self.statements = 0

    def require(self, statements: Iterable[Statement]) -> None:
        """Refuse, before it begins, a build of which it can be told that it needs more."""
        self._refuse_above(sum(map(_locks_of, statements)), "needs about")

    def look(self) -> None:
        """Count the locks that the build has taken."""
        ((taken,),) = self.connection.execute(read_sql("catalog/scratch_own_locks.sql")).fetchall()
        self._refuse_above(taken, "has taken")

    def count(self) -> None:
        """Count a statement, and now and then its locks."""
        self.statements += 1
        if self.statements % _LOOKS_AFTER == 0:
            self.look()

    def _refuse_above(self, locks: int, verb: str) -> None:
        if locks > self.free // 2:
            enough = math.ceil(self.setting * 2 * locks / max(self.free, 1))
            raise DatabaseError(
                f"building what the scripts declare {verb} {locks:,} locks, more than half of the {self.free:,} "
                "that are free on this server; other sessions would be refused",
                notes=(
                    _LOCK_FILE,
                    Hint(f"or set max_locks_per_transaction = {enough} or more, and restart the server"),
                ),
            )


def _locks_of(statement: Statement) -> int:
    made = (effect.object for effect in statement.declaration.effects if effect.action == "create")
    return sum(_LOCKS.get(item.kind, 1) for item in made if not item.is_comment)


def raise_if_of_server(error: psycopg.Error) -> None:
    """Raise DatabaseError when a statement has failed because of the state of the server: the next would, too."""
    state = error.sqlstate or ""
    if state[:2] in (_INSUFFICIENT_RESOURCES, _TRANSACTION_ROLLBACK, _INTERVENTION) or state == _LOCK_NOT_AVAILABLE:
        message = f"building what the scripts declare was ended: {error.diag.message_primary} [{state}]"
        raise DatabaseError(message, notes=(_LOCK_FILE,)) from error
