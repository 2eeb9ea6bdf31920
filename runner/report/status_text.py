"""The history and what is pending as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from runner.report.line import Line, block
from runner.report.plan_end import left_lines, left_words, plan_end
from runner.report.release_text import older_lines, release_lines
from runner.report.verification_text import uncompared_lines
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.plan import Planned
    from runner.planning.model import Plan, ScriptPlan


def status_lines(planned: Planned, *, verbose: bool) -> Iterator[Line]:
    """Return each script's last row of the history, all rows when verbose, and what is pending."""
    scripts = planned.plan.all_scripts
    width = max(len(script.script.path) for script in scripts)
    yield Line(f"{'script':<{width}}  {'run':>4}  {'result':<8}  {'when':<16}  by", "bold")
    last = {entry.script: entry for entry in planned.entries}
    shown = planned.entries if verbose else [last[s.script.path] for s in scripts if s.script.path in last]
    for entry in shown:
        when = f"{entry.started:%Y-%m-%d %H:%M}"
        text = f"{entry.script:<{width}}  {entry.run:>4}  {entry.status:<8}  {when}  {entry.role}"
        yield Line(text, "" if entry.status == "applied" else "red")
        if entry.error:
            yield block(tuple(f"    {part}" for part in entry.error.split("\n")))
    for script in scripts:
        if script.script.path not in last:
            yield Line(f"{script.script.path:<{width}}  {'':>4}  not in the history")
    for script in scripts:
        if script.changed and script.script.run == "once":
            yield Line(f"{script.script.path}: {script.reason}", "yellow")
    yield from release_lines(planned.releases, verbose=verbose)
    yield from uncompared_lines(planned.declared.uncompared)
    yield from older_lines(planned.plan.older) if planned.plan.older else _pending_lines(planned.plan)
    yield from left_lines(planned)
    if left := left_words(planned):
        yield Line(left, "red")
    is_done = not planned.plan.older and not planned.left and not any(pending(planned.plan))
    if end := plan_end(planned, "nothing is pending" if is_done else ""):
        yield Line(end, "green" if is_done else "")


def pending(plan: Plan) -> Iterator[tuple[str, int, str]]:
    """Yield what is pending: the script, how many statements, and why."""
    for script in plan.all_scripts:
        if script.pending:
            yield script.script.path, len(script.to_send), _pending_reason(script)
    for late in plan.late:
        yield (
            late.script.script.path,
            len(late.steps),
            f"{late.reason}; after the scripts, if no rows block it any more",
        )


def _pending_reason(script: ScriptPlan) -> str:
    if script.script.run != "always":
        return str(script.reason)
    reasons = [step.reason for step in script.steps if step.action in ("create", "alter")]
    more = f"; {count(len(reasons) - 1, 'more statement')}" if len(reasons) > 1 else ""
    return f"{reasons[0]}{more}"


def _pending_lines(plan: Plan) -> Iterator[Line]:
    found = [(path, reason) for path, _, reason in pending(plan)]
    if found:
        yield Line(f"pending in {count(len({path for path, _ in found}), 'script')}:", "yellow")
    for path, reason in found:
        yield Line(f"  {path}: {reason}")
