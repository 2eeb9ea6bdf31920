"""A process that has imported the runner, waits, and divides for each run: imports are most of what a short run takes.

A run is a process all the same, with streams, a folder, an environment and an exit code of its own.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

LIBRARIES = ("jinja2.ext", "psycopg.rows", "rich.console", "rich.live", "rich.table", "tomli_w")
"""What the runner imports only when it needs it."""


def main() -> None:
    """Wait for requests on the socket that the command line names, until it is closed."""
    control = socket.socket(fileno=int(sys.argv[1]))
    _import_everything()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who attend to runs
    while (received := socket.recv_fds(control, 1, 5))[0]:
        descriptors = received[1]
        if not os.fork():
            control.close()
            attend(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _import_everything() -> None:
    root = Path(__file__).resolve().parent.parent.parent
    for path in sorted((root / "runner").rglob("*.py")):
        if path.stem != "__main__":
            import_module(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))
    for name in LIBRARIES:
        import_module(name)
    gc.collect()
    gc.freeze()


def attend(request: int, answer: int, *streams: int) -> None:
    """Start a run, and answer with its process id at once and with its exit code at the end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if not (process := os.fork()):
        with open(request, encoding="utf-8") as file:
            wanted = json.load(file)
        become(wanted, streams)
    os.write(answer, f"{process}\n".encode())
    _, status = os.waitpid(process, 0)
    with suppress(BrokenPipeError):  # who asked may have stopped waiting
        os.write(answer, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def become(wanted: dict[str, Any], streams: tuple[int, ...]) -> NoReturn:
    """Be `python -m runner` from here on."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 64)
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])
    time.tzset()
    sys.path[0] = wanted["folder"]
    sys.argv[1:] = wanted["arguments"]
    try:
        runpy.run_module("runner", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        leave(int(ended.code or 0))
    leave(0)


def leave(code: int) -> NoReturn:
    """End as an interpreter does, but for taking all modules apart: that would be most of what a short run does."""
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
    atexit._run_exitfuncs()  # noqa: SLF001
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


if __name__ == "__main__":
    main()
