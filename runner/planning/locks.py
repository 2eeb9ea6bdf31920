"""The locks that a claim takes on the relations of a database, by the rules of `lock_rules`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import Struct

from runner.catalog.relations import Relations
from runner.sql.claim import Claim
from runner.sql.lock_rules import LEVELS, RULES, Rows
from runner.sql.objects import Object

_ROWS = ("", "empties", "scans", "rewrites")
"""What is done to rows, from what takes the least time."""


class TableLock(Struct, frozen=True):
    """The strongest lock on a relation that a step takes, as PostgreSQL calls it, and what it does to all its rows.

    `size` is that of the relation in bytes, as PostgreSQL knows it without looking.
    """

    level: str
    relation: Object
    rows: Rows = ""
    size: int = 0


def locks_of(claims: Iterable[Claim], relations: Relations) -> tuple[TableLock, ...]:
    """Return the locks of claims, the strongest on each relation, in the order of the claims."""
    found: dict[Object, tuple[str, Rows]] = {}
    for item, level, rows in (lock for claim in claims for lock in _locks_of(claim, relations)):
        before, before_rows = found.get(item, (level, rows))
        found[item] = (max(before, level, key=LEVELS.index), max(before_rows, rows, key=_ROWS.index))
    there = ((relations.there.get(item), item, lock) for item, lock in found.items())
    return tuple(
        TableLock(level, relation.object if relation else item, rows, relation.size if relation else 0)
        for relation, item, (level, rows) in there
    )


def _locks_of(claim: Claim, relations: Relations) -> Iterator[tuple[Object, str, Rows]]:
    rule = RULES[claim.kind]
    own: tuple[Object, ...] = (claim.relation,) if claim.relation in relations.there else ()
    if own and rule.below != "none" and not claim.is_only:
        own = relations.with_below(claim.relation, heirs=rule.below == "all")
    level = claim.level or rule.lock
    if level in LEVELS:
        yield from ((item, level, rule.rows) for item in own)
    for role, linked in rule.linked.items():
        yield from ((item, linked, "") for each in own for item in relations.linked(role, each))
    if rule.named:
        for item in (below for each in claim.named for below in relations.with_below(each, heirs=False)):
            yield item, rule.named, rule.named_rows
