"""What gives the NOT NULL of a column its name, and lets it be inherited or not; from PostgreSQL 18 on."""

from __future__ import annotations

from runner.catalog.column_definitions import ColumnDefinition
from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, alter, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier

_HEIRS = "tables that inherit from it may have rows without a value"


def not_null_settings(
    context: Context, item: Difference, table: Object, old: ColumnDefinition, new: ColumnDefinition
) -> Proposal:
    """Rename the constraint; rows of tables that inherit from it are a person's matter."""
    name = identifier(context.evidence.not_null_constraint(table, item.object.name))
    now = []
    if old.no_inherit != new.no_inherit:
        now.append(alter(table, [f"alter constraint {name} {'no inherit' if new.no_inherit else 'inherit'}"]))
    if new.not_null_name and old.not_null_name != new.not_null_name:
        now.append(alter(table, [f"rename constraint {name} to {new.not_null_name}"]))
    blocked_by = _HEIRS if old.no_inherit and not new.no_inherit else context.needs_align()
    detail = f"{item.actual}, declared {item.declared}"
    return proposal(item, "differs", detail, now=tuple(now), blocked_by=blocked_by)


def not_null_clause(column: str, shape: ColumnDefinition) -> str:
    """Return the clause of ALTER TABLE that keeps NULL out of a column, by a constraint of its name if it has one."""
    name = f"constraint {shape.not_null_name} " if shape.not_null_name else ""
    no_inherit = " no inherit" if shape.no_inherit else ""
    return f"add {name}not null {column}{no_inherit}" if name or no_inherit else f"alter column {column} set not null"
