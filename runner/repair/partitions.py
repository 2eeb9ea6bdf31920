"""What makes a table a partition, a child, or none; and what gives a partition the values that are declared."""

from __future__ import annotations

from runner.catalog.diff import Difference
from runner.catalog.table_definitions import TableDefinition
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object, qualified_name


def attached(item: Difference, table: Object, old: TableDefinition, new: TableDefinition) -> Proposal:
    """Return what lets a table belong to other ones."""
    name = qualified_name(table)
    gone = _parents(old) if old.relation != new.relation else [p for p in _parents(old) if p not in _parents(new)]
    come = _parents(new) if old.relation != new.relation else [p for p in _parents(new) if p not in _parents(old)]
    leaves = [_detached(name, parent, old) for parent in gone]
    joins = [_joined(name, parent, new) for parent in come]
    detail = f"{item.actual}, declared {item.declared}"
    blocked_by = "its rows would be found in another table, or no longer"
    return proposal(item, "differs", detail, now=(*leaves, *joins), blocked_by=blocked_by)


def bound_changed(context: Context, item: Difference, table: Object, new: TableDefinition) -> Proposal:
    """Return what gives a partition other values; rows are looked for that are not among them."""
    name = qualified_name(table)
    changes = (_detached(name, new.parents, new), _joined(name, new.parents, new))
    detail = f"{item.actual}, declared {item.declared}"
    blocked_by = "rows may be against it" if context.has_rows(table) else ""
    return proposal(item, "differs", detail, now=changes, blocked_by=blocked_by)


def _parents(shape: TableDefinition) -> list[str]:
    return shape.parents.split(", ") if shape.parents else []


def _detached(name: str, parent: str, shape: TableDefinition) -> str:
    if shape.relation == "inherits":
        return f"alter table {name} no inherit {parent}"
    return f"alter table {parent} detach partition {name}"


def _joined(name: str, parent: str, shape: TableDefinition) -> str:
    if shape.relation == "inherits":
        return f"alter table {name} inherit {parent}"
    return f"alter table {parent} attach partition {name} {shape.bound}"
