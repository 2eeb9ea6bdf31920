"""What gives a view or a materialized view its declaration: in its place, or dropped and made again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runner.catalog.diff import Difference
from runner.catalog.table_definitions import options_changed
from runner.catalog.view_definitions import has_no_data, query_of
from runner.repair.context import Context
from runner.repair.dependents import in_one_transaction
from runner.repair.proposal import Proposal, proposal
from runner.repair.view_columns import declared_names, keeps_columns
from runner.sql.objects import Object, qualified_name
from runner.sql.statements import Statement

_CREATE = re.compile(r"create\s+(?!or\s)", re.IGNORECASE)
_OPTIONS = re.compile(r"with \(([^)]*)\)")
_DETAIL = "its columns are others"


def different(context: Context, item: Difference, view: Object) -> Iterator[Proposal]:
    """Replace a view whose columns stay; else drop it, and make it again with what hangs on it."""
    written = context.written(view)
    if not written:
        return
    if not keeps_columns(context, view):
        yield remade(context, item, _DETAIL)
    elif not written[0].declaration.replaces:
        yield proposal(item, "differs", now=replacing(written))


def computed(context: Context, item: Difference, view: Object) -> Iterator[Proposal]:
    """Give a materialized view its options; else drop it, and compute it anew with what hangs on it."""
    (before, old), (after, new) = query_of(item.actual or ""), query_of(item.declared or "")
    if old != new and context.written(view):
        yield remade(context, item, "its query is another one")
        return
    if old == new and has_no_data(item.actual or "") and not has_no_data(item.declared or ""):
        refresh = (f"refresh materialized view {qualified_name(view)}",)
        yield proposal(item, "differs", "it has no data", now=refresh, blocked_by=context.needs_align())
        return
    is_plain = _OPTIONS.sub("", before).strip() == _OPTIONS.sub("", after).strip()
    clauses = options_changed(_options(before), _options(after))
    if old == new and clauses and is_plain:
        alter = f"alter materialized view {qualified_name(view)} "
        yield proposal(item, "differs", f"settings {_options(before) or 'none'}", now=(alter + ", ".join(clauses),))


def remade(context: Context, item: Difference, detail: str) -> Proposal:
    """Return what drops a relation or a function and makes it as the scripts do, with all that it has."""
    view = item.object
    names = declared_names(context, view) if view.kind != "function" else None
    *dependents, own = context.evidence.hanging_on(view, names)
    made = (own.drop, *(statement.sql for statement in context.written(view)), *own.more)
    blocked_by = context.needs_align()
    if own.size > context.rewrite_above.bytes:
        blocked_by = f"it would be computed anew, and is larger than rewrite_above = {context.rewrite_above!r}"
    return in_one_transaction(context, item, detail, made, dependents, blocked_by)


def replacing(written: Sequence[Statement]) -> tuple[str, ...]:
    """Return the statements that make an object, of which the first replaces the one that is there."""
    first, *others = written
    return _CREATE.sub("create or replace ", first.sql, count=1), *(one.sql for one in others)


def _options(text: str) -> str:
    match = _OPTIONS.match(text)
    return match[1] if match else ""
