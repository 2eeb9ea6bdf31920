"""The runner as a process, and the end of an embedded server."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from runner.postgres import embedded
from tests.support.projects import runner_environment
from tests.support.runs import runner_command


def process(*arguments: str, folder: Path, **streams: Any) -> subprocess.Popen[str]:
    """Start the runner without waiting for its end."""
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | streams
    command = runner_command(*arguments)
    return subprocess.Popen(command, cwd=folder, env=runner_environment(), encoding="utf-8", **pipes)


def assert_stopped(folder: Path) -> None:
    """Assert that the embedded server of a project does not run, and ended in good order."""
    data = folder / embedded.FOLDER / "data"
    assert (data / "PG_VERSION").exists()
    assert not (data / "postmaster.pid").exists()
    assert "database system is shut down" in (data / "log").read_text(errors="replace").splitlines()[-1]
