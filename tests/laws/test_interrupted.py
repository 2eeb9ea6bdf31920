"""Law 4: a run that is killed, or whose connection is cut, at any round trip loses nothing; the next one ends it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.dumps import state
from tests.support.projects import CASES, ROOT, run_runner, started_runner, write_project
from tests.support.proxy import CUT_AFTER, CUT_BEFORE, proxied
from tests.support.runs import LONGEST
from tests.support.servers import Server

FOLDER = CASES / "interrupted"
FEW = 6
"""At how many round trips a run is interrupted, unless all are asked for."""

INDEXES = {
    "010_item.sql": """
        create table if not exists item (id integer, name text);
        comment on table item is 'Items.';
        create index if not exists item_name_idx on item (name);
        comment on index item_name_idx is 'Finds by name.';
        create unique index if not exists item_id_idx on item (id);
    """,
    "020_once.sql": """
        insert into item select max(id) + 1, 'once' from item;
        create index if not exists item_both_idx on item (name, id);
    """,
    "030_alone.sql": "create index concurrently if not exists item_lower_idx on item (lower(name));",
}
"""Indexes on a table that counts as large."""
ROWS = """
    create table item (id integer, name text);
    insert into item select i, 'row ' || i from generate_series(1, 500) as i;
"""


KEYS = {
    "010_item.sql": """
        create table if not exists item (
            id integer, name text, size integer,
            constraint item_id primary key (id), constraint item_name unique (name) include (size)
        );
        comment on constraint item_id on item is 'Known by it.';
        create unique index if not exists item_size on item (size, name);
    """,
}
"""Keys of a table that counts as large: two are missing, one becomes another."""
KEY_ROWS = """
    create table item (id integer, name text, size integer, constraint item_name unique (name));
    create unique index item_size on item (size, id);
    insert into item select i, 'row ' || i, 0 from generate_series(1, 500) as i;
"""

PARTS = {
    "010_item.sql": """
        create table if not exists part (id integer primary key);
        create table if not exists item (
            id integer, name text, constraint item_id primary key (id), constraint item_both unique (name, id),
            constraint item_part foreign key (id) references part (id)
        ) partition by range (id);
        create table if not exists item_1 partition of item for values from (minvalue) to (100);
        create table if not exists item_2 partition of item default partition by list (id);
        create table if not exists item_2_1 partition of item_2 default;
        create unique index if not exists item_name on item (name, id);
        comment on index item_name is 'Known by it.';
        create index if not exists item_lower on item (lower(name));
        create table if not exists past (id integer) partition by range (id);
        create table if not exists past_1 partition of past for values from (minvalue) to (9);
    """,
    "020_past.sql": "alter table past detach partition past_1 concurrently;",
}
"""Keys and indexes of a partitioned table that counts as large, two of which differ; a partition that is detached."""
PART_ROWS = """
    create table part (id integer primary key);
    insert into part select generate_series(1, 500);
    create table past (id integer) partition by range (id);
    create table past_1 partition of past for values from (minvalue) to (9);
    create table item (id integer, name text) partition by range (id);
    create table item_1 partition of item for values from (minvalue) to (100);
    create table item_2 partition of item default partition by list (id);
    create table item_2_1 partition of item_2 default;
    create index item_lower on item (name);
    alter table item add constraint item_both unique (id, name);
    insert into item select i, 'row ' || i from generate_series(1, 500) as i;
