"""What statements are for: their effects seen from the end of the program."""

from __future__ import annotations

from typing import NamedTuple

from msgspec import Struct

from runner.catalog.snapshot import Snapshot
from runner.planning.program import Flow
from runner.sql.objects import BY_ITSELF, Effect, Facts


class Aim(NamedTuple):
    """One effect of a statement, seen from the end.

    `definition` is what the object has there, None when it does not live on. `is_due` tells of a drop, a renaming and
    what is taken whether it still has to be done, `is_untold` that its object is taken to be there.
    """

    effect: Effect
    definition: str | None = None
    is_due: bool = False
    is_untold: bool = False


class Place(Struct, frozen=True, gc=False):
    """A statement in its place: what is aimed at, whether its text has names that are gone, and whom it serves.

    With `is_passing` it lives only for the rows that go through what it makes, in each run.
    """

    flow: Flow
    aims: tuple[Aim, ...]
    is_stale: bool = False
    is_passing: bool = False

    @property
    def takes(self) -> bool:
        """Whether an index or a sequence still has to become a part of something."""
        own = (aim.effect for aim in self.aims if aim.is_due)
        return any(effect.action == "take" and effect.value != BY_ITSELF for effect in own)


def known_facts(actual: Snapshot, declared: Facts) -> Facts:
    """Return the facts of a database, those of constraints also by what they are known by when nobody names them.

    What is locked is taken to be as it is declared.
    """
    facts = dict(actual.facts)
    for known_by, items in actual.unnamed.items():
        definitions = [actual.facts[item] for item in items]
        facts[known_by] = next((text for text in definitions if text == declared.get(known_by)), definitions[0])
    return facts | {item: declared[item] for item in actual.locked if item in declared}
