"""Point at a place of a template: its line and column, the lines before it, and a caret."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

from msgspec import Struct

from runner.errors import without_passwords
from runner.sql.source_map import Rendered
from runner.wording import shown

LINES_BEFORE = 2
_LONGEST = 120
"""How much of a long line is shown around a place that is known."""
_LONGEST_WHOLE = 400


def _masked(text: str, offset: int) -> tuple[str, int]:
    """Return a text without passwords, and where a character of it is in there."""
    return without_passwords(text), len(without_passwords(text[:offset]))


def lines_to(text: str, number: int) -> tuple[str, ...]:
    """Return a line by its number, after those of the lines before it that are not empty."""
    *before, last = without_passwords(text).split("\n")[max(number - 1 - LINES_BEFORE, 0) : number] or [""]
    return (*(_cut(_tidy(line)) for line in before if line.strip()), _cut(_tidy(last)))


def at_caret(line: str, offset: int) -> tuple[str, ...]:
    """Return a line, cut when it is long, and a caret below one of its characters."""
    if len(line) > _LONGEST:
        cut = max(offset - _LONGEST // 2, 0)
        line, offset = f"…{line[cut : cut + _LONGEST]}…", offset - cut + 1
    return shown(_tidy(line)), " " * len(shown(line[:offset])) + "^"


def _cut(line: str) -> str:
    return line if len(line) <= _LONGEST_WHOLE else f"{line[:_LONGEST_WHOLE]}…"


def _tidy(line: str) -> str:
    return line.replace("\t", " ").rstrip()


def excerpt(text: str, offset: int) -> tuple[str, ...]:
    """Return the line of `text` around a character, without passwords, and a caret below that character."""
    text, offset = _masked(text, offset)
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return at_caret(text[start : len(text) if end < 0 else end], offset - start)


class Pointer(Struct, frozen=True):
    """A place in a template; `column` counts characters from 1, and is None where only the line is known."""

    line: int
    column: int | None
    excerpt: tuple[str, ...]
    """Lines as they are written, a caret, and the line as it was rendered when that is another."""


def point(rendered: Rendered, offset: int) -> Pointer:
    """Return the place of the character at `offset` of the rendered text."""
    line, column = position(rendered, offset)
    found = [*lines_to(rendered.template, line)]
    if column:
        before = _lines(rendered.template)[: line - 1]
        found[-1:] = excerpt(rendered.template, sum(len(text) + 1 for text in before) + column - 1)
    if not _is_written(rendered, offset, line):
        found.append(f"rendered: {excerpt(rendered.text, offset)[0].strip()}")
    return Pointer(line, column, tuple(found))


def position(rendered: Rendered, offset: int) -> tuple[int, int | None]:
    """Return the line of the template for the character at `offset` of the rendered text, and its column, if known."""
    line = rendered.line_at(offset)
    start = rendered.text.rfind("\n", 0, offset) + 1
    if _is_written(rendered, offset, line):
        return line, offset - start + 1
    return line, _column(rendered, offset, _line(rendered.template, line), line_start=start)


def _is_written(rendered: Rendered, offset: int, line: int) -> bool:
    """Return whether the line around a character was rendered as it stands in the template."""
    start = rendered.text.rfind("\n", 0, offset) + 1
    end = rendered.text.find("\n", offset)
    return rendered.text[start : len(rendered.text) if end < 0 else end] == _line(rendered.template, line)


@lru_cache(maxsize=4)
def _lines(text: str) -> Sequence[str]:
    return text.split("\n")


def _line(text: str, number: int) -> str:
    lines = _lines(text)
    return lines[number - 1] if number <= len(lines) else ""


def _column(rendered: Rendered, offset: int, source: str, *, line_start: int) -> int | None:
    """Return the column in a line of the template that was not rendered as it is written."""
    line = rendered.line_at(offset)
    outputs = [output for output in rendered.outputs if output.line == line and output.start >= line_start]
    for number, output in enumerate(outputs):
        if output.start <= offset < output.end:
            found = [place for place in range(len(source)) if source.startswith("{{", place)]
            return found[number] + 1 if number < len(found) else None
    index = bisect_right(rendered.starts, offset) - 1
    start = rendered.starts[index]
    end = rendered.starts[index + 1] if index + 1 < len(rendered.starts) else len(rendered.text)
    piece = rendered.text[start:end].split("\n")[0]
    if not piece or source.count(piece) != 1:
        return None
    return source.index(piece) + offset - start + 1