"""

EARLY = {
    "010_item.sql": """
        create table if not exists item (id integer, name text) partition by range (id);
        create table if not exists item_rest partition of item default;
        create table if not exists item_1 (id integer, name text);
        alter table item attach partition item_1 for values from (1) to (200);
        create table if not exists item_2 partition of item for values from (1000) to (2000);
        create table if not exists part (id integer, name text, size integer);
        create unique index if not exists part_id on part (id, name);
        create table if not exists state (id integer, name text);
    """,
    "020_key.sql": """
        create unique index state_id on state (id);
        insert into state select max(id) + 1, 'once' from state;
        alter table part add constraint part_key primary key using index part_id;
        alter table state add primary key using index state_id, alter column name set not null;
    """,
    "030_alone.sql": "alter table part alter column size set not null, add constraint part_size check (size >= 0);",
}
"""What is done before a script's own transaction: CHECKs for partitions, NOT NULL for keys that statements make."""
EARLY_ROWS = """
    create table item (id integer, name text) partition by range (id);
    create table item_rest partition of item default;
    create table item_1 (id integer, name text);
    create table part (id integer, name text, size integer);
    create unique index part_id on part (id, name);
    create table state (id integer, name text);
    insert into item select i, 'row ' || i from generate_series(200, 700) as i;
    insert into item_1 select i, 'row ' || i from generate_series(1, 199) as i;
    insert into part select i, 'row ' || i, i from generate_series(1, 500) as i;
    insert into state select i, 'row ' || i from generate_series(1, 500) as i;
"""

LATE = {
    "010_item.sql": """
        create table if not exists item (
            id integer, name text not null, size integer not null, constraint item_id unique (id)
        );
    """,
    "020_part.sql": """
        create table if not exists part (
            item integer, constraint part_item foreign key (item) references item (id), check (item > 0)
        );
        create unique index if not exists part_item_idx on part (item);
    """,
    "030_fill.sql": """
        create table if not exists filled (id integer);
        update item set name = coalesce(name, 'none'), size = 0 where name is null or size is null;
        update part set item = 1 where item = 0;
        delete from part as a using part as b where a.item = b.item and a.ctid > b.ctid;
    """,
}
"""What rows block until the last script has changed them."""
LATE_ROWS = "insert into item values (1000); insert into part values (0), (1), (2), (2), (7);"

REPLACED = {
    "010_types.sql": """
        create type state as enum ('a', 'x', 'b');
        create domain size as integer constraint low check (value > 0) constraint high check (value < 1000) default 2;
    """,
    "020_item.sql": """
        create table if not exists item (
            id integer generated by default as identity primary key, a bigint, state state, size size
        );
        create table if not exists part (id serial primary key, a integer);
        create or replace view low as select id, a from item;
        comment on view low is 'Low.';
        create or replace view high as select a from low;
        create materialized view if not exists kept as select id, a as b from item;
        create unique index if not exists kept_id on kept (id);
        create or replace function counted() returns bigint language sql as 'select count(*) from item';
        create or replace view total as select counted() > 0 as is_used;
        create or replace function touched() returns trigger language plpgsql as 'begin return new; end';
        create trigger touch before update of a on item for each row when (new.a > 0) execute function touched();
    """,
}
"""Types below views, domains, enum values, a serial and an identity that change places; views that lose a column."""
REPLACED_ROWS = """
    create type state as enum ('a', 'b');
    create domain size as integer constraint low check (value >= 0);
    create table item (id serial primary key, a integer, state state, size size);
    create table part (id integer generated always as identity primary key, a integer);
    insert into item (a, state, size) select i, 'b', i from generate_series(1, 500) as i;
    insert into part (a) values (1), (2);
    create view low as select a, id, state from item;
    comment on view low is 'Low.';
    create view high as select a from low;
    grant select on low, high to public;
    create materialized view kept as select id, a from item;
    create unique index kept_id on kept (id);
    create function counted() returns integer language sql as 'select 1';
    create view total as select counted() > 0 as is_used;
    create function touched() returns trigger language plpgsql as 'begin return new; end';
    create trigger touch before update of a on item for each row execute function touched();
"""


@dataclass(frozen=True)
class Situation:
    """A project, the database before it is applied, what one run leaves of it, and how many round trips that takes."""

    folder: Path
    template: str
    expected: list[str]
    trips: int


def new_database(_folder: Path) -> tuple[Path, str]:
    return ROOT, ""


def older_database(folder: Path) -> tuple[Path, str]:
    scripts = {"010_item.sql": (FOLDER / "declared.sql").read_text()}
    return write_project(folder, scripts, run={"repair": "align"}), (FOLDER / "older.sql").read_text()


def large_table(folder: Path) -> tuple[Path, str]:
    options: dict[str, dict[str, object]] = {"020_once.sql": {"run": "once"}, "030_alone.sql": {"transaction": False}}
    return write_project(folder, INDEXES, run={"concurrent_index_above": "0"}, options=options), ROWS


