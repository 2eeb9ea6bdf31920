"""What gives a policy its declaration, without a moment in which it lets others see more or fewer rows than both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.catalog.diff import Difference
from runner.catalog.policy_definitions import policy_definition
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object, qualified_name
from runner.sql.quoting import identifier
from runner.sql.spelling import comment_of, spelled


def different(context: Context, item: Difference, table: Object) -> Iterator[Proposal]:
    """Alter the policy; drop it and make it in one transaction where it is for other commands, or loses a condition."""
    old, new = policy_definition(item.actual or ""), policy_definition(item.declared or "")
    name = f"policy {identifier(item.object.name)} on {qualified_name(table)}"
    if new.is_alteration_of(old):
        yield at_once(context, item, (f"alter {name} {new.roles}{new.conditions}",))
        return
    comment = comment_of(item.object, context.actual.facts)
    yield at_once(context, item, (f"drop {spelled(item.object)}", f"create {name} {item.declared}", *comment))


def at_once(context: Context, item: Difference, now: Sequence[str], then: Sequence[tuple[str, ...]] = ()) -> Proposal:
    """Return what replaces an object: several statements are one transaction, also when a person sends them."""
    is_one = len(now) == 1
    if blocked_by := context.needs_align():
        whole = now if is_one else ("begin", *now, "commit")
        return proposal(item, "differs", now=tuple(whole), then=tuple(then), blocked_by=blocked_by)
    return proposal(item, "differs", now=tuple(now), then=tuple(then), instead=not is_one)
