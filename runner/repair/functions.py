"""What gives a function its declaration where CREATE OR REPLACE refuses to."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.catalog.routine_definitions import is_replaceable
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.repair.views import remade, replacing
from runner.sql.objects import Object


def different(context: Context, item: Difference, function: Object) -> Iterator[Proposal]:
    """Drop a function whose result, kind or arguments' names are others, and make it again with what hangs on it."""
    written = context.written(function)
    if written and not is_replaceable(item.actual or "", item.declared or ""):
        yield remade(context, item, "its result, or what its arguments are called, is another one")
    elif written and not written[0].declaration.replaces:
        yield proposal(item, "differs", now=replacing(written))
