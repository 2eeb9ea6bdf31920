"""How a run ended and what a verification found, as lines for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from runner.lines import Line, count, finding_text, remedy_lines

if TYPE_CHECKING:
    from runner.checks import CheckResult
    from runner.errors import RunnerError
    from runner.results import ScriptResult, Status
    from runner.stages import ApplyResult
    from runner.verification import Finding, TableSummary, Verification

MOST_ROWS_SHOWN = 20
_STYLES: dict[Status, str] = {"applied": "green", "unchanged": "dim", "failed": "bold red", "skipped": "yellow"}
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
            yield Line("    " + "  ".join("null" if value is None else value for value in row))
        if len(returned.rows) > MOST_ROWS_SHOWN:
            yield Line(f"    … and {len(returned.rows) - MOST_ROWS_SHOWN} more rows")
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
    head, *notes = f"error: {error}".split("\n")
    yield Line(indent + head, "bold red", is_failure=True)
    if notes:
        yield Line("\n".join(indent + note for note in notes), "", is_failure=True)


def verification_lines(verification: Verification, *, verbose: bool) -> Iterator[Line]:
    """Return each table and each check with its mark, and the findings beneath."""
    width = max((len(table.name) for table in verification.tables), default=0)
    for table in verification.tables:
        yield from _table_lines(table, width)
    tables = {table.name for table in verification.tables}
    others = (f for f in verification.findings if f.kind not in ("check", "script") and f.table not in tables)
    yield from _finding_lines(others)
    for check in verification.checks:
        yield from _check_lines(check, verification)
    for finding in verification.warnings:
        yield Line(f"warning: {finding_text(finding)}", "yellow")
    for finding in verification.unmanaged if verbose else ():
        yield Line(finding_text(finding), "dim")


def verified_line(verification: Verification) -> Line:
    """Return whether the database is as declared."""
    if verification.ok:
        tables, indexes = len(verification.tables), sum(table.indexes for table in verification.tables)
        numbers = (count(tables, "table"), count(indexes, "index"), count(len(verification.checks), "check"))
        return Line(f"verified: {', '.join(numbers)}, no finding", "bold green")
    return Line(f"not as declared: {count(len(verification.findings), 'finding')}", "bold red", is_failure=True)


def _table_lines(table: TableSummary, width: int) -> Iterator[Line]:
    columns, indexes = count(table.columns, "column"), count(table.indexes, "index")
    numbers = f"{columns:>11}  {indexes:>10}" if table.exists else "missing"
    yield _marked(f"{table.name:<{width}}  {numbers}", ok=table.ok)
    yield from _finding_lines(f for f in table.findings if (f.kind, f.object) != ("missing", f"table {table.name}"))


def _check_lines(check: CheckResult, verification: Verification) -> Iterator[Line]:
    ok = not check.rows and not check.error
    yield _marked(f"check: {check.check.description}", ok=ok)
    if not ok:
        yield Line(f"     {check.check.path}", "red", is_failure=True)
    own = [f for f in verification.findings if f.kind == "check" and f.object == check.check.path]
    for finding in own[:MOST_ROWS_SHOWN]:
        text = "\n".join(f"     {part}" for part in (finding.actual or "").splitlines())
        yield Line(text, "red", is_failure=True)
    if len(own) > MOST_ROWS_SHOWN:
        yield Line(f"     … and {len(own) - MOST_ROWS_SHOWN} more rows", "red", is_failure=True)


def _finding_lines(findings: Iterable[Finding]) -> Iterator[Line]:
    for finding in findings:
        yield Line(f"     {finding_text(finding)}", "red", is_failure=True)
        for line in remedy_lines(finding):
            yield Line(f"       {line}", "", is_failure=True)


def _marked(text: str, *, ok: bool) -> Line:
    return Line(f"✅ {text}") if ok else Line(f"❌ {text}", "red", is_failure=True)
