"""What gives an event trigger its declaration: another one, or when it fires."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.policies import at_once
from runner.repair.proposal import Proposal
from runner.repair.triggers import FIRES, parts
from runner.sql.objects import Object
from runner.sql.spelling import comment_of, spelled


def different(context: Context, item: Difference, trigger: Object) -> Iterator[Proposal]:
    """Drop it and make it in one transaction, or let it fire when it should."""
    (old, _), (new, state) = parts(item.actual or ""), parts(item.declared or "")
    name = spelled(trigger)
    fires = (f"alter {name} {FIRES[state]}",)
    if old == new:
        yield at_once(context, item, fires)
    else:
        comment = comment_of(trigger, context.actual.facts)
        yield at_once(context, item, (f"drop {name}", f"create {name} {new}", *(fires if state else ()), *comment))
