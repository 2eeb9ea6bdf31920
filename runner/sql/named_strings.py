"""Strings that name an object: PostgreSQL looks for it when it reads the statement, as in nextval('schema.name')."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from postgast import pg_query_pb2 as pg

from runner.sql.names import RefusedError, name_in
from runner.sql.trees import nodes

_STATEMENTS = {
    "regclass": ("table ", ""),
    "regtype": ("select null::", ""),
    "regproc": ("drop function ", ""),
    "regprocedure": ("drop function ", ""),
    "regoper": ("drop operator ", " (integer, integer)"),
    "regoperator": ("drop operator ", ""),
    "regcollation": ("drop collation ", ""),
    "regconfig": ("drop text search configuration ", ""),
    "regdictionary": ("drop text search dictionary ", ""),
    "regnamespace": ("comment on schema ", " is null"),
}
"""What stands before and after a name where a statement has one of its kind."""
_ROLE = "regrole"
_CALLS = {
    **dict.fromkeys(("nextval", "currval", "setval"), ("regclass", 1)),
    **dict.fromkeys(
        ("to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery", "websearch_to_tsquery"), ("regconfig", 2)
    ),
    **dict.fromkeys(("json_to_tsvector", "jsonb_to_tsvector"), ("regconfig", 3)),
    "ts_lexize": ("regdictionary", 2),
}
"""Functions whose first argument names something when there are so many of them at least, and what."""
_NOTHING = "-"


class NamedString(NamedTuple):
    """A string, and what stands before and after it in a statement that names the same."""

    node: pg.A_Const
    before: str
    after: str

    @property
    def is_schema(self) -> bool:
        """Whether it names a schema."""
        return (self.before, self.after) == _STATEMENTS["regnamespace"]

    @property
    def sql(self) -> str:
        """The statement."""
        return f"{self.before}{self.node.sval.sval}{self.after}"


def named_strings(node: Any) -> Iterator[NamedString]:
    """Return the strings that a node makes names of. Raise RefusedError where a name is computed."""
    for kind, value in _named(node):
        if kind not in _STATEMENTS or value.a_const.isnull or _is_of_rows(value):
            continue
        constant = value.type_cast.arg if value.HasField("type_cast") else value
        if not constant.a_const.HasField("sval"):
            raise RefusedError("computes the name of what it refers to")
        if constant.a_const.sval.sval != _NOTHING:
            yield NamedString(constant.a_const, *_STATEMENTS[kind])


def roles_in(node: Any) -> Iterator[str]:
    """Return the roles that a node names by a string."""
    yield from (value.a_const.sval.sval for kind, value in _named(node) if kind == _ROLE)


def _named(node: Any) -> Iterator[tuple[str, Any]]:
    """Return the values that name something, and the type of such a name."""
    match node:
        case pg.FuncCall() if node.args:
            name = name_in("function", node.funcname)
            kind, least = _CALLS.get(name.word, ("", 0))
            is_written = kind == "regclass" or node.args[0].HasField("a_const")
            if kind and len(node.args) >= least and name.schema in ("", "pg_catalog") and is_written:
                yield kind, node.args[0]
        case pg.TypeCast():
            yield name_in("type", node.type_name.names).word, node.arg
        case pg.ColumnDef():
            for constraint in (item.constraint for item in node.constraints):
                is_default = pg.ConstrType.Name(constraint.contype) == "CONSTR_DEFAULT"
                if is_default and constraint.raw_expr.HasField("a_const"):
                    yield name_in("type", node.type_name.names).word, constraint.raw_expr


def _is_of_rows(value: Any) -> bool:
    """Return whether a value is known only when there are rows, or arguments."""
    return any(isinstance(node, (pg.ColumnRef, pg.ParamRef)) for node in nodes(value))
