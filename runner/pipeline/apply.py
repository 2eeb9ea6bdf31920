"""Apply a plan and verify the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.errors import DatabaseError, InterruptError
from runner.execution.executor import execute
from runner.execution.listener import Listener
from runner.pipeline.declare import read_actual
from runner.pipeline.plan import Planned
from runner.pipeline.verify import repairs_between, verify_actual
from runner.planning.model import Plan
from runner.postgres.cancellation import Cancellation
from runner.project.loading import Project

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.execution.results import ScriptResult
    from runner.verification.findings import Verification


class ApplyResult(Struct, frozen=True):
    """What a run did, and what the verification after it found."""

    plan: Plan
    scripts: tuple[ScriptResult, ...]
    verification: Verification


def apply_plan(
    connection: Connection[Any],
    loaded: Project,
    planned: Planned,
    listener: Listener | None = None,
    stop: Cancellation | None = None,
) -> ApplyResult:
    """Execute a plan and verify; the caller holds the run lock.

    Raise DatabaseError when a run cannot go on, and InterruptError when it was asked to stop.
    """
    listener, stop = listener or Listener(), stop or Cancellation()
    results = []
    try:
        for result in execute(connection, planned.plan, loaded.project.manifest, listener, stop):
            results.append(result)
            listener.finished(result)
    except DatabaseError:
        if stop.signal is None:
            raise
    if stop.signal is not None:
        raise InterruptError(stop.signal, notes=tuple(_standing(planned.plan, results)))
    listener.stage("verifying")
    quiet = planned.plan.only_data and all(result.status == "unchanged" for result in results)
    actual, proposals = planned.actual, planned.proposals
    if not quiet:
        actual = read_actual(connection, loaded, planned.declared.facts)
        proposals = repairs_between(connection, loaded, planned.declared.facts, actual)
    told, older = tuple(results), planned.plan.older
    verification = verify_actual(connection, loaded, planned.declared, actual, proposals, told, older)
    return ApplyResult(planned.plan, told, verification)


def _standing(plan: Plan, results: Sequence[ScriptResult]) -> Iterator[str]:
    """Return what an interrupted run has done and what it has not."""
    status = {result.plan.script.path: result.status for result in results}
    for word, statuses in (("done", ("applied", "unchanged")), ("failed", ("failed",)), ("not begun", ("skipped",))):
        paths = [s.script.path for s in plan.scripts if status.get(s.script.path, "skipped") in statuses]
        yield f"{word}: {', '.join(paths) or 'nothing'}"
