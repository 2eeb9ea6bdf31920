"""A run as lines of text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from runner.report.line import Line, block
from runner.wording import count

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.execution.results import LateResult, ScriptResult, ScriptStatus
    from runner.pipeline.apply import ApplyResult


MOST_ROWS_SHOWN = 20
_STYLES: dict[ScriptStatus, str] = {"applied": "green", "unchanged": "dim", "failed": "bold red", "skipped": "yellow"}
_FAILED = ("failed", "skipped")


def scripts_heading(width: int) -> Line:
    """Return the heading of the scripts' table; `width` is that of its first column."""
    return Line(f"{'script':<{width}}  {'result':<9}  {'sent':>5} {'of':>5}  {'seconds':>7}", "bold")


def script_lines(result: ScriptResult, width: int) -> Iterator[Line]:
    """Return the row of a script, the rows that it returned, and its error; without a width there is no table."""
    script = result.plan
    numbers = f"{result.sent:>5} {script.parsed.total:>5}  {result.seconds:>7.3f}"
    text = f"{script.script.path:<{width}}  {result.status:<9}{f'  {numbers}' if width else ''}".rstrip()
    yield Line(text, _STYLES[result.status], result.status in _FAILED)
    if script.changed and script.script.run == "once":
        yield Line(f"    {script.reason}", "yellow", is_failure=True)
    for returned in result.returned:
        for row in returned.rows[:MOST_ROWS_SHOWN]:
            yield Line(f"    {row_text(returned.columns, row)}")
        if len(returned.rows) > MOST_ROWS_SHOWN:
            yield Line(f"    … and {len(returned.rows) - MOST_ROWS_SHOWN} more rows")
    if result.error is not None:
        yield from error_lines(result.error, indent="    ")


def row_text(columns: Sequence[str], row: Sequence[str | None]) -> str:
    """Return a row in words; a column `old_value` before a column `new_value` is shown as the change of a value."""
    words = ["null" if value is None else value for value in row]
    separators = [" → " if pair == ("old_value", "new_value") else "  " for pair in pairwise(columns)]
    return "".join(map("".join, zip(words, (*separators, ""), strict=True)))


def late_lines(result: LateResult, width: int) -> Iterator[Line]:
    """Return the row of a late repair, by the script that declares it, and its error."""
    about = f"after the scripts: {result.repair.reason}"
    more = ", rows block it" if result.status == "left" else ""
    style = "yellow" if result.status == "left" else _STYLES[result.status]
    yield Line(
        f"{result.repair.script.script.path:<{width}}  {result.status:<9}  {about}{more}",
        style,
        result.status in _FAILED,
    )
    if result.error is not None:
        yield from error_lines(result.error, indent="    ")


def total_line(results: Sequence[ScriptResult], width: int) -> Line:
    """Return the last row of the scripts' table."""
    sent = sum(result.sent for result in results)
    statements = sum(result.plan.parsed.total for result in results)
    return Line(f"{count(len(results), 'script'):<{width}}  {'':<9}  {sent:>5} {statements:>5}", "bold")


def run_line(result: ApplyResult, seconds: float) -> Line:
    """Return what a run did in one line: how many scripts ended how, those that failed by name."""
    counts = Counter(script.status for script in result.scripts)
    failed = ", ".join(script.plan.script.path for script in result.scripts if script.status == "failed")
    ends = (f"{counts[s]} {s}{f' ({failed})' if s == 'failed' else ''}" for s in _STYLES if counts[s])
    return Line(f"run {result.plan.run} in {seconds:.2f} s: {', '.join(ends)}")


def error_lines(error: RunnerError, indent: str = "") -> Iterator[Line]:
    """Return an error: what is wrong, where, and what to do."""
    head, *notes = error.lines
    yield Line(f"{indent}error: {head}", "bold red", is_failure=True)
    if notes:
        yield block(tuple(indent + note for note in notes), is_failure=True)
