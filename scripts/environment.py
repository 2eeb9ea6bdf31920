"""Make the virtual environment `.venv` from the pinned requirements, when it is missing, old or half made.

Parses on every Python 3, so that an old one can be told what is wrong.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"


def prepare(requirements: str) -> None:
    """Install `requirements/NAME.txt` into the environment, unless exactly that is installed already."""
    if sys.version_info < (3, 11):  # noqa: UP036
        sys.exit("error: Python 3.11 or newer is needed, this is " + sys.version.split()[0])
    for character in '":$`\\\n':
        if character in str(ROOT):
            where = "error: " + str(ROOT) + ": move the project to a path without " + repr(character)
            sys.exit(where + ", which venv or PostgreSQL misreads")
    pins = ROOT / "requirements" / (requirements + ".txt")
    wanted = hashlib.sha256(pins.read_bytes() + sys.version.encode()).hexdigest()
    stamp = VENV / ("installed-" + requirements)
    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == wanted and _works("-c", ""):
            return
        print("setting up .venv from requirements/" + pins.name, file=sys.stderr)
        _install(pins)
        stamp.write_text(wanted)


def execute(arguments: list[str]) -> None:
    """Become the environment's Python, with the project importable from every folder."""
    path = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(part for part in path if part))
    os.execve(str(PYTHON), [str(PYTHON), *arguments], environment)  # noqa: S606


def _works(*arguments: str) -> bool:
    command = [str(PYTHON), *arguments]
    return PYTHON.exists() and not subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _install(pins: Path) -> None:
    installing = VENV / "installing"  # stays behind when the installation is cut off: packages may be half written
    if installing.exists() or not _works("-m", "pip", "--version"):
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)], "python -m venv failed; see above what it lacks")
    installing.touch()
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "-r", str(pins)]
    _run(
        [str(PYTHON), "-m", "pip", "install", *options], "packages could not be installed; see above, and run it again"
    )
    installing.unlink()


def _run(command: list[str], failure: str) -> None:
    if subprocess.call(command, stdout=sys.stderr):
        sys.exit("error: " + failure)
