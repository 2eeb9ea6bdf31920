"""What a verification found, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from runner.report.line import Line, block
from runner.report.run_text import MOST_ROWS_SHOWN
from runner.verification.finding import finding_lines, finding_text
from runner.wording import count, with_uncompared

if TYPE_CHECKING:
    from runner.sql.uncompared import Uncompared
    from runner.verification.checks import CheckResult
    from runner.verification.finding import Finding
    from runner.verification.findings import TableSummary, Verification


MOST_UNCOMPARED_SHOWN = 20


def remedy_lines(finding: Finding) -> Iterator[str]:
    """Return why a finding was left, the rows that block its repair, and the SQL that repairs it."""
    remedy = finding.repair
    if remedy is None:
        return
    from runner.sql.printable import printable

    yield f"not repaired: {remedy.why}"
    yield from (f"  row: {row}" for row in remedy.rows)
    yield from (f"  {line}" for line in printable(remedy.sql).split("\n") if remedy.sql)


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
    for finding in verification.accepted:
        yield Line(f"accepted: {finding_text(finding)}; because: {finding.because}", "yellow")
    yield from uncompared_lines(verification.uncompared)
    yield from other_kinds_lines(verification.other_kinds)
    for finding in verification.unmanaged if verbose else ():
        yield Line(finding_text(finding), "dim")


def verified_line(verification: Verification) -> Line:
    """Return whether the database is as declared."""
    if verification.ok:
        tables, indexes = len(verification.tables), sum(table.indexes for table in verification.tables)
        numbers = (count(tables, "table"), count(indexes, "index"), count(len(verification.checks), "check"))
        text = f"verified: {', '.join(numbers)}, no finding{_accepted(verification)}"
        return Line(with_uncompared(text, verification.not_compared), "bold green")
    text = f"not as declared: {count(len(verification.findings), 'finding')}{_accepted(verification)}"
    return Line(with_uncompared(text, verification.not_compared), "bold red", is_failure=True)


def _accepted(verification: Verification) -> str:
    return f", {len(verification.accepted)} accepted" if verification.accepted else ""


def uncompared_lines(uncompared: Sequence[Uncompared]) -> Iterator[Line]:
    """Return what is declared and was not compared, with the reasons."""
    for item in uncompared[:MOST_UNCOMPARED_SHOWN]:
        yield Line(str(item), "yellow")
    if len(uncompared) > MOST_UNCOMPARED_SHOWN:
        yield Line(f"… and {len(uncompared) - MOST_UNCOMPARED_SHOWN} more that are not compared", "yellow")


def other_kinds_lines(kinds: Mapping[str, int]) -> Iterator[Line]:
    """Return how many objects there are of each kind that is not compared."""
    for kind in sorted(kinds):
        yield Line(f"not compared: {count(kinds[kind], kind)}", "yellow")


def _table_lines(table: TableSummary, width: int) -> Iterator[Line]:
    columns, indexes = count(table.columns, "column"), count(table.indexes, "index")
    numbers = f"{columns:>11}  {indexes:>10}" if table.exists else "missing"
    yield _marked(f"{table.name:<{width}}  {numbers}", ok=table.ok)
    yield from _finding_lines(f for f in table.findings if f.kind != "missing" or f.actual or f.object != table.object)


def _check_lines(check: CheckResult, verification: Verification) -> Iterator[Line]:
    ok = not check.rows and not check.error
    yield _marked(f"check: {check.check.description}", ok=ok)
    if not ok:
        yield Line(f"     {check.check.path}", "red", is_failure=True)
    own = [f for f in verification.findings if f.kind == "check" and f.object == check.check.path]
    for finding in own[:MOST_ROWS_SHOWN]:
        lines = [finding.actual or ""] if finding.declared else finding_lines(finding)
        yield block(tuple(f"     {part}" for part in lines), "red", is_failure=True)
    if len(own) > MOST_ROWS_SHOWN:
        yield Line(f"     … and {len(own) - MOST_ROWS_SHOWN} more rows", "red", is_failure=True)


def _finding_lines(findings: Iterable[Finding]) -> Iterator[Line]:
    for finding in findings:
        yield Line(f"     {finding_text(finding)}", "red", is_failure=True)
        for line in remedy_lines(finding):
            yield Line(f"       {line}", "", is_failure=True)


def _marked(text: str, *, ok: bool) -> Line:
    return Line(f"✅ {text}") if ok else Line(f"❌ {text}", "red", is_failure=True)
