"""What a statement does besides declaring objects: what the rules for scripts ask, read off its parse tree."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from postgast import pg_query_pb2 as pg

from runner.parsed import NO_TRAITS, Traits

if TYPE_CHECKING:
    from google.protobuf.message import Message


_ALONE = {
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "alter_system_stmt": "ALTER SYSTEM",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
}


_DROPS = frozenset(
    """
    drop_stmt drop_owned_stmt dropdb_stmt drop_role_stmt drop_table_space_stmt drop_user_mapping_stmt
    drop_subscription_stmt
    """.split()
)


_INSERT = "write INSERT … SELECT … WHERE NOT EXISTS (…)"
_UPDATE = "write UPDATE … WHERE … AND (…) IS DISTINCT FROM (…)"
_MERGE = "write WHEN MATCHED AND (…) IS DISTINCT FROM (…) THEN UPDATE"
_MOVE = 'ask in a WHERE whether it has to be moved, or set run = "once" or "on_change" for the script in the manifest'
_MOVING = ("nextval", "setval")
_BRANCHES = (pg.CaseExpr, pg.UpdateStmt, pg.DeleteStmt, pg.MergeStmt)


def traits_of(node: str, body: Any, *, may_delete: bool) -> Traits:
    """Return the traits of a statement; `node` is the name of its kind in the parse tree, `body` the tree below.

    `may_delete` tells whether the word DELETE is in it.
    """
    adds_value = isinstance(body, pg.AlterEnumStmt) and not body.old_val
    destroys = _destroys(node, body, may_delete=may_delete)
    found = Traits(_outside(node, body), destroys, body.new_val if adds_value else "")
    return found if any(found) else NO_TRAITS


def strings_in(body: Any) -> frozenset[str]:
    """Return the string constants of a statement."""
    return frozenset(n.sval.sval for n in nodes(body) if isinstance(n, pg.A_Const) and n.HasField("sval"))


def makes_table(body: Any) -> bool:
    """Return whether it is SELECT INTO."""
    while isinstance(body, pg.SelectStmt) and body.HasField("larg"):
        body = body.larg
    return isinstance(body, pg.SelectStmt) and body.HasField("into_clause")


def _outside(node: str, body: Any) -> str:
    if node in _ALONE:
        return _ALONE[node]
    for kind, words, applies in _SOMETIMES_ALONE:
        if isinstance(body, kind) and applies(body):
            return words
    return ""


def _makes_slot(body: pg.CreateSubscriptionStmt) -> bool:
    options = {item.def_elem.defname: item.def_elem for item in body.options}
    return all(_is_on(options[name], name) for name in ("connect", "create_slot") if name in options)


def _reindexes(kind: str, body: pg.ReindexStmt) -> bool:
    return bool(pg.ReindexObjectType.Name(body.kind) == f"REINDEX_OBJECT_{kind}")


_SOMETIMES_ALONE: tuple[tuple[type, str, Callable[[Any], bool]], ...] = (
    (pg.VacuumStmt, "VACUUM", lambda body: body.is_vacuumcmd),
    (pg.IndexStmt, "CREATE INDEX CONCURRENTLY", lambda body: body.concurrent),
    (pg.DropStmt, "DROP INDEX CONCURRENTLY", lambda body: body.concurrent),
    (pg.ReindexStmt, "REINDEX CONCURRENTLY", lambda body: any(_is_on(o.def_elem, "concurrently") for o in body.params)),
    *((pg.ReindexStmt, f"REINDEX {kind}", partial(_reindexes, kind)) for kind in ("SCHEMA", "SYSTEM", "DATABASE")),
    (pg.ClusterStmt, "CLUSTER of all tables", lambda body: not body.HasField("relation")),
    (pg.AlterTableStmt, "DETACH PARTITION CONCURRENTLY", lambda body: any(map(_is_concurrent_detach, body.cmds))),
    (
        pg.AlterDatabaseStmt,
        "ALTER DATABASE SET TABLESPACE",
        lambda body: any(item.def_elem.defname == "tablespace" for item in body.options),
    ),
    (pg.DiscardStmt, "DISCARD ALL", lambda body: pg.DiscardMode.Name(body.target) == "DISCARD_ALL"),
    (pg.CreateSubscriptionStmt, "CREATE SUBSCRIPTION", _makes_slot),
)


def _is_on(option: pg.DefElem, name: str) -> bool:
    """Return whether an option of a name is there and set to true, which it is without a value."""
    argument = option.arg
    text = argument.string.sval or "".join(part.string.sval for part in argument.type_name.names)  # off is no keyword
    off = text.lower() in ("false", "off") or (argument.HasField("integer") and not argument.integer.ival)
    return bool(option.defname == name and not off)


def _is_concurrent_detach(item: pg.Node) -> bool:
    command = item.alter_table_cmd
    subtype = pg.AlterTableType.Name(command.subtype)
    return subtype == "AT_DetachPartition" and bool(getattr(command, "def").partition_cmd.concurrent)


def _destroys(node: str, body: Any, *, may_delete: bool) -> str:
    if node in _DROPS:
        return "DROP"
    if node == "truncate_stmt":
        return "TRUNCATE"
    if isinstance(body, pg.AlterTableStmt):
        dropped = any(pg.AlterTableType.Name(item.alter_table_cmd.subtype) == "AT_DropColumn" for item in body.cmds)
        return "DROP COLUMN" if dropped else ""
    if isinstance(body, pg.ExplainStmt) and not any(_is_on(item.def_elem, "analyze") for item in body.options):
        return ""
    if may_delete and node in (
        "explain_stmt",
        "delete_stmt",
        "merge_stmt",
        "insert_stmt",
        "update_stmt",
        "select_stmt",
    ):
        for inner in nodes(body):
            if isinstance(inner, pg.DeleteStmt):
                return "DELETE"
            if isinstance(inner, pg.MergeWhenClause) and pg.CmdType.Name(inner.command_type) == "CMD_DELETE":
                return "DELETE"
    return ""


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


def nodes(message: Message) -> Iterator[Any]:
    """Return a message of the parse tree and all that is below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.is_repeated else (value,):
            yield from nodes(item)
