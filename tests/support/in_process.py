"""Commands of the runner in this process, and the modules that a command loads."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from runner.cli.group import cli
from runner.errors import RunnerError
from tests.support.projects import ROOT, TIME, Result, runner_environment

LOADED = """
import json, sys
from runner.cli.main import main
sys.argv = ["runner", *{arguments!r}]
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code or 0, sorted(sys.modules)]))
"""


def loaded_modules(*arguments: str, folder: Path = ROOT) -> set[str]:
    """Run a command, and return the modules that it loaded."""
    result = subprocess.run(
        [sys.executable, "-c", LOADED.format(arguments=list(arguments))],
        check=True,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=runner_environment(),
        timeout=60,
    )
    code, modules = json.loads(result.stdout.splitlines()[-1])
    assert code == 0, result
    return set(modules)


def call(*arguments: str | Path, folder: Path) -> Result:
    """Run a command in this process on the project of a folder; what only a defect raises is raised."""
    out, err = StringIO(), StringIO()
    command = [*map(str, arguments), "--manifest", str(folder / "manifest.toml")]
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = cli.main(command, standalone_mode=False)
        except RunnerError as error:
            code = error.exit_code
            err.write(f"error: {error}".replace(f"{folder}/", ""))
    return Result(code, out.getvalue(), TIME.sub("", err.getvalue()))
