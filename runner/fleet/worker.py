"""A process that works on members of a fleet, several at a time, and reports to the one that started it."""

from __future__ import annotations

import gc
import os
import pickle
import threading
import time
from multiprocessing.connection import Connection, wait
from typing import Any, NamedTuple

from runner.errors import RunnerError, internal_error
from runner.fleet.work import Member, MemberStatus, Work, carry_out
from runner.postgres.cancellation import Cancellation


class Begin(NamedTuple):
    """Begin the work on the member with this number."""

    member: int


class Stop(NamedTuple):
    """Cancel what runs; asked again and again, and answered as soon as nothing runs on a server."""

    signal: int


class Said(NamedTuple):
    """A line for people."""

    text: str


class Ended(NamedTuple):
    """How the work ended, as in the outcome of a member."""

    status: MemberStatus
    seconds: float
    result: Any = None
    error: RunnerError | None = None


def serve(control: Connection, pipes: list[Connection]) -> None:
    """Do what is asked for on each pipe, one thing at a time on each, until the other process ends.

    `control` has the work and all members. Signals are blocked: the other process takes them, and asks to stop.
    """
    gc.disable()  # as in the other one: what little is left by each member is not worth the search
    try:
        work, members = pickle.loads(control.recv_bytes())  # noqa: S301  from the process that started this one
        slots: dict[object, _Slot] = {pipe: _Slot(pipe, work, members) for pipe in pipes}
        while True:
            for pipe in wait(pipes):
                slots[pipe].read()
    except Exception:  # noqa: BLE001  nobody asks any more; or a defect, and the other process tells that this one has ended
        os._exit(1)


class _Slot:
    """Works on one member at a time."""

    def __init__(self, pipe: Connection, work: Work[Any], members: tuple[Member, ...]) -> None:
        self.pipe = pipe
        self.work = work
        self.members = members
        self.lock = threading.Lock()
        self.stop: Cancellation | None = None
        """That of the member that runs."""
        self.begin = 0.0

    def read(self) -> None:
        """Begin to work, or stop. Raise EOFError or OSError when nobody asks any more."""
        message: Begin | Stop = self.pipe.recv()
        if isinstance(message, Begin):
            self.stop, self.begin = Cancellation(), time.monotonic()
            member = self.members[message.member]
            threading.Thread(target=self._run, args=(member, self.stop), daemon=True).start()
        elif (stop := self.stop) and not stop.asked:
            stop.ask(message.signal)
        elif stop and not stop.cancel:
            self._end(stop, Ended("interrupted", time.monotonic() - self.begin))

    def _run(self, member: Member, stop: Cancellation) -> None:
        outcome = carry_out(self.work, lambda text: self._send(Said(text)), member, stop)
        self._end(stop, Ended(outcome.status, outcome.seconds, outcome.result, outcome.error))

    def _end(self, stop: Cancellation, ended: Ended) -> None:
        """Tell how it ended, once."""
        with self.lock:
            is_first, self.stop = self.stop is stop, None
        if is_first:
            self._send(ended)

    def _send(self, message: Said | Ended) -> None:
        try:
            data = pickle.dumps(message)
        except Exception as error:  # noqa: BLE001  a defect, which is told as any other
            seconds = time.monotonic() - self.begin
            data = pickle.dumps(Ended("failed", seconds, error=internal_error(error)))
        with self.lock:
            try:
                self.pipe.send_bytes(data)
            except OSError:
                os._exit(0)
