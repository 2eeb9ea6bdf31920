"""The build in scratch schemas leaves the server's locks to its other sessions."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from runner.catalog.scratch_limits import raise_if_of_server
from runner.errors import DatabaseError
from runner.postgres import embedded
from runner.project.lockfile import FILE
from tests.support.in_process import call
from tests.support.projects import write_project
from tests.support.servers import started, temporary_folder

TABLE = "create table if not exists t{number} (id bigint primary key, name text);\n"
LOCKS_OF_OTHERS = "select count(pg_advisory_xact_lock(number)) from generate_series(1, 3000) as number"
BUILT = "select count(*) from pg_class where relname = 't1'"


@pytest.fixture(scope="module")
def stock() -> Iterator[str]:
    """A server with the number of locks that PostgreSQL has when nobody sets it."""
    if not embedded.is_installed():
        pytest.skip("a server with other settings needs the embedded PostgreSQL")
    with temporary_folder() as folder:
        with started(folder) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("alter system set max_locks_per_transaction = 64")
        with started(folder) as dsn:
            yield dsn


@contextmanager
def others_at_work(dsn: str) -> Iterator[list[psycopg.Error]]:
    """Take and leave many locks in another session all the time; yield why it was refused them."""
    errors: list[psycopg.Error] = []
    ended = threading.Event()

    def work() -> None:
        with psycopg.connect(dsn, autocommit=True) as connection:
            while not ended.is_set():
                try:
                    connection.execute(LOCKS_OF_OTHERS)
                except psycopg.Error as error:
                    errors.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield errors
    finally:
        ended.set()
        thread.join()


def project(folder: Path, tables: int) -> Path:
    return write_project(folder, {"010_tables.sql": "".join(TABLE.format(number=n) for n in range(tables))})


def test_2000_tables_leave_others_alone(stock: str, tmp_path: Path) -> None:
    """On stock settings nothing is built that would take the locks of other sessions; the error has the cure."""
    with others_at_work(stock) as errors:
        result = call("verify", "--dsn", stock, folder=project(tmp_path, 2_000))
    assert (result.code, errors) == (1, [])
    first, *hints = result.err.splitlines()
    assert re.fullmatch(
        r"error: building what the scripts declare needs about 14,000 locks, more than half of the \d,\d+ that "
        "are free on this server; other sessions would be refused",
        first,
    )
    assert hints[0].startswith(f"  hint: commit a fresh {FILE}: 'python -m runner lock'")
    enough = re.search(r"max_locks_per_transaction = (\d+) or more", hints[1])
    assert enough
    assert 280 <= int(enough[1]) <= 560  # 64 for 6,400


def test_what_fits_is_built_beside_others(stock: str, tmp_path: Path) -> None:
    """A build that takes less than half of the locks goes on while other sessions take theirs."""
    with others_at_work(stock) as errors:
        result = call("lock", "--dsn", stock, folder=project(tmp_path, 200))
    assert (result.code, errors) == (0, [])


def test_what_was_not_foreseen_ends_the_build(stock: str, tmp_path: Path) -> None:
    """An index of a partitioned table is one of each partition; its locks are counted while it is built."""
    parted = "create table if not exists parted (id integer, size integer) partition by list (id);\n"
    partition = "create table if not exists parted_{n} partition of parted for values in ({n});\n"
    partitions = "".join(partition.format(n=n) for n in range(205))
    indexes = "".join(f"create index if not exists parted_{n}_idx on parted (size);\n" for n in range(18))
    write_project(tmp_path, {"010_parted.sql": parted + indexes + partitions})
    result = call("verify", "--dsn", stock, folder=tmp_path)
    assert result.code == 1
    assert "building what the scripts declare has taken" in result.err
    with psycopg.connect(stock) as connection:
        assert connection.execute("select count(*) from pg_namespace where nspname ~ 'scratch'").fetchone() == (0,)


def test_the_first_refusal_of_the_server_ends_the_build(stock: str) -> None:
    """A server that has no more locks is an error that names the cure; nothing is tried again."""
    with psycopg.connect(stock) as connection:
        with pytest.raises(psycopg.errors.OutOfMemory) as refused:
            connection.execute("select count(pg_advisory_xact_lock(number)) from generate_series(1, 100000) as number")
        with pytest.raises(DatabaseError) as ended:
            raise_if_of_server(refused.value)
    assert ended.value.message == "building what the scripts declare was ended: out of shared memory [53200]"
    assert FILE in ended.value.notes[0]


def test_a_statement_that_is_wrong_is_no_refusal(stock: str) -> None:
    """What a script has wrong is found statement by statement, as before."""
    with psycopg.connect(stock) as connection:
        with pytest.raises(psycopg.errors.UndefinedTable) as wrong:
            connection.execute("select from nothing")
        raise_if_of_server(wrong.value)
