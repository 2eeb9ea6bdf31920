"""Backwards through the program: what of each statement lives on, and what is declared under the names of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from runner.catalog.column_definitions import column_definition
from runner.catalog.constraint_definitions import key_definition
from runner.catalog.diff import holds
from runner.catalog.snapshot import Snapshot
from runner.planning.aims import Aim, Place, known_facts
from runner.planning.program import Flow
from runner.planning.translation import Translation
from runner.sql.inventory import Inventory, automatic_name, columns_of
from runner.sql.objects import BY_ITSELF, PRESENT, WITH_PARTS, Effect, Facts, Object, without_table
from runner.sql.privileges import default_text, has_subject
from runner.sql.quoting import identifier
from runner.sql.respelling import names_in, renamed, words
from runner.sql.used_names import used_names

_HOLDS_ROWS = ("table", "column")


class Outlook(NamedTuple):
    """The places of all statements, and the goal: what is declared, under the names that the database has now."""

    places: Sequence[Place]
    goal: Facts


def look_back(flows: Sequence[Flow], declared: Facts, actual: Snapshot) -> Outlook:
    """Return what each statement is for, from the last one to the first."""
    walk = _Walk(flows, declared, actual)
    places = [walk.place(position) for position in range(len(flows) - 1, -1, -1)]
    places.reverse()
    return Outlook(places, dict(walk.goal))


class _Walk:
    def __init__(self, flows: Sequence[Flow], declared: Facts, actual: Snapshot) -> None:
        self.flows = flows
        self.goal = Inventory(declared)
        self.there = Inventory(known_facts(actual, declared))
        self.translation = Translation()
        self.old_words: dict[str, set[Object]] = {}
        """What was renamed by now, by its old name; columns with their tables."""
        self.whole: dict[Object, bool] = {}
        """What lives with all its parts until it is dropped, and whether that is only for rows that pass through."""
        self.parts: dict[Object, Object] = {}
        """The sequences that are part of a column by now, and the indexes that are part of another."""
        self.made_again: set[str] = set()
        """The names of what is dropped and made anew."""
        self.makers: dict[Object, Flow] = {}
        self.leavers = self._leavers()
        self.transient = self._transient()

    def _leavers(self) -> dict[Object, list[tuple[int, int]]]:
        """Return where each object gets another name, by the name that it has before."""
        found: dict[Object, list[tuple[int, int]]] = {}
        for position, flow in enumerate(self.flows):
            for index, effect in enumerate(flow.effects):
                if effect.action in ("rename", "move"):
                    found.setdefault(effect.object, []).append((position, index))
        return found

    def _transient(self) -> dict[str, list[tuple[int, Object]]]:
        """Return what the program makes and neither the end nor the database has, by name, and where."""
        found: dict[str, list[tuple[int, Object]]] = {}
        for position, flow in enumerate(self.flows):
            for item in (effect.object for effect in flow.effects if effect.action == "create"):
                if not item.table and item not in self.goal and item not in self.there:
                    found.setdefault(item.name.partition("(")[0], []).append((position, item))
        return found

    def place(self, position: int) -> Place:
        """Go one statement back."""
        flow = self.flows[position]
        aims: list[Aim] = []
        translated = False
        for index in range(len(flow.effects) - 1, -1, -1):
            effect = flow.effects[index]
            now = self._translated(effect)
            translated = translated or now != effect
            aims.append(self._aim(flow, (position, index), now)._replace(is_untold=flow.untold[index]))
        aims.reverse()
        is_stale = translated or self._has_old_names(flow)
        passing = [self._serves_passing(flow, aim) for aim in aims if aim.is_due or aim.definition is not None]
        self._keep_what_it_uses(position, aims)
        return Place(flow, tuple(aims), is_stale, bool(passing) and all(passing))

    def _translated(self, effect: Effect) -> Effect:
        """Return the effect on the object by its name of now, where that has been changed already."""
        item = self.translation.of(effect.object)
        other = self.translation.of(effect.other) if effect.other else None
        return effect if (item, other) == (effect.object, effect.other) else effect._replace(object=item, other=other)

    def _aim(self, flow: Flow, place: tuple[int, int], effect: Effect) -> Aim:
        match effect.action:
            case "create" | "change" | "set":
                return self._made(flow, effect)
            case "grant" | "revoke":
                return Aim(effect, self._privileges(effect.object))
            case "drop":
                return self._dropped(flow, effect)
            case "take":
                return self._taken(flow, effect)
        return self._renamed(flow, place, effect)

    # What makes and changes

    def _made(self, flow: Flow, effect: Effect) -> Aim:
        item = self._known_by(effect.object)
        if effect.action == "change":
            item = self.parts.get(item, item)
        if effect.action == "create":
            self.makers[item] = flow
        return Aim(effect._replace(object=item), self._definition(item))

    def _definition(self, item: Object) -> str | None:
        """Return what an object that lives on will be, None when it does not."""
        definition = self.goal.get(item)
        return PRESENT if definition is None and self._whole_owner(item) is not None else definition

    def _privileges(self, item: Object) -> str | None:
        """Return what a role may do with an object that lives on, None when it does not."""
        definition, lives = self._definition(item), has_subject(item, self.goal)
        return default_text(item) if definition is None and lives else definition

    def _known_by(self, item: Object) -> Object:
        """Return a constraint by the name that it has in the goal, when its statement gives it none."""
        if item in self.goal or item.kind != "constraint" or not columns_of(item):
            return item
        named = item._replace(name=automatic_name(item))
        lives = named in self.goal or named in self.whole
        if lives or not item.name.startswith("check ("):
            return named if lives else item
        return self._check_of(item)

    def _check_of(self, item: Object) -> Object:
        """Return the CHECK, known by its definition, that is about the columns of one, and about the fewest others."""
        near = tuple(self.goal.near(item.schema, item.table))
        columns = {identifier(other.name) for other in near if other.kind == "column"}
        checks = (other for other in near if _is_check_of(other, item))
        return min(checks, key=lambda other: len(columns & words(other.name)), default=item)

    def _whole_owner(self, item: Object) -> Object | None:
        """Return what lives with all its parts, and the object is, or is a part of."""
        if not self.whole:
            return None
        subject = item.subject
        owners = [subject, without_table(subject), Object("schema", item.schema)]
        owners += [Object(kind, item.table, "", item.schema) for kind in WITH_PARTS if item.table]
        return next((owner for owner in owners if owner in self.whole), None)

    def _serves_passing(self, flow: Flow, aim: Aim) -> bool:
        item = aim.effect.object
        if aim.effect.action == "drop":
            return flow.script.runs_always and item not in self.there and item not in self.goal
        owner = self._whole_owner(item)
        return owner is not None and self.whole[owner] and item not in self.goal

    # What removes

    def _dropped(self, flow: Flow, effect: Effect) -> Aim:
        item = effect.object
        if not flow.runs:
            return Aim(effect)
        after = [*self.goal.below(item), *self.goal.going_with(item)]
        if after and self._is_kept(flow, item, after):
            return Aim(effect)
        for other in after:
            self.goal.pop(other)
        if after:
            self.made_again.add(item.name.partition("(")[0])
        for other in self.there.below(item):
            self.goal[other] = PRESENT  # it goes: nothing about it is repaired before
        if flow.script.runs_always:
            self.whole.pop(item, None)
        else:
            self.whole[item] = False
        return Aim(effect, is_due=True)

    def _is_kept(self, flow: Flow, item: Object, after: Sequence[Object]) -> bool:
        """Return whether what is dropped and made again may stay, because it is there as it will be."""
        if not all(holds(self.goal[other], self.there.get(other)) for other in after):
            return False
        if item.kind in _HOLDS_ROWS and self._moves_rows(flow, item):
            return False
        maker = self.makers.get(item)
        return maker is None or self.made_again.isdisjoint(names_in(maker.statement.sql))

    def _moves_rows(self, flow: Flow, item: Object) -> bool:
        """Return whether the script is made for the rows: it is run once, or reads or writes them by itself."""
        return not flow.script.runs_always or (item.table or item.name) in flow.script.words_of_data

    # What becomes a part of something else

    def _taken(self, flow: Flow, effect: Effect) -> Aim:
        owner = effect.other or effect.object
        declared, there = self._definition(owner), self.there.get(owner)
        if not flow.runs or declared is None:
            return Aim(effect)
        if owner.kind == "constraint" and owner.table == effect.object.table:
            if there is not None:
                return Aim(effect)
            self.goal.pop(owner)
            key = key_definition(declared)
            self.goal[effect.object] = key.index if key and key.by_index else PRESENT
            return Aim(effect, is_due=True)
        if owner.kind == "column" and effect.object in self.goal:  # it is owned, and no column draws from it
            return Aim(effect, is_due=not holds(self.goal[effect.object], self.there.get(effect.object)))
        is_done = bool(column_definition(there or "").fills) if owner.kind == "column" else holds(declared, there)
        if is_done or (effect.value == BY_ITSELF and (there is not None or self._is_attached(flow, effect.object))):
            self.transient.pop(effect.object.name, None)  # it is there, as a part
            self.parts[effect.object] = owner
            return Aim(effect)
        self.whole[effect.object] = False
        return Aim(effect, is_due=True)

    def _is_attached(self, flow: Flow, part: Object) -> bool:
        """Return whether a statement attaches the table of a part, which is a partition already."""
        table = Object("table", part.table, "", part.schema)
        attaches = any(effect.action == "change" and effect.object == table for effect in flow.effects)
        return attaches and table in self.goal and holds(self.goal[table], self.there.get(table))

    # What gives other names

    def _renamed(self, flow: Flow, place: tuple[int, int], effect: Effect) -> Aim:
        """Rename back what still has to be renamed; what has been renamed is called by its new name before, too."""
        written = flow.effects[place[1]]
        old, new = self._before(written.object), self.translation.of(written.becomes)
        if not self._is_due(place):
            self.translation.add(written.object, written.becomes)
            self.old_words.setdefault(written.object.name.partition("(")[0], set()).add(written.object)
            return Aim(effect._replace(object=old))
        for other in [*self.goal.below(old), *self.goal.going_with(old)]:
            self.goal.pop(other)  # what takes the old name later is another object
        self.goal.rename(new, old)
        self.whole = {renamed(item, new, old): passing for item, passing in self.whole.items()}
        return Aim(effect._replace(object=old), is_due=True)

    def _before(self, item: Object) -> Object:
        """Return what an object is called now that keeps its own name until then: its table may have another."""
        owner = self.translation.of(Object("table", item.table, "", item.schema))
        return item._replace(table=owner.name, schema=owner.schema) if item.table else item

    def _is_due(self, place: tuple[int, int]) -> bool:
        """Return whether a renaming still has to be done: the old name is there, or will be, and the new one is not."""
        flow = self.flows[place[0]]
        effect = flow.effects[place[1]]
        is_told = self._before(effect.object) in self.there or flow.made[place[1]]
        if not flow.runs or not (is_told or flow.untold[place[1]]):
            return False
        return self.translation.of(effect.becomes) not in self.there or any(
            self._is_due(other) for other in self.leavers.get(effect.becomes, ()) if other < place
        )

    def _has_old_names(self, flow: Flow) -> bool:
        """Return whether the text of a statement has the old name of something that has been renamed."""
        if not self.old_words or flow.statement.makes_table:
            return False
        found = names_in(flow.statement.sql)
        used: set[str] = set()
        for word in found & self.old_words.keys():
            for item in self.old_words[word]:
                if found & {item.table, self.translation.of(item).table}:
                    return True
                used = used or used_names(flow.statement.sql)
                if not item.table and word in used:
                    return True
        return False

    # What is used

    def _keep_what_it_uses(self, position: int, aims: Sequence[Aim]) -> None:
        """Let live what a statement that will be run uses, and that neither the database nor the goal has."""
        flow = self.flows[position]
        if not self.transient or not flow.runs or not self._will_run(aims):
            return
        if names_in(flow.statement.sql).isdisjoint(self.transient):
            return
        passing = flow.script.runs_always and flow.statement.is_data
        for word in self.transient.keys() & used_names(flow.statement.sql):
            for made_at, item in self.transient[word]:
                if made_at < position:
                    self.whole.setdefault(item, passing)

    def _will_run(self, aims: Sequence[Aim]) -> bool:
        return not aims or any(
            aim.is_due or (aim.definition is not None and not holds(aim.definition, self.there.get(aim.effect.object)))
            for aim in aims
        )


def _is_check_of(known: Object, written: Object) -> bool:
    """Return whether a CHECK that is known by its definition is about the columns of one that a statement makes."""
    if known.table != written.table or not known.name.startswith("CHECK ("):
        return False
    return {identifier(name) for name in columns_of(written)} <= words(known.name)
