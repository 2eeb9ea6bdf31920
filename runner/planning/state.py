"""What the database has at one place of a plan, and what the run has made of it until then."""

from __future__ import annotations

from collections.abc import Iterable

from runner.catalog.definitions import is_invalid
from runner.catalog.diff import holds
from runner.catalog.snapshot import Snapshot
from runner.catalog.table_definitions import table_definition
from runner.planning.aims import Aim, known_facts
from runner.planning.program import Flow
from runner.repair.proposal import Proposal
from runner.repair.tables import clauses_of
from runner.sql.inventory import Inventory
from runner.sql.objects import BY_ITSELF, PRESENT, WITH_PARTS, Effect, Element, Facts, Object
from runner.sql.privileges import NONE, PUBLIC, owner_of, privileges_of, role_of, serves
from runner.sql.respelling import renamed


class State:
    """Facts that change with each statement and each repair of the plan."""

    def __init__(self, actual: Snapshot, goal: Facts) -> None:
        self.facts = Inventory(known_facts(actual, goal))
        self.goal = Inventory(goal)
        """What is declared, under the names that the database has at this place."""
        self.initial = dict(self.facts)
        self.roles = actual.access.roles if actual.access else None
        """The managed roles that there are; None when that is unknown."""
        self.fresh: set[Object] = set()
        """What the run makes or changes before."""
        self.with_new_owner: set[Object] = set()
        """What the run gives another owner, who may do everything with it."""
        self.renames: list[tuple[Object, Object]] = []
        """What the run gives other names before, and these."""

    def advance(self, aims: Iterable[Aim]) -> None:
        """Take in what a statement does."""
        for aim in aims:
            effect, item = aim.effect, aim.effect.object
            if effect.action in ("rename", "move"):
                names = self.facts.rename(item, effect.becomes)
                self.goal.rename(item, effect.becomes)
                self.renames.append((item, effect.becomes))
                self.fresh = {names.get(other, other) for other in self.fresh}
                self.with_new_owner = {names.get(other, other) for other in self.with_new_owner}
                continue
            if effect.action == "change" or (effect.action == "create" and item not in self.facts):
                self.fresh.add(item)
            value = effect.value
            if effect.action in ("create", "change") or value == PRESENT:
                value = aim.definition or value
            self.facts.apply(effect._replace(value=value))
            self._look_at_owner(item)

    def name_of(self, item: Object) -> Object:
        """Return what an object is called by now."""
        for old, new in self.renames:
            item = renamed(item, old, new)
        return item

    def repair(self, proposal: Proposal) -> None:
        """Take in what a repair does."""
        if proposal.becomes is None or not proposal.object.is_access:
            self.facts.pop(proposal.object)
        if proposal.becomes is not None:
            self.facts.apply(Effect("set", proposal.object, proposal.becomes))
            self._look_at_owner(proposal.object)
        for item, definition in proposal.also:
            self.facts[item] = definition

    def has_new_access(self, item: Object) -> bool:
        """Return whether what the run makes, or gives another owner, decides what a role may do."""
        subject = item.subject
        owners = (Object(kind, item.table, "", item.schema) for kind in WITH_PARTS) if item.table else ()
        return any(one in self.fresh or one in self.with_new_owner for one in (subject, *owners))

    def _look_at_owner(self, item: Object) -> None:
        """Let a new owner have what is declared of it: an owner may do everything."""
        owner = self.facts.get(item)
        if owner is None or item != owner_of(item.subject):
            return
        self.with_new_owner.add(item.subject)
        columns = [other for other in self.facts.near(item.schema, item.name) if other.kind == "column"]
        declared = [privileges_of(owner, one) for one in (item.subject, *columns)]
        for other in dict.fromkeys((*declared, *self.facts.access_of(owner, item.subject))):
            self.facts.pop(other)
            if other in self.goal:
                self.facts[other] = self.goal[other]

    def is_needed(self, aim: Aim, flow: Flow) -> bool:
        """Return whether a statement still has to do what is aimed at."""
        effect, item = aim.effect, aim.effect.object
        match effect.action:
            case "drop":
                return aim.is_due and (self._has_any(item) or self._may_have_new(item) or aim.is_untold)
            case "rename" | "move":
                is_there = item in self.facts or aim.is_untold
                return aim.is_due and is_there and effect.becomes not in self.facts
            case "create":
                replaces = flow.statement.declaration.replaces
                return aim.definition is not None and (
                    item not in self.facts or (replaces and (item in self.fresh or self.differs(aim)))
                )
            case "take":
                return aim.is_due and effect.value != BY_ITSELF
            case "change":
                is_known_by_name = aim.definition == PRESENT and not flow.script.runs_always
                differs = self.differs(aim) and self._is_about_the_difference(aim)
                return aim.definition is not None and (item in self.fresh or is_known_by_name or differs)
            case "grant" | "revoke":
                return aim.definition is not None and self._serves(aim)
            case "set":
                return aim.definition is not None and self._lacks_value(aim)
        return False

    def lacks_role(self, item: Object, role: str | None) -> str:
        """Return the role that an owner or privileges are about, when there is none of the name."""
        name = (role or "") if item == owner_of(item.subject) else role_of(item)
        return "" if self.roles is None or name == PUBLIC or name in self.roles else name

    def differs(self, aim: Aim) -> bool:
        """Return whether an object that lives on is not as it will be."""
        return aim.definition is not None and not holds(aim.definition, self.facts.get(aim.effect.object))

    def _is_about_the_difference(self, aim: Aim) -> bool:
        """Return whether what a clause about row security says is not so; other values do not tell what is done."""
        effect, there = aim.effect, self.facts.get(aim.effect.object)
        is_clause = effect.object.kind == "table" and effect.value.endswith("row level security")
        if not is_clause or there is None or PRESENT in (aim.definition, there):
            return True
        declared, actual = clauses_of(table_definition(aim.definition or "")), clauses_of(table_definition(there or ""))
        return effect.value in declared and effect.value not in actual

    def lacks(self, element: Element) -> bool:
        """Return whether a column or a constraint is missing, by whatever name it is known."""
        return element.object not in self.facts and element.same_as not in self.facts

    def _serves(self, aim: Aim) -> bool:
        """Return whether some privilege is brought to what it will be."""
        there = self.facts.get(aim.effect.object)
        return aim.definition == PRESENT or serves(aim.effect, aim.definition or NONE, there)

    def _lacks_value(self, aim: Aim) -> bool:
        item, value = aim.effect.object, aim.effect.value
        there = self.facts.get(item)
        if item.kind == "constraint":
            return item in self.fresh or there is None or is_invalid(item, there)
        return there != value and aim.definition in (value, PRESENT)

    def _has_any(self, item: Object) -> bool:
        return bool(self.facts.below(item) or self.facts.going_with(item))

    def _may_have_new(self, item: Object) -> bool:
        """Return whether a constraint may be one that the run made with a column, without a name."""
        if item.kind != "constraint":
            return False
        own = self.facts.near(item.schema, item.table)
        return any(other.kind == "column" and other in self.fresh for other in own)
