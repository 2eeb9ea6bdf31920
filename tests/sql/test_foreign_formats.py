"""What is no SQL is called what it is: markers of other tools, placeholders, lines of psql, and rows for COPY."""

from __future__ import annotations

import tomllib

import pytest

from runner.errors import Hint, InputError
from runner.sql import parser, tokens
from runner.sql.parser import parse
from runner.sql.source_map import as_written
from tests.support.projects import CASES

FOREIGN = tomllib.loads((CASES / "foreign_formats.toml").read_text(encoding="utf-8"))


def error_of(sql: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(as_written("a.sql", sql), schema="public")
    return caught.value


def place_and_hint(error: InputError) -> tuple[str, str]:
    hints = [note.text for note in error.notes if isinstance(note, Hint)]
    return f"{error.line}:{error.column}", hints[0] if hints else ""


@pytest.mark.parametrize("name", FOREIGN["marker"])
def test_a_file_of_another_tool(name: str) -> None:
    """All parts of it would run, those that undo the others too: the tool is named, the line, and what to keep."""
    case = FOREIGN["marker"][name]
    error = error_of(case["sql"])
    place, hint = place_and_hint(error)
    assert place == case["at"]
    assert error.message.endswith(f" is a marker of {case['tool']}; a script is plain SQL and runs whole")
    line = case["sql"].split("\n")[int(place.split(":")[0]) - 1]
    assert " ".join(line.split()).endswith(error.message.split("'")[1])
    assert case["keep"] in hint


@pytest.mark.parametrize("name", FOREIGN["plain"])
def test_what_is_no_marker(name: str) -> None:
    """What merely looks like one is a comment or a string as any other."""
    assert parse(as_written("a.sql", FOREIGN["plain"][name]), schema="public").statements


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("name", FOREIGN["line"])
def test_the_first_line_that_is_no_sql(name: str, *, in_pieces: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told at its place, not what the grammar makes of the lines below it; in large files too."""
    if in_pieces:
        monkeypatch.setattr(parser, "LARGE", 1)
        monkeypatch.setattr(tokens, "LARGE", 1)
        monkeypatch.setattr(parser, "PIECE", 1)
    case = FOREIGN["line"][name]
    error = error_of(case["sql"])
    place, hint = place_and_hint(error)
    assert (place, error.message) == (case["at"], case["message"])
    assert hint == case.get("hint", hint)
