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
    has_using: bool
    has_check: bool

    def is_alteration_of(self, other: PolicyDefinition) -> bool:
        """Return whether ALTER POLICY makes it of another one: it is for the same commands, and loses no condition."""
        loses = (other.has_using and not self.has_using) or (other.has_check and not self.has_check)
        return self.applies == other.applies and not loses


def policy_definition(text: str) -> PolicyDefinition:
    """Take a definition apart."""
    head = _HEAD.match(text)
    conditions = text[head.end() :] if head else text
    has_using = conditions.startswith(_USING)
    rest = list_in(conditions.removeprefix(_USING))[1] if has_using else conditions
    applies, roles = (head["applies"], head["roles"]) if head else ("", "")
    return PolicyDefinition(applies, roles, conditions, has_using, rest.startswith(_CHECK))
