"""What limits where a statement may run: it can't be in a transaction, or it destroys something."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.statements import NO_TRAITS, Traits
from runner.sql.trees import nodes

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


def traits_of(node: str, body: Any, *, may_delete: bool) -> Traits:
    """Return the traits of a statement; `node` is the name of its kind in the parse tree, `body` the tree below.

    `may_delete` tells whether the word DELETE is in it.
    """
    adds_value = isinstance(body, pg.AlterEnumStmt) and not body.old_val
    destroys = _destroys(node, body, may_delete=may_delete)
    found = Traits(_outside(node, body), destroys, body.new_val if adds_value else "")
    return found if any(found) else NO_TRAITS


def _outside(node: str, body: Any) -> str:
    if node in _ALONE:
        return _ALONE[node]
    for kind, words, applies in _SOMETIMES_ALONE:
        if isinstance(body, kind) and applies(body):
            return words
    return ""


def _makes_slot(body: pg.CreateSubscriptionStmt) -> bool:
    options = {item.def_elem.defname: item.def_elem for item in body.options}
    return all(is_on(options[name], name) for name in ("connect", "create_slot") if name in options)


def _reindexes(kind: str, body: pg.ReindexStmt) -> bool:
    return bool(pg.ReindexObjectType.Name(body.kind) == f"REINDEX_OBJECT_{kind}")


def is_concurrent_detach(body: pg.AlterTableStmt) -> bool:
    """Return whether a statement is DETACH PARTITION CONCURRENTLY."""
    commands = (item.alter_table_cmd for item in body.cmds)
    detached = (command for command in commands if pg.AlterTableType.Name(command.subtype) == "AT_DetachPartition")
    return any(getattr(command, "def").partition_cmd.concurrent for command in detached)


_SOMETIMES_ALONE: tuple[tuple[type, str, Callable[[Any], bool]], ...] = (
    (pg.VacuumStmt, "VACUUM", lambda body: body.is_vacuumcmd),
    (pg.IndexStmt, "CREATE INDEX CONCURRENTLY", lambda body: body.concurrent),
    (pg.DropStmt, "DROP INDEX CONCURRENTLY", lambda body: body.concurrent),
    (pg.ReindexStmt, "REINDEX CONCURRENTLY", lambda body: any(is_on(o.def_elem, "concurrently") for o in body.params)),
    *((pg.ReindexStmt, f"REINDEX {kind}", partial(_reindexes, kind)) for kind in ("SCHEMA", "SYSTEM", "DATABASE")),
    (pg.ClusterStmt, "CLUSTER of all tables", lambda body: not body.HasField("relation")),
    (pg.AlterTableStmt, "DETACH PARTITION CONCURRENTLY", is_concurrent_detach),
    (
        pg.AlterDatabaseStmt,
        "ALTER DATABASE SET TABLESPACE",
        lambda body: any(item.def_elem.defname == "tablespace" for item in body.options),
    ),
    (pg.DiscardStmt, "DISCARD ALL", lambda body: pg.DiscardMode.Name(body.target) == "DISCARD_ALL"),
    (pg.CreateSubscriptionStmt, "CREATE SUBSCRIPTION", _makes_slot),
)


def is_on(option: pg.DefElem, name: str) -> bool:
    """Return whether an option of a name is there and set to true, which it is without a value."""
    argument = option.arg
    text = argument.string.sval or "".join(part.string.sval for part in argument.type_name.names)  # off is no keyword
    off = text.lower() in ("false", "off") or (argument.HasField("integer") and not argument.integer.ival)
    return bool(option.defname == name and not off)


def _destroys(node: str, body: Any, *, may_delete: bool) -> str:
    if node in _DROPS:
        return "DROP"
    if node == "truncate_stmt":
        return "TRUNCATE"
    if isinstance(body, pg.AlterTableStmt):
        dropped = any(pg.AlterTableType.Name(item.alter_table_cmd.subtype) == "AT_DropColumn" for item in body.cmds)
        return "DROP COLUMN" if dropped else ""
    if isinstance(body, pg.ExplainStmt) and not any(is_on(item.def_elem, "analyze") for item in body.options):
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
