"""The SQL of findings: psql runs it, and then the database is as declared, with all that somebody had in it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, feed, run_command, write_case
from tests.support.possessions import possessions
from tests.support.projects import CASES
from tests.support.servers import Server

REMEDIES: dict[str, dict[str, Any]] = tomllib.loads((CASES / "remedies.toml").read_text(encoding="utf-8"))
REPAIRED = [name for name, case in REMEDIES.items() if "repaired" in case]
ROLES = ("remedies_owner", "remedies_reader")


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties, and roles that own things in them."""
    with server.roles(2) as roles, server.database() as first, server.database() as second:
        NAMES.update(zip(ROLES, roles, strict=True))
        yield first, second


NAMES: dict[str, str] = {}
"""The names of the roles in the cases, with those on the server."""


def facts_of(case: Mapping[str, Any], repair: str) -> dict[str, Any]:
    """Return what the helpers for plans make a project and a database of."""
    before = case["before"]
    for name, role in NAMES.items():
        before = before.replace(name, role)
    scripts = case["declared"] if isinstance(case["declared"], dict) else {"010_item.sql": case["declared"]}
    manifest = {
        "project": {"trusted_creators": list(NAMES.values())},
        "run": {"repair": repair} | case.get("run", {}),
    }
    return {"before": before, "scripts": scripts, "manifest": manifest, "options": case.get("options", {})}


def skip_where_unknown(server: Server, case: Mapping[str, Any]) -> None:
    if server.major < case.get("since", 0):
        pytest.skip(f"PostgreSQL {case['since']} and newer")


@pytest.mark.parametrize("name", REMEDIES)
def test_the_sql_of_a_finding_works(server: Server, pair: Sequence[str], tmp_path: Path, name: str) -> None:
    """What is offered is run by psql: nothing differs then, and nothing is lost; else it is said why there is none."""
    case, (dsn, _) = REMEDIES[name], pair
    skip_where_unknown(server, case)
    facts = facts_of(case, "none")
    begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    run_command(tmp_path, "lock", dsn)
    found = run_command(tmp_path, "verify", dsn, "--json").json["findings"]
    assert found
    offered = [finding["repair"]["sql"] for finding in found]
    assert all(finding["repair"]["why"] for finding in found)
    if "because" in case:
        assert (offered, [finding["repair"]["why"] for finding in found]) == ([""] * len(found), case["because"])
        return
    if "sql" in case:
        assert offered == case["sql"]
    before = possessions(dsn)
    assert feed(tmp_path, dsn, "\n".join(dict.fromkeys(offered))) == (0, "")
    assert run_command(tmp_path, "verify", dsn, "--json").json["findings"] == []
    lost = before - possessions(dsn)
    assert sorted(entry for entry in lost if entry[1] not in case.get("becomes", ())) == []


@pytest.mark.parametrize("name", REPAIRED)
def test_what_loses_nothing_is_repaired(server: Server, pair: Sequence[str], tmp_path: Path, name: str) -> None:
    """The level of a case repairs it, the one below does not; psql ends in the same database; nothing is left to do."""
    case, (by_apply, by_psql) = REMEDIES[name], pair
    skip_where_unknown(server, case)
    facts = facts_of(case, case["repaired"])
    for dsn in pair:
        begin(tmp_path, facts, dsn)
    if case["repaired"] == "align":
        write_case(tmp_path, facts_of(case, "additive"))
        assert run_command(tmp_path, "plan", by_apply, "--check").code == 1
        planned = run_command(tmp_path, "plan", by_apply, "--json").json
        assert not [step["sql"] for step in planned["steps"] if step["action"] in ("create", "alter")]
    write_case(tmp_path, facts)
    before = possessions(by_apply)
    dry = run_command(tmp_path, "apply", by_psql, "--dry-run")
    assert feed(tmp_path, by_psql, dry.out) == (0, "")
    run_command(tmp_path, "lock", by_psql)  # from here on, what is declared is not built again
    applied = run_command(tmp_path, "apply", by_apply)
    assert applied.code == 0, applied
    assert still_dump(by_psql) == still_dump(by_apply)
    assert run_command(tmp_path, "plan", by_apply, "--json").json["pending"] == 0
    lost = before - possessions(by_apply)
    assert sorted(entry for entry in lost if entry[1] not in case.get("becomes", ())) == []
