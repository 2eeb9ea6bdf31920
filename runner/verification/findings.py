"""Prove a database: what is declared against what is there, and the checks. Every deviation is a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from runner.catalog.column_definitions import column_type
from runner.catalog.diff import Difference, compare
from runner.catalog.index_definitions import has_index
from runner.catalog.snapshot import Snapshot
from runner.execution.results import ScriptResult
from runner.project.field_mappings import FieldMappings, family
from runner.sql.objects import PRESENT, Facts, Object
from runner.verification.checks import CheckResult
from runner.verification.finding import Finding, FindingKind

if TYPE_CHECKING:
    from runner.verification.remedies import Remedy


_TABLE = ("table", "comment on table")


class TableSummary(Struct, frozen=True):
    """A declared table with the numbers of columns and indexes that it has in the database."""

    name: str
    exists: bool
    columns: int
    indexes: int
    findings: tuple[Finding, ...]

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

    @property
    def ok(self) -> bool:
        """Whether the database is as declared."""
        return not self.findings


class RunOutcome(Struct, frozen=True):
    """What was run beside the comparison: the checks, and the scripts before it."""

    checks: tuple[CheckResult, ...] = ()
    scripts: tuple[ScriptResult, ...] = ()


def find_deviations(
    declared: Facts,
    actual: Snapshot,
    *,
    history_table: str,
    remedy: Callable[[Difference], Remedy],
    outcome: RunOutcome,
    tolerated: Sequence[FindingKind] = (),
    field_mappings: FieldMappings | None = None,
) -> Verification:
    """Return every deviation: of the objects, of mapped columns' types, of the checks, and failed scripts.

    Findings of a kind that is tolerated become warnings. The history table is the runner's own, and no concern here.
    """
    objects: list[Finding] = []
    unmanaged: list[Finding] = []
    warnings: list[Finding] = []
    mapped = set(_mapped(field_mappings))
    for difference in compare(declared, actual):
        item = difference.object
        if not item.schema and history_table in (item.table, item.name if item.kind in _TABLE else None):
            continue
        kept = unmanaged if difference.kind == "unmanaged" else objects
        if difference.kind in tolerated or (item in mapped and _is_kindred(difference)):
            kept = warnings
        kept.append(_finding(difference, declared, None if kept is unmanaged else remedy(difference)))
    objects += _mapped_types(field_mappings, actual, objects)
    others = [finding for check in outcome.checks for finding in _check_findings(check)]
    others += [
        Finding("script", result.plan.script.path, actual=str(result.error) if result.error else None)
        for result in outcome.scripts
        if result.status in ("failed", "skipped")
    ]
    tables = tuple(_tables(declared, actual, objects))
    return Verification(tables, outcome.checks, (*objects, *others), tuple(unmanaged), tuple(warnings))


def _finding(difference: Difference, declared: Facts, repair: Remedy | None) -> Finding:
    item = difference.object
    shown = None if difference.declared == PRESENT else difference.declared
    table = _full_name(item.schema, _table_of(item, declared))
    return Finding(difference.kind, str(item), shown, difference.actual, table, repair)


def _table_of(item: Object, declared: Facts) -> str:
    if item.kind in _TABLE:
        return item.name
    if item.kind == "comment on index":
        indexes = (other for other in declared if other.kind == "index" and other.schema == item.schema)
        return next((other.table for other in indexes if other.name == item.name), "")
    return item.table


def _mapped(field_mappings: FieldMappings | None) -> Iterator[Object]:
    for column in field_mappings.columns if field_mappings else ():
        yield Object("column", column.name, field_mappings.table if field_mappings else "")


def _is_kindred(difference: Difference) -> bool:
    """Return whether a column has the declared definition but for a type that holds the same kind of values."""
    if difference.kind != "different":
        return False
    declared, actual = str(difference.declared), str(difference.actual)
    types = column_type(declared), column_type(actual)
    return family(types[0]) == family(types[1]) and declared[len(types[0]) :] == actual[len(types[1]) :]


def _mapped_types(
    field_mappings: FieldMappings | None, actual: Snapshot, findings: Sequence[Finding]
) -> Iterator[Finding]:
    """Return the mapped columns that no script makes, and those whose declared type is another than the mapping's."""
    if field_mappings is None:
        return
    table, told = field_mappings.table, {finding.object for finding in findings}
    for column in field_mappings.columns:
        item = Object("column", column.name, table)
        there = actual.facts.get(item)
        is_there = there is not None and family(column_type(there)) == family(column.type)
        if not is_there and str(item) not in told:
            yield _mapped_finding(item, column.type, there)


def _mapped_finding(item: Object, type_: str, there: str | None) -> Finding:
    from runner.verification.remedies import mapped_column, mapped_type

    if there is None:
        return Finding("missing", str(item), type_, None, item.table, mapped_column(item.table, item.name, type_))
    return Finding("type", str(item), type_, column_type(there), item.table, mapped_type(item.table, item.name, type_))


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
            name, key = _full_name(item.schema, item.name), (item.schema, item.name)
            own = tuple(found.get(name, ()))
            yield TableSummary(name, item in actual.facts, columns[key], indexes[key], own)


def _full_name(schema: str, table: str) -> str:
    """Return a table as people write it; one of the target schema needs no schema."""
    return f"{schema}.{table}" if schema and table else table
