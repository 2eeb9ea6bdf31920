"""Send statements in one round trip, and again when a lock is not to be had: nothing is held in between."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import psycopg
from psycopg import Connection, Cursor, pq

from runner.errors import ConnectionLostError
from runner.execution.schedule import Send
from runner.postgres.blockers import Blocker
from runner.postgres.cancellation import Cancellation
from runner.postgres.errors import first_line
from runner.postgres.monitor import Monitor
from runner.postgres.replies import Reply, reply_of, send
from runner.project.manifest import Manifest

_AGAIN = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected)
_MOST_IN_A_TRIP = 1_000
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 10.0


class Failure(NamedTuple):
    """What failed, with what, and who held the lock that it waited for."""

    send: Send
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

    def together(self, sends: Sequence[Send]) -> tuple[list[Reply], Failure | None]:
        """Send a transaction in one round trip, and again while a lock is not to be had; roll back a failed one."""
        return self._cancellable(lambda replies: self._pipeline(sends, replies))

    def alone(self, one: Send) -> tuple[list[Reply], Failure | None]:
        """Send a statement by itself, in no transaction, once more for each lock that is not to be had."""
        return self._cancellable(lambda replies: self.once(one, replies))

    def keep(self, sends: Sequence[Send]) -> tuple[list[Reply], Failure | None]:
        """Send what is not a part of any script in one round trip; no signal cancels it."""
        replies: list[Reply] = []
        return replies, self.again(lambda: self._pipeline(sends, replies))

    def _cancellable(self, send_once: Callable[[list[Reply]], Failure | None]) -> tuple[list[Reply], Failure | None]:
        replies: list[Reply] = []

        def attempt() -> Failure | None:
            with self.stop.cancellable():
                return send_once(replies)

        return replies, self.again(attempt)

    def once(self, one: Send, replies: list[Reply]) -> Failure | None:
        """Send a statement by itself, in no transaction."""
        try:
            with self.watch.over():
                replies.append(reply_of(self.connection.execute(one.prefix + one.sql)))
        except psycopg.Error as error:
            self._require_connection(error, one.place)
            return Failure(one, error, self.watch.blockers)
        return None

    def again(self, attempt: Callable[[], Failure | None]) -> Failure | None:
        """Send something, and again after pauses that grow, while a lock is not to be had; return the last failure."""
        for number in range(self.retries + 1):
            failure = attempt()
            is_last = number == self.retries or self.stop.asked
            if failure is None or is_last or not isinstance(failure.error, _AGAIN):
                break
            pause = min(_FIRST_PAUSE * 2**number, _LONGEST_PAUSE) * random.uniform(0.5, 1.5)  # noqa: S311
            what = "deadlock" if isinstance(failure.error, psycopg.errors.DeadlockDetected) else "the lock is held"
            held = f" by {'; '.join(map(str, failure.blockers))}" if failure.blockers else ""
            again = f"trying again in {pause:.1f} s ({number + 1} of {self.retries})"
            self.say(f"{failure.send.place}: {again}: {what}{held}")
            self.stop.wait(pause)
        return failure

    def _pipeline(self, sends: Sequence[Send], replies: list[Reply]) -> Failure | None:
        """Send statements in one round trip, or in a few when they are very many, and keep the replies to these."""
        replies.clear()
        sent: list[Cursor[Any]] = []
        try:
            with self.watch.over(), self.connection.pipeline() as pipeline:
                for number, one in enumerate(sends, 1):
                    send(self.connection, sent, one.prefix + one.sql)
                    if number % _MOST_IN_A_TRIP == 0:
                        pipeline.sync()
                        replies += map(reply_of, sent)
                        sent.clear()
        except psycopg.Error as error:
            unanswered = (i for i, cursor in enumerate(sent) if cursor.statusmessage is None)
            failed = sends[max(len(replies) + next(unanswered, len(sent) - 1), 0)]
            blockers = self.watch.blockers
            self._require_connection(error, failed.place)
            roll_back(self.connection)
            return Failure(failed, error, blockers)
        replies += map(reply_of, sent)
        return None

    def _require_connection(self, error: psycopg.Error, place: str) -> None:
        if self.connection.closed:
            raise ConnectionLostError(first_line(error), place=place) from error


def roll_back(connection: Connection[Any]) -> None:
    """Roll back the open transaction, if there is one."""
    if not connection.closed and connection.info.transaction_status != pq.TransactionStatus.IDLE:
        connection.execute("rollback")
