"""Results as lines of text, for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.plans import LEFT

if TYPE_CHECKING:
    from runner.objects import Object
    from runner.plans import Plan, ScriptPlan, Step
    from runner.stages import Planned
    from runner.verification import Finding
    from runner.waits import Progress

_STYLES = {"create": "green", "alter": "yellow", "unchanged": "dim", "run": ""}
_MARKS = {"create": "+", "alter": "~", "unchanged": "=", "run": ">"}
_UNITS = ("kB", "MB", "GB", "TB")
_KILO = 1024
_MISSING = "missing: "
_WORTH_A_WORD = 1 << 20


class Line(Struct, frozen=True):
    """A line for people, or a few; `is_failure` marks those that even a quiet run shows."""

    text: str
    style: str = ""
    is_failure: bool = False


def count(number: int, noun: str) -> str:
    """Return a number with its noun."""
    ending = "" if number == 1 else "es" if noun.endswith("x") else "s"
    return f"{number} {noun}{ending}"


def finding_text(finding: Finding) -> str:
    """Return a finding in one line."""
    match finding.kind:
        case "missing" | "unmanaged":
            return f"{finding.kind}: {finding.object}"
        case "invalid":
            return f"invalid: {finding.object}: {finding.actual}"
        case "rejecting":
            return f"rejecting: {finding.object}: not declared, and refuses rows: {finding.actual}"
        case "not compared":
            return f"not compared: {finding.object}: {finding.actual}"
        case _:
            return f"{finding.kind}: {finding.object}: declared {finding.declared!r}, actual {finding.actual!r}"


def remedy_lines(finding: Finding) -> Iterator[str]:
    """Return why a finding was left, the rows that are in the way, and the SQL that mends it."""
    remedy = finding.repair
    if remedy is None:
        return
    yield f"not mended: {remedy.why}"
    yield from (f"  row: {row}" for row in remedy.rows)
    yield from (f"  {line}" for line in remedy.sql.splitlines())


def check_text(document: Mapping[str, Any], errors: int) -> str:
    """Return the document of `check` in one line."""
    warnings = len(document["findings"]) - errors
    found = [count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    if errors:
        return f"not ok: {', '.join(found)}"
    scripts, statements = count(document["scripts"], "script"), count(document["statements"], "statement")
    nouns = {"tables": "table", "indexes": "index", "mapped_columns": "mapped column"}
    declared = ", ".join(count(document[key], noun) for key, noun in nouns.items())
    checks = count(document["checks"], "check")
    others = f", {document['left_out']} of profiles that are not chosen" if document["left_out"] else ""
    return f"ok: {'; '.join([f'{scripts} with {statements}{others}, {checks}', f'declared: {declared}', *found])}"


def status_lines(planned: Planned, *, verbose: bool) -> Iterator[Line]:
    """Return each script's last row of the history, all rows when verbose, and what is pending."""
    scripts = planned.plan.scripts
    width = max(len(script.script.path) for script in scripts)
    yield Line(f"{'script':<{width}}  {'run':>4}  {'result':<8}  {'when':<16}  by", "bold")
    last = {entry.script: entry for entry in planned.entries}
    shown = planned.entries if verbose else [last[s.script.path] for s in scripts if s.script.path in last]
    for entry in shown:
        when = f"{entry.started:%Y-%m-%d %H:%M}"
        text = f"{entry.script:<{width}}  {entry.run:>4}  {entry.status:<8}  {when}  {entry.role}"
        yield Line(text, "" if entry.status == "applied" else "red")
        if entry.error:
            yield Line("\n".join(f"    {part}" for part in entry.error.splitlines()))
    for script in scripts:
        if script.script.path not in last:
            yield Line(f"{script.script.path:<{width}}  {'':>4}  not in the history")
    for script in scripts:
        if script.changed and script.script.run == "once":
            yield Line(f"{script.script.path}: {script.reason}", "yellow")
    yield from _pending_lines(planned.plan)


def _pending_lines(plan: Plan) -> Iterator[Line]:
    pending = [script for script in plan.scripts if script.pending]
    if not pending:
        yield Line("nothing is pending", "green")
        return
    yield Line(f"pending in {count(len(pending), 'script')}:", "yellow")
    for script in pending:
        yield Line(f"  {script.script.path}: {pending_reason(script)}")


