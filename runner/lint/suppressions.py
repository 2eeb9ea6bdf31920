"""Comments that allow what a rule of `check` would tell: `-- runner: allow RULE because REASON`."""

from __future__ import annotations

import re

from runner.sql.statements import Script, Statement

_ALLOW = re.compile(r"--[ \t]*runner:[ \t]*allow[ \t]+(?P<rules>[a-z-]+(?:[ \t]*,[ \t]*[a-z-]+)*)[ \t]+because[ \t]+\S")
_HEADER = re.compile(r"\s*(?:--[^\n]*\n)+(?=[ \t]*\n)")
"""The comment that a file opens with, and an empty line after it."""


class Suppressions:
    """What the comments of a script allow: above, in or beside a statement for it, in the header for the file."""

    def __init__(self, parsed: Script) -> None:
        text = parsed.rendered.text
        header = _HEADER.match(text)
        first = min((statement.offset for statement in parsed.statements), default=len(text))
        start = header.end() if header and header.end() <= first else 0
        self.everywhere = _rules(text[:start])
        self.here: dict[int, frozenset[str]] = {}
        for statement in parsed.statements:
            end = _line_end(text, statement.offset + len(statement.sql))
            self.here[statement.offset] = _rules(text[start:end])
            start = end

    def __call__(self, rule: str, statement: Statement) -> bool:
        """Return whether a rule has nothing to say of a statement."""
        return rule in self.everywhere or rule in self.here.get(statement.offset, ())


def _rules(text: str) -> frozenset[str]:
    found = (allowance["rules"] for allowance in _ALLOW.finditer(text))
    return frozenset(rule.strip() for rules in found for rule in rules.split(","))


def _line_end(text: str, offset: int) -> int:
    end = text.find("\n", offset)
    return len(text) if end < 0 else end
