"""Connection strings: what is wrong with one, told without what may be a part of a password."""

from __future__ import annotations

import os
import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from runner.errors import Hint, InputError

_LAST_PORT = 65_535
_SCHEMES = ("postgresql", "postgres")
_SCHEME = re.compile(r"""(?:psql\s+)?["']?(?:jdbc:)?[A-Za-z][A-Za-z0-9+]*(?:_[a-z0-9]+)?://""")
_REFUSED = re.compile(r'invalid (?:URI query parameter|connection option):? "(\w+)"')
_FORM = "write postgresql://USER@HOST:PORT/DATABASE, or 'host=… dbname=… user=…'"
_MEANS_SCHEMA = ("schema", "search_path", "currentschema")


def check_connection_string(dsn: str, origin: str) -> None:
    """Raise InputError where libpq cannot read a connection string, or takes it for another than was meant."""
    if re.search(r"[\0-\x1f\x7f]", dsn):
        hint = Hint("a line end at the end often comes from echo, or from a file of a secret; take it out")
        raise InputError("a connection string has no line end or other control character", place=origin, notes=(hint,))
    try:
        parameters = conninfo_to_dict(dsn)
    except UnicodeEncodeError:
        raise _unreadable(origin) from None
    except psycopg.ProgrammingError as error:
        raise _problem(dsn, str(error), origin) from None
    if not parameters and not dsn.startswith(tuple(f"{scheme}://" for scheme in _SCHEMES)):
        raise InputError("empty; give a connection string, or leave it out", place=origin)
    _check_parts(str(parameters.get("host") or ""), str(parameters.get("port") or os.environ.get("PGPORT", "")), origin)


def _problem(dsn: str, said: str, origin: str) -> InputError:
    """Return the error for what libpq does not read: the scheme or the parameter, where neither can be a password's."""
    scheme = _SCHEME.match(dsn)
    if scheme and not dsn.startswith(tuple(f"{known}://" for known in _SCHEMES)):
        hint = Hint("write postgresql://, with nothing before it")
        notes = (f"{scheme[0]}…", "^", hint)
        return InputError(f"a connection string does not begin with {scheme[0]}", place=origin, notes=notes)
    refused = _REFUSED.search(said)
    if refused is None:
        return _unreadable(origin)
    name = refused[1]
    before, _, after = dsn.partition(f"{name}=")
    if "@" in after if scheme else "password" in before.lower():
        return _unreadable(origin)
    hint = Hint("take it out; the documentation of libpq lists the parameters that there are")
    if name.lower() in _MEANS_SCHEMA:
        hint = Hint("take it out; the schema is that of the manifest, [project] schema, or of --schema")
    shown = f"{scheme[0] if scheme else ''}…{before[-1:]}"  # nothing that could be a part of a password
    notes = (f"{shown}{name}=…", f"{' ' * len(shown)}^", hint)
    return InputError(f"libpq knows no parameter {name!r}", place=origin, notes=notes)


def _unreadable(origin: str) -> InputError:
    return InputError(f"not a connection string (its text is not shown, it may hold a password); {_FORM}", place=origin)


def _check_parts(hosts: str, ports: str, origin: str) -> None:
    """Raise InputError for what libpq would take for a server that is down.

    The value is not shown: a password with an unquoted / or @ has its rest there.
    """
    quoting = (Hint("in a URL, write a / of the password as %2F, an @ as %40, a : as %3A"),)
    if "@" in hosts:
        raise InputError("a host has no @", place=origin, notes=quoting)
    for port in ports.split(","):
        if port and not (re.fullmatch("[0-9]{1,5}", port) and 0 < int(port) <= _LAST_PORT):
            raise InputError(f"a port is a number from 1 to {_LAST_PORT}", place=origin, notes=quoting)
