"""Literals and identifiers mean to the server what they were in Python."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection

from runner.sql.quoting import KEYWORDS, identifier, literal
from tests.support.servers import Server

FEW_AND_QUICK = settings(max_examples=40, deadline=None)
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NASTY = st.text("'\\\"$:%;-/*{}\n\r\t eEuU&x0")
STRINGS = TEXT | NASTY
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | STRINGS,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(STRINGS, inner, max_size=5),
    max_leaves=15,
)
NAMES = STRINGS.filter(lambda name: 0 < len(name.encode()) <= 63) | st.sampled_from(sorted(KEYWORDS))
MOMENTS = st.dates() | st.times() | st.datetimes() | st.datetimes(timezones=st.just(datetime.UTC))


@pytest.fixture(scope="module")
def session(server: Server) -> Iterator[Connection]:
    """One connection for all examples."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


def selected(connection: Connection, expression: str) -> Any:
    row = connection.execute(f"select {expression}".encode()).fetchone()
    assert row is not None
    return row[0]


@FEW_AND_QUICK
@given(STRINGS)
def test_text_comes_back(session: Connection, text: str) -> None:
    """Any text is one literal, whatever it looks like, with or without standard_conforming_strings."""
    for setting in ("on", "off"):
        session.execute(f"set standard_conforming_strings = {setting}".encode())
        assert selected(session, f"{literal(text)}::text") == text
    session.execute("reset standard_conforming_strings")


@FEW_AND_QUICK
@given(st.integers(min_value=-(10**300), max_value=10**300))
def test_whole_numbers_come_back(session: Connection, number: int) -> None:
    """A whole number of any size is itself, also after an operator."""
    assert selected(session, f"{literal(number)}::numeric") == number
    assert selected(session, f"0.0 - {literal(number)}") == -number


@FEW_AND_QUICK
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_come_back(session: Connection, number: float) -> None:
    """A float is the same number, to the last bit as double precision and to the last digit as numeric."""
    assert selected(session, f"({literal(number)})::double precision") == number
    assert selected(session, f"({literal(number)})::numeric") == Decimal(repr(number))


@FEW_AND_QUICK
@given(st.none() | st.booleans())
def test_null_and_booleans_come_back(session: Connection, value: bool | None) -> None:  # noqa: FBT001
    """None, True and False are null, true and false."""
    assert selected(session, literal(value)) is value


@FEW_AND_QUICK
@given(st.lists(JSON, max_size=5) | st.dictionaries(STRINGS, JSON, max_size=5))
def test_documents_come_back(session: Connection, document: object) -> None:
    """Lists and dicts are jsonb with the same content."""
    found = selected(session, literal(document))
    assert selected(session, f"pg_typeof({literal(document)})::text") == "jsonb"
    assert same(found, document)


def same(found: object, document: object) -> bool:
    """Return whether two documents are equal; jsonb may give the digits of a float back as a whole number."""
    if isinstance(found, dict) and isinstance(document, dict):
        return found.keys() == document.keys() and all(same(found[key], item) for key, item in document.items())
    if isinstance(found, list) and isinstance(document, list):
        return len(found) == len(document) and all(map(same, found, document))
    if isinstance(document, float) and type(found) is int:
        return float(found) == document
    return found == document and isinstance(found, bool) == isinstance(document, bool)


@FEW_AND_QUICK
@given(MOMENTS)
def test_dates_and_times_come_back(session: Connection, moment: object) -> None:
    """A date or time is the same moment, with its type."""
    session.execute("set timezone = 'UTC'")
    assert selected(session, literal(moment)) == moment


@FEW_AND_QUICK
@given(NAMES)
def test_names_are_kept(session: Connection, name: str) -> None:
    """Any name of 1 to 63 bytes is that very name for the server: of a column, and of a table."""
    cursor = session.execute(f"select t.{identifier(name)} from (select 1) as t ({identifier(name)})".encode())
    assert cursor.description is not None
    assert cursor.description[0].name == name
    session.execute(f"create temporary table {identifier(name)} (id integer)".encode())
    assert selected(session, "relname from pg_class where relpersistence = 't' and relkind = 'r'") == name
    session.execute(f"drop table {identifier(name)}".encode())


def test_keywords_are_the_servers(session: Connection, server: Server) -> None:
    """The words that are quoted are those of PostgreSQL 18; an older server has no other ones."""
    found = session.execute("select word from pg_get_keywords() where catcode <> 'U'").fetchall()
    words = {word for (word,) in found}
    assert words <= KEYWORDS
    if server.major == 18:
        assert words == KEYWORDS