def large_keys(folder: Path) -> tuple[Path, str]:
    return write_project(folder, KEYS, run={"concurrent_index_above": "0", "repair": "align"}), KEY_ROWS


def large_partitions(folder: Path) -> tuple[Path, str]:
    options: dict[str, dict[str, object]] = {"020_past.sql": {"transaction": False}}
    run = {"concurrent_index_above": "0", "repair": "align"}
    return write_project(folder, PARTS, run=run, options=options), PART_ROWS


def early_steps(folder: Path) -> tuple[Path, str]:
    options: dict[str, dict[str, object]] = {"020_key.sql": {"run": "once"}, "030_alone.sql": {"transaction": False}}
    return write_project(folder, EARLY, run={"concurrent_index_above": "0"}, options=options), EARLY_ROWS


def late_repairs(folder: Path) -> tuple[Path, str]:
    options: dict[str, dict[str, object]] = {"010_item.sql": {"run": "on_change"}, "030_fill.sql": {"run": "on_change"}}
    return write_project(folder, LATE, options=options), f"{ROWS} create table part (item integer); {LATE_ROWS}"


def replaced_objects(folder: Path) -> tuple[Path, str]:
    return write_project(folder, REPLACED, run={"repair": "align"}), REPLACED_ROWS


SITUATIONS: dict[str, Callable[[Path], tuple[Path, str]]] = {
    "a new database": new_database,
    "an older database": older_database,
    "indexes of a large table": large_table,
    "keys of a large table": large_keys,
    "a large partitioned table": large_partitions,
    "steps before a script": early_steps,
    "late repairs": late_repairs,
    "objects that are replaced": replaced_objects,
}


@pytest.fixture(scope="module", params=SITUATIONS)
def situation(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Situation]:
    """A situation, with an undisturbed run of it."""
    folder, before = SITUATIONS[request.param](tmp_path_factory.mktemp("project"))
    with server.database() as older:
        with psycopg.connect(older, autocommit=True) as connection:
            connection.execute(before.encode())
        template = str(conninfo_to_dict(older)["dbname"])
        with server.database(template) as dsn, proxied(dsn) as (through, proxy):
            result = run_runner("apply", "--manifest", folder / "manifest.toml", "--dsn", through)
            assert result.code == 0, result
            expected = state(dsn)
        yield Situation(folder, template, expected, proxy.trips)


def interrupted(situation: Situation, dsn: str, cut_at: int, when: str, *, kill: bool) -> int | None:
    """Apply by way of a proxy that kills the run or cuts its connection; return its exit code."""
    with proxied(dsn, cut_at=cut_at, when=when) as (through, proxy):
        manifest = situation.folder / "manifest.toml"
        with started_runner("apply", "--manifest", manifest, "--dsn", through) as running:
            proxy.on_cut = running.kill if kill else lambda: None
            out, _ = running.communicate(timeout=LONGEST)
        assert proxy.trips >= cut_at, out
        assert "Traceback" not in out
        assert kill or running.returncode == 0, out
        return int(running.returncode)


@pytest.mark.long
@pytest.mark.parametrize("kill", [True, False], ids=["killed", "cut off"])
def test_an_interrupted_run_loses_nothing(
    pytestconfig: pytest.Config, server: Server, situation: Situation, *, kill: bool
) -> None:
    """After one more apply the database is as after an undisturbed run; a run whose connection is cut goes on."""
    points = [(trip, when) for trip in range(1, situation.trips + 1) for when in (CUT_BEFORE, CUT_AFTER)]
    if not pytestconfig.getoption("torture"):
        points = points[kill :: max(len(points) // FEW, 1)]

    def interrupt(point: tuple[int, str]) -> None:
        with server.database(situation.template) as dsn:
            code = interrupted(situation, dsn, *point, kill=kill)
            assert code == (-9 if kill else 0)
            again = run_runner("apply", "--manifest", situation.folder / "manifest.toml", "--dsn", dsn)
            assert again.code == 0, (point, again)
            assert state(dsn) == situation.expected, point

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(interrupt, points))
