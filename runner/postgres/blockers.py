"""The sessions that hold a lock which a statement waits for."""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.errors import without_passwords

_LONGEST_QUERY = 80


class Blocker(NamedTuple):
    """A session that holds a lock; `seconds` is the age of its transaction. What the role may not see is None."""

    pid: int
    role: str | None
    application: str | None
    host: str
    state: str | None
    seconds: float | None
    query: str | None

    def __str__(self) -> str:
        if not self.pid:
            return "a prepared transaction (pg_prepared_xacts lists them)"
        since = f", transaction open for {self.seconds:.0f} s" if self.seconds is not None else ""
        who = f"pid {self.pid} ({self.application or 'no application name'}, role {self.role}, from {self.host}"
        return f"{who}{f', {self.state}' if self.state else ''}{since}){self._last_query()}"

    def _last_query(self) -> str:
        query = shortened_statement(self.query or "")
        return "" if not query or query.startswith("<") else f": {query}"


def shortened_statement(sql: str) -> str:
    """Return the first words of a statement in one line, and nothing of one that may hold a password."""
    words = without_passwords(" ".join(sql.split()).removesuffix(";"))
    if re.search("password", words, re.IGNORECASE):
        return ""
    return words if len(words) <= _LONGEST_QUERY else f"{words[:_LONGEST_QUERY]}…"
