"""What gives a publication its declaration: a member that it lacks, other options, another definition of a member."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object
from runner.sql.publications import all_options, is_for_all
from runner.sql.quoting import identifier, literal
from runner.sql.spelling import published

_REFUSED = "PostgreSQL adds no schema to a publication that has a table with a column list"
_WITHOUT_ALTER = "no statement changes whether a publication has all tables"


def missing(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Add a member; a schema only when no member with a column list stays."""
    add = f"{_alter(item)} add {published(item.object, item.declared or '')}"
    blocked_by = _REFUSED if item.object.kind == "publication schema" and _has_columns(context, item.object) else ""
    yield Proposal(item.object, item.object, "missing", becomes=item.declared, now=(add,), blocked_by=blocked_by)


def _has_columns(context: Context, schema: Object) -> bool:
    """Return whether a table of the publication keeps its column list in this run."""
    own = (
        other
        for other, text in context.actual.facts.items()
        if (other.kind, other.name) == ("publication table", schema.name) and text.startswith("table (")
    )
    return any(other not in context.declared or context.needs_align() for other in own)


def different(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Replace a member in one transaction."""
    drop = f"{_alter(item)} drop {published(item.object, '')}"
    add = f"{_alter(item)} add {published(item.object, item.declared or '')}"
    detail = f"{item.actual}, declared {item.declared}"
    yield Proposal(
        item.object,
        item.object,
        "differs",
        detail,
        becomes=item.declared,
        now=(drop, add),
        instead=True,
        blocked_by=context.needs_align(),
    )


def changed(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Give a publication other options."""
    old, new = item.actual or "", item.declared or ""
    before, after = all_options(old), all_options(new)
    defaults = {"publish_generated_columns": "none"}
    options = {name: after.get(name, defaults.get(name, "")) for name in {**before, **after}}
    parts = (f"{name} = {literal(options[name])}" for name in sorted(options) if before.get(name) != options[name])
    blocked_by = _WITHOUT_ALTER if is_for_all(old) != is_for_all(new) else context.needs_align()
    text = f"{_alter(item)} set ({', '.join(parts)})"
    now = () if blocked_by == _WITHOUT_ALTER else (text,)
    yield proposal(item, "differs", f"{old}, declared {new}", now=now, blocked_by=blocked_by)


def _alter(item: Difference) -> str:
    return f"alter publication {identifier(item.object.name)}"
