"""What the data statements of a plan do to rows, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from runner.report.line import Line
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.data_rows import DataRows

_HEADING = (
    "rows: the data statements were run and rolled back; sequences moved, triggers fired, rows were locked meanwhile"
)


def data_rows_lines(found: Sequence[DataRows] | None) -> Iterator[Line]:
    """Return the statements that change rows, those of which that is unknown, and how many others there are."""
    if not found:
        return
    yield Line(_HEADING, "bold")
    for (script, reason), group in groupby(filter(_is_told, found), _script_and_reason):
        first, *more = group
        if reason:
            others = f" and {len(more)} more" if more else ""
            text = f"  {script}:{first.step.statement.line}{others}: unknown until apply"
            yield Line(text, "yellow", more=(f"      {reason}",))
            continue
        for item in (first, *more):
            yield Line(f"  {script}:{item.step.statement.line} {_verb(item)}: {count(item.rows or 0, 'row')}", "yellow")
    if rest := sum(not _is_told(item) for item in found):
        yield Line(f"  {count(rest, 'other')} that {'changes' if rest == 1 else 'change'} no row", "dim")


def data_rows_end(found: Sequence[DataRows]) -> str:
    """Return the sum of it, as the rest of a sentence."""
    changed = sum(item.rows or 0 for item in found if not _only_reads(item))
    unknown = sum(item.rows is None for item in found)
    return f"{count(changed, 'row')} as of now" + (f", {unknown} unknown until apply" if unknown else "")


def data_rows_json(found: Sequence[DataRows] | None) -> list[dict[str, Any]] | None:
    """Return it as JSON objects; None when nothing was run."""
    if found is None:
        return None
    return [
        {
            "script": item.step.statement.script,
            "line": item.step.statement.line,
            "rows": item.rows,
            "reason": item.reason or None,
        }
        for item in found
    ]


def _script_and_reason(item: DataRows) -> tuple[str, str]:
    return item.step.statement.script, item.reason


def _is_told(item: DataRows) -> bool:
    return item.rows is None or (item.rows > 0 and not _only_reads(item))


def _only_reads(item: DataRows) -> bool:
    return item.step.statement.node == "select_stmt"


def _verb(item: DataRows) -> str:
    return item.step.statement.node.partition("_")[0]
