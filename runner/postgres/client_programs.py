"""PostgreSQL's own programs: where they are, and how they are told of a target without showing its secrets."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import Hint, RunnerError
from runner.postgres import embedded
from runner.postgres.target import Target

_SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters beside the password that no variable and no file but that of a service can hold."""
_SERVICE = "runner"


def find_program(name: str) -> str | None:
    """Return the program of the embedded PostgreSQL, else the first on the path."""
    return str(embedded.programs() / name) if embedded.is_installed() else shutil.which(name)


@contextmanager
def connection_of(target: Target) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the argument that names a target, and the environment for the program.

    Arguments are public: what is secret is in files that only this user can read. Raise RunnerError.
    """
    with _public_parameters(conninfo_to_dict(target.conninfo)) as (parameters, variables):
        hidden = "PGPASSWORD" if "PGPASSFILE" in variables else None  # it would be taken instead
        kept = {name: value for name, value in os.environ.items() if name != hidden}
        yield f"--dbname={make_conninfo('', **parameters)}", kept | variables


@contextmanager
def _public_parameters(parameters: dict[str, Any]) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Yield the parameters that everybody may see, and the variables that name the files with the others."""
    password = parameters.pop("password", None)
    secrets = {name: str(parameters.pop(name)) for name in _SECRETS if parameters.get(name)}
    if secrets and ("service" in parameters or "PGSERVICE" in os.environ):
        hint = Hint(f"write {', '.join(secrets)} into the file of the service, which only you can read")
        message = "a program takes a secret from one service, and the database is given by another"
        raise RunnerError(message, notes=(hint,))
    with TemporaryDirectory() as folder:
        variables = {}
        if password:
            line = "*:*:*:*:" + re.sub(r"([\\:])", r"\\\1", str(password))
            parameters.pop("passfile", None)
            variables["PGPASSFILE"] = _private(Path(folder, "pass"), [line])
        if secrets:
            lines = [f"[{_SERVICE}]", *(f"{name}={value}" for name, value in secrets.items())]
            variables["PGSERVICEFILE"] = _private(Path(folder, "service"), lines)
            parameters["service"] = _SERVICE
        yield parameters, variables


def _private(path: Path, lines: list[str]) -> str:
    """Write a file that nobody else can read, and return its path."""
    if any(set(line) & set("\r\n") for line in lines):
        raise RunnerError("a password with a line end cannot be given to a program of PostgreSQL")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join((*lines, "")))
    return str(path)
