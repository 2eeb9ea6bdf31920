"""A database that is made to be thrown away, on the server of a target; no other database is touched."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from msgspec.structs import replace
from psycopg.conninfo import make_conninfo

from runner.errors import DatabaseError, Hint
from runner.postgres.opener import Opener
from runner.sql.quoting import identifier

PREFIX = "runner_throwaway_"


@contextmanager
def throwaway_database(server: Opener) -> Iterator[Opener]:
    """Make an empty database, yield how it is connected to, and drop it, whoever is still connected.

    It belongs to the role of the manifest. Raise DatabaseError where none can be made.
    """
    name, role = f"{PREFIX}{secrets.token_hex(6)}", server.manifest.run.role
    as_login = replace(server, manifest=replace(server.manifest, run=replace(server.manifest.run, role=None)))
    owner = f" owner {identifier(role)}" if role else ""
    with as_login.connect() as connection:
        try:
            connection.execute(f"create database {name} template template0{owner}".encode())
        except psycopg.errors.InsufficientPrivilege as error:
            user = identifier(connection.info.user)
            message = f"a throw-away database cannot be made: {error.diag.message_primary} [{error.sqlstate}]"
            raise DatabaseError(message, notes=(Hint(f"alter role {user} createdb;"),)) from error
    target = replace(server.target, conninfo=make_conninfo(server.target.conninfo, dbname=name))
    try:
        yield replace(server, target=target)
    finally:
        _drop(as_login, name)


def _drop(server: Opener, name: str) -> None:
    try:
        with server.connect() as connection:
            connection.execute(f"drop database if exists {name} with (force)".encode())
    except DatabaseError as error:
        server.say(f"database {name} could not be dropped: {error.message}")
