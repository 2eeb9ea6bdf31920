"""Real PostgreSQL servers, and what tests do with them: databases, dumps, psql."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import Connection, sql
from psycopg.conninfo import make_conninfo

from runner.postgres import embedded

CLOCKS = ("changed_at", "created_at", "seconds", "started", "updated_at")
"""Columns that hold when something happened, and how long it took."""

LOOPBACK = "127.0.0.1"
POSTGRES_IMAGE = os.environ.get("RUNNER_TEST_IMAGE") or "postgres:15"
"""What containers of the tests start from."""

UNCLOSED = "ignore:unclosed:ResourceWarning"
"""The filter of warnings for sessions with a container: the engine's client leaves sockets to the garbage collector."""
MEMORY, ROOM = Path("/dev/shm"), 4 * 2**30  # noqa: S108  what is made there gets a random name
"""Where Linux keeps files in memory, and how much must be free there: a few servers and their databases."""


@dataclass(frozen=True)
class Server:
    """A server that a superuser may make databases on."""

    conninfo: str = field(repr=False)

    @property
    def version(self) -> str:
        with psycopg.connect(self.conninfo) as connection:
            return str(connection.info.parameter_status("server_version"))

    @property
    def major(self) -> int:
        with psycopg.connect(self.conninfo) as connection:
            return connection.info.server_version // 10_000

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """Make a database, yield its connection string, and drop the database, whoever is still connected."""
        name = f"test_{uuid.uuid4().hex[:16]}"
        create = sql.SQL("create database {} template {} strategy file_copy").format(
            sql.Identifier(name), sql.Identifier(template)
        )
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            connection.execute(create)
        try:
            yield make_conninfo(self.conninfo, dbname=name)
        finally:
            with psycopg.connect(self.conninfo, autocommit=True) as connection:
                connection.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    @contextmanager
    def roles(self, number: int = 1, prefix: str = "test_") -> Iterator[tuple[str, ...]]:
        """Make roles that may log in, each with its name as password; yield the names, and drop the roles.

        What they have in a database that is still there is dropped before.
        """
        names = tuple(f"{prefix}{uuid.uuid4().hex[:12]}" for _ in range(number))
        with psycopg.connect(self.conninfo, autocommit=True) as connection:
            for name in names:
                create = sql.SQL("create role {} login password {}").format(sql.Identifier(name), name)
                connection.execute(create)
            try:
                yield names
            finally:
                for name in names:
                    connection.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


@contextmanager
def embedded_server() -> Iterator[Server]:
    """Start the embedded PostgreSQL on a data directory of its own, and remove both."""
    with temporary_folder() as folder, started(folder) as conninfo:
        yield _for_tests(conninfo)


def _for_tests(conninfo: str) -> Server:
    """Make a server fast, and keep it from working by itself while a test looks."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            connection.execute(f"alter system set {setting} = off")
        connection.execute("select pg_reload_conf()")
    return Server(conninfo)


@contextmanager
def started(folder: Path) -> Iterator[str]:
    """Run the embedded PostgreSQL with its data in a folder, which are made when they are missing."""
    with embedded.running(folder) as parameters:
        yield make_conninfo("", **parameters)


@contextmanager
def container_server() -> Iterator[Server]:
    """Start a container on this machine, whose port is open to it alone, and remove it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from testcontainers.core.config import testcontainers_config
        from testcontainers.postgres import PostgresContainer

    # What removes containers of killed processes is one more image to pull, with the engine's socket in its hands.
    testcontainers_config.ryuk_disabled = True
    user, password = "tests", uuid.uuid4().hex
    container = PostgresContainer(POSTGRES_IMAGE, username=user, password=password, dbname=user)
    container.ports = {f"{container.port}/tcp": (LOOPBACK,)}  # type: ignore[dict-item]  # the engine takes an address too
    with container:
        port = container.get_exposed_port(container.port)
        yield _for_tests(make_conninfo(host=LOOPBACK, port=port, user=user, password=password, dbname=user))


def _in_memory() -> Path | None:
    """Return a folder in memory, if the machine has one with room for servers: databases are made faster there."""
    with suppress(OSError):
        if shutil.disk_usage(MEMORY).free >= ROOM and os.access(MEMORY, os.W_OK):
            return MEMORY
    return None


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a folder with a short path that any user may enter.

    Under pytest's own folders no server of another user works: each run of pytest closes them to all others again.
    """
    folder = Path(tempfile.mkdtemp(prefix="runner-", dir=_in_memory())).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment(**variables: str) -> dict[str, str]:
    """Return the environment without what names a database or changes how a program starts, and with `variables`."""
    changes = r"PYTHON(IOENCODING|UTF8|DONTWRITEBYTECODE)"
    named = re.compile(rf"DATABASE_URL|RUNNER_.*|PG.*|DB_.*|NO_COLOR|FORCE_COLOR|{changes}")
    return {name: value for name, value in os.environ.items() if not named.fullmatch(name)} | variables


def program(name: str, *arguments: str | Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run one of PostgreSQL's programs, whatever it exits with."""
    return subprocess.run(
        [embedded.programs() / name, *arguments],
        check=False,
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        input=text,
    )


def psql(dsn: str, script: Path) -> subprocess.CompletedProcess[str]:
    """Feed a script to psql as people do."""
    return program("psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", script)


def dump(dsn: str, *options: str) -> str:
    """Return schema and data as pg_dump writes them, without its random key, and what the server counts by itself."""
    dumped = program("pg_dump", "--dbname", dsn, *options)
    assert dumped.returncode == 0, dumped.stderr
    counted = r"^ALTER .* SET \(pg_attver=\d+\);\n"  # since 17.12, of which another version of pg_dump does not know
    return re.sub(rf"^\\(un)?restrict .*\n|{counted}", "", dumped.stdout, flags=re.MULTILINE)


def stop_clocks(connection: Connection) -> None:
    """Set every time and duration in the database to one value, so that two databases can be compared."""
    query = """
        select a.attrelid::regclass::text, a.attname, format_type(a.atttypid, null)
        from pg_attribute as a
        inner join pg_class as c on a.attrelid = c.oid
        where c.relkind = 'r' and c.relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
            and a.attname = any(%s)
        order by 1, 2
    """
    for table, column, type_ in connection.execute(query, (list(CLOCKS),)).fetchall():
        value = "0" if type_ == "double precision" else "'2000-01-01'"
        connection.execute(f"update {table} set {column} = {value} where {column} is not null".encode())
