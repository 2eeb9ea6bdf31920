"""Make a plan: the scripts are one program, and what a statement has to do follows from what of it lives on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from runner.catalog.declared_words import with_access_of
from runner.catalog.definitions import as_valid
from runner.catalog.index_definitions import without_settings
from runner.catalog.snapshot import Snapshot
from runner.planning import history
from runner.planning.aims import Place
from runner.planning.clauses import by_clause, is_added, together
from runner.planning.concurrent_builds import ConcurrentBuilds
from runner.planning.decisions import Case, decide
from runner.planning.due import due_now
from runner.planning.forecast import after_upgrades
from runner.planning.late import with_late_repairs
from runner.planning.model import Options, Plan, ScriptPlan, Step
from runner.planning.origin import judged, origin_of
from runner.planning.outlook import look_back
from runner.planning.past import Past
from runner.planning.program import DueScript, all_names, follow, with_scripts
from runner.planning.reasons import Reason
from runner.planning.repair_placement import altered_in_place, places_of_repairs
from runner.planning.repair_steps import AccessRepairs, Repairing, at_once, without_access
from runner.planning.situation import Situation
from runner.planning.state import State
from runner.planning.translation import Translation
from runner.postgres.settings import search_path, session_settings
from runner.project.manifest import Manifest, ScriptEntry
from runner.repair.proposal import Proposal
from runner.sql.objects import Facts, Object, without_table
from runner.sql.quoting import identifier
from runner.sql.search_path import search_path_set
from runner.sql.statements import Script, Statement

_MAKES_ROLES = ("create_role_stmt", "do_stmt")
_CHANGES_NO_ROWS = frozenset({"select_stmt", "variable_set_stmt", "variable_show_stmt"})


def make_plan(manifest: Manifest, scripts: Sequence[Script], situation: Situation, options: Options) -> Plan:
    """Return what a run does, statement by statement. Raise DatabaseError when it cannot be known, InputError."""
    actual, past = situation.actual, situation.past
    pairs = list(zip(manifest.scripts, scripts, strict=True))
    planned = [_planned(entry, parsed, past, options) for entry, parsed in pairs]
    flows = follow([script for script in planned if script.entry.run != "upgrade"], situation.declared, actual)
    named = all_names(flows)
    planned = judged(planned, origin_of(past, named, actual), flows, situation, options)
    settings = session_settings(manifest, local=True)
    setup = tuple(_setup(manifest, past, planned, actual.facts))
    upgrades = [script for script in planned if script.entry.run == "upgrade" and script.is_ahead]
    if upgrades:
        plans = tuple(_script_plan(script, past, _as_written(script)) for script in upgrades)
        forecast = make_plan(manifest, scripts, after_upgrades(upgrades, planned, situation), options)
        return Plan(past.run, settings, setup, plans, options.single_transaction, forecast)
    flows = with_scripts(flows, planned)
    places, goal = look_back(flows, situation.declared, actual)
    actual = with_access_of(actual, goal)
    repairs = places_of_repairs(situation.propose(goal), places, goal)
    apart = ConcurrentBuilds(goal, situation, manifest.project.schema, is_single=options.single_transaction)
    planner = _Planner(goal, actual, without_access(repairs), apart, named, manifest, single=options.single_transaction)
    planner.changed, planner.attached_to = _changed(places)
    last = next((place.flow.statement.key for place in reversed(places) if place.flow.runs), None)
    planner.access = AccessRepairs(repairs, goal, planner.state, manifest, last)
    rest = iter(places)
    steps = [tuple(planner.script_steps(script, rest)) for script in planned]
    plans = tuple(_script_plan(script, past, own) for script, own in zip(planned, steps, strict=True))
    if options.single_transaction:
        return Plan(past.run, settings, setup, plans, single=True)
    plans, late = with_late_repairs(plans, repairs, places, goal, planner.state.facts, apart=apart.builds)
    return Plan(past.run, settings, setup, plans, late=late)


def _as_written(script: DueScript) -> tuple[Step, ...]:
    """Return the steps that send all statements of a script."""
    return tuple(Step(item, "run", Reason("upgrade"), item.sql) for item in script.parsed.statements)


def _planned(entry: ScriptEntry, parsed: Script, past: Past, options: Options) -> DueScript:
    due = due_now(entry, parsed, past, baseline=options.baseline)
    return DueScript(entry, parsed, due, skipped=not due.is_due or due.stuck or due.only_recorded)


def _script_plan(script: DueScript, past: Past, steps: tuple[Step, ...]) -> ScriptPlan:
    last, due = past.applied.get(script.entry.path), script.due
    changed = last is not None and last.checksum != script.parsed.checksum
    return ScriptPlan(script.entry, script.parsed, due.is_due, changed, due.reason, steps, due.stuck, due.in_setup)


def _changed(places: Sequence[Place]) -> tuple[frozenset[Object], frozenset[Object]]:
    """Return what the run's statements change, indexes without tables, and what gets an index of a partition."""
    changed: set[Object] = set()
    attached_to: set[Object] = set()
    now = Translation()
    for aim in (aim for place in places if place.flow.runs for aim in place.aims):
        item, other = aim.effect.object, aim.effect.other
        if aim.effect.action in ("rename", "move") and aim.is_due:
            now.add(aim.effect.becomes, item)
        elif aim.effect.action == "change":
            changed |= {without_table(item), without_table(now.of(item))}
        elif aim.effect.action == "take" and other:
            attached_to.add(other)
    return frozenset(changed), frozenset(attached_to)


