"""The stages of a run as functions: load, plan, apply, verify. Nothing here prints or exits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner import catalog, history
from runner.catalog import Snapshot
from runner.declarations import PRESENT, Object
from runner.declared import declare
from runner.errors import InputError
from runner.field_mappings import FieldMappings, load_field_mappings
from runner.manifest import Project, load_manifest
from runner.plan import Plan, ScriptPlan, make_plan
from runner.render import render, template_variables
from runner.statements import Parsed, parse

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.execute import ScriptResult
    from runner.history import Entry
    from runner.verify import Verification


class Loaded(Struct, frozen=True):
    """Everything that is known without a server: the manifest, its files parsed, and what they declare."""

    project: Project
    field_mappings: FieldMappings | None
    scripts: tuple[Parsed, ...]
    checks: tuple[Parsed, ...]
    declared: Snapshot

    @property
    def statements(self) -> int:
        """How many statements the scripts have."""
        return sum(len(script.statements) for script in self.scripts)


class Planned(Struct, frozen=True):
    """A plan, and the history that it was made from."""

    plan: Plan
    entries: tuple[Entry, ...]


class ApplyResult(Struct, frozen=True):
    """What a run did, and what the verification after it found."""

    plan: Plan
    scripts: tuple[ScriptResult, ...]
    verification: Verification


def load(manifest: Path, overrides: tuple[str, ...] = ()) -> Loaded:
    """Read, render and parse everything that the manifest names. Raise InputError; nothing needs a server."""
    project = load_manifest(manifest, overrides)
    field_mappings = load_field_mappings(project)
    variables = template_variables(project, field_mappings)
    schema = project.manifest.project.schema

    def parsed(path: str) -> Parsed:
        return parse(render(path, project.read(path), variables), schema=schema)

    scripts = tuple(parsed(script.path) for script in project.manifest.scripts)
    checks = tuple(parsed(check.path) for check in project.manifest.checks)
    _require_queries(checks)
    _require_names(project, scripts)
    declared = declare(scripts)
    _require_tables(project, declared)
    return Loaded(project, field_mappings, scripts, checks, declared)


def plan_for_empty(loaded: Loaded) -> Plan:
    """Return the plan for a database that has nothing but the schema public; no server is asked."""
    return _make_plan(loaded, {Object("schema", "public"): PRESENT}, [])


def plan(connection: Connection[Any], loaded: Loaded) -> Planned:
    """Compare the database with what is declared, and return what a run would do. Only reads."""
    manifest = loaded.project.manifest
    actual = _snapshot(connection, loaded)
    has_history = Object("table", manifest.run.history_table) in actual
    entries = history.read(connection, manifest) if has_history else []
    return Planned(_make_plan(loaded, actual, entries), tuple(entries))


def apply(
    connection: Connection[Any],
    loaded: Loaded,
    *,
    started: Callable[[ScriptPlan], None] = lambda _: None,
    finished: Callable[[ScriptResult], None] = lambda _: None,
) -> ApplyResult:
    """Plan, execute and verify; the caller holds the run lock. Raise DatabaseError when a run cannot go on."""
    from runner.execute import execute

    made = plan(connection, loaded).plan
    results = []
    for result in execute(connection, made, loaded.project.manifest, started):
        results.append(result)
        finished(result)
    return ApplyResult(made, tuple(results), verify(connection, loaded, tuple(results)))


def verify(connection: Connection[Any], loaded: Loaded, results: tuple[ScriptResult, ...] = ()) -> Verification:
    """Compare the database with what is declared, and run the checks. Only reads."""
    from runner.checks import run_checks
    from runner.verify import verify as compare

    checks = run_checks(connection, loaded.project.manifest, loaded.checks)
    actual = _snapshot(connection, loaded)
    return compare(loaded.declared, actual, field_mappings=loaded.field_mappings, checks=checks, scripts=results)


def _require_queries(checks: tuple[Parsed, ...]) -> None:
    for check in checks:
        path = check.rendered.path
        if not check.statements:
            raise InputError("empty; a check is a SELECT that returns the rows that are wrong", place=path)
        for statement in check.statements:
            if statement.node != "select_stmt":
                raise InputError("a check only reads: SELECT the rows that are wrong", place=f"{path}:{statement.line}")


def _require_names(project: Project, scripts: tuple[Parsed, ...]) -> None:
    for script, parsed in zip(project.manifest.scripts, scripts, strict=True):
        for statement in parsed.statements:
            if script.run == "always" and statement.declaration.nameless:
                raise InputError(
                    "each run would make one more of an object without a name; name it, "
                    'or set run = "once" for this script in the manifest',
                    place=f"{script.path}:{statement.line}",
                )


def _require_tables(project: Project, declared: Snapshot) -> None:
    manifest, file = project.manifest, project.file
    if Object("table", manifest.run.history_table) in declared:
        message = f"a script makes a table {manifest.run.history_table!r} too; give the history another name"
        raise InputError(message, place=f"{file}: run.history_table")
    section = manifest.field_mappings
    if section and Object("table", section.table) not in declared:
        message = f"no script makes a table {section.table!r}; make it, or correct the name"
        raise InputError(message, place=f"{file}: field_mappings.table")


def _make_plan(loaded: Loaded, actual: Snapshot, entries: list[Entry]) -> Plan:
    manifest = loaded.project.manifest
    return make_plan(
        manifest,
        loaded.scripts,
        declared=loaded.declared,
        actual=actual,
        applied=history.last_applied(entries),
        run=history.next_run(entries),
        history_ddl=() if Object("table", manifest.run.history_table) in actual else history.ddl(manifest),
    )


def _snapshot(connection: Connection[Any], loaded: Loaded) -> Snapshot:
    schemas = {item.schema for item in loaded.declared}
    return catalog.read(connection, loaded.project.manifest.project.schema, schemas)
