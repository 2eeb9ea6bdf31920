"""Apply a plan and verify the result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.errors import DatabaseError, InterruptError
from runner.execution.listener import Listener
from runner.execution.results import LateResult, ScriptResult
from runner.pipeline.declare import read_actual
from runner.pipeline.parts import execute_in_parts
from runner.pipeline.plan import Planned, plan_database
from runner.pipeline.verify import Occasion, repairs_between, verify_actual
from runner.planning.history import last_applied
from runner.planning.model import Options, Plan
from runner.planning.refusals import require_allowed
from runner.postgres.cancellation import Cancellation
from runner.project.loading import Project
from runner.sql.objects import Facts

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.verification.findings import Verification


class Request(Struct, frozen=True):
    """What a run is asked for; `expect` is the hash of the only plan that is to be run, `lock_wait` in seconds."""

    options: Options = Options()
    expect: str | None = None
    lock_wait: float = 60.0


class ApplyResult(Struct, frozen=True):
    """What a run did, and what the verification after it found."""

    plan: Plan
    scripts: tuple[ScriptResult, ...]
    verification: Verification
    late: tuple[LateResult, ...] = ()


def apply_plan(
    connection: Connection[Any],
    loaded: Project,
    planned: Planned,
    listener: Listener | None = None,
    stop: Cancellation | None = None,
    request: Request = Request(),  # noqa: B008  frozen
) -> ApplyResult:
    """Execute a plan and verify; the caller holds the run lock.

    Raise DatabaseError when a run cannot go on, and InterruptError when it was asked to stop.
    """
    listener, stop = listener or Listener(), stop or Cancellation()
    manifest, plan = loaded.project.manifest, planned.plan
    results: list[ScriptResult] = []
    late: list[LateResult] = []

    def again() -> Plan:
        since = None if planned.entries else planned.actual.facts
        return _plan_rest(connection, loaded, listener, request.options, plan.run, since)

    is_expected = request.expect is not None
    try:
        for result in execute_in_parts(connection, plan, manifest, again, listener, stop, is_expected=is_expected):
            if isinstance(result, ScriptResult):
                results.append(result)
                listener.finished(result)
            else:
                late.append(result)
                listener.tried(result)
    except DatabaseError:
        if stop.signal is None:
            raise
    if stop.signal is not None:
        raise InterruptError(stop.signal, notes=tuple(_standing(plan, results)))
    listener.stage("verifying")
    verification = _verify(connection, loaded, planned, tuple(results))
    executed = replace(plan, scripts=tuple(result.plan for result in results))
    return ApplyResult(executed, tuple(results), verification, tuple(late))


def _plan_rest(
    connection: Connection[Any], loaded: Project, listener: Listener, options: Options, run: int, since: Facts | None
) -> Plan:
    """Return the plan for what a run has still to do. Raise DatabaseError when it has hazards that nothing allows.

    `since` is as in `require_allowed`.
    """
    listener.stage("planning the rest again")
    rest = plan_database(connection, loaded, listener.say, options, run=run).plan
    require_allowed(rest, since)
    return rest


def _verify(
    connection: Connection[Any], loaded: Project, planned: Planned, results: tuple[ScriptResult, ...]
) -> Verification:
    """Verify what a run has left; when it has changed nothing, what is known from before is still so."""
    quiet = planned.plan.only_data and all(result.status == "unchanged" for result in results)
    actual, proposals = planned.actual, planned.proposals
    if not quiet:
        actual = read_actual(connection, loaded, planned.declared.facts)
        applied = {*last_applied(planned.entries), *(r.plan.script.path for r in results if r.status == "applied")}
        proposals = repairs_between(connection, loaded, planned.declared.facts, actual, applied)
    occasion = Occasion(results, planned.plan.older)
    return verify_actual(connection, loaded, planned.declared, actual, proposals, occasion)


def _standing(plan: Plan, results: Sequence[ScriptResult]) -> Iterator[str]:
    """Return what an interrupted run has done and what it has not."""
    status = {result.plan.script.path: result.status for result in results}
    for word, statuses in (("done", ("applied", "unchanged")), ("failed", ("failed",)), ("not begun", ("skipped",))):
        paths = [s.script.path for s in plan.all_scripts if status.get(s.script.path, "skipped") in statuses]
        yield f"{word}: {', '.join(paths) or 'nothing'}"
