"""What moves a table or an index to its tablespace: a person, at a time when nobody needs it."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier
from runner.sql.spelling import spelled

_COPIES = "it is copied, and nobody can use it meanwhile"


def different(_: Context, item: Difference, __: Object) -> Iterator[Proposal]:
    """Show the statement."""
    sql = f"alter {spelled(item.object.subject)} set tablespace {identifier(item.declared or '')}"
    yield proposal(item, "differs", f"{item.actual}, declared {item.declared}", now=(sql,), blocked_by=_COPIES)
