"""A line of output for people."""

from __future__ import annotations

from msgspec import Struct


class Line(Struct, frozen=True):
    """A line for people; `more` are lines below that belong to it. A line end in one of them is shown as its escape.

    `is_failure` marks those that even a quiet run shows, `is_command` those that are for the runner of a workflow.
    """

    text: str
    style: str = ""
    is_failure: bool = False
    more: tuple[str, ...] = ()
    is_command: bool = False

    @property
    def texts(self) -> tuple[str, ...]:
        """All of it, line by line."""
        return (self.text, *self.more)


def block(lines: tuple[str, ...], style: str = "", *, is_failure: bool = False) -> Line:
    """Return some lines that belong together."""
    return Line(lines[0], style, is_failure, lines[1:])
