"""A run that is killed between two of a repair's transactions: the next one ends where an undisturbed one does."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import MakeProject
from tests.projects import CASES, LONGEST, run_runner, runner_environment
from tests.servers import Server, program

FOLDER = CASES / "killed"
MOST = 40
"""More transactions than the repairs of the older database have."""

KILLER = """
import os, signal, sys
from runner import cli, execute

send, left = execute._send, int(sys.argv.pop(1))

def send_and_die(*arguments):
    global left
    result = send(*arguments)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

execute._send = send_and_die
cli.main()
"""
"""The runner, which kills itself after a number of transactions."""


def kill_after(transactions: int, folder: Path, dsn: str) -> bool:
    """Apply, and return whether the run was killed after so many transactions; it may have ended before."""
    manifest = str(folder / "manifest.toml")
    command = [sys.executable, "-c", KILLER, str(transactions), "apply", "--manifest", manifest]
    ended = subprocess.run(
        [*command, "--dsn", dsn], check=False, capture_output=True, env=runner_environment(), timeout=LONGEST
    )
    assert ended.returncode in (0, -signal.SIGKILL), ended
    return ended.returncode != 0


def dump_without_history(dsn: str) -> str:
    """Return schema and data, but for the history, which tells of each attempt."""
    dumped = program("pg_dump", "--dbname", dsn, "--exclude-table", "*.runner_history")
    assert dumped.returncode == 0, dumped.stderr
    return re.sub(r"^\\(un)?restrict .*\n", "", dumped.stdout, flags=re.MULTILINE)


def test_a_killed_repair_is_finished(server: Server, project: MakeProject) -> None:
    """After a kill between any two transactions, one more apply mends the rest, and nothing is left over."""
    folder = project({"010_item.sql": (FOLDER / "declared.sql").read_text()}, run={"repair": "align"})
    with server.database() as older, server.database() as undisturbed:
        with psycopg.connect(older) as connection:
            connection.execute((FOLDER / "older.sql").read_bytes())
        template = str(conninfo_to_dict(older)["dbname"])
        with psycopg.connect(undisturbed) as connection:
            connection.execute((FOLDER / "older.sql").read_bytes())
        assert run_runner("apply", "--manifest", folder / "manifest.toml", "--dsn", undisturbed).code == 0
        expected = dump_without_history(undisturbed)
        for transactions in range(1, MOST):
            with server.database(template) as dsn:
                killed = kill_after(transactions, folder, dsn)
                again = run_runner("apply", "--manifest", folder / "manifest.toml", "--dsn", dsn)
                assert again.code == 0, (transactions, again)
                assert dump_without_history(dsn) == expected, transactions
            if not killed:
                break
        assert 15 < transactions < MOST - 1
