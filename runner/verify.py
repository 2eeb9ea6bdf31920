"""Prove a database: what is declared against what is there, and the checks. Every deviation is a finding."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct

from runner.catalog import Snapshot, differences
from runner.checks import CheckResult
from runner.declarations import PRESENT, Object
from runner.execute import ScriptResult
from runner.field_mappings import FieldMappings, family

FindingKind = Literal["missing", "different", "invalid", "type", "check", "script"]


class Finding(Struct, frozen=True):
    """Something that is not as declared; `table` is set when it belongs to one."""

    kind: FindingKind
    object: str
    declared: str | None = None
    actual: str | None = None
    table: str = ""


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
    """The tables that are declared, the checks, and all findings; none means verified."""

    tables: tuple[TableSummary, ...]
    checks: tuple[CheckResult, ...]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the database is as declared."""
        return not self.findings


def verify(
    declared: Snapshot,
    actual: Snapshot,
    *,
    field_mappings: FieldMappings | None = None,
    checks: Sequence[CheckResult] = (),
    scripts: Iterable[ScriptResult] = (),
) -> Verification:
    """Return every deviation: of the objects, of mapped columns' types, of the checks, and failed scripts."""
    objects = [*_differences(declared, actual), *_mapped_types(field_mappings, actual)]
    others = [finding for check in checks for finding in _check_findings(check)]
    others += [
        Finding("script", result.plan.script.path, actual=str(result.error) if result.error else None)
        for result in scripts
        if result.status in ("failed", "skipped")
    ]
    return Verification(tuple(_tables(declared, actual, objects)), tuple(checks), (*objects, *others))


def _differences(declared: Snapshot, actual: Snapshot) -> Iterable[Finding]:
    for difference in differences(declared, actual):
        item = difference.object
        if _is_part_of_missing(item, declared, actual):
            continue
        invalid = item.kind in ("index", "constraint") and difference.kind == "different"
        shown = None if difference.declared == PRESENT else difference.declared
        yield Finding(
            "invalid" if invalid else difference.kind,
            str(item),
            shown,
            difference.actual,
            _full_name(item.schema, _table_of(item, declared)),
        )


def _is_part_of_missing(item: Object, declared: Snapshot, actual: Snapshot) -> bool:
    """Return whether the table, or what a comment is on, is missing itself, which is then the only finding."""
    owners = [Object("table", item.table, "", item.schema)] if item.table else []
    if item.kind.startswith("comment on "):
        kind = item.kind.removeprefix("comment on ")
        owners.append(Object(kind, item.name, item.table or _table_of(item, declared), item.schema))
        if kind == "table":
            owners = [Object("table", item.name, "", item.schema)]
    return any(owner in declared and owner not in actual for owner in owners)


def _table_of(item: Object, declared: Snapshot) -> str:
    if item.kind in ("table", "comment on table"):
        return item.name
    if item.kind == "comment on index":
        return next((other.table for other in declared if other.kind == "index" and other.name == item.name), "")
    return item.table


def _mapped_types(field_mappings: FieldMappings | None, actual: Snapshot) -> Iterable[Finding]:
    if field_mappings is None:
        return
    table = field_mappings.table
    for column in field_mappings.columns:
        item = Object("column", column.name, table)
        there = actual.get(item)
        if there is not None and family(there) != family(column.type):
            yield Finding("type", str(item), column.type, there, table)


def _check_findings(result: CheckResult) -> Iterable[Finding]:
    if result.error:
        yield Finding("check", result.check.path, actual=str(result.error))
    for row in result.rows:
        yield Finding("check", result.check.path, result.check.description, row)


def _tables(declared: Snapshot, actual: Snapshot, findings: Sequence[Finding]) -> Iterable[TableSummary]:
    columns = Counter((item.schema, item.table) for item in actual if item.kind == "column")
    indexes = Counter((item.schema, item.table) for item in actual if item.kind == "index")
    for item in declared:
        if item.kind == "table":
            name, key = _full_name(item.schema, item.name), (item.schema, item.name)
            own = tuple(finding for finding in findings if finding.table == name)
            yield TableSummary(name, item in actual, columns[key], indexes[key], own)


def _full_name(schema: str, table: str) -> str:
    """Return a table as people write it; one of the target schema needs no schema."""
    return f"{schema}.{table}" if schema and table else table
