"""A plan is a value: for each script and statement, what will be done, why, and the SQL that is sent.

Everything that runs or shows a plan reads this one list: `execute` sends it, `psql` writes it, `report` shows it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from msgspec import Struct

from runner.catalog import Snapshot
from runner.declarations import Effect, Object
from runner.declared import State, apply_effect
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
        f"{command} search_path = {path}",
        f"{command} lock_timeout = {literal(run.lock_timeout)}",
        f"{command} statement_timeout = {literal(run.statement_timeout)}",
    )


RESETS = ("reset session authorization", "reset role", "reset all")
"""End what a script has set for the session: SET and SET ROLE outlive their transaction."""


def own_role(script: ScriptPlan) -> tuple[str, ...]:
    """Return the statements that end a role which the script has set, so that its history row can be written."""
    sets = any(step.statement.node == "variable_set_stmt" for step in script.to_send)
    return RESETS[:2] if sets else ()


def make_plan(
    manifest: Manifest,
    scripts: Sequence[Parsed],
    *,
    actual: Snapshot,
    applied: Mapping[str, Applied],
    run: int,
    history_ddl: Sequence[str],
) -> Plan:
    """Compare what the scripts declare with the actual state, statement by statement.

    `history_ddl` makes the history table, and is empty when that exists.
    """
    state = State(actual)
    known = True
    plans = []
    for script, parsed in zip(manifest.scripts, scripts, strict=True):
        due, reason = _is_due(script, parsed, applied.get(script.path))
        steps = []
        for statement in parsed.statements:
            step_list = _steps(statement, state if known else None) if due else [_unchanged(statement, reason)]
            steps += step_list
            if any(step.action != "unchanged" for step in step_list):
                known = known and not statement.declaration.opaque
                for effect in statement.declaration.effects:
                    apply_effect(state, effect)
        changed = script.path in applied and applied[script.path].checksum != parsed.checksum
        plans.append(ScriptPlan(script, parsed, due, changed, reason, tuple(steps)))
    setup = tuple(_setup(manifest, actual, history_ddl))
    return Plan(run, setup, tuple(plans))


def _is_due(script: Script, parsed: Parsed, last: Applied | None) -> tuple[bool, str]:
    if script.run == "always" or last is None:
        return True, "always" if script.run == "always" else "not applied yet"
    if last.checksum == parsed.checksum:
        return False, f"applied on {last.at} by {last.by}"
    if script.run == "once":
        return False, f"changed after it was applied on {last.at} by {last.by}; it is not run again"
    return True, f"changed since {last.at}"


def _steps(statement: Statement, state: Mapping[Object, str] | None) -> list[Step]:
    """Return what is done for a statement in a database of that state; None when the state is not known."""
    declaration = statement.declaration
    declared = declaration.declares
    if not declared or state is None:
        reason = "an earlier statement may have changed what it declares" if declared else "declares nothing"
        return [Step(statement, "run", "data" if statement.is_data else reason, statement.sql)]
    needed = [effect for effect in declared if _is_needed(effect, state)]
    if not needed and declaration.guarded:
        return [_unchanged(statement, "exists")]
    if declaration.guarded and declaration.elements and declared[0].object in state:
        return _missing_elements(statement, state) or [_unchanged(statement, "exists")]
    reason = f"missing: {needed[0].object}" if needed else "exists, and the statement has no IF NOT EXISTS"
    return [Step(statement, "create", reason, statement.sql)]


def _is_needed(effect: Effect, state: Mapping[Object, str]) -> bool:
    """Return whether the effect changes anything; IF NOT EXISTS passes over an object of whatever state."""
    there = state.get(effect.object)
    return there is None or (effect.action == "set" and there != effect.value)


def _missing_elements(statement: Statement, state: Mapping[Object, str]) -> list[Step]:
    """Return the steps that add to an existing table what its CREATE TABLE IF NOT EXISTS passes over."""
    steps = []
    for element in statement.declaration.elements:
        if element.object in state or element.same_as in state:
            continue
        table = identifier(element.object.table)
        if element.object.schema:
            table = f"{identifier(element.object.schema)}.{table}"
        steps.append(Step(statement, "alter", f"missing: {element.object}", f"alter table {table} {element.sql}"))
    return steps


def _unchanged(statement: Statement, reason: str) -> Step:
    return Step(statement, "unchanged", reason, statement.sql)


def _setup(manifest: Manifest, actual: Snapshot, history_ddl: Sequence[str]) -> Iterator[str]:
    project = manifest.project
    for schema in dict.fromkeys((project.schema, project.extension_schema)):
        if Object("schema", schema) not in actual:
            yield f"create schema {identifier(schema)}"
    yield from history_ddl
