"""What a session of the runner is: noticed when it is gone, its role, its own server process, and the run lock."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import ConnectError, DatabaseError
from runner.manifest import Manifest
from runner.plans import run_lock_key, run_lock_name
from runner.quote import identifier
from runner.sql_files import read_sql
from runner.stop import Stop


class Holder(NamedTuple):
    """The session that holds the run lock; the texts are for people."""

    pid: int
    application: str
    role: str
    host: str
    since: str

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.application}), role {self.role}, from {self.host}, since {self.since}"


_POOLED = "the connection is pooled by transaction: what a run needs of its session would be lost, the run lock first"


def begin_session(connection: Connection[Any], manifest: Manifest) -> None:
    """Give the session its settings and its role. Raise ConnectError behind a pooler that shares sessions."""
    pid = _scalar(connection, session_sql())
    if pid != connection.info.backend_pid:
        _require_own_process(connection, pid)
    role = manifest.run.role
    if role is None:
        return
    try:
        connection.execute(f"set role {identifier(role)}")
    except psycopg.Error as error:
        if connection.closed:
            raise
        user = identifier(connection.info.user)
        message = f"cannot take the role of the manifest, run.role: {error.diag.message_primary} [{error.sqlstate}]"
        raise DatabaseError(message, notes=(f"hint: grant {identifier(role)} to {user};",)) from error


def session_sql() -> str:
    """Return the statement that gives a session its settings, which RESET ALL takes away."""
    return read_sql("session.sql")


def cancel(connection: Connection[Any]) -> None:
    """Cancel what runs on the server; where that cannot be asked for, it goes on."""
    with suppress(psycopg.Error):
        connection.cancel_safe(timeout=5)


def same_server(connection: Connection[Any]) -> str:
    """Return the connection string, with the password, of one more connection to the same server."""
    info = connection.info
    parameters: dict[str, Any] = dict(conninfo_to_dict(info.dsn))
    parameters |= {"port": info.port} | ({"host": info.host} if info.host else {})
    parameters |= {"hostaddr": info.hostaddr} if "hostaddr" in parameters else {}
    parameters |= {"password": info.password} if info.password else {}
    return make_conninfo("", **parameters)


def _require_own_process(connection: Connection[Any], pid: int) -> None:
    """Raise ConnectError unless the pooler in between keeps one process of the server for this connection alone.

    One that lends them by transaction gives another process to the same connection, or the same to two.
    """
    pooled = ConnectError(_POOLED, notes=("hint: connect to the server itself, or to a pool with pool_mode = session",))
    with psycopg.connect(same_server(connection), autocommit=True) as other:
        try:
            other.execute("begin")
        except psycopg.errors.ProtocolViolation:  # pooled by statement
            raise pooled from None
        seen = [_scalar(connection, "select pg_backend_pid()") for _ in range(2)]
        shared = _scalar(other, "select pg_backend_pid()")
        seen.append(_scalar(connection, "select pg_backend_pid()"))
        other.execute("rollback")
    if shared == pid or seen != [pid] * len(seen):
        raise pooled


def take_run_lock(
    connection: Connection[Any], manifest: Manifest, wait: float, say: Callable[[str], None], stop: Stop
) -> None:
    """Take the lock of this database and history table, waiting up to `wait` seconds. Raise DatabaseError.

    The connection has it until it is closed. It is polled: a blocking wait would deadlock with CREATE INDEX
    CONCURRENTLY of the run that holds it.
    """
    key = run_lock_key(manifest)
    deadline = time.monotonic() + wait
    told: Holder | None = None
    while not _scalar(connection, f"select pg_try_advisory_lock({key})"):
        holder = lock_holder(connection, manifest)
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"another run holds the lock after {wait:g} s: {holder or 'it has just ended'}",
                notes=("hint: wait for it to end, or give --lock-wait more seconds",),
            )
        if holder and holder != told:
            say(f"waiting up to {wait:g} s for another run to end: {holder}")
            told = holder
        stop.wait(random.uniform(0.1, 0.3))  # noqa: S311
        stop.raise_if_asked()


def lock_holder(connection: Connection[Any], manifest: Manifest) -> Holder | None:
    """Return the session that holds the run lock, if there is one."""
    row = connection.execute(read_sql("run_lock.sql"), {"name": run_lock_name(manifest)}).fetchone()
    return Holder(*row) if row else None


def _scalar(connection: Connection[Any], sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
