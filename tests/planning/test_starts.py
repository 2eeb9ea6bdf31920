"""Scripts on every database that they can meet: an empty one, a complete one, half of one, one of an earlier release.

Each ends like the empty one, of which tests/laws/test_as_psql.py is; the dry run does the same, and a second run sends
nothing.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, feed, run_command, write_case
from tests.support.projects import CASES
from tests.support.servers import Server

STARTS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "starts.toml").read_text(encoding="utf-8"))
REFUSED = 2
COMPARED = """
    select table_schema, table_name, column_name, data_type, column_default, is_nullable, is_identity
    from information_schema.columns where table_schema !~ '^pg_|information_schema';
    select conrelid::regclass::text, case when contype <> 'p' then conname end, pg_get_constraintdef(oid), convalidated
    from pg_constraint where connamespace::regnamespace::text !~ '^pg_|information_schema' and contype <> 'n';
    select schemaname, tablename, indexname, indexdef from pg_indexes
    where schemaname !~ '^pg_' and not exists (select from pg_constraint where contype = 'p' and conname = indexname);
    select schemaname, viewname, definition from pg_views where schemaname !~ '^pg_|information_schema';
    select pronamespace::regnamespace::text, proname, prosrc, proargtypes::text, prorettype::regtype::text
    from pg_proc where pronamespace::regnamespace::text !~ '^pg_|information_schema';
    select typnamespace::regnamespace::text, typname, typtype from pg_type
    where typnamespace::regnamespace::text !~ '^pg_|information_schema';
    select classoid::regclass::text, description from pg_description where objoid >= 16384;
    select tgrelid::regclass::text, tgname, tgenabled from pg_trigger where not tgisinternal
"""
PAIRS = [(case, start) for case, facts in STARTS.items() for start in ("", *facts.get("starts", {}))]


@pytest.fixture(scope="module")
def trio(server: Server) -> Iterator[tuple[str, str, str]]:
    """Three databases, which each case empties: that is quicker than making three."""
    with server.database() as first, server.database() as second, server.database() as third:
        yield first, second, third


def started(facts: Mapping[str, Any], start: str) -> dict[str, Any]:
    """Return a case that begins with one of its starts; the one without a name is an empty database."""
    before: dict[str, Any] = {"before": facts["starts"][start]} if start else {}
    if start and facts.get("is_known"):
        before["earlier"] = {"010_known.sql": "create table if not exists known (id int);"}
    is_about_starts = bool(facts.get("starts")) and not start and facts.get("code") != REFUSED
    code = 0 if is_about_starts else facts.get("code", 0)
    return {**{key: value for key, value in facts.items() if key != "starts"}, **before, "code": code}


@pytest.mark.parametrize(("case", "start"), PAIRS, ids=[f"{case}: {start or 'empty'}" for case, start in PAIRS])
def test_each_start_ends_like_the_empty_database(
    server: Server, trio: Sequence[str], tmp_path: Path, case: str, start: str
) -> None:
    """Apply, the dry run and a second run on one of the databases that the scripts can meet."""
    facts, (by_apply, by_psql, empty) = started(STARTS[case], start), trio
    if server.major < facts.get("only_since", 0):
        pytest.skip(f"only since PostgreSQL {facts['only_since']}")
    code, arguments = facts["code"], facts.get("arguments", {}).get(start, [])
    for dsn in (by_apply, by_psql):
        begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    while True:
        dry = run_command(tmp_path, "apply", by_psql, "--dry-run", *arguments)
        if code == REFUSED:
            assert dry.code == REFUSED, dry
            return
        assert dry.code == 0, dry
        is_stage = bool(arguments) or run_command(tmp_path, "plan", by_psql, "--json").json["forecast"] is not None
        run_command(tmp_path, "lock", by_psql)
        expected = dry.out.splitlines()[1].removeprefix("-- Plan ").partition(",")[0]
        applied = run_command(tmp_path, "apply", by_apply, "--expect", expected, *arguments)
        assert applied.code == (1 if is_stage else code), applied
        assert feed(tmp_path, by_psql, dry.out) == (0, "")
        assert still_dump(by_psql) == still_dump(by_apply)
        if not is_stage:
            break
        arguments = []
    if start and "has" in facts:
        with psycopg.connect(by_apply) as connection:
            for query, value in facts["has"].items():
                assert connection.execute(query.encode()).fetchall() == [(value,)], query
    assert_nothing_is_left(tmp_path, by_apply, facts)
    if code == 0:
        begin(tmp_path, {key: value for key, value in facts.items() if key not in ("before", "earlier")}, empty)
        write_case(tmp_path, facts)
        assert run_command(tmp_path, "apply", empty).code == 0
        assert not tables(empty) - tables(by_apply)


def assert_nothing_is_left(folder: Path, dsn: str, facts: Mapping[str, Any]) -> None:
    """Assert that a second run sends nothing that the case does not name, and ends as the first one."""
    left = run_command(folder, "plan", dsn, "--json").json
    sent = [step["sql"] for step in left["steps"] if step["action"] != "unchanged"]
    assert (left["pending"], left["setup"], sent) == (0, [], facts.get("sent_again", []))
    again = run_command(folder, "apply", dsn)
    assert again.code == facts["code"], again


def tables(dsn: str) -> Counter[tuple[Any, ...]]:
    """Return what a start has in common with the empty database in the end: all but rows and the order of columns.

    A start may have more that nobody declares, and other names for primary keys that no script names.
    """
    with psycopg.connect(dsn) as connection:
        queries = COMPARED.split(";")
        return Counter(row for query in queries for row in connection.execute(query.encode()).fetchall())
