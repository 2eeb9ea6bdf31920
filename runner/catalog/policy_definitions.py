"""The definition of a policy, taken apart: `as restrictive for all to a, b using (…) with check (…)`."""

from __future__ import annotations

import re
from typing import NamedTuple

from runner.sql.lists import list_in

_HEAD = re.compile(r'(?P<applies>(?:as restrictive )?for \w+) (?P<roles>to (?:"(?:[^"]|"")*"|[\w$]+|, )+)')
_USING, _CHECK = " using (", " with check ("


class PolicyDefinition(NamedTuple):
    """To which commands a policy applies, for whom, and its conditions, each as SQL writes it."""

    applies: str
    roles: str
    conditions: str
    using: str
    """The condition of the rows that it lets a role see, change or delete; empty without one."""
    check: str
    """That of the rows that it lets a role write."""

    def is_alteration_of(self, other: PolicyDefinition) -> bool:
        """Return whether ALTER POLICY makes it of another one: it is for the same commands, and loses no condition."""
        loses = bool((other.using and not self.using) or (other.check and not self.check))
        return self.applies == other.applies and not loses


def policy_definition(text: str) -> PolicyDefinition:
    """Take a definition apart."""
    head = _HEAD.match(text)
    conditions = text[head.end() :] if head else text
    using, rest = _condition(conditions, _USING)
    applies, roles = (head["applies"], head["roles"]) if head else ("", "")
    return PolicyDefinition(applies, roles, conditions, using, _condition(rest, _CHECK)[0])


def _condition(text: str, word: str) -> tuple[str, str]:
    """Return a condition that follows a word, without its brackets, and what is after it."""
    if not text.startswith(word):
        return "", text
    inner = text.removeprefix(word)
    rest = list_in(inner)[1]
    return inner[: len(inner) - len(rest) - 1], rest
