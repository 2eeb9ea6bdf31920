"""The runs of the other tests: one that comes from a prepared process is one that starts anew."""

from __future__ import annotations

import socket
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support import runs
from tests.support.projects import ROOT, TIME, runner_environment
from tests.support.runs import run_anew, run_prepared, start_alike

RUNS: dict[str, tuple[tuple[str, ...], str]] = {
    "help": (("--help",), ""),
    "a document": (("check", "--json", "--manifest", f"{ROOT}/manifest.toml"), ""),
    "much text": (("render", "--manifest", f"{ROOT}/manifest.toml"), ""),
    "a failure": (("plan", "--wait", "0", "--manifest", f"{ROOT}/manifest.toml"), ""),
    "wrong usage": (("plan", "--nope"), ""),
    "a file of the folder": (("check",), ""),
    "stdin": (("apply", "--targets", "-", "--manifest", f"{ROOT}/manifest.toml"), "dbname=ä\ndbname=ä"),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_prepared_run_is_one_that_starts_anew(tmp_path: Path, case: str) -> None:
    """It has the same arguments, folder, variables and stdin; stdout, stderr and the exit code are the same."""
    arguments, text = RUNS[case]
    environment = runner_environment({"DATABASE_URL": "postgresql:///none?host=/nonexistent"})
    ended = [run(arguments, tmp_path, environment, text.encode()) for run in (run_anew, run_prepared)]
    first, second = ((each.returncode, each.stdout, TIME.sub("", each.stderr.decode())) for each in ended)
    assert first == second
    assert first[1] or first[2]


def test_prepared_runs_can_be_together() -> None:
    """Each gets its own answer."""
    commands = [("--version",), ("--nope",), ("check", "--help")] * 4
    environment = runner_environment()
    with ThreadPoolExecutor(6) as pool:
        ended = list(pool.map(lambda command: run_prepared(command, ROOT, environment, b""), commands))
    assert [each.returncode for each in ended] == [0, 2, 0] * 4
    assert len({each.stdout for each in ended}) == 3


def test_the_order_of_sets_is_another_in_the_next_run() -> None:
    """A result that depends on it would not be the same in two runs that follow each other."""
    environment = runner_environment()
    seeds = {runs._prepared(environment) for _ in range(4)}  # noqa: SLF001  which process a run comes from is not seen
    assert len(seeds) == 2


def test_what_an_interpreter_reads_at_its_start_is_no_usual_environment() -> None:
    """With another locale, or another seed for hashes, the run gets an interpreter of its own."""
    usual = runner_environment()
    assert start_alike(usual, runner_environment({"DATABASE_URL": "host=x", "TZ": "Asia/Tokyo"}))
    for name in ("PYTHONHASHSEED", "PYTHONPATH", "LC_ALL", "LANG"):
        assert not start_alike(usual, runner_environment({name: "other"}))


def test_a_run_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that waits for a server without a word is killed after the longest time, and the test fails."""
    monkeypatch.setattr(runs, "LONGEST", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        arguments = ("plan", "--wait", "100", "--dsn", f"host=127.0.0.1 port={port} user=x connect_timeout=100")
        with pytest.raises(subprocess.TimeoutExpired):
            run_prepared(arguments, ROOT, runner_environment(), b"")
