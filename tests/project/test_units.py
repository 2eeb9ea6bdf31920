"""Durations and sizes: the text as it is written, and what it says."""

from __future__ import annotations

import pytest

from runner.project.units import ByteSize, Duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("0", 0), ("250", 0.25), ("500us", 0.0005), ("5s", 5), ("2 min", 120), ("6h", 21_600), ("24d", 2_073_600)],
)
def test_a_duration_is_its_text_and_its_seconds(text: str, seconds: float) -> None:
    """SQL and messages get what was written, and the runner the number."""
    duration = Duration(text)
    assert (duration, duration.seconds) == (text, seconds)


@pytest.mark.parametrize(("text", "size"), [("0", 0), ("12B", 12), ("512kB", 524_288), ("1 GB", 1_073_741_824)])
def test_a_size_is_its_text_and_its_bytes(text: str, size: int) -> None:
    """Messages get what was written, and the runner the number."""
    found = ByteSize(text)
    assert (found, found.bytes) == (text, size)


@pytest.mark.parametrize("text", ["", "5", "64 MiB", "-1kB", "1kb"])
def test_what_is_no_size_is_refused(text: str) -> None:
    """A size has one of PostgreSQL's units, or is 0."""
    with pytest.raises(ValueError, match="expected a size as PostgreSQL writes it"):
        ByteSize(text)
