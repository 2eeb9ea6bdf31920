"""Send statements in one round trip, and again when a lock is not to be had: nothing is held in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, Cursor, pq

from runner.errors import ConnectionLostError
from runner.postgres.blockers import Blocker
from runner.postgres.cancellation import Cancellation
from runner.postgres.errors import first_line
from runner.postgres.monitor import Monitor
from runner.postgres.replies import Reply, reply_of, send
from runner.project.manifest import Manifest

_AGAIN = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_MOST_IN_A_TRIP = 1_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0

Place = Callable[[int], str]
"""Returns where the statement of an index stands."""
Statements = Callable[[], Iterable[str]]
"""Returns the statements of a transaction, once for each time it is sent: a list of many would be a second copy."""


class Failure(NamedTuple):
    """The index of the statement that failed, with what, and who held the lock that it waited for."""

    place: int
    error: psycopg.Error
    blockers: tuple[Blocker, ...] = ()


class Sender:
    """Sends to one connection. Raise ConnectionLostError when that is gone."""

    def __init__(
        self,
        connection: Connection[Any],
        manifest: Manifest,
        watch: Monitor,
        stop: Cancellation,
        say: Callable[[str], None],
    ) -> None:
        self.connection = connection
        self.retries = manifest.run.lock_retries
        self.watch = watch
        self.stop = stop
        self.say = say

    def together(self, statements: Statements, place: Place) -> tuple[list[Reply], Failure | None]:
        """Send a transaction in one round trip, and again while a lock is not to be had; roll back a failed one."""
        answers: list[Reply] = []

        def send() -> Failure | None:
            answers.clear()
            with self.stop.cancellable():
                return self._pipeline(statements(), answers, place)

        return answers, self.again(send, place)

    def keep(self, statements: Sequence[str], place: str) -> Failure | None:
        """Send what is not a part of any script in one round trip; no signal cancels it."""
        return self.again(lambda: self._pipeline(statements, [], lambda _: place), lambda _: place)

    def alone(self, statement: str, place: Place) -> tuple[Reply | None, Failure | None]:
        """Send a statement by itself, in no transaction, once more for each lock that is not to be had."""
        answers: list[Reply] = []

        def send() -> Failure | None:
            with self.stop.cancellable():
                return self.once(statement, answers, place)

        failure = self.again(send, place)
        return (answers[-1] if answers else None), failure

    def once(self, statement: str, answers: list[Reply], place: Place) -> Failure | None:
        """Send a statement by itself, in no transaction."""
        try:
            with self.watch.over():
                answers.append(reply_of(self.connection.execute(statement)))
        except psycopg.Error as error:
            self._require_connection(error, place(0))
            return Failure(0, error, self.watch.blockers)
        return None

    def again(self, send: Callable[[], Failure | None], place: Place) -> Failure | None:
        """Send something, and again after pauses that grow, while a lock is not to be had; return the last failure."""
        for attempt in range(self.retries + 1):
            failure = send()
            is_last = attempt == self.retries or self.stop.asked
            if failure is None or is_last or not isinstance(failure.error, _AGAIN):
                break
            pause = min(_FIRST_PAUSE * 2**attempt, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311
            what = "deadlock" if isinstance(failure.error, psycopg.errors.DeadlockDetected) else "the lock is held"
            held = f" by {'; '.join(map(str, failure.blockers))}" if failure.blockers else ""
            again = f"trying again in {pause:.1f} s ({attempt + 1} of {self.retries})"
            self.say(f"{place(failure.place)}: {again}: {what}{held}")
            self.stop.wait(pause)
        return failure

    def _pipeline(self, statements: Iterable[str], answers: list[Reply], place: Place) -> Failure | None:
        """Send statements in one round trip, or in a few when they are very many, and add the answers."""
        sent: list[Cursor[Any]] = []
        try:
            with self.watch.over(), self.connection.pipeline() as pipeline:
                for number, statement in enumerate(statements, 1):
                    send(self.connection, sent, statement)
                    if number % _MOST_IN_A_TRIP == 0:
                        pipeline.sync()
                        answers += map(reply_of, sent)
                        sent.clear()
        except psycopg.Error as error:
            unanswered = (i for i, cursor in enumerate(sent) if cursor.statusmessage is None)
            failed = len(answers) + next(unanswered, len(sent) - 1)
            blockers = self.watch.blockers
            self._require_connection(error, place(failed))
            roll_back(self.connection)
            return Failure(failed, error, blockers)
        answers += map(reply_of, sent)
        return None

    def _require_connection(self, error: psycopg.Error, place: str) -> None:
        if self.connection.closed:
            raise ConnectionLostError(first_line(error), place=place) from error


def roll_back(connection: Connection[Any]) -> None:
    """Roll back the open transaction, if there is one."""
    if not connection.closed and connection.info.transaction_status != pq.TransactionStatus.IDLE:
        connection.execute("rollback")