class _Planner:
    """Goes through the places in order, and keeps the state that the database will have at each."""

    access: AccessRepairs

    def __init__(
        self,
        goal: Facts,
        actual: Snapshot,
        repairs: Mapping[tuple[str, int], Sequence[Proposal]],
        apart: ConcurrentBuilds,
        named: frozenset[Object],
        manifest: Manifest,
        *,
        single: bool,
    ) -> None:
        self.goal = goal
        self.actual = actual
        self.repairs = repairs
        """What is repaired at a statement, by its key."""
        self.apart = apart
        self.named = named
        self.mends = manifest.run.repair != "none"
        """Whether the manifest lets anything be repaired."""
        self.single = single
        """Whether all of the run is one transaction."""
        self.state = State(actual, goal)
        self.repairing = Repairing(self.state, apart, self.next_transaction, is_single=single)
        every = [proposal for proposals in repairs.values() for proposal in proposals]
        self.blocked = {made.object for made in every if made.blocked_by and made.problem == "missing"}
        self.refused = frozenset(made.object for made in every if made.blocked_by and made.instead)
        """What no statement changes: PostgreSQL would refuse to."""
        self.altered = altered_in_place(repairs) if self.mends else frozenset()
        """What a repair changes in place: no statement does a part of that before."""
        self.changed: frozenset[Object] = frozenset()
        self.attached_to: frozenset[Object] = frozenset()
        self.moved_rows = False
        """Whether the script has changed rows before."""
        self.transaction = 0
        """The number of the script's last transaction."""
        self.path: str | None = None
        """What the script has set search_path to before."""
        self.own_path = search_path(manifest)

    def script_steps(self, script: DueScript, places: Iterator[Place]) -> Iterator[Step]:
        """Return what is done for the statements of a script; those of an upgrade have no place in the program."""
        self.moved_rows, self.transaction, self.path = False, 0, None
        self.apart.begin_script(script.entry, script.parsed)
        for statement in script.parsed.statements:
            place = next(places) if script.entry.run != "upgrade" else None
            if place is None or script.skipped:
                yield Step(statement, "unchanged", script.due.reason, statement.sql)
            else:
                yield from self.with_own_path(statement, list(self.steps(place)))
                self.path = search_path_set(statement.sql) or self.path

    def with_own_path(self, statement: Statement, steps: Sequence[Step]) -> Iterator[Step]:
        """Return the steps of a statement; those that are generated find the names that the declared schema has."""
        if self.path is None:
            yield from steps
            return
        for is_generated, own in groupby(steps, lambda step: step.is_generated):
            if is_generated:
                yield Step(statement, "run", Reason("own path"), f"set search_path = {self.own_path}")
            yield from own
            if is_generated:
                yield Step(statement, "run", Reason("own path"), f"set search_path = {self.path}")

    def steps(self, place: Place) -> Iterator[Step]:
        """Return what is done for a statement, with what is repaired at it."""
        statement = place.flow.statement
        proposals = self.proposals(place)
        repaired = frozenset(proposal.object for proposal in proposals if not _is_sent_as_written(proposal, place))
        step = together(statement, [self.decided(clause, repaired) for clause in by_clause(place)])
        is_whole = place.flow.script.entry.transaction
        repairs = list(self.repairing.steps(statement, proposals, in_transaction=is_whole))
        repairs += at_once(self.access.steps(statement), None if is_whole else self.next_transaction)
        if step.action != "unchanged" or not repairs or any(p.blocked_by and p.problem != "used" for p in proposals):
            sent = [*self.apart.in_parts(self.apart.moved(step, self.next_transaction), self.path)]
            repairs = [*repairs, *sent] if place.takes else [*sent, *repairs]
        yield from repairs

    def decided(self, place: Place, repaired: frozenset[Object]) -> Step:
        """Return what is done for a statement, or a clause of one, and take it into the state."""
        case = self.case(place, repaired | self.refused | (self.altered - self.state.fresh))
        step = decide(case)
        if step.reason.code == "name taken":
            self.blocked.update(step.reason.objects)
        if step.action != "unchanged":
            if place.flow.statement.node in _MAKES_ROLES:
                self.state.roles = None
            self.moved_rows = self.moved_rows or place.flow.statement.node not in _CHANGES_NO_ROWS
            self.state.advance(case.aims if step.sql == place.flow.statement.sql else case.needed)
        return step

    def case(self, place: Place, repaired: frozenset[Object]) -> Case:
        """Return what is known of a statement in the state before it."""
        aims = (aim for aim in place.aims if aim.effect.object not in repaired)
        needed = tuple(aim for aim in aims if self.state.is_needed(aim, place.flow))
        placed = self.repairs.get(place.flow.statement.key, ())
        blocked = tuple(proposal for proposal in placed if proposal.blocked_by and proposal.problem != "used")
        blocked += self.access.blocked(place.flow.statement)
        return Case(place, self.state, needed, repaired, blocked, self.blocked, self.goal, self.changed, self.named)

    def next_transaction(self) -> int:
        """Return the number of one more transaction after the script's own, if there can be one."""
        self.transaction += not self.single
        return self.transaction

    def proposals(self, place: Place) -> list[Proposal]:
        """Return what is repaired at the statement."""
        statement = place.flow.statement
        placed = [made for made in self.repairs.get(statement.key, ()) if self.is_still_so(made)]
        placed = [made for made in placed if not self.apart.is_needed_before(made, statement)]
        if _shows_the_end(place):
            return placed
        if statement.declaration.moves or place.takes:
            is_key = statement.node == "alter_table_stmt" and not statement.declaration.moves
            return [made for made in placed if is_key and (made.object.kind, made.problem) == ("column", "differs")]
        if not self.mends:
            return [made for made in placed if made.instead]
        left = (is_added(place, made, self.state) or (made.rows and self.moved_rows) for made in placed)
        return [] if all(left) else placed

    def is_still_so(self, proposal: Proposal) -> bool:
        """Return whether nothing in this run has changed what a proposal is about, nor will."""
        item = proposal.object
        there = [item, *self.actual.unnamed.get(item, ())]
        is_changed_later = proposal.problem == "missing" and without_table(item) in self.changed
        if is_changed_later or self.is_altered(item) or any(other in self.state.fresh for other in there):
            return False
        return self.state.facts.get(item) == self.state.initial.get(item)

    def is_altered(self, index: Object) -> bool:
        """Return whether an index differs in what an ALTER INDEX gives it."""
        declared, there = self.goal.get(index), self.state.initial.get(index)
        if index.kind != "index" or without_table(index) not in self.changed or declared is None or there is None:
            return False
        text = as_valid(index, there) if index in self.attached_to else there
        return without_settings(declared) == without_settings(text)


def _shows_the_end(place: Place) -> bool:
    """Return whether a statement is never sent for what is repaired at it."""
    return place.flow.statement.makes_table or place.is_stale


def _is_sent_as_written(proposal: Proposal, place: Place) -> bool:
    """Return whether a statement asks for a change that no repair dares to make, and rows are not against it."""
    changed = (aim.effect.object for aim in place.aims if aim.effect.action == "change")
    return bool(proposal.blocked_by) and not proposal.rows and not _shows_the_end(place) and proposal.object in changed


def _setup(manifest: Manifest, past: Past, scripts: Sequence[DueScript], actual: Facts) -> Iterator[str]:
    """Return what makes the schemas and the history that are missing, and records what a new database does not need."""
    project = manifest.project
    for schema in dict.fromkeys((project.schema, project.extension_schema)):
        if Object("schema", schema) not in actual:
            yield f"create schema {identifier(schema)}"
    yield from past.history_ddl
    for script in scripts:
        if script.due.in_setup:
            yield history.record_applied(manifest, past.run, _script_plan(script, past, ()))
