"""What gives a rule its declaration: another definition, and when it applies."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.policies import at_once
from runner.repair.proposal import Proposal
from runner.repair.triggers import firing, parts
from runner.sql.objects import Object

_PLAIN = "CREATE RULE "


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Replace the rule, in the moment in which it applies otherwise; what the statement itself does is left to it."""
    (old, was), (new, state) = parts(item.actual or ""), parts(item.declared or "")
    written = context.written(item.object)
    if was == state and written and written[0].declaration.replaces:
        return
    replaced = (new.replace(_PLAIN, "CREATE OR REPLACE RULE ", 1),) if old != new else ()
    fires = (firing(item.object, table, state),) if was != state else ()
    yield at_once(context, item, (*replaced, *fires))
