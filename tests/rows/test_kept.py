"""Rows before and after a change of the tables: what counts as kept, and what became of the rest."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from runner.rows.kept import Fate, find_fates, same_in
from runner.rows.tables import read_contents
from tests.support.projects import CASES

if TYPE_CHECKING:
    from psycopg import Connection

FOUND: dict[str, dict[str, Any]] = tomllib.loads((CASES / "kept.toml").read_text(encoding="utf-8"))
KEY = """
    create table person (id integer primary key, name text, age integer);
    insert into person values (1, 'Zoë', 7), (2, 'Bo', null);
"""
NO_KEY = """
    create table person (name text, age integer);
    insert into person values ('Zoë', 7), ('Bo', null), ('Bo', null);
"""


def said_of(fate: Fate) -> str:
    """Return what became of a table or a column in a line."""
    name = f"column {fate.table.name}.{fate.column.name}" if fate.column else f"table {fate.table.name}"
    words = [fate.kind, name, f"({fate.now_called})" if fate.now_called else "", str(fate.rows or "")]
    values = f": {fate.then}" if fate.kind == "lost" else f": {fate.then} → {fate.now}" if fate.kind != "gone" else ""
    return " ".join(filter(None, words)) + values


@pytest.mark.parametrize("case", FOUND)
def test_what_became_of_rows(connection: Connection, case: str) -> None:
    """Tables and columns are known again under other names, and what their rows lost is named."""
    facts = FOUND[case]
    connection.execute(facts.get("before", NO_KEY if facts.get("without_key") else KEY).encode())
    then = read_contents(connection)
    connection.execute(facts["change"].encode())
    now = read_contents(connection)
    fates = find_fates(then, now, same_in(connection), lambda _: False)
    assert [said_of(fate) for fate in fates] == facts["said"]


def test_ignored_tables_are_not_compared(connection: Connection) -> None:
    """Such as those of the history."""
    connection.execute(KEY.encode())
    then = read_contents(connection)
    connection.execute("delete from person")
    assert list(find_fates(then, read_contents(connection), same_in(connection), lambda _: True)) == []
