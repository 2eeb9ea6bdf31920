"""What makes a table a partition, a child, or none; and what gives a partition the values that are declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from runner.catalog.diff import Difference
from runner.catalog.partition_bounds import accepts
from runner.catalog.table_definitions import TableDefinition, table_definition
from runner.repair.context import Context
from runner.repair.probes import Sample
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
    """Return what gives partitions of one table other values; rows are looked for that are not among them.

    Those that differ change together: the values of one may be those that another one has.
    """
    others = _of_other_bounds(context, new.parents)
    names = [(qualified_name(other), shape) for other, shape in others]
    changes = (
        *(_detached(name, new.parents, shape) for name, shape in names),
        *(_joined(name, new.parents, shape) for name, shape in names),
    )
    detail = f"{item.actual}, declared {item.declared}"
    also = tuple((other, context.declared[other]) for other, _ in others if other != table)
    made = proposal(item, "differs", detail, now=changes, also=also)
    against = _against(context, others) if any(map(context.has_rows, _looked_at(context, others))) else Sample(())
    if against.rows or against.failure:
        return replace(made, now=(), also=(), blocked_by=against.failure or "rows are against it", rows=against.rows)
    return made


def _of_other_bounds(context: Context, parents: str) -> list[tuple[Object, TableDefinition]]:
    """Return the partitions of a table that have other values than declared, as they are declared."""
    found = []
    for item, text in context.declared.items():
        shape = table_definition(text) if item.kind == "table" else None
        there = context.shape(item) if shape else None
        if shape and there and shape.bound != there.bound and shape.parents == there.parents == parents:
            found.append((item, shape))
    return found


def _looked_at(context: Context, others: Sequence[tuple[Object, TableDefinition]]) -> list[Object]:
    """Return the partitions whose rows count: those that change, and the one for what no other takes."""
    parents = others[0][1].parents
    rest = (item for item in context.actual.facts if item.kind == "table")
    default = [item for item in rest if (shape := context.shape(item)).bound == "DEFAULT" and shape.parents == parents]
    return list(dict.fromkeys((*(item for item, _ in others), *default)))


def _against(context: Context, others: Sequence[tuple[Object, TableDefinition]]) -> Sample:
    """Return rows that would be in a partition which does not take them."""
    parents = others[0][1].parents
    changed = dict(others)
    keys = next((shape.keys for item, shape in _tables(context) if qualified_name(item) == parents), "")
    for table in _looked_at(context, others):
        conditions = [accepts(keys, shape.bound, parents) for shape in changed.values()]
        if table in changed:
            own = accepts(keys, changed[table].bound, parents)
            refused = own and f"({own}) is not true"
        else:
            refused = "" if "" in conditions else " or ".join(f"({condition})" for condition in conditions)
        if not refused and context.has_rows(table):
            return Sample((), "rows may be against it")
        found = context.evidence.sample(rows_where(table, refused))
        if found.rows or found.failure:
            return found
    return Sample(())


def rows_where(table: Object, condition: str) -> str:
    """Return the query for the rows of a table that a condition is true of."""
    return f"select * from {qualified_name(table)} where {condition}"  # noqa: S608  both are the catalog's


def _tables(context: Context) -> Iterator[tuple[Object, TableDefinition]]:
    return ((item, context.shape(item)) for item in context.actual.facts if item.kind == "table")


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
