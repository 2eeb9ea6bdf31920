"""What a new table takes over from others: it inherits from them, is a partition of one, or is LIKE one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.sql.names import Name, name_in

_INHERITED = frozenset(("defaults", "generated", "storage", "compression"))
_OPTIONS = (
    "comments",
    "compression",
    "constraints",
    "defaults",
    "generated",
    "identity",
    "indexes",
    "statistics",
    "storage",
)
"""What LIKE may include, in the order of PostgreSQL's bits."""


def taken_over(tree: Any) -> Iterator[tuple[Name, frozenset[str]]]:
    """Return relations, and what of them a statement takes over, its columns aside."""
    if not isinstance(tree, pg.CreateStmt):
        return
    for node in tree.inh_relations:
        yield name_in("relation", node.range_var), _INHERITED
    for node in tree.table_elts:
        if node.HasField("table_like_clause"):
            like = node.table_like_clause
            included = {word for bit, word in enumerate(_OPTIONS) if like.options >> bit & 1}
            yield name_in("relation", like.relation), frozenset(included)
