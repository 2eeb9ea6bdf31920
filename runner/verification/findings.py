"""Prove a database: what is declared against what is there, and the checks. Every deviation is a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct

from runner.catalog.definitions import has_index
from runner.catalog.diff import Difference, compare
from runner.catalog.snapshot import Accepted, Snapshot
from runner.execution.results import ScriptResult
from runner.project.agreements import AcceptEntry
from runner.project.manifest import release_table
from runner.sql.objects import OWN_NAMES, PRESENT, Facts, Object, without_table
from runner.sql.uncompared import Uncompared
from runner.verification.checks import CheckResult
from runner.verification.finding import Finding, Remedy
from runner.verification.untrusted import find_untrusted


class TableSummary(Struct, frozen=True):
    """A declared table with the numbers of columns and indexes that it has in the database."""

    object: Object
    exists: bool
    columns: int
    indexes: int
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The table as people write it."""
        return _full_name(self.object.schema, self.object.name)

    @property
    def ok(self) -> bool:
        """Whether nothing of the table deviates."""
        return self.exists and not self.findings


class Verification(Struct, frozen=True):
    """The tables that are declared, the checks, and all findings; none means verified.

    `unmanaged` is what exists and nobody declared, `warnings` what is worth a word and no finding.
    """

    tables: tuple[TableSummary, ...]
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]
    unmanaged: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    """What is declared, and known by its name alone."""
    accepted: tuple[Finding, ...] = ()
    """What is not as declared, and accepted by the manifest."""
    other_kinds: Mapping[str, int] = {}
    """How many objects there are of kinds that are not compared, by kind."""

    @property
    def not_compared(self) -> int:
        """How much of the database and of the scripts is not compared."""
        return len(self.uncompared) + sum(self.other_kinds.values())

    @property
    def ok(self) -> bool:
        """Whether the database is as declared."""
        return not self.findings


class RunOutcome(Struct, frozen=True):
    """What was done beside the comparison: the checks, the scripts before it, and what it left out."""

    checks: tuple[CheckResult, ...] = ()
    scripts: tuple[ScriptResult, ...] = ()
    uncompared: tuple[Uncompared, ...] = ()
    accepting: tuple[AcceptEntry, ...] = ()
    """What the manifest accepts, whether it is there or not."""
    is_strict: bool = False
    """Whether what nobody declared is a finding, too."""


def find_deviations(
    declared: Facts,
    actual: Snapshot,
    *,
    history_table: str,
    remedy: Callable[[Difference], Remedy],
    outcome: RunOutcome,
    is_tolerated: Callable[[Difference], bool] = lambda _: False,
    others: Iterable[Finding] = (),
) -> Verification:
    """Return every deviation: of the objects, `others` about objects without one, of the checks, and failed scripts.

    What is tolerated becomes a warning. The history tables are the runner's own, and no concern here.
    """
    own = (history_table, release_table(history_table))
    objects: list[Finding] = []
    unmanaged: list[Finding] = []
    warnings = list(_stale(outcome.accepting, actual))
    for difference in compare(declared, actual):
        item = difference.object
        if not item.schema and (item.table in own or (item.subject.kind == "table" and item.name in own)):
            continue
        kept = unmanaged if difference.kind == "unmanaged" and not outcome.is_strict else objects
        if is_tolerated(difference):
            kept = warnings
        kept.append(_finding(difference, declared, None if kept is unmanaged else remedy(difference)))
    deviating = {finding.object for finding in objects}
    objects += (finding for finding in others if finding.object not in deviating)
    objects += find_untrusted(declared, actual)
    ran = [finding for check in outcome.checks for finding in _check_findings(check)]
    ran += [
        Finding("script", result.plan.script.path, actual=str(result.error) if result.error else None)
        for result in outcome.scripts
        if result.status in ("failed", "skipped")
    ]
    tables = tuple(_tables(declared, actual, objects))
    found = (*objects, *ran)
    accepted = tuple(map(_accepted_finding, actual.accepted))
    others_of = (tuple(unmanaged), tuple(warnings), outcome.uncompared, accepted, actual.other_kinds)
    return Verification(tables, outcome.checks, found, *others_of)


def _accepted_finding(accepted: Accepted) -> Finding:
    entry = accepted.entry
    return Finding(entry.kind, entry.object, accepted.declared, accepted.actual, because=entry.because)


def _stale(accepting: Sequence[AcceptEntry], actual: Snapshot) -> Iterator[Finding]:
    """Return the entries that accept nothing, or for longer than somebody wanted."""
    used = [known.entry for known in actual.accepted]
    today = datetime.now(UTC).date()
    for entry in accepting:
        if entry not in used:
            yield Finding("accept", entry.object, actual=f"it is not {entry.kind}, or not as found; remove the entry")
        elif entry.until and entry.until < today:
            yield Finding("accept", entry.object, actual=f"accepted until {entry.until}: {entry.because}")


def _finding(difference: Difference, declared: Facts, repair: Remedy | None) -> Finding:
    item = difference.object
    shown = None if difference.declared == PRESENT else difference.declared
    table = _full_name(item.schema, _table_of(item, declared))
    return Finding(difference.kind, item, shown, difference.instead, table, repair)


def _table_of(item: Object, declared: Facts) -> str:
    if item.subject.kind == "table":
        return item.name
    if item.subject.kind in OWN_NAMES and not item.table:
        return next((other.table for other in declared if without_table(other) == item.subject), "")
    return item.table


def _check_findings(result: CheckResult) -> Iterable[Finding]:
    if result.error:
        yield Finding("check", result.check.path, actual=str(result.error))
    for row in result.rows:
        yield Finding("check", result.check.path, result.check.description, row)


def _tables(declared: Facts, actual: Snapshot, findings: Sequence[Finding]) -> Iterator[TableSummary]:
    columns = Counter((item.schema, item.table) for item in actual.facts if item.kind == "column")
    indexes = Counter((item.schema, item.table) for item, text in actual.facts.items() if has_index(item, text))
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.table, []).append(finding)
    for item in declared:
        if item.kind == "table":
            key, own = (item.schema, item.name), tuple(found.get(_full_name(item.schema, item.name), ()))
            yield TableSummary(item, item in actual.facts, columns[key], indexes[key], own)


def _full_name(schema: str, table: str) -> str:
    """Return a table as people write it; one of the target schema needs no schema."""
    return f"{schema}.{table}" if schema and table else table
