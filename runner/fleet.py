"""Many databases and schemas at once: each is a piece of work that fails alone."""

from __future__ import annotations

import math
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Literal, TypeVar

from msgspec import Struct

from runner.database import Target
from runner.errors import InterruptError, RunnerError, internal_error
from runner.loaded import Loaded
from runner.stop import Stop

Result = TypeVar("Result")
Status = Literal["ended", "failed", "interrupted", "not begun"]
_GRACE = 10.0
"""How many seconds those that are asked to stop are waited for."""
_TICK = 0.2


class Member(Struct, frozen=True):
    """A database and a schema in it; `name` is for people, and different for each."""

    name: str
    target: Target
    loaded: Loaded


class Outcome(Struct, Generic[Result], frozen=True):
    """How the work on one member ended, after how many seconds; `result` is there when it ended, `error` when not."""

    member: Member
    status: Status
    seconds: float = 0.0
    result: Result | None = None
    error: RunnerError | None = None


Work = Callable[[Member, Stop], Result]


def run_all(members: Sequence[Member], work: Work[Result], jobs: int, stop: Stop) -> Iterator[Outcome[Result]]:
    """Run `work` on each member, `jobs` at a time, and yield how each ended, as it ends.

    What the members of one database share, such as an extension, is made by the first of them before the others begin.
    Asked to stop, begin nothing more, and yield the rest as interrupted or not begun.
    """
    first: dict[str, Member] = {}
    for member in members:
        first.setdefault(member.target.conninfo, member)
    leading = list(first.values())
    for wave in (leading, [member for member in members if member not in leading]):
        yield from _Wave(wave, work, stop).outcomes(jobs)


class _Wave(Generic[Result]):
    """Members that do not wait for each other, and the threads that work on them."""

    def __init__(self, members: Sequence[Member], work: Work[Result], stop: Stop) -> None:
        self.waiting = deque(members)
        self.running: dict[str, Stop] = {}
        self.left = {member.name: member for member in members}
        self.ended: queue.SimpleQueue[Outcome[Result]] = queue.SimpleQueue()
        self.work = work
        self.stop = stop

    def outcomes(self, jobs: int) -> Iterator[Outcome[Result]]:
        """Work on all members, and yield how they ended, as they end."""
        for _ in range(min(jobs, len(self.left))):
            threading.Thread(target=self.serve, daemon=True).start()
        self.stop.cancel = self.cancel
        with self.stop.cancellable():
            for outcome in self.as_they_end():
                del self.left[outcome.member.name]
                yield outcome
        self.stop.cancel = None
        for name, member in self.left.items():
            yield Outcome(member, "interrupted" if name in self.running else "not begun")

    def serve(self) -> None:
        """Work on one member after the other; a thread does nothing else."""
        while self.waiting and not self.stop.asked:
            try:
                member = self.waiting.popleft()
            except IndexError:  # another thread was quicker
                return
            own = self.running[member.name] = Stop()
            self.ended.put(_run_one(member, self.work, own))
            del self.running[member.name]

    def cancel(self) -> None:
        """Ask those that run to stop, too."""
        for own in list(self.running.values()):
            if not own.asked:
                own.ask(self.stop.signal or signal.SIGINT)

    def as_they_end(self) -> Iterator[Outcome[Result]]:
        """Yield outcomes until all have ended, or for a while after the question to stop."""
        deadline = math.inf
        while self.left and time.monotonic() < deadline:
            if self.stop.asked:
                deadline = min(deadline, time.monotonic() + _GRACE)
            is_last = self.stop.asked and not self.running
            try:
                yield self.ended.get(timeout=_TICK)
            except queue.Empty:
                if is_last:
                    return


def _run_one(member: Member, work: Work[Result], stop: Stop) -> Outcome[Result]:
    begin = time.monotonic()
    try:
        result = work(member, stop)
    except InterruptError as error:
        return Outcome(member, "interrupted", time.monotonic() - begin, error=error)
    except RunnerError as error:
        return Outcome(member, "failed", time.monotonic() - begin, error=error)
    except Exception as error:  # noqa: BLE001  a defect met in one database leaves the others alone
        return Outcome(member, "failed", time.monotonic() - begin, error=internal_error(error))
    return Outcome(member, "ended", time.monotonic() - begin, result)
