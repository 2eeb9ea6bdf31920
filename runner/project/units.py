"""Durations and sizes as PostgreSQL writes them."""

from __future__ import annotations

import re

from runner.errors import InputError

_LONGEST_MILLISECONDS = 2**31 - 1
_MILLISECONDS = {"us": 0.001, "ms": 1, "s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, "": 1}
_DURATION = re.compile(r"([0-9]+)\s*(us|ms|s|min|h|d|)")
_BYTES = {"B": 1, "kB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}
_SIZE = re.compile(r"(?:([0-9]{1,18})\s*(B|kB|MB|GB|TB)|0)")


def duration_in_seconds(text: str, place: str = "") -> float:
    """Return a duration that PostgreSQL writes as `5s`. Raise InputError when it is none."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise InputError(
            f"expected a duration as PostgreSQL writes it ('500ms', '5s', '2min', '0' for no limit), not {text!r}",
            place=place,
        )
    if int(match[1]) * _MILLISECONDS[match[2]] > _LONGEST_MILLISECONDS:
        raise InputError(f"the longest duration is {_LONGEST_MILLISECONDS}ms, not {text!r}", place=place)
    return int(match[1]) * _MILLISECONDS[match[2]] / 1_000


def size_in_bytes(text: str) -> int:
    """Return a size that PostgreSQL writes as `64MB`, in bytes. Raise ValueError when it is none."""
    match = _SIZE.fullmatch(text)
    if not match:
        raise ValueError(f"expected a size as PostgreSQL writes it ('512kB', '64MB', '1GB', '0'), not {text!r}")
    return int(match[1]) * _BYTES[match[2]] if match[1] else 0
