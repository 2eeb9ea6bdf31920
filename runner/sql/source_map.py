"""A rendered script as text, with a map back to the lines of its template."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct


class Output(Struct, frozen=True):
    """Where a `{{ … }}` ended up in the rendered text, in characters, and its line in the template."""

    start: int
    end: int
    line: int


OUTPUT_BEGINS, OUTPUT_ENDS, TAG, COMMENT, RAW = "(", ")", "%", "#", "r"
"""Kinds of edges; a tag, a comment of Jinja, and the tags around raw text leave nothing but an edge."""


class Edge(NamedTuple):
    """A place in the rendered text, the template line of what is there, and the kind."""

    offset: int
    line: int
    kind: str


class Edges(Struct, frozen=True):
    """Where outputs begin and end in the rendered text, and where tags were, in the order of the text."""

    offsets: array[int]
    lines: array[int]
    kinds: bytearray
    """A character for each."""

    def between(self, begin: int, end: int) -> Iterator[Edge]:
        """Yield the edges from one place of the text up to another, without that."""
        for at in range(bisect_left(self.offsets, begin), bisect_left(self.offsets, end)):
            yield Edge(self.offsets[at], self.lines[at], chr(self.kinds[at]))


class Rendered(Struct, frozen=True):
    """A rendered script: its text, the edges of outputs, and which template line each stretch of it came from."""

    path: str
    text: str
    edges: Edges
    starts: Sequence[int]
    lines: Sequence[int]
    template: str = ""

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The outputs; one inside another comes before it."""
        found: list[Output] = []
        begun: list[int] = []
        for offset, line, kind in self.edges.between(0, len(self.text) + 1):
            if kind == OUTPUT_BEGINS:
                begun.append(offset)
            elif kind == OUTPUT_ENDS:
                found.append(Output(begun.pop(), offset, line))
        return tuple(found)

    def line_at(self, offset: int) -> int:
        """Return the line in the template of the character at `offset` of the rendered text."""
        return self.lines[bisect_right(self.starts, offset) - 1]


def as_written(path: str, text: str) -> Rendered:
    """Return a script that is no template."""
    starts = array("I", [0, *(line.end() for line in re.finditer("\n", text))])
    edges = Edges(array("I"), array("I"), bytearray())
    return Rendered(path, text, edges, starts, range(1, len(starts) + 1), text)
