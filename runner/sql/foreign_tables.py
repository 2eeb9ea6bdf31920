"""Foreign tables: what of them PostgreSQL is not asked for, and the statements about them as those of a table.

Servers, options and tablespaces are known from the text alone: nothing in scratch schemas may depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from runner.sql.objects import FOREIGN_TABLE, PRESENT, Object
from runner.sql.option_list import OPTIONS, changed, listed_options, options_in, options_text
from runner.sql.publication_effects import option_value
from runner.sql.quoting import identifier
from runner.sql.trees import nodes

_LEFT_OUT = ("AT_GenericOptions", "AT_AlterColumnGenericOptions", "AT_SetTableSpace")
_SPACES = {
    pg.CreateStmt: "tablespacename",
    pg.IndexStmt: "table_space",
    pg.IntoClause: "table_space_name",
    pg.Constraint: "indexspace",
}
_HAS_WORDS = re.compile(r"\b(?:foreign\s+table|options|tablespace)\b", re.IGNORECASE)
_KIND_FIELDS = {
    "AlterTableStmt": "objtype",
    "CommentStmt": "objtype",
    "DropStmt": "remove_type",
    "RenameStmt": "rename_type",
    "AlterObjectSchemaStmt": "object_type",
}


def set_options(options: Iterable[pg.Node]) -> dict[str, str]:
    """Return the options with which something is made."""
    return {node.def_elem.defname: option_value(node.def_elem) for node in options}


def changed_options(options: Iterable[pg.Node]) -> dict[str, str | None]:
    """Return the options that a statement adds and sets; None for those that it drops."""
    return {
        node.def_elem.defname: None
        if pg.DefElemAction.Name(node.def_elem.defaction) == "DEFELEM_DROP"
        else option_value(node.def_elem)
        for node in options
    }


def table_text(server: str, options: Iterable[pg.Node]) -> str:
    """Return what is known of a foreign table by its statement: `foreign table server post options (name 'x')`."""
    return listed_options(f"{FOREIGN_TABLE} server {identifier(server)}", OPTIONS, set_options(options))


def column_text(column: pg.ColumnDef) -> str:
    """Return what is known of a column by its statement: its options for the server, if it has some."""
    return listed_options("", OPTIONS, set_options(column.fdwoptions)).strip() or PRESENT


def changes_text(command: pg.AlterTableCmd) -> str:
    """Return what a clause of ALTER FOREIGN TABLE changes of options."""
    return f"{OPTIONS} ({options_text(changed_options(getattr(command, 'def').list.items))})"


def with_changes(item: Object, before: str, changes: str) -> str | None:
    """Return what is known of a table or a column after such a change; None when it is about something else."""
    if item.kind not in ("table", "column") or not changes.startswith(f"{OPTIONS} ("):
        return None
    head, _, options = before.partition(f"{OPTIONS} (")
    if item.kind == "table" and not head.startswith(FOREIGN_TABLE):
        return before
    head = "" if head == PRESENT else head.strip()
    return listed_options(head, OPTIONS, changed(options_in(options), changes)).strip() or PRESENT


def as_table(sql: str) -> str | None:
    """Return a statement as that of a table which is not foreign, in no tablespace; None when nothing is left of it."""
    if not _HAS_WORDS.search(sql):
        return sql
    try:
        parsed = postgast.parse(sql)
    except DecodeError:  # nested too deeply to be read
        return sql
    statement = parsed.stmts[0].stmt
    if statement.HasField("create_foreign_table_stmt"):
        body = pg.CreateStmt()
        body.CopyFrom(statement.create_foreign_table_stmt.base_stmt)
        statement.create_stmt.CopyFrom(body)
    elif not _says_more(statement):
        return sql
    for node in nodes(statement):
        if isinstance(node, pg.ColumnDef):
            node.ClearField("fdwoptions")
        if field := _SPACES.get(type(node)):
            node.ClearField(field)
    tree = getattr(statement, str(statement.WhichOneof("node")))
    _rename_kind(tree)
    if isinstance(tree, pg.AlterTableStmt):
        left = [item for item in tree.cmds if _subtype(item) not in _LEFT_OUT]
        del tree.cmds[:]
        tree.cmds.extend(left)
    return None if isinstance(tree, pg.AlterTableStmt) and not tree.cmds else str(postgast.deparse(parsed))


def _rename_kind(tree: Any) -> None:
    """Let a statement call a foreign table a table."""
    for field in _kind_fields(tree):
        if pg.ObjectType.Name(getattr(tree, field)) == "OBJECT_FOREIGN_TABLE":
            setattr(tree, field, pg.OBJECT_TABLE)


def _kind_fields(tree: Any) -> tuple[str, ...]:
    """Return where a statement has what it calls its object."""
    field = _KIND_FIELDS.get(type(tree).__name__)
    fields = (field,) if field else ()
    return (*fields, "relation_type") if isinstance(tree, pg.RenameStmt) else fields


def _says_more(statement: pg.Node) -> bool:
    """Return whether a statement says FOREIGN TABLE, names a tablespace, or has options for a server."""
    if any(getattr(node, _SPACES.get(type(node), ""), "") for node in nodes(statement)):
        return True
    tree = getattr(statement, str(statement.WhichOneof("node")))
    kinds = [pg.ObjectType.Name(getattr(tree, field)) for field in _kind_fields(tree)]
    is_alter = isinstance(tree, pg.AlterTableStmt)
    return "OBJECT_FOREIGN_TABLE" in kinds or (is_alter and any(_subtype(item) in _LEFT_OUT for item in tree.cmds))


def _subtype(item: pg.Node) -> str:
    return str(pg.AlterTableType.Name(item.alter_table_cmd.subtype))
