"""The advisory lock that lets one run in at a time."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.errors import DatabaseError, Hint
from runner.postgres.cancellation import Cancellation
from runner.postgres.session import scalar
from runner.postgres.settings import run_lock_key, run_lock_name
from runner.project.manifest import Manifest
from runner.resources import read_sql

if TYPE_CHECKING:
    from psycopg import Connection


class Holder(NamedTuple):
    """The session that holds the run lock; the texts are for people."""

    pid: int
    application: str
    role: str
    host: str
    since: str
    is_own: bool
    """Whether its role is the one that asks, or may act as it."""

    @property
    def notes(self) -> tuple[Hint, ...]:
        """What can be done about one that is perhaps no run at all: whoever may connect can take the lock."""
        if self.is_own:
            return ()
        cure = f"an administrator ends it with: select pg_terminate_backend({self.pid});"
        return (Hint(f"role {self.role} may not act as the role of this run; if it is no run of yours, {cure}"),)

    def __str__(self) -> str:
        return f"pid {self.pid} ({self.application}), role {self.role}, from {self.host}, since {self.since}"


def take_run_lock(
    connection: Connection[Any], manifest: Manifest, wait: float, say: Callable[[str], None], stop: Cancellation
) -> None:
    """Take the lock of this database and history table, waiting up to `wait` seconds. Raise DatabaseError.

    The connection has it until it is closed. It is polled: a blocking wait would deadlock with CREATE INDEX
    CONCURRENTLY of the run that holds it.
    """
    key = run_lock_key(manifest)
    deadline = time.monotonic() + wait
    told: Holder | None = None
    while not scalar(connection, f"select pg_catalog.pg_try_advisory_lock({key})"):
        holder = lock_holder(connection, manifest)
        if time.monotonic() > deadline:
            raise DatabaseError(
                f"another run holds the lock after {wait:g} s: {holder or 'it has just ended'}",
                notes=(Hint("wait for it to end, or give --lock-wait more seconds"), *(holder.notes if holder else ())),
            )
        if holder and holder != told:
            say("; ".join((f"waiting up to {wait:g} s for another run to end: {holder}", *holder.notes)))
            told = holder
        stop.wait(random.uniform(0.1, 0.3))  # noqa: S311
        stop.raise_if_asked()


def lock_holder(connection: Connection[Any], manifest: Manifest) -> Holder | None:
    """Return the session that holds the run lock, if there is one."""
    row = connection.execute(read_sql("postgres/run_lock.sql"), {"name": run_lock_name(manifest)}).fetchone()
    return Holder(*row) if row else None
