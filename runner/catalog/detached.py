"""The CHECK that DETACH PARTITION CONCURRENTLY leaves on a table, unless other constraints say the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from postgast import pg_query_pb2 as pg

from runner.catalog.relocation_guards import RelocationContext, home
from runner.resources import read_sql
from runner.sql.names import name_in
from runner.sql.objects import DETACHED, Object, qualified_name
from runner.sql.quoting import literal
from runner.sql.restrictions import is_concurrent_detach


def check_of_detached(tree: Any, known: RelocationContext) -> Iterator[str]:
    """Yield what makes the CHECK that a partition may keep when it is detached CONCURRENTLY."""
    if isinstance(tree, pg.AlterTableStmt) and is_concurrent_detach(tree):
        partition = getattr(tree.cmds[0].alter_table_cmd, "def").partition_cmd.name
        name = home(name_in("relation", partition), known)
        table = Object("table", name.word, "", known.scratch.get(name.schema, name.schema))
        body = read_sql("catalog/detached_check.sql").format(table=literal(qualified_name(table)), name=DETACHED)
        yield f"do {literal(body)}"
