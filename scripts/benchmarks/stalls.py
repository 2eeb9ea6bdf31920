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

ROWS = 3_000_000
PARTITIONS = 20
PACE = 1 / 200
HELD = 12.0
"""For how many seconds the reader keeps its transaction open."""
BODY = "id integer primary key, owner integer, amount integer, label varchar(20)"
PARTS = "id integer not null, owner integer, amount integer, label varchar(20)"
SIZE = ROWS // PARTITIONS
FILL = f"insert into item select n, n % 1000 + 1, n, 'x' || n from generate_series(1, {ROWS}) as n; analyze item;"  # noqa: S608
OLDER = f"create table item ({BODY}); {FILL}"
PARTITIONED = "\n".join(
    (
        f"create table if not exists item ({PARTS}) partition by range (id);",
        *(
            f"create table if not exists item_{n} partition of item for values from ({n * SIZE}) to ({(n + 1) * SIZE});"
            for n in range(PARTITIONS)
        ),
        f"create table if not exists item_rest partition of item for values from ({ROWS}) to (maxvalue);",
        "create index if not exists item_id on item (id);",
    )
)
OWNER = "create table if not exists owner (id integer primary key);\n"


def _plain(body: str, more: str = "") -> str:
    return f"{OWNER}create table if not exists item ({body}); {more}"


def _parted(body: str, more: str = "") -> str:
    return f"{OWNER}{PARTITIONED.replace(PARTS, body)} {more}"


KINDS = {
    "a column": _plain(f"{BODY}, size integer not null default 3"),
    "a longer varchar": _plain(BODY.replace("varchar(20)", "varchar(40)")),
    "NOT NULL": _plain(BODY.replace("amount integer", "amount integer not null")),
    "a CHECK": _plain(f"{BODY}, constraint item_amount check (amount > 0)"),
    "a foreign key": _plain(f"{BODY}, foreign key (owner) references owner (id)"),
    "an index": _plain(BODY, "create index if not exists item_owner on item (owner);"),
    "a unique index": _plain(BODY, "create unique index if not exists item_label on item (label);"),
    "a unique constraint": _plain(f"{BODY}, unique (label)"),
}
KINDS_OF_PARTITIONED = {
    "an index": _parted(PARTS, "create index if not exists item_owner on item (owner);"),
    "a primary key": _parted(f"{PARTS}, primary key (id)"),
    "a CHECK": _parted(f"{PARTS}, constraint item_amount check (amount > 0)"),
    "a foreign key": _parted(f"{PARTS}, foreign key (owner) references owner (id)"),
    "NOT NULL": _parted(PARTS.replace("amount integer", "amount integer not null")),
    "a partition": _parted(
        PARTS, "create table if not exists item_below partition of item for values from (-9) to (0);"
    ),
}


def measure(server: Server, folder: Path) -> None:
    """Print the longest waits for each kind of change, as a table of docs/operations.md."""
    print(f"longest waits on {ROWS:,} rows, PostgreSQL {server.major}, with a reader of {HELD:g} s in the way\n")
    print("| table | change | apply | tried again | writers waited | readers waited |\n|---|---|---|---|---|---|")
    owners = "insert into owner select n from generate_series(1, 1000) as n;"
    for table, older, kinds in (
        ("plain", f"{OWNER}{owners}{OLDER}", KINDS),
        (f"{PARTITIONS + 1} partitions", f"{OWNER}{owners}{PARTITIONED}{FILL}", KINDS_OF_PARTITIONED),
    ):
        for kind, script in kinds.items():
            place = folder / f"{table} {kind}"
            place.mkdir()
            write_project(place, {"010_item.sql": script}, project={"name": "large"})
            with server.database() as dsn:
                with psycopg.connect(dsn, autocommit=True) as connection:
                    connection.execute(older.encode())
                seconds, retries, waits = _applied(dsn, place)
            shown = f"{seconds:.1f} s | {retries} times | {waits[0]:.2f} s | {waits[1]:.2f} s"
            print(f"| {table} | {kind} | {shown} |", flush=True)
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
