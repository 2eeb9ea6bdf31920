"""How long repairs keep ACCESS EXCLUSIVE on a large table, as another session sees it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg

from tests.support.projects import runner_environment, write_project
from tests.support.servers import Server

ROWS = 5_000_000
PAUSE = 0.002
OLDER = f"""
    create table owner (id integer primary key);
    insert into owner select n from generate_series(1, 1000) as n;
    create table item (id integer primary key, owner integer, amount integer);
    insert into item select n, n % 1000 + 1, n from generate_series(1, {ROWS}) as n;
    analyze item;
"""  # noqa: S608
SCRIPT = """
create table if not exists owner (id integer primary key);
create table if not exists item (
    id integer primary key,
    owner integer not null constraint item_owner references owner (id),
    amount integer constraint item_amount check (amount > 0),
    label text,
    size integer not null default 3
);
"""
HELD = """
    select coalesce(bool_or(mode = 'AccessExclusiveLock'), false) from pg_locks
    where relation = 'item'::regclass and granted and pid <> pg_backend_pid()
"""


def measure(server: Server, folder: Path) -> tuple[float, float]:
    """Return the seconds that `apply` took, and the longest time that it kept ACCESS EXCLUSIVE on the table."""
    write_project(folder, {"010_item.sql": SCRIPT}, project={"name": "large"})
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(OLDER)
        command = [sys.executable, "-m", "runner", "apply", "--dsn", dsn]
        begin = time.perf_counter()
        running = subprocess.Popen(command, cwd=folder, env=runner_environment(), stdout=subprocess.DEVNULL)
        longest, since = 0.0, None
        while running.poll() is None:
            (held,) = connection.execute(HELD).fetchall()[0]
            now = time.perf_counter()
            since = (since or now) if held else None
            longest = max(longest, now - since + PAUSE if since else 0.0)
            time.sleep(PAUSE)
        seconds = time.perf_counter() - begin
    if running.returncode:
        raise RuntimeError(f"apply on {ROWS:,} rows: exit code {running.returncode}")
    return seconds, longest
