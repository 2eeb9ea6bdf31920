"""Connect to a target, waiting for a server that is still starting."""

from __future__ import annotations

import random
import re
import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import Connection, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import ConnectError, ConnectionLostError, DatabaseError, Hint, InputError
from runner.postgres.session import begin_session
from runner.postgres.target import EMBEDDED, Say, Target
from runner.project.manifest import Manifest

_ATTEMPTS = 4
"""How often a server is asked that can be reached now, and ended the connection just before."""
_WAS_DOWN = re.compile(
    "closed the connection|refused|reset by peer|No such file|timeout expired|the database system is "
)
_NO_DATABASE = re.compile('database "(.+)" does not exist')
_OF_CREATEDB = {"host": "host", "port": "port", "user": "username"}
"""The options of createdb, by what a connection string calls them."""
_NAME_THE_USER = (Hint("name the user, in DB_USER, PGUSER or the connection string"),)
_UNRESOLVED = "failed to resolve host"
_UP_SOON = (pq.Ping.REJECT, pq.Ping.NO_RESPONSE)


@contextmanager
def connect_to(target: Target, manifest: Manifest, wait: float, say: Say) -> Iterator[Connection[Any]]:
    """Connect, waiting up to `wait` seconds for a server that is still starting; close at the end.

    Raise ConnectError, ConnectionLostError, or DatabaseError when the server is older than the manifest allows.
    """
    with _connected(target, manifest.project.name, wait, say) as connection:
        version, minimum = connection.info.server_version, manifest.project.minimum_postgresql
        if version // 10_000 < minimum:
            raise DatabaseError(
                f"the server is PostgreSQL {server_version(connection)}; the manifest asks for {minimum} or newer"
            )
        try:
            begin_session(connection, manifest)
            yield connection
        except psycopg.Error as error:
            reason = _first_line(target.redacted(str(error)))
            if connection.closed:
                raise ConnectionLostError(reason) from error
            raise DatabaseError(f"{reason}{f' [{error.sqlstate}]' if error.sqlstate else ''}") from error


def describe(connection: Connection[Any], target: Target) -> str:
    """Return the database, the server and the role in words, without a password."""
    info = connection.info
    if target.origin == EMBEDDED:
        return f"{EMBEDDED} {server_version(connection)}"
    return (
        f"database {info.dbname} at {info.host or 'localhost'}:{info.port} as {info.user}, "
        f"PostgreSQL {server_version(connection)}"
    )


def describe_server(connection: Connection[Any], target: Target) -> str:
    """Return the server and the role in words: which database it was reached by does not count."""
    if target.origin == EMBEDDED:
        return describe(connection, target)
    info = connection.info
    return f"{info.host or 'localhost'}:{info.port} as {info.user}, PostgreSQL {server_version(connection)}"


def server_version(connection: Connection[Any]) -> str:
    """Return the server's version as people write it."""
    return (connection.info.parameter_status("server_version") or "unknown").split(" ")[0]


@contextmanager
def _connected(target: Target, name: str, wait: float, say: Say) -> Iterator[Connection[Any]]:
    deadline = time.monotonic() + wait
    pause, told, came_up = 0.1, False, 0
    while True:
        remaining = deadline - time.monotonic()
        try:
            connection = _open(target, name, remaining)
            break
        except UnicodeError:  # the driver looks the host up as a name of the internet
            raise InputError("a host has a name that cannot be looked up", place=target.origin) from None
        except psycopg.Error as error:
            ping = _ping(target, error, remaining)
            if ping == pq.Ping.NO_ATTEMPT:
                notes = _NAME_THE_USER if "local user" in str(error) else ()
                raise InputError(_first_line(target.redacted(str(error))), place=target.origin, notes=notes) from None
            came_up += ping == pq.Ping.OK and bool(_WAS_DOWN.search(str(error)))
            is_up_soon = ping in _UP_SOON or 0 < came_up < _ATTEMPTS
            if remaining <= 0 or not is_up_soon:
                raise _connect_error(target, error, waited=wait if told else 0) from None
            if not told:
                say(f"waiting up to {wait:g} s for the server: {_first_line(target.redacted(str(error)))}")
                told = True
        time.sleep(min(pause * random.uniform(0.8, 1.2), max(deadline - time.monotonic(), 0)))  # noqa: S311
        pause = min(pause * 2, 2.0)
    try:
        yield connection
    finally:
        connection.close()


def _open(target: Target, name: str, remaining: float) -> Connection[Any]:
    """Connect; what the connection string says goes before what is usual here."""
    usual: dict[str, Any] = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 3}
    usual |= {"fallback_application_name": f"runner {name}"}
    given = conninfo_to_dict(target.conninfo)
    return psycopg.connect(
        target.conninfo,
        autocommit=True,
        prepare_threshold=None,
        client_encoding="UTF8",
        connect_timeout=_timeout(remaining),
        **{key: value for key, value in usual.items() if key not in given},
    )


def _ping(target: Target, error: psycopg.Error, remaining: float) -> pq.Ping:
    """Return what the server says of itself after an attempt that failed.

    One that has not said a word, or whose name nobody knows, is not asked again: libpq would wait for an answer, and
    all threads with it.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout) or str(error).startswith(_UNRESOLVED):
        return pq.Ping.NO_RESPONSE
    return pq.Ping(pq.PGconn.ping(make_conninfo(target.conninfo, connect_timeout=_timeout(remaining)).encode()))


def _timeout(remaining: float) -> int:
    """Return how long one attempt may take, in whole seconds; libpq takes 2 for the least."""
    return max(2, int(min(remaining, 10)))


def _connect_error(target: Target, error: psycopg.Error, waited: float) -> ConnectError:
    text = _first_line(target.redacted(str(error)))
    after = f" after {waited:g} s" if waited else ""
    missing = _NO_DATABASE.search(text)
    notes = (Hint(f"make it: {_createdb(target, missing[1])}"),) if missing else ()
    return ConnectError(f"cannot connect{after}: {text}", place=target.origin, notes=notes)


def _createdb(target: Target, name: str) -> str:
    """Return the command that makes a database on the server of a target; a password is asked for."""
    given = conninfo_to_dict(target.conninfo)
    options = [f"--{option}={given[key]}" for key, option in _OF_CREATEDB.items() if given.get(key)]
    return shlex.join(["createdb", *options, *(["--"] if name.startswith("-") else []), name])


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return re.sub(r"^connection (failed|is bad): ", "", line)
