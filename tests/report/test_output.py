"""What comes from a database or a file is shown so that all of it can be seen, and stays in its line."""

from __future__ import annotations

import io
import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import Connection

from runner.errors import DatabaseError, Hint, InputError, ServerMessage, StatementError
from runner.project.manifest import ProjectSection
from runner.report.line import Line
from runner.report.log import Event, Log
from runner.report.run_text import error_lines
from runner.report.schema_page import schema_page
from runner.report.terminal import Stream
from runner.sql.objects import Object
from runner.sql.printable import printable
from runner.sql.privileges import privileges_of
from runner.sql.quoting import identifier, literal
from runner.wording import shown

HIDDEN = "\n\r\x00\x1b\x7f\x85\x9b\u00ad\u061c\u200b\u200d\u202e\u2028\u2029\u2066\ufeff\U000e0041"
UNSEEN = ("Cc", "Cf", "Zl", "Zp")
TRICKS = (
    "::error::x",
    "##[error]x",
    "##vso[task.x]y",
    "[bold]x[/]",
    "</details>",
    "`x`",
    "|x|",
    "%%",
    '"}',
    "# x",
    "--",
    "*/",
)
TEXTS = st.lists(st.sampled_from(TRICKS) | st.sampled_from(HIDDEN) | st.text(max_size=5), max_size=8).map("".join)


def written(*lines: Line) -> str:
    file = io.StringIO()
    stream = Stream(file)
    for line in lines:
        stream.write(line)
    return file.getvalue()


def assert_lines(text: str, lines: int) -> None:
    """Assert that a text has so many lines, and that all of it can be seen."""
    assert text.removesuffix("\n").count("\n") + 1 == lines, text
    assert [char for char in text if char not in "\n\t" and unicodedata.category(char) in UNSEEN] == []


def assert_plain(text: str, lines: int) -> None:
    """Assert the same of what is printed, and that nothing in it is a command to what runs a workflow."""
    assert_lines(text, lines)
    assert re.findall(r"^\s*::|##\[|##vso\[", text, re.MULTILINE) == []


@given(TEXTS)
def test_a_text_is_one_line(text: str) -> None:
    """Whatever is in a name, a value or a message, the line that shows it is one line."""
    assert_plain(written(Line(text)), 1)
    assert_plain(written(Line("a", "red", True, (text, text))), 3)
    assert "\n" not in str(Object("table", text, "t"))


@given(TEXTS)
def test_an_error_has_a_line_for_each_note(text: str) -> None:
    """A message, a place, a note and a hint are a line each, for people and in a log."""
    error = InputError(f"a{text}", place=f"f{text}", notes=(f"n{text}", Hint(text)))
    assert_plain(written(*error_lines(error)), 3)
    assert_lines(str(error), 3)
    file = io.StringIO()
    Log(Stream(file), "text").write(Event("warning", f"w{text}"))
    assert_plain(file.getvalue(), 1)


@given(TEXTS)
def test_what_a_server_lists_is_below_its_own_note(text: str) -> None:
    """A message is one line; of a detail of several lines the others are indented further than any note."""
    error = StatementError(ServerMessage(f"m{text}", "42P01", detail=f"d{text}"), place="f")
    head, first, *more = str(error).split("\n")
    assert (head.startswith("f: m"), first.startswith("  detail: d")) == (True, True)
    assert [line for line in more if not line.startswith("      ")] == []


@given(TEXTS)
def test_json_says_the_same(text: str) -> None:
    """A program reads what was there, and nothing of it is raw."""
    file = io.StringIO()
    Stream(file).write_json({"a": text, "b": [text]})
    assert_plain(file.getvalue(), 1)
    assert json.loads(file.getvalue()) == {"a": text, "b": [text]}


@given(TEXTS)
def test_a_page_has_the_same_lines(text: str) -> None:
    """Names, definitions and comments make no line of Markdown or Mermaid, and no markup."""

    def page(word: str) -> str:
        table, role = Object("table", f"t{word}"), f"r{word}"
        facts = {
            table: "present",
            table.comment: f"c{word}",
            Object("column", f"k{word}", table.name): f"text default '{shown(word)}'",
            Object("constraint", f"p{word}", table.name): f"primary key ({identifier('k')})",
            Object("view", f"v{word}"): f"select '{word}'",
            Object("view", f"v{word}").comment: word,
            Object("policy", f"y{word}", table.name): f"for all to {role} using (a = '{shown(word)}')",
            privileges_of(role, table): "select",
            Object("publication", f"p{word}"): "publication",
            Object("publication table", f"p{word}", "t"): f"table where (a = '{shown(word)}')",
        }
        return schema_page(ProjectSection(name=f"n{word}"), facts, ())

    found = page(text)
    assert_lines(found, page("x").count("\n"))
    prose = re.sub(r"(?<!\\)`[^`\n]*`|</?code>", "", found)
    assert re.findall(r"(?<!\\)(?:\\\\)*[<\[]", prose) == ["[", "["]  # of the links to the one table


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12))
def test_sql_for_pasting_is_one_line_and_means_the_same(word: str) -> None:
    """A name or a string with a line end is written with an escape."""
    name, text = identifier(word), literal(word)
    found = printable(f"select {name}, {text}")
    if "\\" not in word:  # such a literal begins with E
        assert_lines(found, 1)


def test_the_server_reads_pasted_sql_alike(database: str) -> None:
    """What is written with escapes is the same name and the same string."""
    with Connection.connect(database) as connection:
        text = literal("a\n")
        for name in ("a\nb", 'a"\u202eb', "a\x1b\U000e0041", "a\\\nb"):
            cursor = connection.execute(printable(f"select {text} as {identifier(name)}").encode())
            assert [column.name for column in cursor.description or ()] == [name]
            assert cursor.fetchone() == ("a\n",)


@pytest.mark.parametrize("character", HIDDEN.replace("\0", ""))
def test_no_hidden_character_is_printed(character: str) -> None:
    """Each kind of them is an escape."""
    assert shown(f"a{character}b") == f"a{character.encode('unicode_escape').decode()}b"


def test_what_people_write_stays() -> None:
    """Letters of all scripts, wide ones, symbols, tabs and spaces are no escapes."""
    assert shown("ä 漢字\t✅\xa0ع") == "ä 漢字\t✅\xa0ع"
    assert str(DatabaseError("ä")) == "ä"
