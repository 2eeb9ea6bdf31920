"""Verify finds a difference exactly when pg_dump shows one, for schemas that differ in nothing, in little, or in much.

RUNNER_TEST_EXAMPLES is how many pairs of schemas are tried; when it is set, they are other ones with each run.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff

import pytest
from hypothesis import given, note

from tests.support.random_schemas import EXAMPLES, Script, Side, Sides, pairs, sides

__all__ = ["sides"]  # a fixture, which pytest finds here


def difference(one: Script, other: Script) -> str:
    return "\n".join(unified_diff(one, other, "declared", "actual", lineterm="", n=0))


@pytest.mark.long
@EXAMPLES
@given(pairs())
def test_verify_sees_what_a_dump_shows(sides: Sides, pair: tuple[Script, Script]) -> None:
    """A database has a finding, or something unmanaged, exactly if its dump is not that of the declared schema."""
    both = (sides.declared, sides.actual)
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(Side.make, both, pair))
        dumps = list(pool.map(Side.dump, both))
    shown = difference(*dumps)
    note(f"scripts:\n{difference(*made)}\ndumps:\n{shown}")
    found = sides.verify(made[0])
    assert bool(found) == bool(shown), found or "nothing found"
