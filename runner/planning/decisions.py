"""What is done for a statement where nothing is repaired in its place: the first rule that answers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from msgspec import Struct

from runner.catalog.namesakes import namesake
from runner.catalog.table_definitions import table_definition
from runner.planning.aims import Aim, Place
from runner.planning.model import Step, StepAction
from runner.planning.reasons import DATA, DECLARES_NOTHING, Reason, ReasonCode
from runner.planning.state import State
from runner.planning.strangers import Known, is_stranger
from runner.repair.proposal import Proposal
from runner.sql.access_sql import given_together
from runner.sql.objects import (
    PRESENT,
    WITH_PARTS,
    Effect,
    Facts,
    Object,
    without_table,
)
from runner.sql.privileges import is_every, is_meant
from runner.sql.quoting import identifier
from runner.sql.rewriting import finalized
from runner.sql.spelling import comment_sql
from runner.sql.used_names import used_names


class Case(Struct, frozen=True):
    """A statement at its place: what of it is needed in the state before it, and what else is known."""

    place: Place
    state: State
    needed: tuple[Aim, ...]
    """What the statement still has to do, without what repairs do for it."""
    repaired: frozenset[Object]
    """What is repaired in its place."""
    blocked: tuple[Proposal, ...]
    """What would be repaired here if nothing were against it."""
    never_added: Collection[Object]
    """What is missing, and nothing adds."""
    goal: Facts
    changed: Collection[Object]
    """What a statement of the run changes; an index without its table."""
    named: Collection[Object]
    """What any script makes, drops or renames; an index without its table."""

    @property
    def aims(self) -> tuple[Aim, ...]:
        """What the statement aims at, without what repairs do for it."""
        return tuple(aim for aim in self.place.aims if aim.effect.object not in self.repaired)

    def unchanged(self, reason: Reason) -> Step:
        """Return the step that sends nothing."""
        return Step(self.place.flow.statement, "unchanged", reason, self.place.flow.statement.sql)

    def whole(self, action: StepAction, reason: Reason) -> Step:
        """Return the step that sends the statement as it is written."""
        return Step(self.place.flow.statement, action, reason, self.place.flow.statement.sql)


def decide(case: Case) -> Step:
    """Return what is done."""
    answers = (rule(case) for rule in _RULES)
    return next(answer for answer in answers if answer is not None)


def _done(case: Case) -> Step | None:
    """Leave out what a run that was cut off has committed."""
    if case.needed or not case.place.flow.script.due.done:
        return None
    return case.unchanged(Reason("done"))


def _has_no_name(case: Case) -> Step | None:
    """Leave out what IF NOT EXISTS would skip because of something else of that name, and what belongs to it."""
    statement, known = case.place.flow.statement, case.state.facts
    for item in (aim.effect.object for aim in case.needed):
        owner = Object("table", item.table, "", item.schema)
        for one in (item.subject, owner) if statement.declaration.guarded else (owner,):
            if one in case.goal and one not in known and (other := namesake(one, known)):
                return _name_taken(case, one, other)
    return None


def _uses_a_namesake(case: Case) -> Step | None:
    """Leave out what would use something else in the place of what is missing: nobody knows what that does."""
    statement, known = case.place.flow.statement, case.state.facts
    if not (case.needed or statement.is_data):
        return None
    missing = [item for item in case.never_added if item.kind in WITH_PARTS and item not in known]
    found = [(item, other) for item in missing if (other := namesake(item, known)) and other not in case.goal]
    taken = {item.name: (item, other) for item, other in found}
    used = sorted(taken.keys() & used_names(statement.sql)) if taken else []
    return _name_taken(case, *taken[used[0]]) if used else None


def _name_taken(case: Case, item: Object, other: Object) -> Step:
    return case.unchanged(Reason("name taken", (item,), left_because=f"{other} has its name"))


def _declares_nothing(case: Case) -> Step | None:
    statement = case.place.flow.statement
    if statement.declaration.effects:
        return None
    return case.whole("run", DATA if statement.is_data else DECLARES_NOTHING)


def _has_no_subject(case: Case) -> Step | None:
    """Leave out the comment on what is missing, and nothing adds."""
    if not case.needed or case.place.flow.statement.node not in ("comment_stmt", "sec_label_stmt"):
        return None
    subject = case.aims[0].effect.object.subject
    missing = (item for item in case.never_added if item not in case.state.facts)
    gone = next((item for item in missing if without_table(item) == subject), None)
    return gone and case.unchanged(Reason("missing", (gone,), left_because="there is nothing to comment on"))


def _has_no_role(case: Case) -> Step | None:
    """Leave out what is about a role that there is not, or an object that is missing and that nothing adds."""
    for aim in (aim for aim in case.needed if aim.effect.object.is_access):
        item = aim.effect.object
        if role := case.state.lacks_role(item, aim.definition):
            return case.unchanged(Reason("missing", (item,), left_because=f"role {role} does not exist"))
        if item.subject in case.goal and item.subject not in case.state.facts:
            return case.unchanged(Reason("missing", (item.subject,), left_because="there is nothing to give access to"))
    return None


def _gives_in_part(case: Case) -> Step | None:
    """Send for all objects of a schema no more than is declared, and for renamed ones their names of now."""
    aims = [aim for aim in case.needed if aim.effect.action in ("grant", "revoke")]
    effects = case.place.flow.statement.declaration.effects
    if not aims or not (case.place.is_stale or (is_every(effects[0].object) and _is_about_more(effects[0], case))):
        return None
    action, reason = _action(case.needed, case.state), _reason(case.needed, case.state)
    return Step(case.place.flow.statement, action, reason, given_together([aim.effect for aim in aims]))


def _is_about_more(written: Effect, case: Case) -> bool:
    """Return whether there are more objects in a schema than what a statement declares something of."""
    aimed = {aim.effect.object.subject for aim in case.needed}
    there = case.state.facts.items()
    return any(is_meant(written.object, item, text) and item not in aimed for item, text in there)


def _moves(case: Case) -> Step | None:
    """Send what sets a counter or converts values, in a script that is not run always."""
    flow = case.place.flow
    is_sent = flow.statement.declaration.moves and not flow.script.runs_always and not case.needed
    return case.whole("run", Reason("moves")) if is_sent else None


def _is_not_compared(case: Case) -> Step | None:
    flow = case.place.flow
    has_others = bool(flow.statement.declaration.unmanaged) and not flow.script.runs_always
    known = Known(case.goal, case.named, case.state.facts)
    if case.needed or not (has_others or any(is_stranger(aim, known) for aim in case.aims)):
        return None
    return case.whole("run", Reason("not compared"))


def _needs_nothing(case: Case) -> Step | None:
    if case.needed and not _is_published(case):
        return None
    return case.unchanged(_reason_for_nothing(case))


def _is_published(case: Case) -> bool:
    """Return whether a publication is there: members that it lacks are added by repairs, or not at all."""
    made = (aim.effect.object for aim in case.place.aims if aim.effect.action == "create")
    return any(item.kind == "publication" and item in case.state.facts for item in made)


def _reason_for_nothing(case: Case) -> Reason:
    declares = [aim for aim in case.aims if aim.effect.action in ("create", "change", "set", "grant", "revoke")]
    defined = (aim for aim in declares if aim.effect.action in ("create", "change", "set"))
    different = tuple(aim.effect.object for aim in defined if _stays_different(aim, case))
    if case.blocked:
        first = case.blocked[0]
        return Reason(first.problem, tuple(made.object for made in case.blocked), left_because=first.blocked_by)
    if different:
        return Reason("differs", different, left_because="no repair is known")
    return Reason("as declared" if declares else "nothing to remove")


def _stays_different(aim: Aim, case: Case) -> bool:
    item, state = aim.effect.object, case.state
    if aim.effect.action == "set" and aim.effect.value not in (aim.definition, PRESENT):
        return False  # another statement gives it its last value
    return item in state.facts and without_table(item) not in case.changed and state.differs(aim)


def _has_old_names(case: Case) -> Step | None:
    """Never send what has names that are gone as it is written."""
    if not case.place.is_stale:
        return None
    statement = case.place.flow.statement
    first = case.needed[0].effect
    if statement.node == "comment_stmt":
        return Step(statement, "create", _reason(case.needed, case.state), comment_sql(first.object, first.value))
    about = tuple(aim.effect.object for aim in case.needed)
    return case.unchanged(Reason("missing", about, left_because="the statement has names that were changed since"))


def _adds_to_table(case: Case) -> Step | None:
    """Add to a table that is there the columns and constraints which it lacks."""
    declaration = case.place.flow.statement.declaration
    if not declaration.elements or not _has_table(case) or len(case.needed) == len(case.place.aims):
        return None
    living = {aim.effect.object for aim in case.needed}
    lacking = [element for element in declaration.elements if element.object in living and case.state.lacks(element)]
    if not lacking:
        missing = tuple(item for item in living if item in case.goal)
        return case.unchanged(Reason("not added", missing) if missing else _reason_for_nothing(case))
    statement, reason = case.place.flow.statement, Reason("missing", tuple(element.object for element in lacking))
    if not statement.makes_table:
        return case.whole("alter", reason)
    return Step(statement, "alter", reason, f"{_alter(case)} " + ",\n    ".join(element.sql for element in lacking))


def _alter(case: Case) -> str:
    first = case.place.flow.statement.declaration.elements[0].object
    return "alter table " + ".".join(identifier(name) for name in (first.schema, first.table) if name)


def _has_table(case: Case) -> bool:
    first = case.place.flow.statement.declaration.elements[0].object
    return Object("table", first.table, "", first.schema) in case.state.facts


def _ends_detaching(case: Case) -> Step | None:
    """End what a DETACH PARTITION CONCURRENTLY that was cut off has begun; nothing else can be done with it."""
    statement, item = case.place.flow.statement, case.needed[0].effect.object
    there, parent = table_definition(case.state.facts.get(item, "")), statement.declaration.relation
    if not there.is_detaching or parent is None or parent == item:
        return None
    return Step(statement, "alter", _reason(case.needed, case.state), finalized(statement.sql))


def _as_written(case: Case) -> Step:
    action: StepAction = "run" if case.place.is_passing else _action(case.needed, case.state)
    return case.whole(action, _reason(case.needed, case.state))


def _action(needed: Sequence[Aim], state: State) -> StepAction:
    creates = any(
        aim.effect.action in ("create", "set", "grant") and aim.effect.object not in state.facts for aim in needed
    )
    return "create" if creates else "alter"


def _reason(needed: Sequence[Aim], state: State) -> Reason:
    codes: dict[str, ReasonCode] = {"drop": "to drop", "rename": "to rename", "move": "to rename"}
    first = needed[0].effect
    code = codes.get(first.action) or ("missing" if first.object not in state.facts else "differs")
    return Reason(code, tuple(aim.effect.object for aim in needed))


_RULES: tuple[Callable[[Case], Step | None], ...] = (
    _done,
    _has_no_name,
    _uses_a_namesake,
    _declares_nothing,
    _has_no_subject,
    _has_no_role,
    _moves,
    _is_not_compared,
    _needs_nothing,
    _gives_in_part,
    _has_old_names,
    _adds_to_table,
    _ends_detaching,
    _as_written,
)
