"""Work on the members of a large fleet in several processes: one interpreter uses one processor."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import Connection
from typing import Any

from runner.errors import DatabaseError, Hint, internal_error
from runner.fleet.work import Carry, Member, MemberOutcome, Result, Work, carry_out
from runner.fleet.worker import Begin, Ended, Stop, serve
from runner.postgres.cancellation import SIGNALS, Cancellation
from runner.postgres.target import Say

_FEWEST = 16
"""How many members are worth a process: to start one takes as long as 20 of them that are unchanged."""
_CONTEXT = get_context("spawn")
"""What a new interpreter inherits: neither a connection nor a lock."""


def number_of_processes(members: int, jobs: int) -> int:
    """Return how many processes are worth it; each has two connections or more, as one of them waits for its server."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, jobs // 2, members // _FEWEST)


@contextmanager
def carrying(
    members: Sequence[Member], work: Work[Result], jobs: int, say: Say, processes: int
) -> Iterator[Carry[Result]]:
    """Yield what carries out a work, `jobs` at a time, in this process or in several others, which end with the block.

    These get the work and all members once; the work is a function of a module, with arguments that can be pickled.
    """
    if processes < 2:  # noqa: PLR2004  one would do what this one can do
        yield partial(carry_out, work, say)
        return
    try:
        others = _Processes(members, pickle.dumps((work, tuple(members))), jobs, say, processes)
    except OSError:  # too many processes or open files; those that were started end with their pipes
        yield partial(carry_out, work, say)
        return
    try:
        yield others.carry
    finally:
        others.end()


class _Processes:
    """The processes, and their slots, of which each works on one member at a time."""

    def __init__(self, members: Sequence[Member], payload: bytes, jobs: int, say: Say, number: int) -> None:
        self.numbers = {member.name: number for number, member in enumerate(members)}
        self.say = say
        per_process = -(-jobs // number)
        self.start = partial(_Process, payload, per_process)
        self.processes = [self.start() for _ in range(number)]
        self.have_ended = False
        self.lock = threading.Lock()
        self.free: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        for slot in range(per_process):
            for process in range(number):
                self.free.put((process, slot))

    def carry(self, member: Member, stop: Cancellation) -> MemberOutcome[Any]:
        """Have a member worked on, and return how that ended."""
        begin = time.monotonic()
        number, slot = self.free.get()
        process = self.processes[number]
        try:
            process = self._alive(number)
            ended = process.slots[slot].ask(Begin(self.numbers[member.name]), stop, self.say)
            return MemberOutcome(member, *ended)
        except (EOFError, OSError):
            return MemberOutcome(member, "failed", time.monotonic() - begin, error=process.lost())
        except Exception as error:  # noqa: BLE001  a defect, which is told as any other
            return MemberOutcome(member, "failed", time.monotonic() - begin, error=internal_error(error))
        finally:
            self.free.put((number, slot))

    def end(self) -> None:
        """End all of them; what they are asked for has ended, or is not waited for any more."""
        with self.lock:
            self.have_ended = True
            for process in self.processes:
                process.kill()

    def _alive(self, number: int) -> _Process:
        """Return a process, started again when it has ended."""
        with self.lock:
            if not self.have_ended and not self.processes[number].is_alive():
                self.processes[number] = self.start()
            return self.processes[number]


class _Process:
    """A process, started with what it works on."""

    def __init__(self, payload: bytes, slots: int) -> None:
        pipes = [_CONTEXT.Pipe() for _ in range(slots)]
        read, write = _CONTEXT.Pipe(duplex=False)
        theirs = [pipe for _, pipe in pipes]
        self._process = _CONTEXT.Process(target=serve, args=(read, theirs), daemon=True)
        self._lock = threading.Lock()
        with _signals_blocked():
            self._process.start()
        for end in (read, *theirs):
            end.close()
        self.slots = [_Slot(pipe) for pipe, _ in pipes]
        threading.Thread(target=_send, args=(write, payload), daemon=True).start()

    def is_alive(self) -> bool:
        """Return whether it still runs."""
        with self._lock:
            return self._process.is_alive()

    def lost(self) -> DatabaseError:
        """Return how it ended, as the error of a member that it worked on."""
        with self._lock:
            self._process.join(timeout=1)
            code = self._process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
        hint = Hint("what was not committed is rolled back; run the command again")
        return DatabaseError(f"the process that worked on it {how}", notes=(hint,))

    def kill(self) -> None:
        """End it at once."""
        with self._lock:
            self._process.kill()
            self._process.join()


class _Slot:
    """An end of a pipe, and what is asked for through it."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self.lock = threading.Lock()

    def ask(self, begin: Begin, stop: Cancellation, say: Say) -> Ended:
        """Return how the work ended. Raise EOFError or OSError when the process did."""
        with stop.cancels(lambda: self._stop(stop)), stop.cancellable():
            self._send(begin)
            while not isinstance(message := self.pipe.recv(), Ended):
                say(message.text)
        return message

    def _stop(self, stop: Cancellation) -> None:
        with suppress(OSError):
            self._send(Stop(stop.signal or signal.SIGINT))

    def _send(self, message: Begin | Stop) -> None:
        with self.lock:
            self.pipe.send(message)


def _send(pipe: Connection, payload: bytes) -> None:
    """Send what is larger than a pipe, to a process that has yet to begin."""
    with suppress(OSError), pipe:
        pipe.send_bytes(payload)


@contextmanager
def _signals_blocked() -> Iterator[None]:
    """Let what starts in the block never get the signals that end a command; they reach this process alone."""
    resource_tracker.ensure_running()  # starting it would let them in again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
