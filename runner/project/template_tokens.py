"""The tokens of a template: what marks they get, and which line ends go with the tags that they follow.

A tag, or a comment of Jinja, takes nothing with it but the white space of a line that holds nothing else. What is
between `{% raw %}` and `{% endraw %}` stays as it is, line ends included.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from runner.sql.source_map import COMMENT, RAW, TAG

_OPENING = ("block_begin", "comment_begin", "raw_begin", "raw_end")
_CLOSING = ("block_end", "comment_end", "raw_begin", "raw_end")
_TEXT = ("variable_begin", "raw_begin", "raw_end")

RawToken = tuple[int, str, str]
"""The line of the template, the kind, and the text."""


def mark(word: object) -> str:
    """Return what stands in the text for something that is not text."""
    return f"\0{word}\0"


def marked(tokens: Iterable[RawToken]) -> Iterator[RawToken]:
    """Yield the tokens of a template with a mark before each line of text, before each output, and after each tag."""
    for is_data, group in groupby(_with_marks(tokens), key=lambda token: token[1] == "data"):
        if is_data:
            first, *others = group
            yield first[0], "data", "".join(text for _, _, text in (first, *others))
        else:
            yield from group


def _with_marks(tokens: Iterable[RawToken]) -> Iterator[RawToken]:
    line: list[RawToken] = []
    waiting: list[str] = []
    number = 1
    for token in tokens:
        number = token[0]
        for part in _lines_of(token):
            line.append(part)
            if part[1] == "data" and part[2].endswith("\n"):
                yield from _marked_line(line, waiting)
                line = []
    yield from _marked_line(line, waiting)
    if waiting:
        yield number, "data", "".join(waiting)


def _lines_of(token: RawToken) -> Iterator[RawToken]:
    number, kind, text = token
    if kind != "data":
        yield token
        return
    *lines, last = text.split("\n")
    for line in lines:
        yield number, kind, f"{line}\n"
        number += 1
    if last:
        yield number, kind, last


class _Tag(NamedTuple):
    """Where a tag begins, and how."""

    line: int
    kind: str
    sign: str


def _marked_line(line: list[RawToken], waiting: list[str]) -> Iterator[RawToken]:
    """Yield what stands between two line ends of the text; a tag may have line ends of its own.

    The marks of tags wait for the next text that is kept: where there is none, a loop puts nothing out.
    """
    kept = _kept_text(line)
    opened = _Tag(0, "", "")
    for place, (number, kind, text) in enumerate(line):
        if kind == "data":
            if place in kept:
                yield number, kind, "".join(waiting) + mark(number) + text
                waiting.clear()
            continue
        if kind in _OPENING:
            opened = _Tag(number, kind, text.removeprefix("{%")[:1])
        if kind == "block_begin" and place - 1 in kept:  # what follows it may never be put out
            yield number, "data", mark(f"{TAG}{number}")
        if kind == "variable_begin":
            yield number, "data", "".join(waiting) + mark(number)
            waiting.clear()
        yield number, kind, text
        if kind in _CLOSING:
            waiting.append(_mark_of(opened, text))


def _kept_text(line: list[RawToken]) -> set[int]:
    """Return where text is that stays: all of it, unless it is the white space of a line of nothing but tags.

    A plus sign in a tag keeps the white space on its side.
    """
    texts = {place for place, (_, kind, _) in enumerate(line) if kind == "data"}
    begins = [place for place, (_, kind, _) in enumerate(line) if kind in _OPENING]
    is_text = any(kind in _TEXT for _, kind, _ in line) or any(line[place][2].strip() for place in texts)
    if is_text or not begins:
        return texts
    ends = [place for place, (_, kind, _) in enumerate(line) if kind in _CLOSING]
    before = {place for place in texts if place < begins[0] and line[begins[0]][2].endswith("+")}
    after = {place for place in texts if ends and place > ends[-1] and line[ends[-1]][2].startswith("+")}
    return before | after


def _mark_of(tag: _Tag, end: str) -> str:
    """Return the mark of a tag; white space that `{% raw -%}` takes away may be a part of the text."""
    takes_space = tag.sign == "-" or "-%}" in end
    letter = COMMENT if tag.kind == "comment_begin" else RAW if tag.kind.startswith("raw") and not takes_space else TAG
    return mark(f"{letter}{tag.line}")
