"""A line of output for people."""

from __future__ import annotations

from msgspec import Struct


class Line(Struct, frozen=True):
    """A line for people, or a few; `is_failure` marks those that even a quiet run shows."""

    text: str
    style: str = ""
    is_failure: bool = False
