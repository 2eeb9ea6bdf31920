"""How long writers and readers of a large table wait at most while changes of each kind are applied to it.

Another reader keeps its transaction open for a while when the run begins: it is in the way of each strong lock, and
whoever comes after a run that waits for one waits with it, for `lock_timeout` at most.
"""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from tests.support.projects import runner_environment, write_project
from tests.support.servers import Server

ROWS = 2_000_000
PACE = 1 / 200
HELD = 12.0
"""For how many seconds the reader keeps its transaction open."""
BODY = "id integer primary key, owner integer, amount integer, label varchar(20)"
OLDER = f"""
    create table owner (id integer primary key);
    insert into owner select n from generate_series(1, 1000) as n;
    create table item ({BODY});
    insert into item select n, n % 1000 + 1, n, 'x' || n from generate_series(1, {ROWS}) as n;
    analyze item;
"""  # noqa: S608
KINDS = {
    "a column": f"create table if not exists item ({BODY}, size integer not null default 3);",
    "a longer varchar": f"create table if not exists item ({BODY.replace('varchar(20)', 'varchar(40)')});",
    "NOT NULL": f"create table if not exists item ({BODY.replace('amount integer', 'amount integer not null')});",
    "a CHECK": f"create table if not exists item ({BODY}, constraint item_amount check (amount > 0));",
    "a foreign key": f"create table if not exists item ({BODY}, foreign key (owner) references owner (id));",
    "an index": f"create table if not exists item ({BODY}); create index if not exists item_owner on item (owner);",
    "a unique index": (
        f"create table if not exists item ({BODY}); create unique index if not exists item_label on item (label);"
    ),
}


def measure(server: Server, folder: Path) -> None:
    """Print the longest waits for each kind of change."""
    print(f"longest waits on {ROWS:,} rows, with a reader of {HELD:g} s in the way")
    print(f"  {'change':<18} {'apply s':>8} {'retries':>8} {'writer s':>9} {'reader s':>9}")
    for number, (kind, script) in enumerate(KINDS.items()):
        place = folder / str(number)
        place.mkdir()
        tables = f"create table if not exists owner (id integer primary key);\n{script}"
        write_project(place, {"010_item.sql": tables}, project={"name": "large"})
        with server.database() as dsn:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute(OLDER.encode())
            seconds, retries, waits = _applied(dsn, place)
        print(f"  {kind:<18} {seconds:>8.1f} {retries:>8} {waits[0]:>9.2f} {waits[1]:>9.2f}", flush=True)
    print()


def _applied(dsn: str, folder: Path) -> tuple[float, int, list[float]]:
    command = [sys.executable, "-m", "runner", "apply", "--dsn", dsn, "--allow-hazard", "blocks_writes"]
    waits = [0.0, 0.0]
    write = "update item set amount = amount + 1 where id = %s"
    read = "select * from item where id = %s"
    with _repeated(dsn, write, waits, 0), _repeated(dsn, read, waits, 1), _held(dsn):
        begin = time.perf_counter()
        ended = subprocess.run(
            command, cwd=folder, env=runner_environment(), capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - begin
    if ended.returncode:
        raise RuntimeError(f"apply: exit code {ended.returncode}: {ended.stderr}")
    return seconds, ended.stderr.count("trying again"), waits


@contextmanager
def _repeated(dsn: str, sql: str, waits: list[float], place: int) -> Iterator[None]:
    """Run a statement again and again, and keep the longest time that it took."""
    over = threading.Event()

    def repeat() -> None:
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
            while not over.is_set():
                begin = time.perf_counter()
                connection.execute(sql.encode(), (random.randrange(ROWS),))  # noqa: S311
                took = time.perf_counter() - begin
                waits[place] = max(waits[place], took)
                over.wait(max(PACE - took, 0))

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _held(dsn: str) -> Iterator[None]:
    """Keep a transaction open that has read the table, for a while."""
    with psycopg.connect(dsn) as connection:
        connection.execute("select from item limit 1")
        timer = threading.Timer(HELD, connection.rollback)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
