"""What belongs to the whole database: planned, repaired and verified like the rest, known from the text alone."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.planning.test_planner import assert_plan_is_kept, compact
from tests.repair.test_propose import assert_repaired_or_reported
from tests.support.planned_cases import begin, run_command, write_case
from tests.support.projects import CASES
from tests.support.servers import Server

PLANS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "database_wide.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties."""
    with server.database() as first, server.database() as second:
        yield first, second
        for dsn in (first, second):  # one with a subscription cannot be dropped
            begin(Path(), {}, dsn)


@pytest.mark.parametrize("case", PLANS)
def test_the_plan_is_what_is_done(pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """The plan says what is needed; apply and psql do the same of it, and then nothing is pending."""
    facts = PLANS[case]
    planned = assert_plan_is_kept(pair, tmp_path, facts)
    assert compact(planned) == facts["plan"]
    assert planned["pending"] == facts["pending"]


@pytest.mark.parametrize("level", ["none", "additive", "align"])
def test_no_run_changes_a_subscription(pair: Sequence[str], tmp_path: Path, level: str) -> None:
    """What differs is found at each level, with the statements; neither has the connection."""
    drift = {
        "before": """
            create subscription reader connection 'host=x' publication news
                with (connect = false, slot_name = none, disable_on_error = true);
            create subscription other connection 'host=x' publication news with (connect = false, slot_name = none);
            create subscription more connection 'host=x' publication news with (connect = false, slot_name = none);
        """,
        "declared": """
            create subscription reader connection 'host=y' publication "News", feed
                with (connect = false, slot_name = none, binary = true);
            create subscription other connection 'host=y' publication news with (connect = false, slot_name = none);
        """,
        "run": {"repair": level},
        "left": ["different: subscription reader"],
    }
    assert_repaired_or_reported(pair, tmp_path, drift)
    (finding,) = run_command(tmp_path, "verify", pair[0], "--json").json["findings"]
    assert finding["declared"] == "to \"News\", feed with (\"binary\" 'true', slot_name 'none')"
    assert finding["actual"] == "to news with (disable_on_error 'true', slot_name 'none')"
    assert finding["repair"]["sql"].splitlines() == [
        'alter subscription reader set publication "News", feed;',
        "alter subscription reader set (binary = 'true', disable_on_error = 'false');",
    ]


def test_what_no_script_makes_is_changed_with_each_run(pair: Sequence[str], tmp_path: Path) -> None:
    """Nothing tells what it is when all statements that there are have been run, so none is left out."""
    facts = {
        "before": """
            create foreign data wrapper post; create server branch foreign data wrapper post options (host 'x');
            create publication news;
        """,
        "scripts": {
            "010_change.sql": """alter server branch options (set host 'y');
                alter publication news set (publish = 'insert');
                alter foreign data wrapper post no validator;"""
        },
    }
    begin(tmp_path, facts, pair[0])
    folder = write_case(tmp_path, facts)
    for _ in range(2):
        assert compact(run_command(folder, "plan", pair[0], "--json").json) == [
            "> 010:1 server branch",
            "> 010:2 publication news",
            "> 010:3 foreign-data wrapper post",
        ]
        assert run_command(folder, "apply", pair[0]).code == 0
