"""A run from the run lock to the verification, over as many connections as it takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from runner.errors import ConnectError, ConnectionLostError, DatabaseError, Hint
from runner.pipeline.apply import Request, apply_plan
from runner.pipeline.plan import plan_database
from runner.planning.refusals import require_allowed
from runner.postgres.run_lock import take_run_lock

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.execution.listener import Listener
    from runner.pipeline.apply import ApplyResult
    from runner.pipeline.plan import Planned
    from runner.postgres.cancellation import Cancellation
    from runner.project.loading import Project


MOST_LOSSES = 10
"""How many connections are lost before a run gives up."""

Connect = Callable[[], AbstractContextManager["Connection[Any]"]]


def run(
    connect: Connect,
    loaded: Project,
    request: Request,
    listener: Listener,
    stop: Cancellation,
    planned: Callable[[Connection[Any], Planned], None] = lambda *_: None,
) -> ApplyResult:
    """Apply everything and verify, with the run lock held; `planned` is told of each plan before it is run.

    When the connection is lost, connect again, take the lock again, and plan anew: what is done is found done. Raise
    DatabaseError.
    """
    losses: list[ConnectionLostError] = []
    while True:
        try:
            with connect() as connection:
                listener.stage("waiting for the run lock")
                take_run_lock(connection, loaded.project.manifest, request.lock_wait, listener.say, stop)
                listener.stage("planning")
                made = plan_database(connection, loaded, listener.say, request.options, brief=True)
                require_hash(made, request.expect)
                require_allowed(made.plan)
                planned(connection, made)
                return apply_plan(connection, loaded, made, listener, stop, request)
        except ConnectError as error:
            raise _where(losses, error) if losses else error from None
        except ConnectionLostError as error:
            losses.append(error)
            if len(losses) == MOST_LOSSES or request.expect is not None or stop.asked:
                raise _where(losses, error) from None
            listener.say(f"{error}; connecting again")


def require_hash(made: Planned, expected: str | None) -> None:
    """Raise DatabaseError when a plan is not the expected one."""
    if expected is not None and made.plan.hash != expected:
        raise DatabaseError(
            f"the plan is {made.plan.hash}, not the expected {expected}; nothing was changed",
            notes=(Hint("the database or the scripts have changed since; look at 'plan' again"),),
        )


def _where(losses: list[ConnectionLostError], error: DatabaseError) -> DatabaseError:
    """Return the error with where it stands: what had been committed stays, and the next run finds it."""
    at = f" at {losses[-1].place}" if losses[-1].place else ""
    stands = f"the connection was lost{at}: what was committed before stays, and the next apply does the rest"
    return DatabaseError(error.message, place=error.place, notes=(*error.notes, stands))
