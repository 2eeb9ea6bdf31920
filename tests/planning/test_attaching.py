"""Partitions are attached without a scan under locks, and not at all when rows are against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.catalog.partition_bounds import accepts
from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, run_command, write_case
from tests.support.servers import Server

BOUNDS = [
    ("a integer", "RANGE (a)", "FROM (1) TO (10)"),
    ("a integer", "RANGE (a)", "FROM (MINVALUE) TO (10)"),
    ("a integer", "RANGE (a)", "FROM (1) TO (MAXVALUE)"),
    ("a bigint", "RANGE (a)", "FROM ('1') TO ('10')"),
    ("a numeric", "RANGE (a)", "FROM ('1') TO ('10.5')"),
    ("a date", "RANGE (a)", "FROM ('2020-01-01') TO ('2021-01-01')"),
    ("a timestamptz", "RANGE (a)", "FROM ('2020-01-01 00:00:00+00') TO ('2021-01-01 00:00:00+00')"),
    ("a integer", "RANGE (((a + 1)))", "FROM (1) TO (10)"),
    ('a text collate "C"', "RANGE (a)", "FROM ('x') TO ('y')"),
    ("a text", 'RANGE (a COLLATE "C")', "FROM ('x') TO ('y')"),
    ("a integer, b text", "RANGE (a, b)", "FROM (1, 'x') TO (10, 'y')"),
    ("a integer, b text", "RANGE (a, b)", "FROM (1, 'x') TO (1, 'y')"),
    ("a integer, b text", "RANGE (a, b)", "FROM (1, 'x') TO (10, MAXVALUE)"),
    ("a integer, b text", "RANGE (a, b)", "FROM (1, MINVALUE) TO (1, MAXVALUE)"),
    ("a integer, b text", "RANGE (a, b)", "FROM (1, MAXVALUE) TO (10, MINVALUE)"),
    ("a integer, b text", "RANGE (a, b)", "FROM (MINVALUE, MINVALUE) TO (MAXVALUE, MAXVALUE)"),
    ("a integer, b text", "RANGE (lower(b), a)", "FROM ('x', 1) TO ('y', 2)"),
    ("a integer, b text, c date", "RANGE (a, b, c)", "FROM (1, 'x', '2020-01-01') TO (10, 'y', '2021-01-01')"),
    ("a integer, b text, c date", "RANGE (a, b, c)", "FROM (1, 'x', '2020-01-01') TO (1, 'y', '2021-01-01')"),
    ("a integer, b text, c date", "RANGE (a, b, c)", "FROM (1, 'x', MINVALUE) TO (1, 'x', MAXVALUE)"),
    ("a text", "LIST (a)", "IN ('x')"),
    ("a varchar(3)", "LIST (a)", "IN ('x', 'y')"),
    ("a text", "LIST (a)", "IN ('x', NULL)"),
    ("a text", "LIST (a)", "IN (NULL)"),
    ("a boolean", "LIST (a)", "IN (true)"),
    ("b text", "LIST (lower(b))", "IN ('x', 'y')"),
]
BEFORE = """
    create table item (id integer, name text) partition by range (id);
    create table item_rest partition of item default;
    create table item_2 (id integer, name text);
"""
DECLARED = """
create table if not exists item (id integer, name text) partition by range (id);
create table if not exists item_rest partition of item default;
create table if not exists item_2 (id integer, name text);
alter table item attach partition item_2 for values from (10) to (20);
"""


@pytest.fixture(scope="module")
def dsn(server: Server) -> Iterator[str]:
    """A database that each case empties."""
    with server.database() as dsn:
        yield dsn


@pytest.fixture(scope="module")
def connection(server: Server) -> Iterator[Connection[Any]]:
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(("columns", "keys", "values"), BOUNDS)
def test_postgresql_sees_what_a_check_says(connection: Connection[Any], columns: str, keys: str, values: str) -> None:
    """With a CHECK of what a bound takes, neither the partition nor the default one beside it is read."""
    told: list[str] = []
    condition = accepts(keys, f"FOR VALUES {values}", "item")
    with connection.transaction(force_rollback=True):
        for statement in (
            f"create table item ({columns}) partition by {keys}",
            "create table rest partition of item default",
            "create table part (like item)",
            f"alter table part add check ({condition})",
            f"alter table rest add check (not ({condition}))",
            "set local client_min_messages = debug1",
        ):
            connection.execute(statement)
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        connection.execute(f"alter table item attach partition part for values {values}")
    assert sum("is implied by existing constraints" in text for text in told) == 2, told


def test_an_operator_class_of_its_own_is_not_compared() -> None:
    """What `<` means there is another thing."""
    assert not accepts("RANGE (a text_pattern_ops)", "FOR VALUES FROM ('x') TO ('y')", "item")


@pytest.mark.parametrize(
    ("row", "against"),
    [
        ("item values (12, 'x')", "item_rest has rows that belong to it"),
        ("item_2 values (9, 'x')", "outside its bounds"),
    ],
)
@pytest.mark.parametrize("run", ["always", "once"])
def test_rows_keep_a_partition_from_being_attached(dsn: str, tmp_path: Path, row: str, against: str, run: str) -> None:
    """Nothing is sent; the message has the place, the table and the rows, and the plan says the same."""
    facts = {
        "before": f"{BEFORE}; insert into {row}",
        "scripts": {"005_other.sql": "create table if not exists other (a integer);", "010_item.sql": DECLARED},
        "options": {"010_item.sql": {"run": run}},
    }
    begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    before = still_dump(dsn)
    planned = run_command(tmp_path, "plan", dsn, "--check")
    assert (planned.code, against in planned.out) == (1, True), planned
    applied = run_command(tmp_path, "apply", dsn)
    assert applied.code == 1
    for words in ("script/010_item.sql:5: table item_2 cannot be attached", against, "name: x", "nothing was sent"):
        assert words in applied.err, applied
    assert still_dump(dsn) == before


@pytest.mark.parametrize(
    "moves",
    [
        "with gone as (delete from item_rest returning *) insert into item_2 select * from gone;",
        "with gone as (delete from item where id = 12 returning *) insert into item_2 select * from gone;",
        "with gone as (delete from shown returning *) insert into item_2 select * from gone;",
        "select move();",
        "do $$ begin perform move(); end $$;",
    ],
)
def test_rows_that_may_be_moved_before_are_no_reason(dsn: str, tmp_path: Path, moves: str) -> None:
    """The partition is attached, as PostgreSQL does it."""
    head, attach = DECLARED.rsplit("\n", 2)[0], DECLARED.rsplit("\n", 2)[1]
    facts = {
        "before": f"{BEFORE}; create view shown as select * from item; insert into item values (12, 'x');"
        "create function move() returns void begin atomic"
        " insert into item_2 select * from item; delete from item; end",
        "scripts": {"010_item.sql": head, "020_moved.sql": f"{moves}\n{attach}"},
        "options": {"020_moved.sql": {"run": "once"}},
        "manifest": {"run": {"allow_hazards": ["deletes_data"]}},
    }
    begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    applied = run_command(tmp_path, "apply", dsn)
    assert applied.code == 0, applied
    with psycopg.connect(dsn) as connection:
        assert connection.execute("select id from item_2").fetchall() == [(12,)]
