"""What gives an extension the version that a script names."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.sql.written_facts import version_in


def different(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Update it, where this server knows how."""
    name, old, new = item.object.name, version_in(item.actual or ""), version_in(item.declared or "")
    way = f"source operator(pg_catalog.=) {literal(old)} and target operator(pg_catalog.=) {literal(new)}"
    paths = f"pg_catalog.pg_extension_update_paths({literal(name)}) where path is not null and {way}"
    found = context.evidence.sample(f"select path from {paths}")  # noqa: S608
    sql = f"alter extension {identifier(name)} update to {literal(new)}"
    blocked_by = context.needs_align() if found.rows else found.failure or f"this server has no way from {old} to {new}"
    now = (sql,) if found.rows else ()
    yield proposal(item, "differs", f"{item.actual}, declared {item.declared}", now=now, blocked_by=blocked_by)
