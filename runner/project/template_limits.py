"""How much a template may take: turns of its loops, and the size of what it computes."""

from __future__ import annotations

from typing import Any

MOST_TURNS = 200_000
"""Turns of loops and calls of macros in one template."""
MOST_CHARACTERS = 64 << 20
"""Of a rendered script; the parser takes forty times as many bytes."""
_MOST_ITEMS = 10_000_000
_MOST_BITS = 14_000  # fewer than the 4,300 digits up to which Python writes a number
_MOST_DIGITS = 400


class Turns:
    """Counts the turns of the loops in a template."""

    def __init__(self) -> None:
        self.left = MOST_TURNS

    def __call__(self) -> None:
        """Take one. Raise ValueError when there is none left."""
        self.left -= 1
        if self.left < 0:
            raise ValueError(f"more than {MOST_TURNS:,} turns of loops and calls of macros in one template")


def require_small(operator: str, left: object, right: object) -> None:
    """Raise ValueError for a product or a power that would be too large to be written."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * right if operator == "**" else left.bit_length() + right.bit_length()
        if bits > _MOST_BITS:
            raise ValueError("a number of more digits than can be written")
        return
    many, times = (right, left) if isinstance(left, int) else (left, right)
    if isinstance(many, (str, list, tuple)) and isinstance(times, int) and len(many) * times > _MOST_ITEMS:
        raise ValueError(f"more than {_MOST_ITEMS:,} characters or items")


def round_off(value: float, precision: int = 0, method: Any = "common") -> float:
    """Round as the filter of Jinja does. Raise ValueError for so many digits that it would compute for hours."""
    from jinja2.filters import do_round

    if abs(precision) > _MOST_DIGITS:
        raise ValueError(f"round takes at most {_MOST_DIGITS} digits")
    return do_round(value, precision, method)
