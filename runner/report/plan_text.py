"""A plan as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from runner.errors import without_passwords
from runner.planning.reasons import first_and_more
from runner.report.data_rows import data_rows_lines
from runner.report.line import Line
from runner.report.plan_end import left_lines, left_words, plan_end
from runner.report.release_text import older_lines
from runner.report.verification_text import uncompared_lines
from runner.sql.lock_rules import LEVELS
from runner.wording import count, listed

if TYPE_CHECKING:
    from runner.pipeline.plan import Planned
    from runner.planning.model import LateRepair, ScriptPlan, Step


_STYLES = {"create": "green", "alter": "yellow", "unchanged": "dim", "run": ""}
_MARKS = {"create": "+", "alter": "~", "unchanged": "=", "run": ">"}
_UNITS = ("kB", "MB", "GB", "TB")
_KILO = 1024
_WORTH_A_WORD = 1 << 20
_MOST_RELATIONS = 3


def plan_lines(planned: Planned, *, verbose: bool) -> Iterator[Line]:
    """Return the plan as a tree by script."""
    plan = planned.plan
    if plan.setup:
        yield Line(f"setup: {count(len(plan.setup), 'statement')}, for the history table and missing schemas")
    if plan.older:
        yield from older_lines(plan.older)
    yield from _script_lines(plan.scripts if not plan.older else (), verbose=verbose)
    if plan.forecast:
        yield Line("forecast: planned again after the upgrades", "bold")
        yield from _script_lines(plan.all_scripts[len(plan.scripts) :], verbose=verbose)
    yield from data_rows_lines(planned.rows)
    yield from _late_lines(plan.late)
    yield from _left_lines(planned)
    if plan.release and not plan.release.is_begun:
        yield Line(f"release {plan.release.release.identity[:12]} is recorded")
    yield from uncompared_lines(planned.declared.uncompared)
    yield Line(f"{plan.pending} pending", "yellow" if plan.pending else "green")
    if left := left_words(planned):
        yield Line(left, "red")
    if plan.refused:
        yield Line(f"{count(len(plan.refused), 'hazard')} refused: apply will exit 1 before anything is sent", "red")
    yield Line(f"plan {plan.hash}")
    if end := plan_end(planned):
        yield Line(end)


def _late_lines(repairs: Sequence[LateRepair]) -> Iterator[Line]:
    """Return what is tried once more when the scripts have changed the rows that block it."""
    for script, own in groupby(repairs, lambda repair: repair.script.script.path):
        yield Line(f"{script}  after the scripts, if no rows block it any more", "bold")
        for repair in own:
            start = f"alter :{repair.place.line}"
            yield _marked("alter", f"{start} {repair.reason}", ())
            for step in repair.steps:
                text, *more = _repair_texts(step, start)
                yield _marked("alter", text, more)
                yield from _hazard_lines(step)


def _left_lines(planned: Planned) -> Iterator[Line]:
    """Return what is left unchanged and no statement of the plan is about."""
    steps = (step for script in planned.plan.scripts for step in script.steps)
    shown = {item for step in steps if step.reason.left_because for item in step.reason.objects}
    yield from left_lines(planned, shown)


def _script_lines(scripts: Sequence[ScriptPlan], *, verbose: bool) -> Iterator[Line]:
    for script in scripts:
        why = f"  {script.reason}" if script.script.run != "always" else ""
        yield Line(f"{script.script.path}{why}", "bold")
        folded: Counter[str] = Counter()
        for step in script.steps:
            if verbose or not _is_folded(step):
                text, *more = _step_texts(step)
                yield _marked(step.action, text, more)
                yield from _hazard_lines(step)
            else:
                folded[step.action] += 1
        for action, words in (("unchanged", "unchanged"), ("run", "that read or write rows")):
            if folded[action]:
                yield Line(f"  {_MARKS[action]} {folded[action]} {words}", _STYLES[action])


def _marked(action: str, text: str, more: Sequence[str]) -> Line:
    below = tuple(f"      {each}" for each in more)
    return Line(f"  {_MARKS[action]} {text}", _STYLES[action], more=below)


def _hazard_lines(step: Step) -> Iterator[Line]:
    """Return the hazards of a step, what is refused in red."""
    for hazard in step.hazards:
        rows = f", about {count(hazard.rows, 'row')}" if hazard.rows else ""
        refused = "; refused without an allowance" if hazard.is_refused else ""
        text = f"      ! {hazard.kind}: {hazard}{_size(hazard.size)}{rows}{refused}"
        yield Line(text, "red" if hazard.is_refused else "yellow")


def _is_folded(step: Step) -> bool:
    return (step.action == "unchanged" and not step.reason.left_because) or step.reason.code == "data"


def _step_texts(step: Step) -> tuple[str, ...]:
    """Return the text of a step, and what is said below it."""
    start = f"{step.action} :{step.statement.line}"
    if step.reason.left_because:
        what, why = step.reason.left
        return f"{start} {what}:", why
    if step.about:
        return _repair_texts(step, start)
    objects = () if step.reason.code in ("own path", "upgrade") else step.objects
    what = first_and_more(objects) if objects else _in_words(step.sql)[:60]
    notes = [] if step.reason.code == "upgrade" else [str(step.reason)]
    if step.reason.code == "missing":
        what, notes = step.reason.subject, []
    if step.transaction > 0:
        notes.append("CONCURRENTLY, after the script" if step.concurrently else "after the script")
    if step.action in ("create", "alter"):
        notes += _lock_notes(step)
    return (f"{start} {what} ({'; '.join(notes)})" if notes else f"{start} {what}",)


def _in_words(sql: str) -> str:
    """Return a statement in one line, without passwords."""
    return " ".join(without_passwords(sql).split())


def _repair_texts(step: Step, start: str) -> tuple[str, ...]:
    """Return the text of a repair: what it repairs, or what it sends after the script's own transaction."""
    early = ["before the script"] if step.transaction < 0 else []
    notes = "".join(f" ({note})" for note in (*early, *_lock_notes(step)))
    if step.transaction > 0:
        return (f"{start} then {_in_words(step.sql)}{notes}",)
    parts = step.reason.parts
    if len(parts) == 1:
        return (f"{start} {parts[0].subject if parts[0].code == 'missing' else parts[0]}{notes}",)
    return (f"{start} {count(len(parts), 'repair')}{notes}", *map(str, parts))


def _lock_notes(step: Step) -> list[str]:
    """Return the locks, from the strongest, each with the relations that it is on; the size is that of the first."""
    by_level = sorted(step.locks, key=lambda lock: LEVELS.index(lock.level), reverse=True)
    groups = [(level, [*locks]) for level, locks in groupby(by_level, lambda lock: lock.level)]
    notes = [f"{level} on {_few([lock.relation.name for lock in locks])}" for level, locks in groups]
    return [*notes[:-1], f"{notes[-1]}{_size(max(lock.size for lock in step.locks))}"] if notes else []


def _few(names: Sequence[str]) -> str:
    more = len(names) - _MOST_RELATIONS
    return listed([*names[:_MOST_RELATIONS], f"{more} more"] if more > 0 else names)


def _size(size: int) -> str:
    if size < _WORTH_A_WORD:
        return ""
    value = size / _KILO
    for unit in _UNITS:
        if value < _KILO:
            return f", {value:.1f} {unit}"
        value /= _KILO
    return f", {value:.1f} PB"
