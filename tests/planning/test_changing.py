"""The recipes of docs/changing.md: each release of them is applied, and the older one becomes the newer one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.planning.test_starts import tables
from tests.support.planned_cases import begin, run_command, write_case
from tests.support.projects import ROOT
from tests.support.servers import Server

_HEAD = re.compile(r"-- sql/(\S+), (\w+)(, allow_destructive)?")
ROWS: Mapping[str, tuple[str, str, object]] = {
    "Add a column": (
        "insert into person values (1, 'Ada')",
        "select name || is_active from person",
        "Adatrue",
    ),
    "Rename a column": (
        "insert into person values (1, 'Ada')",
        "select full_name from person",
        "Ada",
    ),
    "Split a column": (
        "insert into person values (1, 'Ada Lovelace')",
        "select last_name || ', ' || first_name from person",
        "Lovelace, Ada",
    ),
    "Merge two tables": (
        "insert into person values (1, 'Ada'); insert into company values (1, 'Babbage & Co')",
        "select string_agg(id || kind || name, ' ' order by id) from contact",
        "1personAda 2companyBabbage & Co",
    ),
    "Convert a type": (
        "insert into event values (1, '2026-01-02 03:04Z')",
        "select to_char(at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') from event",
        "2026-01-02 03:04",
    ),
    "NOT NULL after a backfill": (
        "insert into person values (1, null), (2, 'ada@example.org')",
        "select string_agg(email, ' ' order by id) from person",
        "unknown ada@example.org",
    ),
    "A constraint after a clean-up": (
        "insert into person values (1, 'a@b.c', 'US'), (2, 'a@b.c', 'XX'), (3, null, 'GB')",
        "select string_agg(concat(id, email, country), ' ' order by id) from person",
        "1a@b.cUS 2 3GB",
    ),
    "Enum to lookup table": (
        "insert into ticket values (1, 'closed')",
        "select state from ticket",
        "closed",
    ),
    "Drop a column or a table": (
        "insert into person values (1, 'Ada', '123'); insert into telex values (1)",
        "select to_jsonb(person)::text from person",
        '{"id": 1, "name": "Ada"}',
    ),
}
"""Rows of the older release, and what a query of the newer one gives."""


def recipes() -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Return each recipe with the scripts and options of its two releases."""
    text = (ROOT / "docs" / "changing.md").read_text(encoding="utf-8")
    for section in text.split("\n## ")[1:]:
        title, _, body = section.partition("\n")
        if "\nBefore:\n" in body:
            before, after = body.split("\nBefore:\n")[1].split("\nAfter:\n")
            yield title, release(before), release(after)


