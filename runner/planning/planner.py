"""Make a plan: compare each statement with what is there and with what all statements together declare."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from runner.catalog.column_definitions import column_definition
from runner.catalog.definitions import as_valid, is_invalid
from runner.catalog.diff import holds
from runner.catalog.index_definitions import without_settings
from runner.catalog.snapshot import Snapshot
from runner.planning.concurrent_builds import ConcurrentBuilds, lock_level
from runner.planning.due import Due, due_now
from runner.planning.model import Options, Plan, ScriptPlan, Step, StepAction
from runner.planning.past import Past
from runner.planning.reasons import Reason, ReasonCode
from runner.planning.repair_placement import places
from runner.postgres.settings import session_settings
from runner.project.manifest import Manifest, ScriptEntry
from runner.repair.proposal import Proposal, alter, analyze
from runner.repair.propose import Proposals
from runner.sql.objects import ANY_ARGUMENTS, PRESENT, Effect, Element, Facts, Object, TableLock, without_table
from runner.sql.quoting import identifier
from runner.sql.simulation import apply_effect, belongs_to, goes_with, resolved
from runner.sql.statements import Script, Statement


class Situation(Struct, frozen=True):
    """What a plan is made from: `declared` by all scripts together, `actual` in the database, and the runs before."""

    declared: Facts
    actual: Snapshot
    past: Past
    proposals: Proposals = {}
    """What repairs what differs."""
    is_large: Callable[[Object], bool] = lambda _: False
    """Tells on which tables an index is built CONCURRENTLY."""


def make_plan(manifest: Manifest, scripts: Sequence[Script], situation: Situation, options: Options) -> Plan:
    """Return what a run does, statement by statement."""
    declared, actual, past = situation.declared, situation.actual, situation.past
    pairs = list(zip(manifest.scripts, scripts, strict=True))
    due = {script.path: due_now(script, parsed, past, baseline=options.baseline) for script, parsed in pairs}
    pending = [(script, parsed) for script, parsed in pairs if due[script.path].is_due]
    removals = tuple(_removals(pending, actual))
    always = [pair for pair in pending if pair[0].run == "always"]
    passing = tuple(item for item in _removals(always, actual) if item not in declared)
    later = _Later(
        removals,
        _removes_more(pending),
        passing,
        frozenset(_changes(pending)),
        dict(_owners(scripts)),
        frozenset(_arrivals(pending, actual)),
        frozenset(_made(scripts)),
        frozenset(_gone(scripts)),
    )
    skipped = {path for path, when in due.items() if not when.is_due or when.stuck}
    skipped |= {script.path for script in manifest.scripts if options.baseline and script.run != "always"}
    planned = [parsed for script, parsed in pairs if script.path not in skipped]
    repairs = places(situation.proposals, planned)
    apart = ConcurrentBuilds(actual.facts, (lambda _: False) if options.single_transaction else situation.is_large)
    mends = manifest.run.repair != "none"
    planner = _Planner(declared, actual, later, repairs, apart, mends=mends, single=options.single_transaction)
    plans = []
    for script, parsed in pairs:
        when = due[script.path]
        planner.begin_script(script, parsed, when)
        steps = tuple(
            step
            for statement in parsed.statements
            for step in ((_unchanged(statement, when.reason),) if script.path in skipped else planner.steps(statement))
        )
        last = past.applied.get(script.path)
        changed = last is not None and last.checksum != parsed.checksum
        plans.append(ScriptPlan(script, parsed, when.is_due, changed, when.reason, steps, when.stuck))
    settings = session_settings(manifest, local=True)
    setup = tuple(_setup(manifest, actual.facts, past.history_ddl))
    return Plan(past.run, settings, setup, tuple(plans), options.single_transaction)


def _removals(pending: Sequence[tuple[ScriptEntry, Script]], actual: Snapshot) -> Iterator[Object]:
    """Return what a statement that has not been run yet drops or renames.

    One in an `always` script has been run when nothing is left to drop or rename; then what it drops is made again
    only for the rows that the same script moves through it.
    """
    for script, parsed in pending:
        moves_rows = script.run != "always" or any(statement.is_data for statement in parsed.statements)
        for statement in parsed.statements:
            for effect in statement.declaration.effects:
                if (effect.action == "drop" and moves_rows) or (
                    effect.action == "rename" and (script.run != "always" or _renamed(effect, actual.facts) is None)
                ):
                    yield effect.object


def _renamed(effect: Effect, known: Collection[Object]) -> Object | None:
    """Return what is there of the new name already."""
    renamed = resolved(effect._replace(object=effect.object._replace(name=effect.value)), known).object
    return renamed if renamed in known else None


def _owners(scripts: Sequence[Script]) -> Iterator[tuple[Object, Object]]:
    for script in scripts:
        for statement in script.statements:
            effects = statement.declaration.effects
            if statement.node == "alter_seq_stmt" and len(effects) > 1:
                yield effects[0].object, effects[1].object
            elif effects and effects[0].object.kind == "index" and effects[0].action == "change":
                yield from ((part.object, effects[0].object) for part in effects[1:])


def _made(scripts: Sequence[Script]) -> Iterator[Object]:
    for effect in (effect for script in scripts for s in script.statements for effect in s.declaration.effects):
        if effect.action == "create":
            yield without_table(effect.object)
        if effect.action == "rename":
            yield without_table(effect.object._replace(name=effect.value))


def _gone(scripts: Sequence[Script]) -> Iterator[Object]:
    for effect in (effect for script in scripts for s in script.statements for effect in s.declaration.effects):
        if effect.action in ("drop", "rename"):
            yield without_table(effect.object)
            yield effect.object._replace(name=effect.object.name.partition("(")[0] + ANY_ARGUMENTS)


def _removes_more(pending: Sequence[tuple[ScriptEntry, Script]]) -> bool:
    nodes = ("drop_stmt", "alter_object_schema_stmt", "alter_table_stmt")
    return any(
        statement.declaration.opaque and statement.node in nodes
        for script, parsed in pending
        if script.run != "always"
        for statement in parsed.statements
    )


def _changes(pending: Sequence[tuple[ScriptEntry, Script]]) -> Iterator[Object]:
    for _, parsed in pending:
        for statement in parsed.statements:
            yield from (without_table(e.object) for e in statement.declaration.effects if e.action == "change")


def _arrivals(pending: Sequence[tuple[ScriptEntry, Script]], actual: Snapshot) -> Iterator[Object]:
    """Return what a statement that has not been run yet renames something to, which is there or will be made."""
    effects = [effect for _, parsed in pending for s in parsed.statements for effect in s.declaration.effects]
    made = {without_table(effect.object) for effect in effects if effect.action == "create"}
    there = {without_table(item) for item in actual.facts} | made
    for effect in effects:
        if effect.action == "rename" and without_table(effect.object) in there:
            yield without_table(effect.object._replace(name=effect.value))


class _Later(Struct, frozen=True):
    """What the scripts do to objects after they are made: what is removed and changed by statements yet to be run."""

    removals: tuple[Object, ...]
    removes_more: bool
    """Whether a script that is not run always drops or moves objects that its text does not name."""
    passing: tuple[Object, ...]
    """What each run of an `always` script makes and drops again."""
    changes: frozenset[Object]
    owners: Mapping[Object, Object]
    """The columns that sequences are given to, and the indexes that those of partitions are attached to."""
    arrivals: frozenset[Object]
    """What others are renamed to; an index among them has no table."""
    made: frozenset[Object]
    """What any script makes, under the names that it gets; an index among it has no table."""
    gone: frozenset[Object]
    """What any script drops or renames, functions without their arguments too; an index among it has no table."""


class _Planner:
    """Goes through the statements in order, and keeps the state that the database will have at each."""

    def __init__(
        self,
        declared: Facts,
        actual: Snapshot,
        later: _Later,
        repairs: Mapping[tuple[str, int], Sequence[Proposal]],
        apart: ConcurrentBuilds,
        *,
        mends: bool,
        single: bool,
    ) -> None:
        self.declared = declared
        self.actual = actual
        self.later = later
        self.repairs = repairs
        """What is repaired at a statement, by its key."""
        self.mends = mends
        """Whether the manifest lets anything be repaired."""
        self.apart = apart
        self.single = single
        """Whether all of the run is one transaction."""
        self.always = self.done = False
        self.blocked = {
            proposal.object
            for proposals in repairs.values()
            for proposal in proposals
            if proposal.blocked_by and proposal.problem == "missing"
        }
        self.before = frozenset(actual.facts)
        self.state: dict[Object, str] = dict(actual.facts)
        for known_by, items in actual.unnamed.items():
            definitions = [actual.facts[item] for item in items]
            self.state[known_by] = next((d for d in definitions if d == declared.get(known_by)), definitions[0])
        self.state |= {item: declared[item] for item in actual.locked if item in declared}
        self.initial = dict(self.state)
        self.fresh: set[Object] = set()
        """What this run makes or changes before the statement."""
        self.known = True
        """Whether nothing was run before it that may have done anything."""
        self.moved_rows = False
        """Whether the script has changed rows before it."""
        self.transaction = 0
        """The number of the script's last transaction."""

    def begin_script(self, script: ScriptEntry, parsed: Script, when: Due) -> None:
        """Forget what holds for one script alone."""
        self.moved_rows, self.transaction = False, 0
        self.always, self.done = script.run == "always", when.done
        self.apart.begin_script(script, parsed)

    def steps(self, statement: Statement) -> Iterator[Step]:
        """Return what is done for a statement, and take its effects into the state."""
        proposals, written = self.proposals(statement)
        mended = set() if written else {proposal.object for proposal in proposals}
        effects = [self.named(effect) for effect in statement.declaration.effects]
        step = self.compare(statement, [e for e in effects if e.object not in mended], mended=mended)
        if self.done and step.action == "run" and not self.makes_more(statement):
            step = _unchanged(statement, Reason("done"))
        if step.action != "unchanged":
            self.known = self.known and not statement.declaration.opaque
            self.moved_rows = self.moved_rows or statement.node not in _CHANGES_NO_ROWS
            for effect in effects:
                if effect.object not in mended:
                    self.take(effect)
        repairs = list(self.mend(statement, proposals))
        if step.action != "unchanged" or not repairs or any(p.blocked_by and p.problem != "used" for p in proposals):
            yield self.apart.moved(step, self.next_transaction)
        yield from repairs

    def makes_more(self, statement: Statement) -> bool:
        """Return whether a statement makes what is not there."""
        effects = statement.declaration.effects
        return any(effect.action == "create" and effect.object not in self.state for effect in effects)

    def next_transaction(self) -> int:
        """Return the number of one more transaction after the script's own, if there can be one."""
        self.transaction += not self.single
        return self.transaction

    def proposals(self, statement: Statement) -> tuple[list[Proposal], bool]:
        """Return what is repaired at the statement, and whether that comes after it, and not in its place."""
        if not self.known or statement.declaration.moves:
            return [], True
        placed = [proposal for proposal in self.repairs.get(statement.key, ()) if self.is_still_so(proposal)]
        if statement.node == "create_stmt":
            return placed, False
        if not self.mends or all(
            proposal.is_script_statement or (proposal.rows and self.moved_rows) for proposal in placed
        ):
            return [], True
        changed = {self.named(effect).object for effect in statement.declaration.effects if effect.action == "change"}
        written = any(proposal.blocked_by and not proposal.rows and proposal.object in changed for proposal in placed)
        return placed, written

    def is_still_so(self, proposal: Proposal) -> bool:
        """Return whether nothing in this run has changed, or will remove, what a proposal is about."""
        item = proposal.object
        if proposal.problem == "missing" and without_table(item) in self.later.arrivals:
            return False
        if self.is_altered(item):
            return False
        there = [item, *self.actual.unnamed.get(item, ())]
        changed = any(other in self.fresh or self.is_removed_later(other) for other in there)
        return not changed and self.state.get(item) == self.initial.get(item)

    def is_altered(self, index: Object) -> bool:
        """Return whether an index differs in what an ALTER INDEX gives it."""
        declared, there = self.declared.get(index), self.initial.get(index)
        if index.kind != "index" or without_table(index) not in self.later.changes or None in (declared, there):
            return False
        is_attached_to = without_table(index) in self.later.owners.values()
        text = as_valid(index, str(there)) if is_attached_to else str(there)
        return without_settings(str(declared)) == without_settings(text)

    def mend(self, statement: Statement, proposals: Sequence[Proposal]) -> Iterator[Step]:
        """Return the steps of repairs: one ALTER TABLE for all that it can do, then the rest in transactions after."""
        runs = [proposal for proposal in proposals if not proposal.blocked_by]
        clauses = [proposal for proposal in runs if proposal.clauses]
        if clauses:
            sql = alter(clauses[0].table, [clause for proposal in clauses for clause in proposal.clauses])
            yield self.repair(statement, clauses, sql)
        for proposal in runs:
            for sql in proposal.now:
                step = self.repair(statement, [proposal], sql)
                yield self.apart.moved(step, self.next_transaction)
        for proposal in runs:
            for transaction in proposal.then:
                number = self.next_transaction()
                for sql in transaction:
                    yield self.repair(statement, [proposal], sql, transaction=number)
        if retyped := [proposal for proposal in runs if proposal.analyze]:
            sql = analyze(retyped[0].table, [proposal.analyze for proposal in retyped])
            yield self.repair(statement, retyped, sql, transaction=self.next_transaction())
        for proposal in runs:
            self.state.pop(proposal.object, None)
            if proposal.becomes is not None:
                self.state[proposal.object] = proposal.becomes

    def repair(self, statement: Statement, proposals: Sequence[Proposal], sql: str, *, transaction: int = 0) -> Step:
        about = tuple(proposal.object for proposal in proposals)
        parts = tuple(Reason(p.problem, (p.object,), p.detail) for p in proposals)
        lock = TableLock(lock_level(sql), proposals[0].table)
        return Step(statement, "alter", Reason("repairs", parts=parts), sql, about, transaction, takes=lock)

    def take(self, effect: Effect) -> None:
        item = effect.object
        before = set(self.state) if effect.action == "rename" else set()
        if effect.action == "change" or (effect.action != "set" and item not in self.state):
            self.fresh.add(item)
        value = effect.value
        if effect.action in ("create", "change") or value == PRESENT:
            value = self.declared.get(item, value)
        apply_effect(self.state, effect._replace(value=value), {})
        if effect.action == "rename":
            self.fresh |= self.state.keys() - before

    def named(self, effect: Effect) -> Effect:
        """Return the effect on the object by which it is known here, or else by which it is declared."""
        item = effect.object
        if effect.action == "create":
            return effect._replace(object=self.function(item)) if item.name.endswith(ANY_ARGUMENTS) else effect
        if effect.action == "rename":  # what was unnamed has its name in the database
            return resolved(effect, [other for other in self.state if other not in self.actual.unnamed])
        found = resolved(effect, self.state)
        if found.object not in self.state:
            found = resolved(effect, self.declared)
        if item.kind == "index" and found.object.kind == "constraint":
            return found._replace(object=self.declared_constraint(found.object))
        if item.kind == "sequence" and found.object.kind == "column":
            definition = self.declared.get(found.object, "")
            return found if column_definition(definition).fills else effect
        return found

    def function(self, item: Object) -> Object:
        """Return the one function of a name that no statement makes with its arguments."""
        name = item.name.removesuffix(ANY_ARGUMENTS)
        for known in (self.declared, self.state):
            own = [o for o in known if o.kind == "function" and o.schema == item.schema and o not in self.later.made]
            if found := [o for o in own if o.name.partition("(")[0] == name]:
                return found[0] if len(found) == 1 else item
        return item

    def declared_constraint(self, item: Object) -> Object:
        """Return a constraint by its definition, when the scripts give it no name."""
        own = (known_by for known_by, items in self.actual.unnamed.items() if item in items)
        return item if item in self.declared else next((o for o in own if o in self.declared), item)

    def compare(self, statement: Statement, effects: Sequence[Effect], *, mended: Collection[Object]) -> Step:
        declaration = statement.declaration
        if not declaration.effects:
            return Step(statement, "run", Reason("data" if statement.is_data else "declares nothing"), statement.sql)
        needed = [effect for effect in effects if self.is_needed(effect)]
        needed = needed or self.replaced(statement, effects)
        if not self.known:
            return self.compare_unknown(statement, needed)
        if needed and statement.node == "comment_stmt" and (gone := self.is_gone(effects[0].object)):
            return _unchanged(statement, Reason("missing", (gone,), left_because="there is nothing to comment on"))
        if not needed and declaration.moves:
            return Step(statement, "run", Reason("moves"), statement.sql)
        if not needed and any(self.is_unknown(effect) for effect in effects):
            return Step(statement, "run", Reason("not compared"), statement.sql)
        if not needed:
            return _unchanged(statement, self.reason_for_nothing(statement))
        if declaration.elements and self.has_table(statement) and len(needed) < len(declaration.effects):
            return self.add_elements(statement, mended)
        action = "run" if self.always and self.is_passing(needed) else _action(needed, self.state)
        return Step(statement, action, self.reason(needed), statement.sql)

    def is_gone(self, comment: Object) -> Object | None:
        """Return what a comment is on, when it is missing and no repair adds it."""
        subject, blocked = comment.subject, self.blocked - self.state.keys()
        if subject.kind != "index":
            return subject if subject in blocked else None
        return next((item for item in blocked if (item.schema, item.name) == (comment.schema, comment.name)), None)

    def is_passing(self, needed: Sequence[Effect]) -> bool:
        """Return whether all of it is made and dropped again by each run."""
        new = [effect.object for effect in needed if effect.object not in self.before]
        return len(new) == len(needed) and all(_is_below(item, self.later.passing) for item in new)

    def compare_unknown(self, statement: Statement, needed: Sequence[Effect]) -> Step:
        """Return the step of a statement after one that may have done anything to what was there."""
        effects = statement.declaration.effects
        adds_constraints = all(effect.object.kind == "constraint" and effect.action == "create" for effect in effects)
        if adds_constraints and not needed:  # ADD CONSTRAINT knows no IF NOT EXISTS
            return _unchanged(statement, Reason("exists"))
        declaration = statement.declaration
        if declaration.guarded and any(self.lacks(element) for element in declaration.elements):
            return self.add_elements(statement, ()) if self.has_table(statement) else self.whole(statement)
        return self.whole(statement)

    def whole(self, statement: Statement) -> Step:
        return Step(statement, "run", Reason("uncertain"), statement.sql)

    def is_needed(self, effect: Effect) -> bool:
        """Return whether the effect changes anything that lasts."""
        item, there = effect.object, self.state.get(effect.object)
        declared = self.declared.get(item)
        if effect.action == "drop":
            return any(belongs_to(o, item) or goes_with(o, item, {}) for o in self.state) or self.may_be_new(item)
        if effect.action == "rename":
            return there is not None or (_renamed(effect, self.state) is None and declared is None)
        if item in self.fresh and effect.action != "create" and not item.is_comment:
            return True
        if declared is None:  # dropped or renamed later
            made = there is None if effect.action == "create" else effect.action == "set" and there != effect.value
            goes = self.is_removed_later(item) or (self.later.removes_more and not self.always)
            return (made and goes) or self.changes_owned(effect)
        if there is None:
            return effect.action != "set" or declared in (effect.value, PRESENT) or item.kind == "constraint"
        return self.is_different(effect, declared, there)

    def is_unknown(self, effect: Effect) -> bool:
        """Return whether the effect is on an object of which neither the database nor the scripts tell anything."""
        item = effect.object
        if effect.action == "create":
            return item.name.endswith(ANY_ARGUMENTS) and item not in self.later.gone
        names = [item, without_table(item)]
        names += [Object("table", item.table, "", item.schema)] if item.kind == "column" else []
        told = any(name in known for name in names for known in (self.declared, self.later.made, self.later.gone))
        return effect.action == "change" and not told

    def is_different(self, effect: Effect, declared: str, there: str) -> bool:
        """Return whether the statement gives an object that is there, and not new, another definition."""
        item = effect.object
        if effect.action == "create":
            return False
        if effect.action == "change":
            return not self.always if declared == PRESENT else not holds(declared, there)
        if item.kind == "constraint":
            return is_invalid(item, there)
        return there != effect.value and declared in (effect.value, PRESENT)

    def may_be_new(self, item: Object) -> bool:
        """Return whether a constraint may be one that this run made with a column, without a name."""
        return item.kind == "constraint" and any(
            (other.schema, other.table) == (item.schema, item.table) and other.kind == "column" for other in self.fresh
        )

    def changes_owned(self, effect: Effect) -> bool:
        """Return whether what is part of a column or an index in the end has to be made, or given to it."""
        told = self.later.owners.get(without_table(effect.object))
        if told is None or effect.action not in ("create", "change"):
            return False
        if effect.action == "create" and effect.object in self.state:
            return False
        owner = self.named(Effect("change", told)).object
        is_made = owner in self.fresh and owner not in self.before
        return is_made or not holds(self.declared.get(owner, PRESENT), self.state.get(owner))

    def is_removed_later(self, item: Object) -> bool:
        return _is_below(item, self.later.removals)

    def replaced(self, statement: Statement, effects: Sequence[Effect]) -> list[Effect]:
        """Return what CREATE OR REPLACE gives another definition."""
        if not statement.declaration.replaces:
            return []
        return [effect for effect in effects if self.differs(effect.object)]

    def differs(self, item: Object) -> bool:
        declared, there = self.declared.get(item), self.state.get(item)
        return item not in self.fresh and None not in (declared, there) and not holds(str(declared), there)

    def has_table(self, statement: Statement) -> bool:
        first = statement.declaration.elements[0].object
        return Object("table", first.table, "", first.schema) in self.state

    def add_elements(self, statement: Statement, mended: Collection[Object]) -> Step:
        """Return the step that adds to an existing table those columns and constraints which it lacks."""
        elements = [element for element in statement.declaration.elements if element.object not in mended]
        lacking = [element for element in elements if self.lacks(element)]
        if not lacking:
            effects = statement.declaration.effects
            missing = tuple(e.object for e in effects if e.object not in self.state and e.object in self.declared)
            reason = Reason("not added", missing) if missing else self.reason_for_nothing(statement)
            return _unchanged(statement, reason)
        first = lacking[0].object
        table = ".".join(identifier(name) for name in (first.schema, first.table) if name)
        sql = f"alter table {table} " + ",\n    ".join(element.sql for element in lacking)
        return Step(statement, "alter", Reason("missing", tuple(element.object for element in lacking)), sql)

    def lacks(self, element: Element) -> bool:
        there = element.object in self.state or element.same_as in self.state
        return not there and (element.object in self.declared or self.is_removed_later(element.object))

    def reason(self, needed: Sequence[Effect]) -> Reason:
        codes: dict[str, ReasonCode] = {"drop": "to drop", "rename": "to rename"}
        first = needed[0]
        absent = first.object not in self.state
        code = codes.get(first.action) or ("missing" if absent else "differs")
        return Reason(code, tuple(effect.object for effect in needed))

    def reason_for_nothing(self, statement: Statement) -> Reason:
        declares = statement.declaration.declares
        different = tuple(
            e.object for e in declares if self.differs(e.object) and without_table(e.object) not in self.later.changes
        )
        stays = [p for p in self.repairs.get(statement.key, ()) if p.blocked_by and p.problem != "used"]
        if stays:
            return Reason(stays[0].problem, tuple(p.object for p in stays), left_because=stays[0].blocked_by)
        if different:
            return Reason("differs", different, left_because="no repair is known")
        return Reason("as declared" if declares else "nothing to remove")


_CHANGES_NO_ROWS = frozenset({"select_stmt", "variable_set_stmt", "variable_show_stmt"})


def _is_below(item: Object, owners: Sequence[Object]) -> bool:
    return any(belongs_to(item, owner) for owner in owners)


def _action(needed: Sequence[Effect], state: Mapping[Object, str]) -> StepAction:
    creates = any(effect.action in ("create", "set") and effect.object not in state for effect in needed)
    return "create" if creates else "alter"


def _unchanged(statement: Statement, reason: Reason) -> Step:
    return Step(statement, "unchanged", reason, statement.sql)


def _setup(manifest: Manifest, actual: Facts, history_ddl: Sequence[str]) -> Iterator[str]:
    project = manifest.project
    for schema in dict.fromkeys((project.schema, project.extension_schema)):
        if Object("schema", schema) not in actual:
            yield f"create schema {identifier(schema)}"
    yield from history_ddl
