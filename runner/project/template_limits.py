"""How much a template may take: it is rendered in a child process, which the kernel ends when it takes too much.

Nothing less bounds all that an expression can do: one operator, filter or method may work for hours, or ask for all of
the memory, without a place at which Python could stop it. The limits are the child's alone, so this process keeps its
own, whatever threads it has.
"""

from __future__ import annotations

import faulthandler
import fcntl
import json
import os
import re
import resource
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, NoReturn, TypeVar

MOST_CHARACTERS = 64 << 20
"""Of a rendered script; the parser takes forty times as many bytes."""
MOST_SECONDS = 10.0
"""Of the processor, for each template: a busy machine does not change what a template may do."""
MOST_MEGABYTES = 1024
"""Beyond what the process has already."""
TOO_LARGE = f"more than {MOST_MEGABYTES:,} megabytes of memory"
CODE = "<template>"
"""The file that the code of a template is said to be of."""

_ROOM = 1 << 20
_TAKEN = Path("/proc/self/statm")
_PLACE = re.compile(rf'File "{CODE}", line (\d+)')

Item = TypeVar("Item")
Answer = Sequence[str | int]


class CutOff(NamedTuple):
    """The work on an item was ended: why, and at which line of the code of a template, 0 when that is unknown."""

    reason: str
    line: int


class _Child(NamedTuple):
    process: int
    reader: int
    """The end of a pipe to which it writes its answers."""


def answers(work: Callable[[Item], Answer], items: Sequence[Item]) -> Iterator[Answer | CutOff]:
    """Return what `work` returns for each item, in a child process that begins now.

    Where it is cut off, another one does the rest.
    """
    return _answers(work, items, _begin(work, items)) if items else iter(())


def _answers(work: Callable[[Item], Answer], items: Sequence[Item], child: _Child) -> Iterator[Answer | CutOff]:
    while True:
        done, cut_off = _end(child)
        yield from done
        if len(done) == len(items):
            return
        yield cut_off
        items = items[len(done) + 1 :]
        if not items:
            return
        child = _begin(work, items)


@contextmanager
def limited_memory() -> Iterator[None]:
    """Let a child process take no more memory than it may. Raise MemoryError.

    Only Linux counts the memory of a process; on macOS it is bounded by the time in which it can be filled.
    """
    if not _TAKEN.exists():
        yield
        return
    before, most = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(_TAKEN.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    limit = taken + (MOST_MEGABYTES << 20)
    resource.setrlimit(resource.RLIMIT_AS, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (before, most))


def _begin(work: Callable[[Item], Answer], items: Sequence[Item]) -> _Child:
    """Start a child process, which has room for its answers while nobody reads them."""
    reader, writer = os.pipe()
    with suppress(AttributeError, OSError):  # where pipes have one size, or no more of this one are left
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _ROOM)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the child waits for none of theirs
        process = os.fork()
    if not process:
        _answer_and_exit(work, items, writer)
    os.close(writer)
    return _Child(process, reader)


def _end(child: _Child) -> tuple[list[Answer], CutOff]:
    """Wait for a child process. Return its answers, and how it ended."""
    try:
        with os.fdopen(child.reader, encoding="utf-8", errors="replace") as pipe:
            *lines, _ = pipe.read().split("\n")
    except BaseException:
        os.kill(child.process, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child.process, 0)
    done = [json.loads(line) for line in lines if line.startswith("[")]
    place = _PLACE.search("\n".join(lines[len(done) :]))
    return done, CutOff(_in_words(status), int(place[1]) if place else 0)


def _answer_and_exit(work: Callable[[Item], Answer], items: Sequence[Item], writer: int) -> NoReturn:
    """Write the answer for each item as a line; when it is cut off, where it was comes after them."""
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGPROF):
            signal.signal(number, signal.SIG_DFL)
        with os.fdopen(writer, "w", encoding="utf-8") as pipe:
            faulthandler.enable(pipe, all_threads=False)
            faulthandler.register(signal.SIGPROF, pipe, all_threads=False, chain=True)
            for item in items:
                signal.setitimer(signal.ITIMER_PROF, MOST_SECONDS)
                answer = json.dumps(work(item))
                signal.setitimer(signal.ITIMER_PROF, 0)
                print(answer, file=pipe, flush=True)
    finally:
        os._exit(0)


def _in_words(status: int) -> str:
    """Return why a child process ended before its work was done."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return f"more than {MOST_SECONDS:g} seconds of computing"
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) != signal.SIGKILL:
        return "nested too deeply"
    return TOO_LARGE
