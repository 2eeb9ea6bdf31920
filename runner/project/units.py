"""Durations and sizes as PostgreSQL writes them."""

from __future__ import annotations

import re
from typing import Self

_LONGEST_MILLISECONDS = 2**31 - 1
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1}
_DURATION = r"([0-9]+)\s*(us|ms|s|min|h|d|)"
_BYTES = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = r"(?:([0-9]{1,18})\s*(B|kB|MB|GB|TB)|0)"


class Duration(str):
    """A duration as it is written, such as `5s`, and in seconds."""

    __slots__ = ("seconds",)

    seconds: float

    def __new__(cls, text: str) -> Self:
        """Raise ValueError when it is no duration."""
        match = re.fullmatch(_DURATION, text)
        if not match:
            raise ValueError("expected a duration as PostgreSQL writes it ('500ms', '5s', '2min', '0' for no limit)")
        milliseconds = int(match[1]) * _MILLISECONDS[match[2]]
        if milliseconds > _LONGEST_MILLISECONDS:
            raise ValueError(f"the longest duration is {_LONGEST_MILLISECONDS}ms")
        made = super().__new__(cls, text)
        made.seconds = milliseconds / 1_000
        return made


class ByteSize(str):
    """A size as it is written, such as `64MB`, and in bytes."""

    __slots__ = ("bytes",)

    bytes: int

    def __new__(cls, text: str) -> Self:
        """Raise ValueError when it is no size."""
        match = re.fullmatch(_SIZE, text)
        if not match:
            raise ValueError("expected a size as PostgreSQL writes it ('512kB', '64MB', '1GB', '0')")
        made = super().__new__(cls, text)
        made.bytes = int(match[1]) * _BYTES[match[2]] if match[1] else 0
        return made


PATTERNS: dict[type, str] = {Duration: _DURATION, ByteSize: _SIZE}
"""How each unit is written, as a regular expression."""


def decode_unit(type_: type, value: object) -> object:
    """Return a value of an input file as a duration or a size where one belongs. Raise ValueError."""
    if not issubclass(type_, (Duration, ByteSize)):
        return value
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return type_(value)
