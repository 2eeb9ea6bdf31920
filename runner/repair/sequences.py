"""What mends a sequence: its options, while its counter is within their limits."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference
from runner.catalog.sequence_definitions import SequenceDefinition, sequence_definition
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object, qualified_name

OUTSIDE = "its counter is outside of the declared limits"


def different(context: Context, item: Difference, sequence: Object) -> Iterator[Proposal]:
    """Give a sequence its options; the counter stays."""
    old, new = sequence_definition(item.actual or ""), sequence_definition(item.declared or "")
    name = qualified_name(sequence)
    blocked_by = outside(context, name, new)
    changes = () if blocked_by else (*altered(name, old, new), *_owned(name, old, new))
    detail = f"{item.actual}, declared {item.declared}"
    yield proposal(item, "differs", detail, now=changes, blocked_by=blocked_by)


def altered(name: str, old: SequenceDefinition, new: SequenceDefinition) -> Iterator[str]:
    """Return the statements that give a sequence other options; `name` is as SQL writes it."""
    if changes := old.changes(new):
        yield f"alter sequence {name} {changes}"
    if old.logging != new.logging:
        logging = new.logging or ("logged" if old.logging == "unlogged" else "unlogged")
        yield f"alter sequence {name} set {logging}"


def outside(context: Context, name: str, new: SequenceDefinition) -> str:
    """Return why a sequence cannot have some options, when that is so."""
    query = f"select last_value from {name} where not last_value between {new.least} and {new.most}"  # noqa: S608
    found = context.evidence.sample(query)
    return found.failure or (f"{OUTSIDE}: {'; '.join(found.rows)}" if found.rows else "")


def _owned(name: str, old: SequenceDefinition, new: SequenceDefinition) -> Iterator[str]:
    if old.owner != new.owner:
        yield f"alter sequence {name} owned by {new.owner or 'none'}"
