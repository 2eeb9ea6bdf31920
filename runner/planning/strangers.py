"""Which effects are on objects of which nothing tells what they have to be."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from runner.planning.aims import Aim
from runner.sql.inventory import Inventory
from runner.sql.objects import (
    ANY_ARGUMENTS,
    DATABASE_WIDE,
    DEFINED,
    PRESENT,
    PUBLICATION_MEMBERS,
    WITH_PARTS,
    Effect,
    Facts,
    Object,
    without_table,
)
from runner.sql.privileges import has_subject
from runner.sql.simulation import resolved


class Known(NamedTuple):
    """What is declared, what any script names, and what there is at one place."""

    goal: Facts
    named: Collection[Object]
    facts: Inventory

    def has(self, item: Object) -> bool:
        """Return whether it is declared, or named by a script."""
        return item in self.goal or item in self.named


def is_stranger(aim: Aim, known: Known) -> bool:
    """Return whether nothing tells what the object of an effect has to be."""
    item, action = aim.effect.object, aim.effect.action
    if action in ("create", "set") and item.name.endswith(ANY_ARGUMENTS):
        return not known.has(item)
    if action == "create" and item.table and item.kind not in PUBLICATION_MEMBERS:
        return not any(known.has(Object(kind, item.table, "", item.schema)) for kind in WITH_PARTS)
    if item.is_access:
        return not known.has(item) and not _has_subject(item, known)
    if action == "set" and item.subject.kind in DEFINED:
        return item not in known.goal and not known.has(item.subject)
    if action == "change" and item.kind in DATABASE_WIDE and aim.definition == PRESENT:
        return True
    names = [item, without_table(item), item._replace(name=item.name.removesuffix(ANY_ARGUMENTS))]
    names += [Object("table", item.table, "", item.schema)] if item.kind == "column" else []
    return action == "change" and not any(known.has(name) for name in names)


def _has_subject(item: Object, known: Known) -> bool:
    """Return whether what privileges are about is known, a sequence also as a part of a column."""
    if item.subject.kind != "sequence":
        return has_subject(item, known.goal) or has_subject(item, known.named)
    found = resolved(Effect("change", item.subject), known.facts)
    return known.has(item.subject) or (found is not None and found.object.kind == "column")
