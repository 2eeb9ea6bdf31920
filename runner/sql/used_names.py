"""The names of relations, types and functions that a statement uses."""

from __future__ import annotations

from postgast import pg_query_pb2 as pg

from runner.sql.names import Name, name_in
from runner.sql.trees import nodes, tree_of


def used_names(sql: str) -> set[tuple[str, str]]:
    """Return schema and word of what a statement refers to; the schema is empty when none is written."""
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
    return {(name.schema, name.word) for name in found}
