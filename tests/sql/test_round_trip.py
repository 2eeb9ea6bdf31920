"""Definitions before and after a dump is restored: the cases of cases/round_trips.toml."""

from __future__ import annotations

import tomllib

import pytest

from runner.sql.round_trip import is_same
from tests.support.projects import CASES

PAIRS = tomllib.loads((CASES / "round_trips.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", PAIRS)
def test_definitions_are_the_same_if_only_the_words_differ(case: str) -> None:
    """What a restored dump has is the same as what was dumped, and nothing else is."""
    pair = PAIRS[case]
    stored, other = pair["stored"], pair.get("restored") or pair["other"]
    assert stored != other
    assert is_same(pair["kind"], stored, other) == is_same(pair["kind"], other, stored) == ("restored" in pair)


def test_what_nobody_can_read_is_itself_alone() -> None:
    """A definition that is no SQL, or too deep, is compared as it is."""
    deep = "CHECK (" + "abs(" * 300 + "a" + ")" * 300 + ")"
    assert is_same("constraint", deep, deep)
    assert not is_same("constraint", deep, deep.replace("(a", "(b"))
    assert not is_same("column", "text default 'a", "text default 'b")
