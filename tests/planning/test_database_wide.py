"""What belongs to the whole database: planned, repaired and verified like the rest, known from the text alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.planning.test_planner import assert_plan_is_kept, compact
from tests.support.projects import CASES
from tests.support.servers import Server

PLANS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "database_wide.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties."""
    with server.database() as first, server.database() as second:
        yield first, second


@pytest.mark.parametrize("case", PLANS)
def test_the_plan_is_what_is_done(pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """The plan says what is needed; apply and psql do the same of it, and then nothing is pending."""
    facts = PLANS[case]
    planned = assert_plan_is_kept(pair, tmp_path, facts)
    assert compact(planned) == facts["plan"]
    assert planned["pending"] == facts["pending"]
