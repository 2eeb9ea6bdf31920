"""The names of relations, types and functions that a statement uses."""

from __future__ import annotations

from postgast import pg_query_pb2 as pg

from runner.sql.names import Name, name_in
from runner.sql.trees import nodes, tree_of


def used_names(sql: str) -> set[str]:
    """Return the names, without schemas, of what a statement refers to."""
    tree = tree_of(sql)
    found: set[Name] = set()
    for node in nodes(tree) if tree is not None else ():
        match node:
            case pg.RangeVar():
                found.add(name_in("relation", node))
            case pg.TypeName():
                found.add(name_in("type", node.names))
            case pg.FuncCall():
                found.add(name_in("function", node.funcname))
    return {name.word for name in found}
