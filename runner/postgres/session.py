"""What a session of the runner is: noticed when it is gone, its role, its own server process."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import psycopg
from psycopg import Connection, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import ConnectError, DatabaseError, Hint
from runner.postgres.settings import session_start
from runner.project.manifest import Manifest
from runner.sql.quoting import identifier

_PROCESS = "select pg_catalog.pg_backend_pid()"
_POOLED = "the connection is pooled by transaction: what a run needs of its session would be lost, the run lock first"


def begin_session(connection: Connection[Any], manifest: Manifest) -> None:
    """Give the session its settings and its role. Raise ConnectError behind a pooler that shares sessions."""
    limit, settings = session_start(manifest)
    with connection.pipeline():
        connection.execute(limit)
        cursor = connection.execute(settings)
    (pid, *_) = cursor.fetchall()[0]
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
        raise DatabaseError(message, notes=(Hint(f"grant {identifier(role)} to {user};"),)) from error


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
    pooled = ConnectError(_POOLED, notes=(Hint("connect to the server itself, or to a pool with pool_mode = session"),))
    with psycopg.connect(same_server(connection), autocommit=True, prepare_threshold=None) as other:
        try:
            other.execute("begin")
        except psycopg.errors.ProtocolViolation:  # pooled by statement
            raise pooled from None
        seen = [scalar(connection, _PROCESS) for _ in range(2)]
        shared = scalar(other, _PROCESS)
        seen.append(scalar(connection, _PROCESS))
        other.execute("rollback")
    if shared == pid or seen != [pid] * len(seen):
        raise pooled


def current_role(connection: Connection[Any]) -> str:
    """Return the role that acts: not who logged in, where the manifest, the database or that role names another one.

    A transaction that has failed is rolled back.
    """
    if connection.info.transaction_status == pq.TransactionStatus.INERROR:
        connection.execute("rollback")
    return str(scalar(connection, "select current_user"))


def scalar(connection: Connection[Any], sql: str) -> Any:
    """Return the first value of the first row of a query; None without a row."""
    row = connection.execute(sql).fetchone()
    return row[0] if row else None
