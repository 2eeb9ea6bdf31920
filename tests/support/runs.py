"""Runs of the runner as programs: in an interpreter of their own, or from a process that has imported it already."""

from __future__ import annotations

import atexit
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock
from typing import IO

LONGEST = 120
"""Seconds after which a run of the runner hangs."""
_READ_AT_THE_START = re.compile(r"(?:PYTHON|LC_|LANG).*")
"""Variables that an interpreter reads when it starts, and never again."""
_TURNS = count()
_PREPARED: dict[int, socket.socket] = {}
_STARTING = Lock()

Ended = subprocess.CompletedProcess[bytes]


def runner_command(*arguments: str | Path) -> list[str]:
    """Return the command that people type."""
    return [sys.executable, "-m", "runner", *map(str, arguments)]


def run_anew(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], text: bytes) -> Ended:
    """Run the runner in an interpreter that is started for it."""
    command = runner_command(*arguments)
    return subprocess.run(
        command, check=False, capture_output=True, cwd=folder, env=environment, input=text, timeout=LONGEST
    )


def start_alike(environment: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Return whether interpreters are the same in two environments."""
    first, second = (
        {name: value for name, value in each.items() if _READ_AT_THE_START.fullmatch(name)}
        for each in (environment, other)
    )
    return first == second


def run_prepared(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], text: bytes) -> Ended:
    """Run the runner in a process that a prepared one divides into; see prepared.py."""
    wanted = {"arguments": arguments, "folder": str(folder.absolute()), "environment": dict(environment)}
    with ExitStack() as stack:
        request, given, out, err = (stack.enter_context(TemporaryFile()) for _ in range(4))
        for file, content in ((request, json.dumps(wanted).encode()), (given, text)):
            file.write(content)
            file.seek(0)
        answer, end = socket.socketpair()
        stack.enter_context(answer)
        with end:
            descriptors = [each.fileno() for each in (request, end, given, out, err)]
            socket.send_fds(_prepared(environment), [b"."], descriptors)
        return Ended(arguments, _wait(answer, arguments), _content(out), _content(err))


def _content(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _wait(answer: socket.socket, arguments: Sequence[str]) -> int:
    """Return the exit code of a run that tells its process id when it begins, and the code when it ends."""
    with answer.makefile("rb", buffering=0) as lines:
        process = int(lines.readline())
        if not select.select([lines], [], [], LONGEST)[0]:
            os.kill(process, signal.SIGKILL)
            raise subprocess.TimeoutExpired(list(arguments), LONGEST)
        return int(lines.readline())


def _prepared(environment: Mapping[str, str]) -> socket.socket:
    """Return where a prepared process takes requests: two take turns, and the order of their sets is not the same."""
    turn = next(_TURNS) % 2
    with _STARTING:
        if turn not in _PREPARED:
            _PREPARED[turn] = _start(environment)
        return _PREPARED[turn]


def _start(environment: Mapping[str, str]) -> socket.socket:
    """Start a process that ends with the socket that it takes requests from."""
    control, other = socket.socketpair()
    with other:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.prepared", str(other.fileno())],
            env=environment,
            pass_fds=[other.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def end() -> None:
        control.close()
        process.wait()

    atexit.register(end)
    return control
