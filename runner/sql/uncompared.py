"""What scripts declare and nothing compares, as a value and in words."""

from __future__ import annotations

from typing import NamedTuple


class Uncompared(NamedTuple):
    """Objects of a statement whose definitions are unknown: it is only known that they have to be there."""

    script: str
    objects: tuple[str, ...]
    reason: str
    """What the statement does that it cannot be compared, as the rest of a sentence."""

    def __str__(self) -> str:
        more = f" and {len(self.objects) - 1} more" if len(self.objects) > 1 else ""
        return f"not compared: {self.objects[0]}{more}: {self.reason} ({self.script})"
