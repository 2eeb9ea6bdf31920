"""Stand-ins in the scratch schemas, with all that tables of the scripts take over from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from runner.catalog.questions import ask
from runner.catalog.relocation import Moved, move
from runner.catalog.relocation_guards import RelocationContext, places
from runner.catalog.scratch_session import ScratchSession
from runner.catalog.snapshot import Snapshot
from runner.catalog.stand_ins import StandIn, read_stand_ins
from runner.resources import read_sql
from runner.sql.names import Name, RefusedError
from runner.sql.objects import Facts
from runner.sql.quoting import identifier
from runner.sql.references import References
from runner.sql.statements import Statement
from runner.sql.taken_over import taken_over

Movables = Sequence[tuple[References, Statement]]


class _Trait(NamedTuple):
    """What a stand-in is given so that other tables take it over; without `sql` that is not possible."""

    owner: Name
    what: str
    sql: References | None


class Outside:
    """The stand-ins of a build; `find_names` finds out what the scripts and other statements refer to."""

    def __init__(
        self,
        session: ScratchSession,
        movables: Movables,
        find_names: Callable[[Sequence[References]], RelocationContext],
    ) -> None:
        self.session = session
        self.movables = movables
        self.find_names = find_names
        self.traits: list[_Trait] = []
        self.made: list[StandIn] = []
        self.late: list[StandIn] = []
        """Those that need what scripts make."""
        self.facts: Facts = {}
        """The facts about stand-ins, which the scripts do not declare."""
        self.other_kinds: Counter[str] = Counter()
        """How many objects of kinds that no fact is about are there without the scripts, by kind."""

    def make(self, known: RelocationContext) -> RelocationContext:
        """Make what the scripts refer to and do not make; return what they may refer to then."""
        self.late = read_stand_ins(self.session, self.movables, known, ())
        self.session.use_path()
        return self.make_late(known) if self.late else known

    def make_late(self, known: RelocationContext) -> RelocationContext:
        """Make what could not be made before."""
        before = self.session.read_snapshot() if self.session.own else Snapshot({}, other_kinds=self.other_kinds)
        old = frozenset(self.session.own) - known.stand_ins
        made = self._make()
        if not made:
            return known
        if traits := list(self._read_traits(made, known)):
            self.traits += traits
            sources = [trait.sql for trait in self.traits if trait.sql]
            known = replace(self.find_names(sources), stand_ins=known.stand_ins, lacking=known.lacking)
            there = {item.oid for item in (*self.made, *self.late)}
            self.late += [i for i in read_stand_ins(self.session, self.movables, known, sources) if i.oid not in there]
            self.session.use_path()
            self._make()
            known = replace(known, lacking=known.lacking | self._give(traits, known))
        self.session.look_again()
        after = self.session.read_snapshot()
        self.facts = {**self.facts, **{i: text for i, text in after.facts.items() if i not in before.facts}}
        self.other_kinds += Counter(after.other_kinds) - Counter(before.other_kinds)
        return replace(known, stand_ins=frozenset(self.session.own) - old)

    def _make(self) -> list[StandIn]:
        """Make those that are not there yet, as long as there are more each time: some need others."""
        made: list[StandIn] = []
        while self.late:
            for item in self.late:
                self.session.make_schema(item.schema, item.scratch)
            left = [item for item in self.late if self.session.within_savepoint(Moved(item.statements))]
            made += [item for item in self.late if item not in left]
            if left == self.late:
                break
            self.late = left
        self.made += made
        self.session.look_again()
        return made

    def _read_traits(self, made: Sequence[StandIn], known: RelocationContext) -> Iterator[_Trait]:
        """Return what tables of the scripts may take over from stand-ins."""
        names = {
            place
            for movable, _ in self.movables
            for name, _ in taken_over(movable.tree)
            for place in places(name, known)
        }
        models = {item.oid: item for item in made if Name("relation", item.schema, item.name) in names}
        if not models:
            return
        parameters = {
            "oids": list(models),
            "stand_ins": [f"{identifier(item.scratch)}.{identifier(item.name)}" for item in models.values()],
            "modern": self.session.is_modern,
        }
        rows = ask(self.session.connection, read_sql("catalog/stand_in_traits.sql"), parameters, known.path, ())
        for oid, what, sql in rows:
            owner = Name("relation", models[oid].schema, models[oid].name)
            try:
                yield _Trait(owner, what, References(sql) if sql else None)
            except RefusedError:
                yield _Trait(owner, what, None)

    def _give(self, traits: Sequence[_Trait], known: RelocationContext) -> frozenset[tuple[Name, str]]:
        """Give stand-ins what others may take over; return what they lack."""
        return frozenset((trait.owner, trait.what) for trait in traits if not self._has(trait, known))

    def _has(self, trait: _Trait, known: RelocationContext) -> bool:
        try:
            changeable = replace(known, stand_ins=frozenset())
            return trait.sql is not None and not self.session.within_savepoint(move(trait.sql, (), changeable))
        except RefusedError:
            return False
