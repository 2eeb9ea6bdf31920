"""A plan is a value: for each script and statement, what will be done, why, and the SQL that is sent.

Everything that runs or shows a plan reads this one list: `execute` sends it, `psql` writes it, `report` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from runner.declarations import Declaration, Effect, Element, Object
from runner.fold import State, apply_effect, belongs_to
from runner.manifest import Manifest, Script
from runner.quote import identifier, literal
from runner.statements import Parsed, Statement

Action = Literal["unchanged", "create", "alter", "run"]


class Step(Struct, frozen=True):
    """What is done for a statement; `sql` is what is sent, the statement itself except for `alter`."""

    statement: Statement
    action: Action
    reason: str
    sql: str


class Applied(Struct, frozen=True):
    """How a script last ended well, from the history; `at` and `by` are for people."""

    checksum: str
    at: str
    by: str


class ScriptPlan(Struct, frozen=True):
    """A script and its steps; `reason` says why it is due or not, `changed` that it was edited since it was applied."""

    script: Script
    parsed: Parsed
    due: bool
    changed: bool
    reason: str
    steps: tuple[Step, ...]

    @property
    def to_send(self) -> tuple[Step, ...]:
        """The steps that send something."""
        return tuple(step for step in self.steps if step.action != "unchanged")

    @property
    def pending(self) -> int:
        """How much is not yet as declared; the data statements of an `always` script do not count."""
        if self.script.run != "always":
            return int(self.due)
        return sum(step.action in ("create", "alter") for step in self.steps)


class Plan(Struct, frozen=True):
    """All that a run does, in order; `setup` makes the schemas and the history table that are missing."""

    run: int
    setup: tuple[str, ...]
    scripts: tuple[ScriptPlan, ...]


def session_settings(manifest: Manifest, *, local: bool) -> tuple[str, ...]:
    """Return the statements that give a transaction, or the session, the settings that scripts rely on."""
    project, run = manifest.project, manifest.run
    path = ", ".join(identifier(schema) for schema in dict.fromkeys((project.schema, project.extension_schema)))
    command = "set local" if local else "set"
    return (
        f"{command} client_encoding = 'UTF8'",
        f"{command} standard_conforming_strings = on",
        f"{command} search_path = {path}",
        f"{command} lock_timeout = {literal(run.lock_timeout)}",
        f"{command} statement_timeout = {literal(run.statement_timeout)}",
    )


OWN_ROLE = ("reset session authorization", "reset role")
"""End a role that a script has set: its history row is written by the role that connected."""
RESET = "reset all"
"""End what a script has set for the session, which outlives its transaction."""


def make_plan(
    manifest: Manifest,
    scripts: Sequence[Parsed],
    *,
    declared: State,
    actual: Mapping[Object, str],
    applied: Mapping[str, Applied],
    run: int,
    history_ddl: Sequence[str],
) -> Plan:
    """Compare what the scripts declare with the actual state, statement by statement.

    `declared` is what all of them declare together; `history_ddl` is empty when the history table exists.
    """
    pairs = list(zip(manifest.scripts, scripts, strict=True))
    due = {script.path: _is_due(script, parsed, applied.get(script.path)) for script, parsed in pairs}
    removals = [
        effect.object
        for parsed in scripts
        if due[parsed.rendered.path][0]
        for statement in parsed.statements
        for effect in statement.declaration.effects
        if effect.action in ("drop", "rename")
    ]
    planner = _Planner(actual, declared, removals)
    plans = []
    for script, parsed in pairs:
        is_due, reason = due[script.path]
        steps = [
            step
            for statement in parsed.statements
            for step in (planner.steps(statement) if is_due else [_unchanged(statement, reason)])
        ]
        changed = script.path in applied and applied[script.path].checksum != parsed.checksum
        plans.append(ScriptPlan(script, parsed, is_due, changed, reason, tuple(steps)))
    return Plan(run, tuple(_setup(manifest, actual, history_ddl)), tuple(plans))


def _is_due(script: Script, parsed: Parsed, last: Applied | None) -> tuple[bool, str]:
    if script.run == "always" or last is None:
        return True, "always" if script.run == "always" else "not applied yet"
    if last.checksum == parsed.checksum:
        return False, f"applied on {last.at} by {last.by}"
    if script.run == "once":
        return False, f"changed after it was applied on {last.at} by {last.by}; it is not run again"
    return True, f"changed since {last.at}"


class _Planner:
    """Goes through the statements in order, and keeps the state that the database will have at each."""

    def __init__(self, actual: Mapping[Object, str], declared: State, removals: Sequence[Object]) -> None:
        self.state = State(actual)
        self.declared = declared
        self.removals = removals
        self.known = True

    def steps(self, statement: Statement) -> list[Step]:
        """Return what is done for a statement, and take its effects into the state."""
        steps = self.compare(statement)
        if any(step.action != "unchanged" for step in steps):
            self.known = self.known and not statement.declaration.opaque
            for effect in statement.declaration.effects:
                apply_effect(self.state, effect, {})
        return steps

    def compare(self, statement: Statement) -> list[Step]:
        declaration = statement.declaration
        if not declaration.declares:
            return [self.other(statement)]
        needed = [effect for effect in declaration.declares if self.is_needed(effect)]
        if not needed and declaration.guarded and (self.known or self.only_adds_constraints(declaration)):
            return [_unchanged(statement, "exists")]
        if declaration.guarded and declaration.elements and self.has_table(declaration):
            added = [self.add(statement, element) for element in declaration.elements if self.lacks(element)]
            return added or [_unchanged(statement, "exists")]
        if not self.known:
            return [Step(statement, "run", "an earlier statement may have changed what it declares", statement.sql)]
        reason = f"missing: {needed[0].object}" if needed else "exists, and the statement has no IF NOT EXISTS"
        return [Step(statement, "create", reason, statement.sql)]

    def other(self, statement: Statement) -> Step:
        """Return the step of a statement that declares nothing; DROP IF EXISTS needs something to drop."""
        effects = statement.declaration.effects
        if self.known and effects and statement.declaration.guarded:
            there = any(belongs_to(item, effect.object) for effect in effects for item in self.state)
            if not there:
                return _unchanged(statement, "nothing to drop")
        return Step(statement, "run", "data" if statement.is_data else "declares nothing", statement.sql)

    def is_needed(self, effect: Effect) -> bool:
        """Return whether the effect changes anything that lasts.

        IF NOT EXISTS passes over an object of whatever state. What a later statement drops, renames or says otherwise
        is only needed while that statement has not been run.
        """
        there = self.state.get(effect.object)
        if self.is_superseded(effect.object):
            return False
        if effect.action == "set":
            return there != effect.value and self.declared.get(effect.object, effect.value) == effect.value
        return there is None

    def is_superseded(self, item: Object) -> bool:
        return item not in self.declared and not any(belongs_to(item, owner) for owner in self.removals)

    def lacks(self, element: Element) -> bool:
        there = element.object in self.state or element.same_as in self.state
        return not there and not self.is_superseded(element.object)

    def has_table(self, declaration: Declaration) -> bool:
        first = declaration.elements[0].object
        return Object("table", first.table, "", first.schema) in self.state

    def only_adds_constraints(self, declaration: Declaration) -> bool:
        """Return whether sending it again would fail: ADD CONSTRAINT knows no IF NOT EXISTS."""
        effects = declaration.effects
        return all(effect.object.kind == "constraint" and effect.action == "create" for effect in effects)

    def add(self, statement: Statement, element: Element) -> Step:
        """Return the step that adds to an existing table what CREATE TABLE IF NOT EXISTS passes over."""
        table = identifier(element.object.table)
        if element.object.schema:
            table = f"{identifier(element.object.schema)}.{table}"
        return Step(statement, "alter", f"missing: {element.object}", f"alter table {table} {element.sql}")


def _unchanged(statement: Statement, reason: str) -> Step:
    return Step(statement, "unchanged", reason, statement.sql)


def _setup(manifest: Manifest, actual: Mapping[Object, str], history_ddl: Sequence[str]) -> Iterator[str]:
    project = manifest.project
    for schema in dict.fromkeys((project.schema, project.extension_schema)):
        if Object("schema", schema) not in actual:
            yield f"create schema {identifier(schema)}"
    yield from history_ddl
