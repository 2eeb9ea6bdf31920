"""Errors: their places and hints are values, and no part of them shows a password."""

from __future__ import annotations

import pytest

from runner.errors import Hint, InputError, Place


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.sql"), "a.sql"),
        (Place("a.sql", 3), "a.sql:3"),
        (Place("manifest.toml", key="run.role"), "manifest.toml: run.role"),
        (Place("targets.toml", key="target[1]").below(".name"), "targets.toml: target[1].name"),
        ("--dsn", "--dsn"),
    ],
)
def test_a_place_is_text_that_knows_its_parts(place: str, text: str) -> None:
    """An error shows it as people write it, and has its file, line and key for programs."""
    error = InputError("wrong", place=place, notes=(Hint("write it anew"),))
    assert str(error) == f"{text}: wrong\n  hint: write it anew"
    parts = (place.file, place.line, place.key) if isinstance(place, Place) else (text, None, "")
    assert (error.place.file, error.line, error.place.key) == parts


def test_a_name_with_a_colon_has_no_line() -> None:
    """What a name holds is not taken for a line or a key."""
    error = InputError("wrong", place="odd: name:3")
    assert (error.place.file, error.line, error.place.key) == ("odd: name:3", None, "")


def test_no_part_of_a_place_shows_a_password() -> None:
    """A connection string may stand where a file is expected."""
    error = InputError("wrong", place=Place("postgresql://ann:sesame@host/db", key="password=sesame"))
    assert "sesame" not in str(error)
    assert "sesame" not in repr((error.place.file, error.place.key))
