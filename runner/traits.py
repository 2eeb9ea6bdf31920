"""What a statement does besides declaring objects: what the rules for scripts ask, read off its parse tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from postgast import pg_query_pb2 as pg

if TYPE_CHECKING:
    from google.protobuf.message import Message


class Traits(NamedTuple):
    """`outside` and `destroys` are the words for what it does, empty when it does not."""

    outside: str = ""
    """It cannot run in a transaction."""
    destroys: str = ""
    """It removes rows, or an object."""
    new_value: str = ""
    """The value that it adds to an enum type."""


_ALONE = {
    "vacuum_stmt": "VACUUM",
    "createdb_stmt": "CREATE DATABASE",
    "dropdb_stmt": "DROP DATABASE",
    "alter_system_stmt": "ALTER SYSTEM",
    "create_table_space_stmt": "CREATE TABLESPACE",
    "drop_table_space_stmt": "DROP TABLESPACE",
}
_SUBSCRIPTIONS = {
    "create_subscription_stmt": "CREATE SUBSCRIPTION",
    "drop_subscription_stmt": "DROP SUBSCRIPTION",
}


def traits_of(node: str, body: Any) -> Traits:
    """Return the traits of a statement; `node` is the name of its kind in the parse tree, `body` the tree below."""
    adds_value = isinstance(body, pg.AlterEnumStmt) and not body.old_val
    return Traits(_outside(node, body), _destroys(node, body), body.new_val if adds_value else "")


def strings_in(body: Any) -> frozenset[str]:
    """Return the string constants of a statement."""
    return frozenset(n.sval.sval for n in _nodes(body) if isinstance(n, pg.A_Const) and n.HasField("sval"))


def _outside(node: str, body: Any) -> str:
    match body:
        case pg.VacuumStmt():
            return "VACUUM" if body.is_vacuumcmd else ""
        case pg.IndexStmt() if body.concurrent:
            return "CREATE INDEX CONCURRENTLY"
        case pg.DropStmt() if body.concurrent:
            return "DROP INDEX CONCURRENTLY"
        case pg.ReindexStmt():
            kind = pg.ReindexObjectType.Name(body.kind).removeprefix("REINDEX_OBJECT_")
            concurrent = any(item.def_elem.defname == "concurrently" for item in body.params)
            if concurrent:
                return "REINDEX CONCURRENTLY"
            return f"REINDEX {kind}" if kind in ("SCHEMA", "SYSTEM", "DATABASE") else ""
        case pg.ClusterStmt():
            return "" if body.HasField("relation") else "CLUSTER of all tables"
        case pg.AlterTableStmt():
            concurrent = any(_is_concurrent_detach(item) for item in body.cmds)
            return "DETACH PARTITION CONCURRENTLY" if concurrent else ""
    return _ALONE.get(node) or _SUBSCRIPTIONS.get(node, "")


def _is_concurrent_detach(item: pg.Node) -> bool:
    command = item.alter_table_cmd
    subtype = pg.AlterTableType.Name(command.subtype)
    return subtype == "AT_DetachPartition" and bool(getattr(command, "def").partition_cmd.concurrent)


def _destroys(node: str, body: Any) -> str:
    if node in ("drop_stmt", "drop_owned_stmt", "dropdb_stmt", "drop_role_stmt", "drop_table_space_stmt"):
        return "DROP"
    if node == "truncate_stmt":
        return "TRUNCATE"
    if isinstance(body, pg.AlterTableStmt):
        dropped = any(pg.AlterTableType.Name(item.alter_table_cmd.subtype) == "AT_DropColumn" for item in body.cmds)
        return "DROP COLUMN" if dropped else ""
    if node in ("delete_stmt", "merge_stmt", "insert_stmt", "update_stmt", "select_stmt"):
        for inner in _nodes(body):
            if isinstance(inner, pg.DeleteStmt):
                return "DELETE"
            if isinstance(inner, pg.MergeWhenClause) and pg.CmdType.Name(inner.command_type) == "CMD_DELETE":
                return "DELETE"
    return ""


def _nodes(message: Message) -> Iterator[Any]:
    """Return a message of the parse tree and all that is below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.is_repeated else (value,):
            yield from _nodes(item)
