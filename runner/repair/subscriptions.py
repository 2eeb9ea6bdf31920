"""What gives a subscription its declaration: a person, who knows what is copied, received or skipped then."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.sql.subscriptions import DEFAULTS, subscription_parts

_BY_HAND = "no run changes which rows a subscription receives"
_NO_SLOT = "none"


def different(_: Context, item: Difference, __: Object) -> Iterator[Proposal]:
    """Show the statements."""
    old, before = subscription_parts(item.actual or "")
    new, after = subscription_parts(item.declared or "")
    alter = f"alter subscription {identifier(item.object.name)} set"
    usual = {**DEFAULTS, "slot_name": item.object.name}
    names = dict.fromkeys((*before, *after))
    changes = {name: after.get(name, usual.get(name, "")) for name in names if before.get(name) != after.get(name)}
    now = [f"{alter} publication {', '.join(new)}"] if old != new else []
    if changes:
        texts = {name: value if value == _NO_SLOT else literal(value) for name, value in changes.items()}
        now.append(f"{alter} ({', '.join(f'{name} = {texts[name]}' for name in sorted(texts))})")
    detail = f"{item.actual}, declared {item.declared}"
    yield proposal(item, "differs", detail, now=tuple(now), blocked_by=_BY_HAND)
