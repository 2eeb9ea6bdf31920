"""What gives a statistics object its declaration: made again, or another target."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.policies import at_once
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object, qualified_name
from runner.sql.spelling import comment_of, spelled

_TARGET = re.compile(r"(?P<sql>.*?)(?: statistics (?P<target>[0-9]+))?", re.DOTALL)


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Alter the target; else drop the object and make it in one transaction, and gather the statistics after it."""
    (old, was), (new, target) = _parts(item.actual or ""), _parts(item.declared or "")
    name = spelled(item.object)
    sets = f"alter {name} set statistics {target or -1}"
    if old == new:
        yield proposal(item, "differs", f"target {was or 'default'}, declared {target or 'default'}", now=(sets,))
        return
    more = (*((sets,) if target else ()), *comment_of(item.object, context.actual.facts))
    gathered = ((f"analyze {qualified_name(table)}",),) if table.kind == "table" else ()
    yield at_once(context, item, (f"drop {name}", f"create {name} {new}", *more), gathered)


def _parts(definition: str) -> tuple[str, str]:
    match = _TARGET.fullmatch(definition)
    return (match["sql"], match["target"] or "") if match else (definition, "")
