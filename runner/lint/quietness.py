"""What a data statement changes on every run though nothing is left to do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.trees import nodes

_INSERT = "write INSERT … SELECT … WHERE NOT EXISTS (…)"
_UPDATE = "write UPDATE … WHERE … AND (…) IS DISTINCT FROM (…)"
_MERGE = "write WHEN MATCHED AND (…) IS DISTINCT FROM (…) THEN UPDATE"
_MOVE = 'ask in a WHERE whether it has to be moved, or set run = "once" or "on_change" for the script in the manifest'
_MOVING = ("nextval", "setval")
_BRANCHES = (pg.CaseExpr, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)


def loudness(tree: Any, drawing: Callable[[pg.RangeVar], Collection[str]]) -> Iterator[tuple[str, str]]:
    """Return what a data statement does with each run, though nothing is left to do, and the form that does not.

    `drawing` gives the columns of a table that take the next value of a sequence.
    """
    is_conditional = any(map(_may_be_empty, nodes(tree)))
    is_branched = is_conditional or any(isinstance(node, _BRANCHES) for node in nodes(tree))
    queries = {node.ctename for node in nodes(tree) if isinstance(node, pg.CommonTableExpr)}
    for node in nodes(tree):
        match node:
            case pg.InsertStmt():
                yield from _loud_insert(node, drawing, is_conditional=is_conditional)
            case pg.UpdateStmt() if not _looks_first(node, queries, is_conditional=is_conditional):
                yield f"each run writes rows of {node.relation.relname} that are as they should be", _UPDATE
            case pg.MergeWhenClause() if pg.CmdType.Name(node.command_type) == "CMD_UPDATE":
                if not node.HasField("condition") and not is_conditional:
                    yield "each run writes the rows that match, which are as they should be", _MERGE
            case pg.FuncCall() if not is_branched and [part.string.sval for part in node.funcname][-1] in _MOVING:
                yield "each run moves a sequence", _MOVE
    if isinstance(tree, pg.SelectStmt) and tree.locking_clause and not is_conditional:
        yield "each run locks rows", "leave FOR UPDATE and FOR SHARE out"


def _loud_insert(
    node: pg.InsertStmt, drawing: Callable[[pg.RangeVar], Collection[str]], *, is_conditional: bool
) -> Iterator[tuple[str, str]]:
    """Return what an INSERT does with each run; a list of values is inserted whatever a query beside it finds."""
    source, table = node.select_stmt.select_stmt, node.relation.relname
    if is_conditional and not source.values_lists and node.HasField("select_stmt"):
        return
    action = pg.OnConflictAction.Name(node.on_conflict_clause.action)
    given = {item.res_target.name for item in node.cols}
    drawn = [column for column in drawing(node.relation) if node.cols and column not in given]
    if action == "ONCONFLICT_UPDATE":
        yield f"each run locks and writes rows of {table} that are as they should be", f"{_UPDATE}; {_INSERT}"
    elif action == "ONCONFLICT_NOTHING":
        yield from ((f"each run takes a value of the sequence of {table}.{column}", _INSERT) for column in drawn)
    else:
        yield f"each run inserts into {table} again", _INSERT


def _looks_first(node: pg.UpdateStmt, queries: Collection[str], *, is_conditional: bool) -> bool:
    """Return whether an UPDATE asks for the values that it sets, or is of rows that another query has chosen."""
    itself = {node.relation.relname, node.relation.alias.aliasname}
    itself |= {item.res_target.name for item in node.target_list}
    asked = (item.fields for item in nodes(node.where_clause) if isinstance(item, pg.ColumnRef))
    names = ([field.string.sval for field in fields if field.HasField("string")] for fields in asked)
    if any(name[-1] in itself for name in names if name):
        return True
    chosen = (item for item in node.from_clause if item.HasField("range_subselect") or _reads(item, queries))
    return is_conditional and any(True for _ in chosen)


def _reads(item: pg.Node, queries: Collection[str]) -> bool:
    return any(isinstance(node, pg.RangeVar) and node.relname in queries for node in nodes(item))


def _may_be_empty(node: Any) -> bool:
    """Return whether a query has something that leaves rows out."""
    if not isinstance(node, pg.SelectStmt):
        return isinstance(node, pg.JoinExpr)
    leaves_out = node.HasField("where_clause") or node.HasField("having_clause") or node.HasField("limit_count")
    return leaves_out or pg.SetOperation.Name(node.op) in ("SETOP_EXCEPT", "SETOP_INTERSECT")
