"""The facts of a database, in which what the manifest accepts or ignores is as declared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.diff import Difference, compare
from runner.catalog.snapshot import Accepted, Snapshot
from runner.project.agreements import AcceptEntry, IgnoreEntry, found_text, is_ignored
from runner.sql.objects import WITH_PARTS, Facts, Object, without_table

_OF_OTHERS = ("undeclared", "rejecting", "unmanaged")


class Agreements(Struct, frozen=True):
    """What the manifest says of differences."""

    accepted: Sequence[AcceptEntry] = ()
    ignored: Sequence[IgnoreEntry] = ()


def as_agreed(actual: Snapshot, declared: Facts, agreements: Agreements) -> Snapshot:
    """Return the facts, in which what is accepted is as declared, and what is ignored is not there.

    So neither a plan nor a repair nor a verification has a reason to do something about it.
    """
    if not agreements.accepted and not agreements.ignored:
        return actual
    facts, accepted = dict(actual.facts), []
    for difference in compare(declared, actual):
        entry = next((each for each in agreements.accepted if accepts(each, difference)), None)
        if entry:
            accepted.append(Accepted(entry, difference.declared, difference.instead))
        elif difference.kind not in _OF_OTHERS or not _is_of_others(difference.object, agreements.ignored):
            continue
        if difference.declared is None:
            del facts[difference.object]
        elif difference.kind == "missing":
            facts |= {item: declared[item] for item in _whole(difference.object, declared)}
        else:
            facts[difference.actual_object] = difference.declared
    kept = {key: tuple(item for item in items if item in facts) for key, items in actual.unnamed.items()}
    unnamed = {key: items for key, items in kept.items() if items}
    return replace(actual, facts=facts, unnamed=unnamed, accepted=tuple(accepted))


def accepts(entry: AcceptEntry, difference: Difference) -> bool:
    """Return whether an entry is about just this difference."""
    is_it = (entry.object, entry.kind) == (str(difference.object), difference.kind)
    return is_it and entry.found == found_text(difference.instead)


def _is_of_others(item: Object, ignored: Sequence[IgnoreEntry]) -> bool:
    name = ".".join(part for part in (item.schema, without_table(item).table, item.name) if part)
    return is_ignored(item.kind, name, ignored)


def _whole(item: Object, declared: Facts) -> Iterator[Object]:
    """Return what is declared of an object: itself, its parts, and the comments on them."""
    for other in declared:
        owner = Object(item.kind, other.subject.table, "", item.schema) if item.kind in WITH_PARTS else None
        if item in (other, other.subject, owner) or without_table(item) == without_table(other.subject):
            yield other
