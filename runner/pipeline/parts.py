"""Execute a plan in parts: after a script whose effects nobody can read off its text, the rest is planned again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner.errors import DatabaseError, Hint
from runner.execution.executor import execute
from runner.execution.listener import Listener
from runner.execution.results import ScriptResult
from runner.planning.model import Plan, ScriptPlan
from runner.postgres.cancellation import Cancellation
from runner.project.manifest import Manifest

if TYPE_CHECKING:
    from psycopg import Connection

PlanAgain = Callable[[], Plan]
"""Returns the plan for the database as it is by now, under the number of the same run."""


def execute_in_parts(
    connection: Connection[Any],
    plan: Plan,
    manifest: Manifest,
    again: PlanAgain,
    listener: Listener,
    stop: Cancellation,
    *,
    is_expected: bool = False,
) -> Iterator[ScriptResult]:
    """Yield each script's result, with its plan, as it ends, as `execute` does.

    When `is_expected`, another rest than the one that was planned is refused: raise DatabaseError.
    """
    if plan.forecast:
        after = yield from _upgrades(connection, plan, manifest, again, listener, stop, is_expected=is_expected)
        if after is None:
            return
        plan = after
    begin, has_failed = 0, False
    while True:
        end = _end_of_part(plan, begin)
        part = _part(plan, begin, end, has_failed=has_failed)
        results: list[ScriptResult] = []
        for result in execute(connection, part, manifest, listener, stop):
            results.append(result)
            yield result
        rest, has_failed = plan.scripts[end:], has_failed or _failed(results)
        if stop.asked or (has_failed and manifest.run.on_error == "stop"):
            yield from (ScriptResult(script, "skipped") for script in rest)
            return
        if rest and results[-1].status == "applied":
            done = {script.script.path for script in plan.scripts[:end]}
            planned = tuple(script for script in again().scripts if script.script.path not in done)
            if _sends(planned) != _sends(rest):
                _report_other_rest(plan.scripts[end - 1], listener, is_expected=is_expected)
            plan = replace(plan, scripts=(*plan.scripts[:end], *planned))
        if not rest:
            return
        begin = end


def _part(plan: Plan, begin: int, end: int, *, has_failed: bool) -> Plan:
    """Return the plan of a part: the first one begins the release, and the last one ends it if none has failed."""
    release = plan.release
    if release:
        goes_on = has_failed or end < len(plan.scripts)
        release = replace(release, is_begun=release.is_begun or begin > 0, goes_on=goes_on)
    return replace(plan, setup=() if begin else plan.setup, scripts=plan.scripts[begin:end], release=release)


def _upgrades(
    connection: Connection[Any],
    plan: Plan,
    manifest: Manifest,
    again: PlanAgain,
    listener: Listener,
    stop: Cancellation,
    *,
    is_expected: bool,
) -> Generator[ScriptResult, None, Plan | None]:
    """Execute the upgrades of a plan, and return the plan for what comes after; None when one fails."""
    results: list[ScriptResult] = []
    stops = replace(manifest, run=replace(manifest.run, on_error="stop"))
    for result in execute(connection, plan, stops, listener, stop):
        results.append(result)
        yield result
    done = {result.plan.script.path for result in results}
    rest = plan.forecast.scripts if plan.forecast else ()
    if stop.asked or _failed(results):
        yield from (ScriptResult(script, "skipped") for script in rest if script.script.path not in done)
        return None
    if is_expected:
        raise DatabaseError(
            "the upgrades are applied, as expected; what comes after them has a plan of its own",
            notes=(Hint("look at 'plan' again, and apply it with its hash"),),
        )
    planned = again()
    return replace(planned, scripts=tuple(script for script in planned.scripts if script.script.path not in done))


def _failed(results: Sequence[ScriptResult]) -> bool:
    return any(result.status == "failed" for result in results)


def _end_of_part(plan: Plan, begin: int) -> int:
    """Return the place after the first script that sends an opaque statement, when anything may be sent after it."""
    for place in range(begin, len(plan.scripts) - 1) if not plan.single else ():
        script = plan.scripts[place]
        if script.is_run and any(step.statement.declaration.opaque for step in script.to_send):
            return place + 1
    return len(plan.scripts)


def _sends(scripts: Sequence[ScriptPlan]) -> list[tuple[str, list[tuple[int, str]]]]:
    return [(script.script.path, [(step.transaction, step.sql) for step in script.to_send]) for script in scripts]


def _report_other_rest(script: ScriptPlan, listener: Listener, *, is_expected: bool) -> None:
    opaque = (step for step in script.to_send if step.statement.declaration.opaque)
    place = f"{script.script.path}:{next(opaque).statement.line}"
    if is_expected:
        raise DatabaseError(
            f"{place} has changed what the scripts after it have to do: they are not run, another plan is expected",
            notes=(Hint("look at 'plan' again, and expect its hash"),),
        )
    listener.say(f"{place} has changed what the scripts after it have to do; they are planned again")
