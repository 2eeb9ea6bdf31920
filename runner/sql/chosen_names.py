"""The names that PostgreSQL chooses for what a statement gives none (makeObjectName and its callers in its source)."""

from __future__ import annotations

from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.quoting import NAME_BYTES
from runner.sql.trees import tree_of


def chosen_name(table: str, columns: str, label: str) -> str:
    """Return a name of a table, columns and a label; the longer of the first two is cut until all fit."""
    parts = [table.encode(), columns.encode()]
    available = NAME_BYTES - len(label) - 1 - (1 if columns else 0)
    while sum(map(len, parts)) > available:
        longer = 0 if len(parts[0]) > len(parts[1]) else 1
        parts[longer] = parts[longer][:-1]
    first, second = (part.decode(errors="ignore") for part in parts)
    return "_".join(part for part in (first, second, label) if part)


def chosen_index_name(sql: str) -> str:
    """Return the name that PostgreSQL would choose for the index that CREATE INDEX makes."""
    tree = tree_of(sql)
    return index_name(tree.relation.relname, tree)


def index_name(table: str, statement: pg.IndexStmt) -> str:
    """Return the name of an index that a statement gives none; another has a number after it when that is taken."""
    names: list[str] = []
    for item in (*statement.index_params, *statement.index_including_params):
        name = item.index_elem.name or _name_of(item.index_elem.expr) or "expr"
        taken = sum(other == name for other in names)
        names.append(f"{name}{taken}" if taken else name)
    return chosen_name(table, "_".join(names), "idx")


def statistics_name(table: str, statement: pg.CreateStatsStmt) -> str:
    """Return the name of statistics that a statement gives none; others have a number after it when that is taken."""
    names = (node.stats_elem.name or "expr" for node in statement.exprs)
    return chosen_name(table, "_".join(names), "stat")


def _name_of(expression: pg.Node) -> str:
    """Return what PostgreSQL calls an expression; empty when it has no name for it."""
    node: Any = getattr(expression, str(expression.WhichOneof("node")), None)
    match node:
        case pg.ColumnRef():
            return next((part.string.sval for part in reversed(node.fields) if part.HasField("string")), "")
        case pg.FuncCall():
            return str(node.funcname[-1].string.sval)
        case pg.TypeCast():
            return _name_of(node.arg) or str(node.type_name.names[-1].string.sval)
        case pg.CollateClause() | pg.A_Indirection():
            return _name_of(node.arg)
        case pg.CaseExpr():
            return _name_of(node.defresult) or "case"
        case pg.CoalesceExpr():
            return "coalesce"
    return ""
