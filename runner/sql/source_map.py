"""A rendered script as text, with a map back to the lines of its template."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Sequence

from msgspec import Struct


class Output(Struct, frozen=True):
    """Where a `{{ … }}` ended up in the rendered text, in characters, and its line in the template."""

    start: int
    end: int
    line: int


class Edges(Struct, frozen=True):
    """Where outputs begin and end in the rendered text, in this order, with the template line of each output."""

    offsets: array[int]
    lines: array[int]
    begin: bytearray
    """1 where an output begins, 0 where it ends."""


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
        for offset, line, begins in zip(self.edges.offsets, self.edges.lines, self.edges.begin, strict=True):
            if begins:
                begun.append(offset)
            else:
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
