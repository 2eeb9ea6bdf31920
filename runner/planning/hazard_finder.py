"""Find the hazards of steps: from what their kinds do, the locks that their transactions hold, and the rows there."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.constraint_definitions import check_expression
from runner.catalog.relations import Relations
from runner.planning.hazards import DESTRUCTIVE, REFUSED, Hazard
from runner.planning.locks import TableLock
from runner.planning.model import Step
from runner.project.manifest import ScriptEntry
from runner.repair.probes import Table
from runner.sql.claim import Claim
from runner.sql.lock_rules import LEVELS, RULES, HazardKind, Rows
from runner.sql.objects import Facts, Object, stands_in
from runner.sql.respelling import names_in

_MOST_LOOKED_AT = 16
"""How many partitions are looked at, each by itself; what the catalog says of more of them is enough."""
_BLOCKS_READS, _BLOCKS_WRITES = "ACCESS EXCLUSIVE", "SHARE"
_BY_BOUNDS = ("ATTACHED PARTITION", "DEFAULT PARTITION")
"""What reads no rows where a valid CHECK tells PostgreSQL enough."""
_PARTS = {"DROP COLUMN": "column", "DROP CONSTRAINT": "constraint", "DROP FOREIGN KEY": "constraint"}
_LONG = ("scans", "rewrites")
"""What takes longer the more rows there are."""

Look = Callable[[Object], Table | None]
"""Looks at a table; None when it cannot be looked at now."""


class Limits(Struct, frozen=True):
    """What the manifest and the user allow: `above` in bytes, `allowed` as a hazard's `allowance`."""

    above: int
    allowed: frozenset[str] = frozenset()


class Measure(NamedTuple):
    """How large a relation is with all below it."""

    size: int
    rows: int | None
    has_rows: bool


class _Long(NamedTuple):
    item: Object
    rows: Rows
    size: int


