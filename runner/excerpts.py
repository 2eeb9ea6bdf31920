"""Lines of a text, as messages show them."""

from __future__ import annotations

LINES_BEFORE = 2
_LONGEST = 120
"""How much of a long line is shown around a place that is known."""
_LONGEST_WHOLE = 400


def lines_to(text: str, number: int) -> tuple[str, ...]:
    """Return a line by its number, after those of the lines before it that are not empty."""
    *before, last = text.split("\n")[max(number - 1 - LINES_BEFORE, 0) : number] or [""]
    return (*(_cut(_tidy(line)) for line in before if line.strip()), _cut(_tidy(last)))


def at_caret(line: str, offset: int) -> tuple[str, ...]:
    """Return a line, cut when it is long, and a caret below one of its characters."""
    if len(line) > _LONGEST:
        cut = max(offset - _LONGEST // 2, 0)
        line, offset = f"…{line[cut : cut + _LONGEST]}…", offset - cut + 1
    return _tidy(line), " " * offset + "^"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_WHOLE else f"{line[:_LONGEST_WHOLE]}…"


def _tidy(line: str) -> str:
    return line.replace("\t", " ").rstrip()


def excerpt(text: str, offset: int) -> tuple[str, ...]:
    """Return the line of `text` around a character, and a caret below that character."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return at_caret(text[start : len(text) if end < 0 else end], offset - start)
