"""Characters in the files of a project that nobody sees, and that can make text look like other text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from unicodedata import name

from runner.lint.diagnostics import Diagnostic
from runner.lint.suppressions import Suppressions
from runner.sql.excerpts import at_caret
from runner.sql.statements import Script, Statement

RULE = "hidden-character"
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)
"""Controls, those that turn the direction of text or have no width, separators of lines, and tags."""
_HINT = "remove it, or write it as an escape"


def hidden_characters(file: str, text: str) -> Iterator[Diagnostic]:
    """Return the first hidden character of each line of a file."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := _HIDDEN.search(line):
            character = found[0]
            what = f"U+{ord(character):04X} {name(character, 'control character')}"
            message = f"a character that nobody sees: {what}"
            caret = at_caret(line, found.start())
            yield Diagnostic(RULE, "error", message, file, number, found.start() + 1, caret, _HINT)


def not_allowed(flaws: Iterable[Diagnostic], parsed: Script | None) -> Iterator[Diagnostic]:
    """Return what no comment of a script allows; in a file that is no script, nothing is."""
    if parsed is None:
        yield from flaws
        return
    allowed, statement_at = Suppressions(parsed), _statement_at(parsed)
    for flaw in flaws:
        statement = statement_at(flaw.line or 0)
        if not (RULE in allowed.everywhere or (statement and allowed(RULE, statement))):
            yield flaw


def _statement_at(parsed: Script) -> Callable[[int], Statement | None]:
    """Return what finds the statement that a line of the template is in, or comes before."""
    ends = [(parsed.rendered.line_at(each.offset + len(each.sql) - 1), each) for each in parsed.statements]
    return lambda line: next((statement for end, statement in ends if end >= line), None)
