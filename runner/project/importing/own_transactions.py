"""The transaction that a migration has around all of it, which a script has by itself."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable

from runner.errors import InputError
from runner.sql.statement_spans import Span, statement_spans

Lines = list[tuple[int, str]]
"""Lines of a file with their numbers."""
_WORDS = re.compile(r"\b(?:begin|start)\b.*\b(?:commit|end)\b", re.IGNORECASE | re.DOTALL)


def numbered(text: str) -> Lines:
    """Return the lines of a text with their numbers."""
    return list(enumerate(text.removesuffix("\n").split("\n"), 1))


def outer(spans: list[Span]) -> list[Span]:
    """Return the statements that begin and end the one transaction of all the others, if it is so."""
    ends = [spans[0], spans[-1]] if len(spans) > 1 else []
    is_one = [span.transaction for span in ends] == ["begin", "commit"]
    return ends if is_one and not any(span.transaction for span in spans[1:-1]) else []


def unwrapped(lines: Lines) -> tuple[Lines, bool]:
    """Return lines without the transaction around all of their statements, and whether there was one."""
    text = "\n".join(line for _, line in lines)
    if not _WORDS.search(text):
        return lines, False
    try:
        ends = outer(statement_spans("", text))
    except InputError:  # which the whole project says, with its place
        return lines, False
    return [(lines[number - 1][0], line) for number, line in without(text, ends)], bool(ends)


def without(text: str, spans: Iterable[Span]) -> Lines:
    """Return the lines of a text without some statements, and without the lines that these had for themselves."""
    lines = dict(numbered(text))
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    for span in sorted(spans, reverse=True):
        first, last = (bisect_right(starts, place) for place in (span.begin, span.end - 1))
        before, after = lines[first][: span.begin - starts[first - 1]], lines[last][span.end - starts[last - 1] :]
        for number in range(first, last + 1):
            del lines[number]
        if before.strip() or after.strip():
            lines[first] = f"{before.rstrip()} {after.lstrip()}".strip() if before.strip() else after.lstrip()
        elif not lines.get(first - 1, "-").strip() and not lines.get(last + 1, "-").strip():
            del lines[first - 1]
    return sorted(lines.items())
