"""Many databases and schemas at once: each is a piece of work that fails alone, and no more are begun than is asked."""

from __future__ import annotations

import math
import queue
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Generic, NamedTuple

from msgspec import Struct

from runner.fleet.targets import Limits
from runner.fleet.work import Carry, Member, MemberOutcome, Result
from runner.postgres.cancellation import Cancellation

_GRACE = 10.0
"""How many seconds those that are asked to stop are waited for."""
_TICK = 0.2


class Halt(Struct, frozen=True):
    """Why no more were begun: the members that had failed by then, the last of them a canary, or as many as may."""

    failed: tuple[str, ...]
    is_canary: bool


class _Running(NamedTuple):
    """How a member that runs is asked to stop, and when it began."""

    stop: Cancellation
    begin: float


class Pool(Generic[Result]):
    """The members, and the threads that work on them, `jobs` at a time.

    What the members of one database share, such as an extension, is made by the first of them before the others begin.
    `known` are those that have failed before.
    """

    def __init__(
        self,
        members: Sequence[Member],
        carry: Carry[Result],
        limits: Limits,
        stop: Cancellation,
        known: Sequence[MemberOutcome[Result]] = (),
    ) -> None:
        self.carry = carry
        self.limits = limits
        self.stop = stop
        self.known = known
        self.halt: Halt | None = None
        """Set when no more are begun, though nobody asked to stop."""
        self.left = {member.name: member for member in members}
        self.running: dict[str, _Running] = {}
        self.ended: queue.SimpleQueue[MemberOutcome[Result]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._numbers = {member.name: number for number, member in enumerate(members)}
        self._ready: queue.PriorityQueue[tuple[int, str]] = queue.PriorityQueue()
        """Those that may begin, in their order."""
        self._behind: dict[str, list[Member]] = {}
        """The members that begin when the first of their database has ended."""
        self._begun: set[str] = set()
        """The databases of which the first member has ended."""
        self._failed: list[str] = []
        self._settled = {outcome.member.name for outcome in known}
        first = limits.canary or len(members)
        self._canaries = {member.name for member in members[:first]} if limits.canary else set()
        """Those that have not ended yet."""
        self._rest = members[first:]
        self._enter(members[:first])

    def outcomes(self) -> Iterator[MemberOutcome[Result]]:
        """Work on all members, and yield how each ended, as it ends.

        Asked to stop, begin nothing more, and yield the rest as interrupted or not begun.
        """
        for outcome in self.known:
            self._take(outcome)
            yield self._counted(outcome)
        for _ in range(min(self.limits.jobs, len(self.left))):
            threading.Thread(target=self._serve, daemon=True).start()
        with self.stop.cancels(self._cancel), self.stop.cancellable():
            for outcome in self._as_they_end():
                yield self._counted(outcome)
        for name, member in self.left.items():
            running = self.running.get(name)
            if running is None:
                yield MemberOutcome(member, "not begun")
            else:
                yield MemberOutcome(member, "interrupted", time.monotonic() - running.begin)

    def _counted(self, outcome: MemberOutcome[Result]) -> MemberOutcome[Result]:
        del self.left[outcome.member.name]
        return outcome

    def _enter(self, members: Sequence[Member]) -> None:
        """Let members begin, each when the first of its database has ended."""
        for member in members:
            database = member.target.conninfo
            if member.name in self._settled:
                continue
            if database in self._behind:
                self._behind[database].append(member)
                continue
            if database not in self._begun:
                self._behind[database] = []
            self._may_begin(member)

    def _may_begin(self, member: Member) -> None:
        self._ready.put((self._numbers[member.name], member.name))

    def _serve(self) -> None:
        """Work on one member after the other; a thread does nothing else."""
        while self.left and not self.is_over:
            try:
                member = self.left[self._ready.get(timeout=_TICK)[1]]
            except queue.Empty:
                continue
            with self._lock:
                if self.is_over:
                    return
                running = self.running[member.name] = _Running(Cancellation(), time.monotonic())
            outcome = self.carry(member, running.stop)
            with self._lock:
                self._take(outcome)
            self.ended.put(outcome)
            del self.running[member.name]

    @property
    def is_over(self) -> bool:
        """Whether no more are begun."""
        return self.stop.asked or self.halt is not None

    def _take(self, outcome: MemberOutcome[Result]) -> None:
        """Let those begin that have waited for a member, unless it has failed and no more are to be begun."""
        name, database = outcome.member.name, outcome.member.target.conninfo
        is_canary = name in self._canaries
        if outcome.is_failure:
            self._failed.append(name)
            is_last = is_canary or len(self._failed) == self.limits.max_failures
            self.halt = self.halt or (Halt(tuple(self._failed), is_canary=is_canary) if is_last else None)
        self._begun.add(database)
        for other in self._behind.pop(database, ()):
            self._may_begin(other)
        self._canaries.discard(name)
        if is_canary and not self._canaries:
            self._enter(self._rest)

    def _cancel(self) -> None:
        """Ask those that run to stop, too."""
        for running in list(self.running.values()):
            if not running.stop.asked:
                running.stop.ask(self.stop.signal or signal.SIGINT)

    def _as_they_end(self) -> Iterator[MemberOutcome[Result]]:
        """Yield outcomes until all have ended, or for a while after the question to stop.

        Then, only those are waited for of which something runs on a server: it is being cancelled.
        """
        deadline = math.inf
        while self.left and time.monotonic() < deadline:
            if self.stop.asked:
                deadline = min(deadline, time.monotonic() + _GRACE)
            is_last = self._has_come_to_rest()
            try:
                yield self.ended.get(timeout=_TICK)
            except queue.Empty:
                if is_last:
                    return

    def _has_come_to_rest(self) -> bool:
        running = list(self.running.values())
        if self.stop.asked:
            return not any(each.stop.cancel for each in running)
        return self.halt is not None and not running
