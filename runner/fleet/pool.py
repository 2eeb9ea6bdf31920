"""Many databases and schemas at once: each is a piece of work that fails alone."""

from __future__ import annotations

import math
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Literal, NamedTuple, TypeVar

from msgspec import Struct

from runner.errors import InterruptError, RunnerError, internal_error
from runner.postgres.cancellation import Cancellation
from runner.postgres.target import Target
from runner.project.loading import Project

Result = TypeVar("Result")
MemberStatus = Literal["ended", "failed", "interrupted", "not begun"]
_GRACE = 10.0
"""How many seconds those that are asked to stop are waited for."""
_TICK = 0.2


class Member(Struct, frozen=True):
    """A database and a schema in it; `name` is for people, and different for each."""

    name: str
    target: Target
    loaded: Project


class MemberOutcome(Struct, Generic[Result], frozen=True):
    """How the work on one member ended, after how many seconds; `result` is there when it ended, `error` when not."""

    member: Member
    status: MemberStatus
    seconds: float = 0.0
    result: Result | None = None
    error: RunnerError | None = None


Work = Callable[[Member, Cancellation], Result]


def run_all(
    members: Sequence[Member], work: Work[Result], jobs: int, stop: Cancellation
) -> Iterator[MemberOutcome[Result]]:
    """Run `work` on each member, `jobs` at a time, and yield how each ended, as it ends.

    What the members of one database share, such as an extension, is made by the first of them before the others begin.
    Asked to stop, begin nothing more, and yield the rest as interrupted or not begun.
    """
    yield from _Fleet(members, work, stop).outcomes(jobs)


class _Running(NamedTuple):
    """How a member that runs is asked to stop, and when it began."""

    stop: Cancellation
    begin: float


class _Fleet(Generic[Result]):
    """The members, and the threads that work on them."""

    def __init__(self, members: Sequence[Member], work: Work[Result], stop: Cancellation) -> None:
        self.ready: queue.SimpleQueue[Member] = queue.SimpleQueue()
        self.behind: dict[str, list[Member]] = {}
        """The members that begin when the first of their database has ended."""
        for member in members:
            if member.target.conninfo in self.behind:
                self.behind[member.target.conninfo].append(member)
            else:
                self.behind[member.target.conninfo] = []
                self.ready.put(member)
        self.running: dict[str, _Running] = {}
        self.left = {member.name: member for member in members}
        self.ended: queue.SimpleQueue[MemberOutcome[Result]] = queue.SimpleQueue()
        self.work = work
        self.stop = stop

    def outcomes(self, jobs: int) -> Iterator[MemberOutcome[Result]]:
        """Work on all members, and yield how they ended, as they end."""
        for _ in range(min(jobs, len(self.left))):
            threading.Thread(target=self.serve, daemon=True).start()
        with self.stop.cancels(self.cancel), self.stop.cancellable():
            for outcome in self.as_they_end():
                del self.left[outcome.member.name]
                yield outcome
        for name, member in self.left.items():
            running = self.running.get(name)
            if running is None:
                yield MemberOutcome(member, "not begun")
            else:
                yield MemberOutcome(member, "interrupted", time.monotonic() - running.begin)

    def serve(self) -> None:
        """Work on one member after the other; a thread does nothing else."""
        while self.left and not self.stop.asked:
            try:
                member = self.ready.get(timeout=_TICK)
            except queue.Empty:
                continue
            if self.stop.asked:
                return
            running = self.running[member.name] = _Running(Cancellation(), time.monotonic())
            self.ended.put(_run_one(member, self.work, running))
            del self.running[member.name]
            for other in self.behind.pop(member.target.conninfo, ()):
                self.ready.put(other)

    def cancel(self) -> None:
        """Ask those that run to stop, too."""
        for running in list(self.running.values()):
            if not running.stop.asked:
                running.stop.ask(self.stop.signal or signal.SIGINT)

    def as_they_end(self) -> Iterator[MemberOutcome[Result]]:
        """Yield outcomes until all have ended, or for a while after the question to stop.

        Then, only those are waited for of which something runs on a server: it is being cancelled.
        """
        deadline = math.inf
        while self.left and time.monotonic() < deadline:
            if self.stop.asked:
                deadline = min(deadline, time.monotonic() + _GRACE)
            is_last = self.stop.asked and not any(running.stop.cancel for running in list(self.running.values()))
            try:
                yield self.ended.get(timeout=_TICK)
            except queue.Empty:
                if is_last:
                    return


def _run_one(member: Member, work: Work[Result], running: _Running) -> MemberOutcome[Result]:
    begin = running.begin
    try:
        result = work(member, running.stop)
    except InterruptError as error:
        return MemberOutcome(member, "interrupted", time.monotonic() - begin, error=error)
    except RunnerError as error:
        return MemberOutcome(member, "failed", time.monotonic() - begin, error=error)
    except Exception as error:  # noqa: BLE001  a defect met in one database leaves the others alone
        return MemberOutcome(member, "failed", time.monotonic() - begin, error=internal_error(error))
    return MemberOutcome(member, "ended", time.monotonic() - begin, result)
