"""IF NOT EXISTS beside another object of the name: PostgreSQL skips it with a notice, and here it is a finding."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import psycopg
import pytest

from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, feed, run_command
from tests.support.projects import CASES, write_project
from tests.support.servers import Server

CASE: Mapping[str, Mapping[str, str]] = tomllib.loads((CASES / "namesakes.toml").read_text(encoding="utf-8"))
Pairs = Sequence[tuple[str, str, str]]


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    with server.database() as first, server.database() as second:
        yield first, second


def pairs(there: Mapping[str, str]) -> Pairs:
    """Return all pairs of kinds that are not the same, with a name for each."""
    kinds = [(one, other) for one, other in product(there, CASE["skipped"]) if kind(one) != other]
    kinds = [(one, other) for one, other in kinds if (one, other) not in {("type enum", "index"), ("domain", "index")}]
    return [(one, other, f"pair_{number}") for number, (one, other) in enumerate(kinds)]


def reasons(found: Pairs) -> set[tuple[str, str]]:
    """Return what is missing, and why."""
    return {(f"{other} {name}", kind(one)) for one, other, name in found}


def kind(words: str) -> str:
    return words.removesuffix(" partitioned").removesuffix(" composite").removesuffix(" enum")


def assert_each_is_told(folder: Path, dsn: str, by_psql: str, found: Pairs) -> None:
    """Assert that plan, apply and the dry run leave what is skipped, and say why; a second run does nothing else."""
    dry = run_command(folder, "apply", by_psql, "--dry-run")
    applied = run_command(folder, "apply", dsn, "--json")
    assert applied.code == 1
    assert [script["status"] for script in applied.json["scripts"] if script["error"]] == []
    told = [finding for finding in applied.json["verify"]["findings"] if finding["kind"] == "missing"]
    whys = {(finding["object"], finding["actual"]) for finding in told}
    assert {(what, why.split(" pair_")[0].split(" of_")[0]) for what, why in whys} == reasons(found)
    assert feed(folder, by_psql, dry.out) == (0, "")
    assert still_dump(by_psql) == still_dump(dsn)
    again = run_command(folder, "plan", dsn, "--check")
    assert again.code == 1
    assert again.out.count(" has its name") >= len(found)
    assert f"0 pending\n{len(found)} differences left unchanged" in again.out
    status = run_command(folder, "status", dsn).out
    assert status.count(" has its name") == status.count("missing: ") > 0
    assert f"{len(found)} differences left unchanged" in status


def test_what_is_there_has_the_name(pair: Sequence[str], tmp_path: Path) -> None:
    """Objects that somebody made under the names of declared ones, of each kind that PostgreSQL keeps apart."""
    there = {**CASE["there"], **CASE["refused"]}
    found = pairs(there)
    for dsn in pair:
        begin(tmp_path, {"before": "".join(there[one].replace("{}", name) for one, _, name in found)}, dsn)
    script = "".join(CASE["skipped"][other].replace("{}", name) for _, other, name in found)
    write_project(tmp_path, {"010_all.sql": script})
    assert_each_is_told(tmp_path, pair[0], pair[1], found)


def test_what_the_scripts_make_before_has_the_name(pair: Sequence[str], tmp_path: Path) -> None:
    """Scripts that make two objects of a name; on an empty database, too, the second one is told."""
    found = pairs({one: sql for one, sql in CASE["there"].items() if one != "table partitioned"})
    for dsn in pair:
        begin(tmp_path, {}, dsn)
    made = (CASE["there"][one].replace("create table", "create table if not exists") for one, _, _ in found)
    parts = zip(found, made, strict=True)
    script = "".join((sql + first(CASE["skipped"][other])).replace("{}", name) for (_, other, name), sql in parts)
    write_project(tmp_path, {"010_all.sql": script})
    assert_each_is_told(tmp_path, pair[0], pair[1], found)


def first(sql: str) -> str:
    """Return the statements that make the object, without comments, which PostgreSQL refuses where it is not there."""
    return sql.partition(" comment on")[0]


@pytest.mark.parametrize("frees", ["drop view it;", "alter view it rename to old;"])
def test_a_name_that_is_freed_before_is_used(pair: Sequence[str], tmp_path: Path, frees: str) -> None:
    """What had the name is dropped or renamed by the scripts themselves."""
    begin(tmp_path, {"before": "create view it as select 1 as a"}, pair[0])
    script, options = f"{frees} create table if not exists it (a int);", {"run": "once", "allow_destructive": True}
    write_project(tmp_path, {"010_all.sql": script}, options={"010_all.sql": options})
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    with psycopg.connect(pair[0]) as connection:
        assert connection.execute("select relkind from pg_class where relname = 'it'").fetchall() == [("r",)]


USERS = """create table if not exists item (a int);
insert into item select 1 where not exists (select from item);
create or replace view seen as select a from item;
create table if not exists other (a int);
"""


def test_nothing_uses_what_has_the_name(pair: Sequence[str], tmp_path: Path) -> None:
    """What would read, fill or be built on the other object is left out, too; a script that is run once is refused."""
    for dsn in pair:
        begin(tmp_path, {"before": "create table of_item (a int); create view item as select a from of_item"}, dsn)
    write_project(tmp_path, {"010_all.sql": USERS})
    dry = run_command(tmp_path, "apply", pair[1], "--dry-run")
    assert run_command(tmp_path, "apply", pair[0]).code == 1
    assert feed(tmp_path, pair[1], dry.out) == (0, "")
    assert still_dump(pair[1]) == still_dump(pair[0])
    with psycopg.connect(pair[0], autocommit=True) as connection:
        query = "select to_regclass('seen'), to_regclass('other') is not null, (select count(*) from of_item)"
        assert connection.execute(query).fetchall() == [(None, True, 0)]
        more = {"020_more.sql": USERS.replace("other", "more")}
        write_project(tmp_path, more, options={"020_more.sql": {"run": "once"}})
        refused = run_command(tmp_path, "apply", pair[0])
        assert refused.code == 1
        expected = (
            "script/020_more.sql:1: table item is missing, and is left unchanged: view item has its name; nothing"
        )
        assert expected in refused.err
        assert connection.execute("select to_regclass('more')").fetchall() == [(None,)]
