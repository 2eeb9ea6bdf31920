"""Places in a text, counted in characters and in bytes."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate


class Positions:
    """Translates between characters and bytes by way of the line that a position is in."""

    def __init__(self, text: str) -> None:
        self.is_ascii = text.isascii()
        self.lines = [] if self.is_ascii else text.splitlines(keepends=True)
        self.characters = list(accumulate((len(line) for line in self.lines), initial=0))
        self.bytes = list(accumulate((len(line.encode()) for line in self.lines), initial=0))

    def to_byte(self, character: int) -> int:
        """Return the place of a character, in bytes."""
        if self.is_ascii:
            return character
        index = bisect_right(self.characters, character) - 1
        if index == len(self.lines):
            return self.bytes[index]
        return self.bytes[index] + len(self.lines[index][: character - self.characters[index]].encode())

    def to_character(self, byte: int) -> int:
        """Return the place of the character that begins at a byte."""
        if self.is_ascii:
            return byte
        index = bisect_right(self.bytes, byte) - 1
        if index == len(self.lines):
            return self.characters[index]
        return self.characters[index] + len(self.lines[index].encode()[: byte - self.bytes[index]].decode())
