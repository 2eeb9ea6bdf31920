"""Which columns of tables a statement names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from postgast import pg_query_pb2 as pg

from runner.sql.names import Name, name_in
from runner.sql.trees import nodes, strings

if TYPE_CHECKING:
    from google.protobuf.message import Message


_SYSTEM_COLUMNS = ("tableoid", "ctid", "xmin", "xmax", "cmin", "cmax")
_SERIAL = ("serial", "serial2", "serial4", "serial8", "smallserial", "bigserial")


class Mentions(NamedTuple):
    """The columns that a statement names, and what it tells of those of tables."""

    columns: tuple[tuple[Name, str], ...] = ()
    """Columns that have to be there, each with its table."""
    complete: Name | None = None
    """The table that it makes, naming each of its columns."""
    opened: tuple[Name, ...] = ()
    """Tables that have, or may get, columns that no statement names."""
    drawing: tuple[str, ...] = ()
    """Columns of its table that take the next value of a sequence."""
    is_partition: bool = False


def mentions_in(tree: Any) -> Mentions:
    """Return which columns of tables a statement names, as far as its text tells whose they are."""
    columns = tuple(dict.fromkeys(_columns_in(tree)))
    match tree:
        case pg.CreateStmt():
            table = name_in("relation", tree.relation)
            of_its_own = not tree.inh_relations and not tree.HasField("partbound") and not tree.HasField("of_typename")
            kinds = {item.WhichOneof("node") for item in tree.table_elts}
            is_complete = of_its_own and tree.relation.relpersistence != "t" and kinds <= {"column_def", "constraint"}
            return Mentions(
                columns,
                table if is_complete else None,
                () if is_complete else (table,),
                tuple(_drawing(item.column_def for item in tree.table_elts if item.HasField("column_def"))),
                tree.HasField("partbound"),
            )
        case pg.AlterTableStmt():
            added = [getattr(item.alter_table_cmd, "def").column_def for item in tree.cmds]
            return Mentions(columns, None, tuple(_opened(tree)), tuple(_drawing(added)))
        case pg.CreateTableAsStmt():
            return Mentions(columns, None, (name_in("relation", tree.into.rel),))
    return Mentions(columns)


def _columns_in(tree: Any) -> Iterator[tuple[Name, str]]:
    match tree:
        case pg.CreateStmt() | pg.IndexStmt() | pg.AlterTableStmt():
            own = name_in("relation", tree.relation)
            for node in _own_nodes(tree):
                yield from ((own, column) for column in _columns_at(node, own.word))
                if isinstance(node, pg.Constraint) and node.HasField("pktable"):
                    keyed = name_in("relation", node.pktable)
                    yield from ((keyed, column) for column in strings(node.pk_attrs))
        case pg.CreateTrigStmt():
            own = name_in("relation", tree.relation)
            yield from ((own, column) for column in strings(tree.columns))
        case pg.InsertStmt() | pg.UpdateStmt() | pg.DeleteStmt() | pg.MergeStmt() | pg.SelectStmt():
            for node in nodes(tree):
                if isinstance(node, pg.InsertStmt | pg.UpdateStmt):
                    own = name_in("relation", node.relation)
                    yield from ((own, column) for column in _targets(node))


def _own_nodes(message: Message) -> Iterator[Any]:
    """Return a message and all below it, without what looks like a column and is none.

    In the bounds of partitions it is MINVALUE; behind the name of a type, as in geometry(Point), a word of the type's.
    """
    if isinstance(message, (pg.PartitionBoundSpec, pg.SelectStmt, pg.TypeName)):
        return
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in value if field.is_repeated else (value,):
                yield from _own_nodes(item)


def _columns_at(node: Any, table: str) -> Iterator[str]:
    """Return the columns of the table that a node names itself."""
    match node:
        case pg.Constraint():
            yield from strings((*node.keys, *node.fk_attrs, *node.including))
        case pg.IndexElem() | pg.PartitionElem() if node.name:
            yield str(node.name)
        case pg.ColumnRef() if len(node.fields) == 1 and node.fields[0].HasField("string"):
            (name,) = strings(node.fields)
            if name != table and name not in _SYSTEM_COLUMNS:
                yield name


def _targets(node: Any) -> Iterator[str]:
    """Return the columns that INSERT or UPDATE writes."""
    targets = node.cols if isinstance(node, pg.InsertStmt) else node.target_list
    if isinstance(node, pg.InsertStmt):
        conflict = node.on_conflict_clause
        targets = (*targets, *conflict.target_list)
        yield from (item.index_elem.name for item in conflict.infer.index_elems if item.index_elem.name)
    yield from (item.res_target.name for item in targets if item.res_target.name)


def _opened(tree: Any) -> Iterator[Name]:
    for item in tree.cmds:
        subtype = pg.AlterTableType.Name(item.alter_table_cmd.subtype)
        if subtype == "AT_AttachPartition":
            yield name_in("relation", getattr(item.alter_table_cmd, "def").partition_cmd.name)
        elif subtype in ("AT_AddInherit", "AT_AddOf"):
            yield name_in("relation", tree.relation)


def _drawing(columns: Iterable[Any]) -> Iterator[str]:
    """Return the columns that take the next value of a sequence."""
    for column in columns:
        is_serial = name_in("type", column.type_name.names).word in _SERIAL
        constraints = [item.constraint for item in column.constraints]
        is_identity = any(pg.ConstrType.Name(item.contype) == "CONSTR_IDENTITY" for item in constraints)
        calls = (node for item in constraints for node in nodes(item) if isinstance(node, pg.FuncCall))
        if is_serial or is_identity or any(name_in("function", call.funcname).word == "nextval" for call in calls):
            yield str(column.colname)
