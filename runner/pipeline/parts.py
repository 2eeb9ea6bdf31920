"""Execute a plan in parts: after a script whose effects nobody can read off its text, the rest is planned again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner.errors import DatabaseError, Hint
from runner.execution.executor import execute
from runner.execution.listener import Listener
from runner.execution.results import Result, ScriptResult
from runner.planning.model import Plan, ScriptPlan
from runner.postgres.cancellation import Cancellation
from runner.project.manifest import Manifest
from runner.sql.objects import Object

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
) -> Iterator[Result]:
    """Yield each result as it ends, as `execute` does; a script's is with its plan.

    When `is_expected`, another rest than the one that was planned is refused: raise DatabaseError.
    """
    if plan.forecast:
        after = yield from _upgrades(connection, plan, manifest, again, listener, stop, is_expected=is_expected)
        if after is None:
            return
        plan = after
    begin, failed = 0, set[str]()
    while True:
        end = _end_of_part(plan, begin)
        part = _part(plan, begin, end, failed)
        results: list[Result] = []
        for result in execute(connection, part, manifest, listener, stop):
            results.append(result)
            yield result
        rest = plan.scripts[end:]
        failed |= _failed(results)
        if stop.asked or (failed and manifest.run.on_error == "stop"):
            yield from (ScriptResult(script, "skipped") for script in rest)
            return
        if rest and results[-1].status == "applied":
            other = _with_other_rest(plan, end, again())
            if other is not plan:
                _report_other_rest(plan.scripts[end - 1], listener, is_expected=is_expected)
            plan = other
        if not rest:
            return
        begin = end


def _part(plan: Plan, begin: int, end: int, failed: Collection[str]) -> Plan:
    """Return the plan of a part: the first one begins the release, and the last one ends it if none has failed.

    Late repairs are in the last one, but for those of scripts that have failed.
    """
    release, is_last = plan.release, end == len(plan.scripts)
    if release:
        goes_on = bool(failed) or not is_last
        release = replace(release, is_begun=release.is_begun or begin > 0, goes_on=goes_on)
    late = tuple(repair for repair in plan.late if is_last and repair.script.script.path not in failed)
    setup = () if begin else plan.setup
    return replace(plan, setup=setup, scripts=plan.scripts[begin:end], release=release, late=late)


def _with_other_rest(plan: Plan, end: int, again: Plan) -> Plan:
    """Return the plan with the rest of another one; the same plan when that sends the same.

    What is a late repair in the plan could be made at its place by now: it is made after the scripts all the same.
    """
    done = {script.script.path for script in plan.scripts[:end]}
    rest = tuple(script for script in again.scripts if script.script.path not in done)
    late = {item for repair in plan.late for item in repair.objects}
    if _sends(plan.scripts[end:]) in (_sends(rest), _sends(rest, late)):
        return plan
    own = (repair for repair in plan.late if repair.script.script.path in done)
    others = (repair for repair in again.late if repair.script.script.path not in done)
    return replace(plan, scripts=(*plan.scripts[:end], *rest), late=(*own, *others))


def _upgrades(
    connection: Connection[Any],
    plan: Plan,
    manifest: Manifest,
    again: PlanAgain,
    listener: Listener,
    stop: Cancellation,
    *,
    is_expected: bool,
) -> Generator[Result, None, Plan | None]:
    """Execute the upgrades of a plan, and return the plan for what comes after; None when one fails."""
    results: list[Result] = []
    stops = replace(manifest, run=replace(manifest.run, on_error="stop"))
    for result in execute(connection, plan, stops, listener, stop):
        results.append(result)
        yield result
    done = {result.plan.script.path for result in results if isinstance(result, ScriptResult)}
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


def _failed(results: Sequence[Result]) -> set[str]:
    """Return the paths of the scripts that have failed."""
    scripts = (result for result in results if isinstance(result, ScriptResult))
    return {result.plan.script.path for result in scripts if result.status == "failed"}


def _end_of_part(plan: Plan, begin: int) -> int:
    """Return the place after the first script that sends an opaque statement, when anything may be sent after it."""
    for place in range(begin, len(plan.scripts) - 1) if not plan.single else ():
        script = plan.scripts[place]
        if script.is_run and any(step.statement.declaration.opaque for step in script.to_send):
            return place + 1
    return len(plan.scripts)


def _sends(scripts: Sequence[ScriptPlan], without: Collection[Object] = ()) -> list[tuple[str, list[tuple[int, str]]]]:
    """Return what scripts send; with `without`, but for the repairs of some objects."""
    return [
        (
            script.script.path,
            [(s.transaction, s.sql) for s in script.to_send if not s.about or not set(s.about) <= set(without)],
        )
        for script in scripts
    ]


def _report_other_rest(script: ScriptPlan, listener: Listener, *, is_expected: bool) -> None:
    opaque = (step for step in script.to_send if step.statement.declaration.opaque)
    place = f"{script.script.path}:{next(opaque).statement.line}"
    if is_expected:
        raise DatabaseError(
            f"{place} has changed what the scripts after it have to do: they are not run, another plan is expected",
            notes=(Hint("look at 'plan' again, and expect its hash"),),
        )
    listener.say(f"{place} has changed what the scripts after it have to do; they are planned again")