def pending_reason(script: ScriptPlan) -> str:
    """Return why a script is pending."""
    if script.script.run != "always":
        return script.reason
    reasons = [step.reason for step in script.steps if step.action in ("create", "alter")]
    more = f"; {count(len(reasons) - 1, 'more statement')}" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}"


def plan_lines(plan: Plan, sizes: Mapping[Object, int], *, verbose: bool) -> Iterator[Line]:
    """Return the plan as a tree by script; `sizes` are those of the tables that are there, in bytes."""
    if plan.setup:
        yield Line(f"setup: {count(len(plan.setup), 'statement')}, for the history table and missing schemas")
    for script in plan.scripts:
        why = f"  {script.reason}" if script.script.run != "always" else ""
        yield Line(f"{script.script.path}{why}", "bold")
        folded: Counter[str] = Counter()
        for step in script.steps:
            if verbose or not _is_folded(step):
                yield Line(f"  {_MARKS[step.action]} {_step_text(step, sizes)}", _STYLES[step.action])
            else:
                folded[step.action] += 1
        for action, words in (("unchanged", "unchanged"), ("run", "that read or write rows")):
            if folded[action]:
                yield Line(f"  {_MARKS[action]} {folded[action]} {words}", _STYLES[action])
    yield Line(f"{plan.pending} pending", "yellow" if plan.pending else "green")
    yield Line(f"plan {plan.hash}")


def _is_folded(step: Step) -> bool:
    return (step.action == "unchanged" and LEFT not in step.reason) or step.reason == "data"


def _step_text(step: Step, sizes: Mapping[Object, int]) -> str:
    start = f"{step.action} :{step.statement.line}"
    if LEFT in step.reason:
        told, _, why = step.reason.partition(f"{LEFT}: ")
        return f"{start} {told}{LEFT}:\n      {why}"
    if step.about:
        return _repair_text(step, start, sizes)
    objects = step.objects
    what = str(objects[0]) if objects else " ".join(step.sql.split())[:60]
    what += f" and {len(objects) - 1} more" if len(objects) > 1 else ""
    notes = [step.reason]
    if step.reason.startswith(_MISSING):
        what, notes = step.reason.removeprefix(_MISSING), []
    if step.transaction:
        notes.append("CONCURRENTLY, after the script" if step.concurrently else "after the script")
    if step.action in ("create", "alter"):
        notes += _lock_notes(step, sizes)
    return f"{start} {what} ({'; '.join(notes)})" if notes else f"{start} {what}"


def _repair_text(step: Step, start: str, sizes: Mapping[Object, int]) -> str:
    """Return the text of a repair: what it mends, or what it sends after the script's own transaction."""
    notes = "".join(f" ({note})" for note in _lock_notes(step, sizes))
    if step.transaction:
        return f"{start} then {' '.join(step.sql.split())}{notes}"
    reasons = step.reason.splitlines()
    if len(reasons) == 1:
        return f"{start} {reasons[0].removeprefix(_MISSING)}{notes}"
    return "\n      ".join([f"{start} {count(len(reasons), 'repair')}{notes}", *reasons])


def _lock_notes(step: Step, sizes: Mapping[Object, int]) -> list[str]:
    lock = step.lock
    return (
        [f"{lock.level} on {lock.relation.name}{_size(sizes[lock.relation])}"]
        if lock and lock.relation in sizes
        else []
    )


def progress_text(progress: Progress) -> str:
    """Return how far a statement is, in one line."""
    state = progress_state(progress)
    words = f": {progress.sql}" if progress.sql else ""
    return f"{progress.script}:{progress.line}: for {progress.seconds:.0f} s{f', {state}' if state else ''}{words}"


def progress_state(progress: Progress) -> str:
    """Return the phase and percentage of an index that is built, and whom a statement waits for."""
    phase = (progress.phase or "").removeprefix("building index: ")
    done = "" if progress.percent is None else f"{progress.percent} %"
    waits = f"waits for {'; '.join(map(str, progress.blockers))}" if progress.blockers else ""
    return ", ".join(filter(None, (phase, done, waits)))


def _size(size: int) -> str:
    if size < _WORTH_A_WORD:
        return ""
    value = size / _KILO
    for unit in _UNITS:
        if value < _KILO:
            return f", {value:.1f} {unit}"
        value /= _KILO
    return f", {value:.1f} PB"
