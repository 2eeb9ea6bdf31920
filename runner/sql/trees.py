"""PostgreSQL's parse trees: reading one, and walking over it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

if TYPE_CHECKING:
    from google.protobuf.message import Message


def strings(nodes: Iterable[pg.Node]) -> Iterator[str]:
    """Return the strings of a list of string nodes."""
    return (str(node.string.sval) for node in nodes)


def tree_of(sql: str) -> Any:
    """Return the parse tree of a statement; None when it is nested too deeply to be read."""
    return named_tree_of(sql)[1]


def named_tree_of(sql: str) -> tuple[str, Any]:
    """Return the name of a statement's kind in the parse tree, and the tree below it; none when it cannot be read."""
    try:
        node = postgast.parse(sql).stmts[0].stmt
    except DecodeError:
        return "", None
    name = str(node.WhichOneof("node"))
    return name, getattr(node, name)


def strings_in(body: Any) -> frozenset[str]:
    """Return the string constants of a statement."""
    return frozenset(n.sval.sval for n in nodes(body) if isinstance(n, pg.A_Const) and n.HasField("sval"))


def makes_table(body: Any) -> bool:
    """Return whether it is SELECT INTO."""
    while isinstance(body, pg.SelectStmt) and body.HasField("larg"):
        body = body.larg
    return isinstance(body, pg.SelectStmt) and body.HasField("into_clause")


def nodes(message: Message) -> Iterator[Any]:
    """Return a message of the parse tree and all that is below it."""
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for item in value if field.is_repeated else (value,):
            yield from nodes(item)
