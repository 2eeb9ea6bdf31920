"""Names as statements write them, in one of PostgreSQL's name spaces."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from postgast import pg_query_pb2 as pg

from runner.sql.trees import strings

Sort = Literal[
    "relation", "type", "function", "operator", "opclass", "opfamily", "collation", "conversion", "statistics",
    "ts_parser", "ts_dictionary", "ts_template", "ts_configuration",
]  # fmt: skip


class RefusedError(Exception):
    """A statement cannot be run in the scratch schemas; the reason is for people."""


class Name(NamedTuple):
    """A name in one of PostgreSQL's name spaces; `schema` is empty when none is written."""

    sort: Sort
    schema: str
    word: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.word}" if self.schema else self.word


def name_in(sort: Sort, node: Any) -> Name:
    """Return the name that a node of the parse tree has: a relation, or the parts of a qualified name."""
    if isinstance(node, pg.RangeVar):
        return Name(sort, node.schemaname, node.relname)
    parts = [*strings(node)]
    return Name(sort, ".".join(parts[:-1]), parts[-1] if parts else "")


def relation_name(relation: Any) -> Name:
    """Return the name of a relation in a parse tree."""
    return name_in("relation", relation)
