"""The search_path that a statement sets."""

from __future__ import annotations

from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.quoting import literal
from runner.sql.trees import nodes, tree_of

_NAME = "search_path"


def search_path_set(sql: str) -> str | None:
    """Return what a statement sets search_path to, as SET takes it; None when it does not, or it cannot be told."""
    if _NAME not in sql:
        return None
    tree = tree_of(sql)
    if isinstance(tree, pg.VariableSetStmt) and tree.name == _NAME:
        values = [_text(item) for item in tree.args]
        return ", ".join(literal(value) for value in values if value is not None) or "default"
    for node in nodes(tree) if isinstance(tree, pg.SelectStmt) else ():
        if isinstance(node, pg.FuncCall) and node.funcname[-1].string.sval == "set_config":
            name, value = (_text(item) for item in node.args[:2])
            return literal(value) if name == _NAME and not value else value if name == _NAME else None
    return None


def _text(item: Any) -> str | None:
    node = item.type_cast.arg if item.HasField("type_cast") else item
    return str(node.a_const.sval.sval) if node.HasField("a_const") and node.a_const.HasField("sval") else None
