"""A policy and a grant that are replaced while somebody reads: never a row too many, never one too few, no error."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.support.planned_cases import run_command
from tests.support.projects import until, write_project
from tests.support.servers import Server

TABLE = """
    create table item (id integer, team text);
    insert into item select i, case when i <= 200 then 'ours' else 'theirs' end from generate_series(1, 300) as i;
    alter table item enable row level security;
    create policy own on item for all to {role} using (team = 'ours' and id <= 100);
    grant select (id, team), insert on item to {role};
"""
DECLARED = """
create table if not exists item (id integer, team text);
alter table item enable row level security;
create policy own on item for select to {role} using (team = 'ours');
grant select on item to {role};
"""
NARROW, WIDE = 100, 200
"""How many rows one policy shows, and the other."""
BLOCKED = "select from pg_stat_activity where %s = any(pg_blocking_pids(pid)) and application_name like 'runner %%'"
TIMEOUT, HELD = 0.2, 2.0
"""Seconds: how long the run may wait for a lock, and how long somebody holds one against it."""


@contextmanager
def reading(dsn: str, role: str) -> Iterator[tuple[list[int], list[float]]]:
    """Let the role read all the time; yield how many rows it saw, and how long it took."""
    seen, took, ends = list[int](), list[float](), threading.Event()

    def read() -> None:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(f'set role "{role}"'.encode())
            while not ends.is_set():
                begin = time.monotonic()
                try:
                    ((rows,),) = connection.execute("select count(id) from item where team <> ''").fetchall()
                except psycopg.Error as error:
                    seen.append(-1)
                    raise AssertionError(str(error)) from error
                seen.append(rows)
                took.append(time.monotonic() - begin)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        while not took and thread.is_alive():
            time.sleep(0.01)
        yield seen, took
    finally:
        time.sleep(0.1)
        ends.set()
        thread.join()


@contextmanager
def held(dsn: str) -> Iterator[None]:
    """Hold a lock on the table, as a long report does, for a while after a run waits for it."""
    with psycopg.connect(dsn) as holder, psycopg.connect(dsn, autocommit=True) as other:
        holder.execute("select count(*) from item")

        def release() -> None:
            try:
                until(lambda: other.execute(BLOCKED, (holder.info.backend_pid,)).fetchall())
                time.sleep(HELD)
            finally:
                holder.rollback()

        thread = threading.Thread(target=release)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("with_transaction", [True, False])
def test_no_session_reads_through_a_gap(server: Server, tmp_path: Path, *, with_transaction: bool) -> None:
    """A reader sees what one policy shows or what the other one does, and never waits longer than lock_timeout."""
    with server.roles() as (role,), server.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(TABLE.format(role=role).encode())
        write_project(
            tmp_path,
            {"010_item.sql": DECLARED.format(role=role)},
            options={"010_item.sql": {"transaction": with_transaction}},
            run={"repair": "align", "lock_timeout": f"{TIMEOUT * 1000:.0f}ms", "lock_retries": 50},
            roles={"managed": [role]},
        )
        with reading(dsn, role) as (seen, took), held(dsn):
            applied = run_command(tmp_path, "apply", dsn)
        assert applied.code == 0, applied
        assert set(seen) == {NARROW, WIDE}
        assert "trying again" in applied.said, applied
        assert max(took) < HELD - TIMEOUT
