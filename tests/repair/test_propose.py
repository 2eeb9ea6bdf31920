"""Each drift is repaired, or told: by apply and by the dry run alike, and nothing is pending afterwards."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, feed, run_command, write_case
from tests.support.projects import CASES
from tests.support.servers import Server

DRIFTS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "repairs.toml").read_text(encoding="utf-8"))
LEVELS: dict[str, Any] = tomllib.loads((CASES / "levels.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties."""
    with server.database() as first, server.database() as second:
        yield first, second


@pytest.mark.parametrize("case", DRIFTS)
def test_a_drift_is_repaired_or_reported(pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """What is left is exactly what is expected, with its SQL and a reason; psql leaves the same database."""
    with psycopg.connect(pair[0]) as connection:
        version = connection.info.server_version // 10_000
    if version < DRIFTS[case].get("since", version):
        pytest.skip(f"PostgreSQL {version} does not know it")
    assert_repaired_or_reported(pair, tmp_path, DRIFTS[case])


@pytest.mark.parametrize("level", ["none", "additive", "align"])
@pytest.mark.parametrize("state", ["missing", "different", "extra"])
@pytest.mark.parametrize("kinds", LEVELS)
def test_kinds_are_repaired_by_level(pair: Sequence[str], tmp_path: Path, kinds: str, state: str, level: str) -> None:
    """What is missing, differs or is undeclared is repaired at the level that may; SQL of findings works."""
    facts = LEVELS[kinds]
    drift = {
        "declared": facts["declared"],
        "before": facts["base"] + facts["before"][state],
        "run": {"repair": level},
        "left": facts["left"][state][level],
    }
    assert_repaired_or_reported(pair, tmp_path, drift)
    findings = run_command(tmp_path, "verify", pair[0], "--json").json["findings"]
    assert feed(tmp_path, pair[0], "\n".join(finding["repair"]["sql"] for finding in findings)) == (0, "")
    assert run_command(tmp_path, "verify", pair[0]).code == 0


def assert_repaired_or_reported(pair: Sequence[str], tmp_path: Path, drift: Mapping[str, Any]) -> None:
    facts = {
        "scripts": {"010_item.sql": drift["declared"]},
        "before": drift["before"],
        "manifest": {"run": {"repair": "align"} | drift.get("run", {})},
    }
    by_apply, by_psql = pair
    for dsn in pair:
        begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    assert feed(tmp_path, by_psql, run_command(tmp_path, "apply", by_psql, "--dry-run").out) == (0, "")
    run_command(tmp_path, "lock", by_psql)  # from here on, what is declared is not built again
    applied = run_command(tmp_path, "apply", by_apply)
    left = drift.get("left", [])
    assert applied.code == bool(left), applied
    assert still_dump(by_psql) == still_dump(by_apply)
    for dsn in pair:
        findings = run_command(tmp_path, "verify", dsn, "--json").json["findings"]
        assert sorted(f"{finding['kind']}: {finding['object']}" for finding in findings) == sorted(left)
        assert all(finding["repair"]["why"] != "not applied yet; fix: run `apply`" for finding in findings)
        assert all(finding["repair"]["sql"] for finding in findings) is not drift.get("is_unsafe", False)
        assert run_command(tmp_path, "plan", dsn, "--json").json["pending"] == 0
