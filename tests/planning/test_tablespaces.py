"""Where tables and indexes are, as far as the scripts say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from tests.planning.test_planner import assert_plan_is_kept, compact
from tests.repair.test_propose import assert_repaired_or_reported
from tests.support.servers import Server


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties."""
    with server.database() as first, server.database() as second:
        yield first, second


@pytest.fixture(scope="module")
def fast(server: Server, pair: Sequence[str]) -> Iterator[str]:
    """Return the name of a tablespace, of which nothing is left when the tests are done."""
    name = f"fast_{pair[0].rpartition('test_')[2][:8]}"
    with psycopg.connect(server.conninfo, autocommit=True) as connection:
        connection.execute("set allow_in_place_tablespaces = true")
        connection.execute(f"create tablespace {name} location ''".encode())
        yield name
        for dsn in pair:
            with psycopg.connect(dsn, autocommit=True) as own:
                own.execute("drop schema public cascade")
        connection.execute(f"drop tablespace {name}".encode())


def test_tablespaces_of_a_new_database(pair: Sequence[str], fast: str, tmp_path: Path) -> None:
    """What is declared is built without the tablespace; what a partition has from its table goes without saying."""
    script = f"""
        create table if not exists item (
            id integer primary key using index tablespace {fast}, name text check (name ~ '^(a|b)$') default 'x'
        ) with (fillfactor = 50) tablespace {fast};
        create index if not exists item_name on item using btree (lower(name) desc nulls last) include (id)
            with (fillfactor = 60) tablespace {fast} where name <> 'ü';
        create materialized view if not exists low tablespace {fast} as select id from item;
        create table if not exists part (id integer) partition by list (id) tablespace {fast};
        create table if not exists part_1 partition of part for values in (1);
        alter table item set tablespace pg_default;
        alter index item_name set tablespace pg_default;
    """
    planned = assert_plan_is_kept(pair, tmp_path, {"scripts": {"010_item.sql": script}})
    assert [step["action"] for step in planned["steps"]] == ["create"] * 5 + ["alter"] * 2


def test_a_statement_moves_what_is_elsewhere(pair: Sequence[str], fast: str, tmp_path: Path) -> None:
    """ALTER … SET TABLESPACE is sent where the object is not there already."""
    facts = {
        "before": f"create table item (id integer); create index item_id on item (id) tablespace {fast}",
        "scripts": {
            "010_item.sql": f"""create table if not exists item (id integer);
                create index if not exists item_id on item (id);
                alter table item set tablespace {fast};
                alter index item_id set tablespace pg_default;"""
        },
    }
    assert compact(assert_plan_is_kept(pair, tmp_path, facts)) == [
        "= 010:1 table item",
        "= 010:2 index item_id",
        "~ 010:3 tablespace of table item",
        "~ 010:4 tablespace of index item_id",
    ]


def test_no_repair_moves_anything(pair: Sequence[str], fast: str, tmp_path: Path) -> None:
    """What is elsewhere is found with its statement, where a script says one; what no script says does not count."""
    drift = {
        "before": f"""
            create table item (id integer); create table other (id integer) tablespace {fast};
            create table more (id integer) tablespace {fast};
            create index item_id on item (id) tablespace {fast}; create index item_again on item (id);
        """,
        "declared": f"""
            create table if not exists item (id integer) tablespace {fast};
            create table if not exists other (id integer) tablespace pg_default;
            create table if not exists more (id integer);
            create index if not exists item_id on item (id);
            create index if not exists item_again on item (id) tablespace {fast};
        """,
        "left": [
            "different: tablespace of index item_again",
            "different: tablespace of table item",
            "different: tablespace of table other",
        ],
    }
    assert_repaired_or_reported(pair, tmp_path, drift)