class HazardFinder:
    """Finds hazards step by step, in the order in which they are sent."""

    def __init__(self, relations: Relations, facts: Facts, limits: Limits, look: Look) -> None:
        self.relations = relations
        self.facts = facts
        self.limits = limits
        self.look = look
        self.held: dict[Object, str] = {}
        """The locks of the open transaction."""
        self.measures: dict[Object, Measure] = {}

    def begin(self) -> None:
        """Begin a transaction."""
        self.held.clear()

    def of(
        self, step: Step, script: ScriptEntry, claims: Sequence[Claim], locks: Sequence[TableLock]
    ) -> tuple[Hazard, ...]:
        """Return the hazards of a step, each once."""
        found = [hazard for claim in claims for hazard in self._of_claim(step, claim)]
        long = [each for claim in claims for each in self._long(claim)]
        found += self._blocked(locks, long)
        found += self._large_data(step)
        return tuple(dict.fromkeys(self._judged(hazard, script) for hazard in found))

    def _judged(self, hazard: Hazard, script: ScriptEntry) -> Hazard:
        is_much = hazard.kind == "deletes_data" or hazard.size > self.limits.above
        by_script = hazard.kind in DESTRUCTIVE and script.allow_destructive
        allowed = by_script or hazard.is_allowed(self.limits.allowed)
        return replace(hazard, is_refused=hazard.kind in REFUSED and is_much and not allowed)

    def _of_claim(self, step: Step, claim: Claim) -> Iterator[Hazard]:
        rule = RULES[claim.kind]
        if self._has_no_rows(claim):
            return
        for kind in rule.does:
            yield from self._done(step, kind, claim)
        read = [(claim.relation, rule.rows), *((item, rule.named_rows) for item in claim.named)]
        for item, rows in read:
            if rows in _LONG and self.measure(item).has_rows:
                yield self._about("rewrites_table" if rows == "rewrites" else "scans_table", item)
                if self.measure(item).size > self.limits.above:
                    yield self._about("long_running", item)

    def _done(self, step: Step, kind: HazardKind, claim: Claim) -> Iterator[Hazard]:
        """Yield what a rule says that a statement does, where it does it."""
        relation, measure = self.relations.there.get(claim.relation), self.measure(claim.relation)
        if kind == "drops_object":
            yield from self._dropped(step, claim)
        elif kind == "deletes_data":
            is_table = relation is not None and relation.object.kind == "table"
            if is_table and measure.has_rows:
                yield self._about(kind, claim.relation)
        elif kind == "replaces_code":
            yield from (Hazard(kind, item) for item in self._replaced(claim))
        elif kind == "rebuilds_index":
            tables = (*self.relations.linked("table", claim.relation), claim.relation)
            if measure.has_rows and self.relations.linked("indexes", tables[0]):
                yield self._about(kind, tables[0])
        elif kind == "changes_access":
            yield Hazard(kind, relation.object if relation else None)
        elif measure.has_rows:
            yield self._about(kind, claim.relation)

    def _dropped(self, step: Step, claim: Claim) -> Iterator[Hazard]:
        relation, part = self.relations.there.get(claim.relation), claim.subject
        if claim.kind in _PARTS:
            table = claim.relation
            part = Object(_PARTS[claim.kind], claim.part, table.name, table.schema)
        item = part or (relation.object if relation else claim.relation)
        if step.about and all(reason.code != "not declared" for reason in step.reason.parts):
            if item.kind == "index":  # another one has been made, and takes its name
                yield from (self._about("rebuilds_index", it) for it in self.relations.linked("table", claim.relation))
        elif not stands_in(item):
            is_whole = part is None or part.kind == "column"
            size = self.measure(claim.relation).size if is_whole and relation else 0
            yield Hazard("drops_object", item, None, size)

    def _replaced(self, claim: Claim) -> Iterator[Object]:
        """Yield the code that is there, and is replaced."""
        relation = claim.relation
        if claim.kind == "CREATE OR REPLACE FUNCTION":
            is_it = (item for item in self.facts if item.kind == "function" and item.schema == relation.schema)
            yield from (item for item in is_it if item.name.partition("(")[0] == relation.name)
        elif claim.kind == "CREATE OR REPLACE VIEW":
            yield from (there.object for there in [self.relations.there.get(relation)] if there)
        else:
            kind = claim.kind.rpartition(" ")[2].lower()
            item = Object(kind, claim.part, relation.name, relation.schema)
            yield from (item,) if item in self.facts else ()

    def _long(self, claim: Claim) -> Iterator[_Long]:
        """Yield what a claim does that takes longer the more rows there are."""
        rule = RULES[claim.kind]
        if self._has_no_rows(claim) or (claim.kind in _BY_BOUNDS and self._has_check(claim.relation)):
            return
        for item, rows in ((claim.relation, rule.rows), *((item, rule.named_rows) for item in claim.named)):
            if rows in _LONG and self.measure(item).has_rows:
                yield _Long(item, rows, self.measure(item).size)

    def _has_no_rows(self, claim: Claim) -> bool:
        """Return whether a claim makes an index of a partitioned table alone, which has no rows itself."""
        is_build = claim.kind.startswith(("CREATE INDEX", "CREATE UNIQUE", "ADD UNIQUE", "ADD PRIMARY KEY"))
        return is_build and claim.is_only and bool(self.relations.linked("partitions", claim.relation))

    def _has_check(self, table: Object) -> bool:
        own = (
            text
            for item, text in self.facts.items()
            if (item.kind, item.table, item.schema) == ("constraint", table.name, table.schema)
        )
        return any(check_expression(text) for text in own)

    def _blocked(self, locks: Sequence[TableLock], long: Sequence[_Long]) -> Iterator[Hazard]:
        """Yield what nobody can read or write while something goes on that takes long; the locks stay until the end."""
        for lock in locks:
            for item in self._tables(lock):
                before = self.held.get(item, lock.level)
                self.held[item] = max(before, lock.level, key=LEVELS.index)
        if not long:
            return
        longest = max(long, key=lambda each: each.size)
        for item, level in self.held.items():
            above = (self.held.get(parent, "") for parent in self.relations.linked("parent", item))
            if any(held and LEVELS.index(held) >= LEVELS.index(level) for held in above):
                continue  # its parent says so
            kinds: tuple[HazardKind, ...] = ("blocks_reads", "blocks_writes")
            if level != _BLOCKS_READS:
                kinds = kinds[1:] if LEVELS.index(level) >= LEVELS.index(_BLOCKS_WRITES) else ()
            rows, other = self.measure(item).rows, None if longest.item == item else self.named(longest.item)
            what = longest.size, longest.rows, other
            yield from (Hazard(kind, self.named(item), rows, *what) for kind in kinds)

    def _tables(self, lock: TableLock) -> tuple[Object, ...]:
        """Return the relation that others find locked: with an index, that is its table."""
        key = lock.relation._replace(kind="table")
        if lock.relation.kind == "index":
            return self.relations.linked("table", key) if lock.level == _BLOCKS_READS else ()
        return (key,) if lock.relation.kind in ("table", "view", "materialized view") else ()

    def _large_data(self, step: Step) -> Iterator[Hazard]:
        if not step.statement.is_data:
            return
        names = names_in(step.sql)
        for key, relation in self.relations.there.items():
            if relation.object.kind == "table" and key.name in names and relation.size > self.limits.above:
                yield self._about("long_running", key)

    def _about(self, kind: HazardKind, item: Object) -> Hazard:
        measure = self.measure(item)
        return Hazard(kind, self.named(item), measure.rows, measure.size)

    def named(self, item: Object) -> Object:
        """Return a relation as what it is."""
        relation = self.relations.there.get(item)
        return relation.object if relation else item

    def measure(self, item: Object) -> Measure:
        """Return how large a relation is; what cannot be looked at has rows."""
        if item not in self.measures:
            self.measures[item] = self._measured(item)
        return self.measures[item]

    def _measured(self, item: Object) -> Measure:
        there = [self.relations.there[each] for each in self.relations.with_below(item) if each in self.relations.there]
        if not there:
            return Measure(0, None, has_rows=False)
        is_few = len(there) <= _MOST_LOOKED_AT and there[0].object.kind in ("table", "materialized view")
        looks = [self.look(each.object._replace(kind="table")) for each in (there if is_few else there[:0])]
        sizes = [look.size if look else each.size for look, each in zip(looks, there, strict=True)] if is_few else []
        counts = [each.rows for each in there]
        rows = None if None in counts else sum(count for count in counts if count)
        has_rows = any(look is None or look.has_rows for look in looks) if is_few else rows != 0
        return Measure(sum(sizes or [each.size for each in there]), rows, has_rows)
