"""What hangs on an object that has to go for a while: it goes before, and comes back with all that it has."""

from __future__ import annotations

from collections.abc import Sequence

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.probes import Dependent
from runner.repair.proposal import Proposal, proposal
from runner.repair.view_columns import declared_names
from runner.sql.objects import PRESENT
from runner.wording import listed

_RELATIONS = ("view", "materialized view")


def in_one_transaction(
    context: Context, item: Difference, detail: str, changes: Sequence[str], dependents: Sequence[Dependent], why: str
) -> Proposal:
    """Return what lets dependents go before some changes, and makes them again after; `why` is why no run does it.

    Each comes back as it was, or as it is declared.
    """
    back = [_back(context, other) for other in dependents]
    hand = [other.what for other, made in zip(dependents, back, strict=True) if not made]
    if hand:
        blocked_by = f"{listed(hand)} would have to be dropped and made again, and nothing would make all of it"
        return proposal(item, "differs", detail, blocked_by=blocked_by, instead=True)
    gone = [other.drop for other in dependents]
    whole = (*gone, *changes, *(sql for made in reversed(back) for sql in made))
    also = [other.object for other in dependents if other.object and not context.is_as_declared(other.object)]
    becomes = tuple((other, context.declared[other]) for other in also if other in context.declared)
    blocked_by = why or _kept(context, dependents)
    return proposal(item, "differs", detail, now=whole, instead=True, also=becomes, blocked_by=blocked_by)


def _back(context: Context, other: Dependent) -> tuple[str, ...]:
    """Return what makes a dependent again; nothing where no words do."""
    if other.create is None:
        return ()
    item = other.object
    declared = context.declared.get(item, PRESENT) if item else PRESENT
    if item is None or declared == PRESENT or context.is_as_declared(item):
        return (other.create, *other.more)
    written = tuple(statement.sql for statement in context.written(item))
    if not written or item.kind not in _RELATIONS:
        return (*written, *other.more) if written else (other.create, *other.more)
    return (*written, *context.evidence.hanging_on(item, declared_names(context, item))[-1].more)


def _kept(context: Context, dependents: Sequence[Dependent]) -> str:
    """Return why no run drops and makes again what hangs on an object, when that is so."""
    again = "would have to be dropped and made again"
    strange = [other.what for other in dependents if not _is_declared(context, other)]
    large = [other.what for other in dependents if other.size > context.rewrite_above.bytes]
    if strange:
        return f"{listed(strange)} {again}, and the scripts do not declare it so"
    if large:
        return f"{listed(large)} would be computed anew, and is larger than rewrite_above = {context.rewrite_above!r}"
    if dependents and (needs := context.needs_align()):
        return f"{listed([other.what for other in dependents])} {again}; {needs}"
    return ""


def _is_declared(context: Context, other: Dependent) -> bool:
    """Return whether the scripts declare a dependent as it is, or a statement of theirs makes it as declared."""
    item = other.object
    if item is None or context.declared.get(item, PRESENT) == PRESENT:
        return False
    return context.is_as_declared(item) or bool(context.written(item))
