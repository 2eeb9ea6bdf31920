"""What gives a foreign-data wrapper or a server its declaration. What a user mapping has is for a person to set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.foreign_servers import MAPPING, foreign_parts
from runner.sql.objects import Object
from runner.sql.quoting import identifier, literal
from runner.sql.spelling import spelled

_BY_HAND = "its options, whose values are not shown, may hold a password: no run changes them"
_WITHOUT_ALTER = "no statement changes the foreign-data wrapper or the type of a server"


def different(context: Context, item: Difference, _: Object) -> Iterator[Proposal]:
    """Alter what may be altered."""
    detail = f"{item.actual}, declared {item.declared}"
    old, before = foreign_parts(item.object.kind, item.actual or "")
    new, after = foreign_parts(item.object.kind, item.declared or "")
    if item.object.kind == MAPPING:
        yield proposal(item, "differs", detail, blocked_by=_BY_HAND)
    elif any(old.get(word) != new.get(word) for word in ("wrapper", "type")):
        yield proposal(item, "differs", detail, blocked_by=_WITHOUT_ALTER)
    else:
        parts = (*_clauses(old, new), options_clause(before, after))
        sql = f"alter {spelled(item.object)} {' '.join(part for part in parts if part)}"
        yield proposal(item, "differs", detail, now=(sql,), blocked_by=context.needs_align())


def _clauses(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    for word in ("handler", "validator"):
        if old.get(word) != new.get(word):
            yield f"{word} {new[word].partition('(')[0]}" if word in new else f"no {word}"
    if old.get("version") != new.get("version"):
        yield f"version {new.get('version', 'null')}"


def options_clause(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return the clause that turns options into others; empty where they are the same."""
    parts = [f"drop {identifier(name)}" for name in before if name not in after]
    for name, value in after.items():
        if before.get(name) != value:
            parts.append(f"{'set' if name in before else 'add'} {identifier(name)} {literal(value)}")
    return f"options ({', '.join(parts)})" if parts else ""