def release(text: str) -> dict[str, Any]:
    """Return the scripts of a release, with how they are run."""
    scripts: dict[str, str] = {}
    options: dict[str, Any] = {}
    blocks = re.findall(r"^```sql\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    for line in "".join(blocks).splitlines():
        if head := _HEAD.fullmatch(line):
            name, options[head[1]] = head[1], {"run": head[2], "allow_destructive": bool(head[3])}
            scripts[name] = ""
        else:
            scripts[name] += f"{line}\n"
    return {"scripts": scripts, "options": options, "manifest": {"run": {"allow_hazards": []}}}


RECIPES = {title: (before, after) for title, before, after in recipes()}


def test_every_recipe_has_rows() -> None:
    """No recipe is passed over."""
    assert set(RECIPES) == set(ROWS)


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each recipe empties."""
    with server.database() as first, server.database() as second:
        yield first, second


@pytest.mark.parametrize("half", [False, True], ids=["whole", "in halves"])
@pytest.mark.parametrize("title", RECIPES)
def test_an_older_release_becomes_the_newer_one(pair: Sequence[str], tmp_path: Path, title: str, *, half: bool) -> None:
    """Rows are kept, the end is that of a new database, and a second run has nothing to do."""
    (older, newer), (rows, query, value), (old, new) = RECIPES[title], ROWS[title], pair
    begin(tmp_path, older, old)
    write_case(tmp_path, older)
    assert run_command(tmp_path, "apply", old).code == 0
    with psycopg.connect(old, autocommit=True) as connection:
        connection.execute(rows.encode())
    write_case(tmp_path, newer)
    planned = run_command(tmp_path, "plan", old, "--json").json
    if half and planned["forecast"] is not None:
        stage = run_command(tmp_path, "apply", old, "--expect", planned["hash"])
        assert (stage.code, "the upgrades are applied" in stage.err) == (1, True)
    applied = run_command(tmp_path, "apply", old)
    assert applied.code == 0, applied
    with psycopg.connect(old) as connection:
        assert connection.execute(query.encode()).fetchall() == [(value,)]
    assert run_command(tmp_path, "plan", old, "--check").code == 0
    begin(tmp_path, newer, new)
    write_case(tmp_path, newer)
    assert run_command(tmp_path, "apply", new).code == 0
    assert tables(old) == tables(new)


def test_nothing_comes_after_an_upgrade_that_fails(pair: Sequence[str], tmp_path: Path) -> None:
    """Neither another upgrade nor the rest is run, even with on_error = "continue"; the next run begins with it."""
    (older, newer), dsn = RECIPES["Split a column"], pair[0]
    begin(tmp_path, older, dsn)
    write_case(tmp_path, older)
    assert run_command(tmp_path, "apply", dsn).code == 0
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("insert into person values (1, 'Ada')")
    more = {
        "scripts": newer["scripts"] | {"030_more.sql": "create table more (id integer);"},
        "options": newer["options"] | {"030_more.sql": {"run": "upgrade"}},
        "manifest": {"run": {"on_error": "continue"}},
    }
    broken = more["scripts"]["020_split_name.sql"].replace("' ', 1)", "' ', 0)")
    write_case(tmp_path, {**more, "scripts": more["scripts"] | {"020_split_name.sql": broken}})
    failed = run_command(tmp_path, "apply", dsn, "--json").json
    assert [script["status"] for script in failed["scripts"]] == ["failed", "skipped", "skipped"]
    write_case(tmp_path, more)
    planned = run_command(tmp_path, "plan", dsn, "--json").json
    assert {step["script"] for step in planned["steps"]} == {"script/020_split_name.sql", "script/030_more.sql"}
    assert run_command(tmp_path, "apply", dsn, "--single-transaction").code == 1
    applied = run_command(tmp_path, "apply", dsn, "--json").json
    assert [script["status"] for script in applied["scripts"]] == ["applied", "applied", "unchanged"]


def test_what_is_recorded_of_an_unknown_database_is_recorded_at_once(pair: Sequence[str], tmp_path: Path) -> None:
    """Neither an upgrade before --upgrade-from nor a script that is done is run later in the run, or after a crash."""
    dsn = pair[0]
    scripts = {
        "010_person.sql": "create table if not exists person (id integer primary key, b text, c text);",
        "020_a.sql": "alter table person rename a to b; insert into person values (20);",
        "030_seed.sql": "create table if not exists seed (id integer); insert into seed values (1);",
        "040_do.sql": "do $$ begin null; end $$;",
        "050_c.sql": "alter table person add column c text; insert into person values (50);",
        "060_seed.sql": "create table if not exists more (id integer); insert into more values (1);",
    }
    runs = {"020_a.sql": "upgrade", "030_seed.sql": "once", "040_do.sql": "on_change"}
    runs |= {"050_c.sql": "upgrade", "060_seed.sql": "once"}
    facts: dict[str, Any] = {"scripts": scripts, "options": {name: {"run": run} for name, run in runs.items()}}
    facts["before"] = """
        create table person (id integer primary key, b text);
        create table seed (id integer); insert into seed values (1);
        create table more (id integer); insert into more values (1);
    """
    begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    planned = run_command(tmp_path, "apply", dsn, "--dry-run", "--upgrade-from", "script/050_c.sql").out
    setup, _, rest = planned.partition("commit;")
    assert [name for name in scripts if f"'script/{name}'" in setup] == ["020_a.sql", "030_seed.sql", "060_seed.sql"]
    assert "insert into person values (20)" not in rest
    applied = run_command(tmp_path, "apply", dsn, "--upgrade-from", "script/050_c.sql")
    assert applied.code == 0, applied
    with psycopg.connect(dsn) as connection:
        queries = [f"select id from {name}".encode() for name in ("person", "seed", "more")]
        assert [connection.execute(query).fetchall() for query in queries] == [[(50,)], [(1,)], [(1,)]]
    assert run_command(tmp_path, "plan", dsn, "--check").code == 0
