"""What older files do not mind: an object that takes each row and each query that the declared one takes."""

from __future__ import annotations

import pytest

from runner.catalog.diff import Difference, DifferenceKind
from runner.catalog.wider import is_wider
from runner.sql.objects import Object

COLUMN, INDEX, TYPE = Object("column", "a", "t"), Object("index", "i", "t"), Object("type", "e")
WIDER = [
    (COLUMN, "integer", "bigint"),
    (COLUMN, "character varying(20) not null", "text not null"),
    (COLUMN, "character varying(20) default 'a'::character varying", "text default 'a'::text"),
    (COLUMN, "integer not null", "integer"),
    (COLUMN, "integer", "integer default 1"),
    (COLUMN, "integer not null serial (as integer)", "bigint not null serial"),
    (INDEX, "btree (a)", "btree (a desc)"),
    (TYPE, "enum ('a', 'c')", "enum ('a', 'b', 'c')"),
    (COLUMN.comment, "old words", "new words"),
]
NARROWER = [
    (COLUMN, "bigint", "integer"),
    (COLUMN, "text", "character varying(20)"),
    (COLUMN, "integer", "integer not null"),
    (COLUMN, "integer default 1", "integer default 2"),
    (COLUMN, "integer default 1", "integer"),
    (COLUMN, "text", 'text collate "C"'),
    (COLUMN, "integer", "integer generated always as (1) stored"),
    (INDEX, "unique btree (a)", "btree (a)"),
    (INDEX, "btree (a)", "unique btree (a)"),
    (TYPE, "enum ('a', 'b')", "enum ('b', 'a')"),
    (TYPE, "enum ('a', 'b')", "enum ('a')"),
    (Object("function", "f()"), "old body", "new body"),
    (Object("constraint", "c", "t"), "CHECK (a > 0)", "CHECK (a > 1)"),
]


@pytest.mark.parametrize(("item", "declared", "actual"), WIDER)
def test_wider(item: Object, declared: str, actual: str) -> None:
    """It is the same, or takes more."""
    assert is_wider(Difference("different", item, declared, actual, item))


@pytest.mark.parametrize(("item", "declared", "actual"), NARROWER)
def test_not_wider(item: Object, declared: str, actual: str) -> None:
    """It takes less, or nobody can tell."""
    assert not is_wider(Difference("different", item, declared, actual, item))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("missing", False),
        ("invalid", False),
        ("rejecting", False),
        ("undeclared", True),
        ("unmanaged", True),
        ("not compared", True),
    ],
)
def test_kinds(kind: DifferenceKind, *, expected: bool) -> None:
    """What is missing or refuses rows counts, what is more does not, nor what could not be read."""
    assert is_wider(Difference(kind, COLUMN, None, "integer", COLUMN)) is expected
