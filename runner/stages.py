"""The stages of a run as functions: load, plan, apply, verify. Nothing here prints or exits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner import catalog, history
from runner.catalog import Facts, Scope, Snapshot
from runner.errors import DatabaseError, InputError, InterruptError
from runner.evidence import Evidence
from runner.field_mappings import FieldMappings, load_field_mappings
from runner.fold import State, declare
from runner.lock import Lock, read_lock, stale
from runner.manifest import Project, load_manifest, size_in_bytes
from runner.objects import PRESENT, Object
from runner.plan import Options, Past, Plan, require_single_transaction
from runner.planner import Situation, make_plan
from runner.proposals import Context, name_of
from runner.render import render, template_variables
from runner.repair import Proposals, propose
from runner.rules import check_scripts
from runner.statements import Parsed, parse

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.declared import Declared
    from runner.execute import Listener
    from runner.history import Entry
    from runner.results import ScriptResult
    from runner.stop import Stop
    from runner.verify import Verification


class Loaded(Struct, frozen=True):
    """Everything that is known without a server: the manifest, its files parsed, and the names that they declare."""

    project: Project
    field_mappings: FieldMappings | None
    scripts: tuple[Parsed, ...]
    checks: tuple[Parsed, ...]
    names: State
    lock: Lock | None

    @property
    def statements(self) -> int:
        """How many statements the scripts have."""
        return sum(len(script.statements) for script in self.scripts)


class Planned(Struct, frozen=True):
    """A plan, and what it was made from: the history, the declared catalog and the actual one."""

    plan: Plan
    entries: tuple[Entry, ...]
    declared: Declared
    actual: Snapshot
    proposals: Proposals


class ApplyResult(Struct, frozen=True):
    """What a run did, and what the verification after it found."""

    plan: Plan
    scripts: tuple[ScriptResult, ...]
    verification: Verification


def load(manifest: Path, overrides: tuple[str, ...] = (), *, with_lock: bool = True) -> Loaded:
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
    check_scripts(project, scripts)
    names = declare(scripts)
    _require_tables(project, names)
    return Loaded(project, field_mappings, scripts, checks, names, read_lock(project) if with_lock else None)


def plan_for_empty(loaded: Loaded) -> Plan:
    """Return the plan for a database that has nothing but the schema public; no server is asked."""
    actual = Snapshot({Object("schema", "public"): PRESENT})
    situation = Situation(loaded.names, actual, _past(loaded, actual, []))
    return make_plan(loaded.project.manifest, loaded.scripts, situation, Options())


def declare_on(connection: Connection[Any], loaded: Loaded, say: Callable[[str], None]) -> Declared:
    """Return what the scripts declare on this server. Raise DatabaseError when that cannot be found out."""
    from runner.declared import declared

    return declared(connection, loaded.project.manifest, loaded.scripts, loaded.names, loaded.lock, say)


def locked_facts(loaded: Loaded) -> Facts | None:
    """Return what the scripts declare, from the lock file, on whatever server it was written; None when it is stale."""
    lock = loaded.lock
    if lock is None or stale(lock, loaded.project.manifest, loaded.scripts, lock.postgresql):
        return None
    return lock.facts


def lock_text(connection: Connection[Any], loaded: Loaded, say: Callable[[str], None]) -> str:
    """Return the text of a fresh lock file, and say which statements are known by their names alone.

    Raise StatementError for a statement that fails.
    """
    from runner import lock
    from runner.declared import build_declared

    manifest = loaded.project.manifest
    declared = build_declared(connection, manifest, loaded.scripts, loaded.names)
    _require_built(loaded, declared)
    for unbuilt in declared.unbuilt:
        if unbuilt.statement.declaration.declares:
            place = f"{unbuilt.statement.script}:{unbuilt.statement.line}"
            say(f"{place}: compared by name alone, because it {unbuilt.reason}")
    made = lock.make_lock(manifest, loaded.scripts, connection.info.server_version // 10_000, declared.facts)
    return lock.lock_text(made)


def plan(
    connection: Connection[Any], loaded: Loaded, say: Callable[[str], None], options: Options | None = None
) -> Planned:
    """Compare the database with what is declared, and return what a run would do. Only reads, with a fresh lock."""
    declared = declare_on(connection, loaded, say)
    manifest = loaded.project.manifest
    actual = _snapshot(connection, loaded, declared.facts)
    has_history = Object("table", manifest.run.history_table) in actual.facts
    entries = history.read(connection, manifest) if has_history else []
    evidence = Evidence(connection, manifest)
    proposals = _propose(evidence, loaded, declared.facts, actual)

    def is_large(table: Object) -> bool:
        there = evidence.table(name_of(table))
        return there is None or there.size > size_in_bytes(manifest.run.concurrent_index_above)

    situation = Situation(declared.facts, actual, _past(loaded, actual, entries), proposals, is_large)
    made = make_plan(manifest, loaded.scripts, situation, options or Options())
    require_single_transaction(made)
    return Planned(made, tuple(entries), declared, actual, proposals)


def table_sizes(connection: Connection[Any], loaded: Loaded, planned: Planned) -> Mapping[Object, int]:
    """Return the sizes, in bytes, of the tables in the schemas that the scripts name."""
    return catalog.read_sizes(connection, _scope(loaded, planned.declared.facts))


def apply(
    connection: Connection[Any],
    loaded: Loaded,
    planned: Planned,
    listener: Listener | None = None,
    stop: Stop | None = None,
) -> ApplyResult:
    """Execute a plan and verify; the caller holds the run lock.

    Raise DatabaseError when a run cannot go on, and InterruptError when it was asked to stop.
    """
    from runner.execute import Listener, execute
    from runner.stop import Stop

    listener, stop = listener or Listener(), stop or Stop()
    results = []
    try:
        for result in execute(connection, planned.plan, loaded.project.manifest, listener, stop):
            results.append(result)
            listener.finished(result)
    except DatabaseError:
        if stop.signal is None:
            raise
    if stop.signal is not None:
        raise InterruptError(stop.signal, notes=tuple(_standing(planned.plan, results)))
    quiet = planned.plan.only_data and all(result.status == "unchanged" for result in results)
    actual, proposals = planned.actual, planned.proposals
    if not quiet:
        actual = _snapshot(connection, loaded, planned.declared.facts)
        proposals = _propose(Evidence(connection, loaded.project.manifest), loaded, planned.declared.facts, actual)
    verification = _verify(connection, loaded, planned.declared, actual, proposals, tuple(results))
    return ApplyResult(planned.plan, tuple(results), verification)


def _standing(plan: Plan, results: Sequence[ScriptResult]) -> Iterator[str]:
    """Return what an interrupted run has done and what it has not."""
    status = {result.plan.script.path: result.status for result in results}
    for word, statuses in (("done", ("applied", "unchanged")), ("failed", ("failed",)), ("not begun", ("skipped",))):
        paths = [s.script.path for s in plan.scripts if status.get(s.script.path, "skipped") in statuses]
        yield f"{word}: {', '.join(paths) or 'nothing'}"


def verify(connection: Connection[Any], loaded: Loaded, say: Callable[[str], None] = lambda _: None) -> Verification:
    """Compare the database with what is declared, and run the checks. Only reads, with a fresh lock."""
    declared = declare_on(connection, loaded, say)
    actual = _snapshot(connection, loaded, declared.facts)
    proposals = _propose(Evidence(connection, loaded.project.manifest), loaded, declared.facts, actual)
    return _verify(connection, loaded, declared, actual, proposals)


def _verify(
    connection: Connection[Any],
    loaded: Loaded,
    declared: Declared,
    actual: Snapshot,
    proposals: Proposals,
    results: tuple[ScriptResult, ...] | None = None,
) -> Verification:
    """Verify after a run with `results`, else without one."""
    from runner.checks import run_checks
    from runner.remedies import Remedies, makers
    from runner.verify import Outcome
    from runner.verify import verify as compare

    not_done = "'apply' does it" if results is None else "its script failed, or was not run"
    checks = run_checks(connection, loaded.project.manifest, loaded.checks)
    return compare(
        declared.facts,
        actual,
        history_table=loaded.project.manifest.run.history_table,
        remedies=Remedies(proposals, makers(loaded.scripts), not_done),
        tolerated=() if results is None else ("not compared",),
        field_mappings=loaded.field_mappings,
        outcome=Outcome(tuple(checks), results or ()),
    )


def _require_queries(checks: tuple[Parsed, ...]) -> None:
    for check in checks:
        path = check.rendered.path
        if not check.statements:
            raise InputError("empty; a check is a SELECT that returns the rows that are wrong", place=path)
        for statement in check.statements:
            if statement.node != "select_stmt":
                raise InputError("a check only reads: SELECT the rows that are wrong", place=f"{path}:{statement.line}")


def _require_tables(project: Project, declared: State) -> None:
    manifest, file = project.manifest, project.file
    if Object("table", manifest.run.history_table) in declared:
        message = f"a script makes a table {manifest.run.history_table!r} too; give the history another name"
        raise InputError(message, place=f"{file}: run.history_table")
    section = manifest.field_mappings
    if section and Object("table", section.table) not in declared:
        message = f"no script makes a table {section.table!r}; make it, or correct the name"
        raise InputError(message, place=f"{file}: field_mappings.table")


def _past(loaded: Loaded, actual: Snapshot, entries: list[Entry]) -> Past:
    ddl = history.ddl(loaded.project.manifest, actual.facts)
    return Past(history.last_applied(entries), history.begun(entries), history.next_run(entries), ddl)


def _propose(evidence: Evidence, loaded: Loaded, declared: Facts, actual: Snapshot) -> Proposals:
    """Return what mends the differences between the catalogs; without a difference nothing is asked."""
    differences = list(catalog.compare(declared, actual))
    if not differences:
        return {}
    run = loaded.project.manifest.run
    return propose(Context(declared, actual, run.repair, run.rewrite_above, evidence), differences)


def _snapshot(connection: Connection[Any], loaded: Loaded, wanted: Mapping[Object, str]) -> Snapshot:
    return catalog.read(connection, _scope(loaded, wanted))


def _scope(loaded: Loaded, wanted: Mapping[Object, str]) -> Scope:
    project = loaded.project.manifest.project
    others = dict.fromkeys(item.schema for item in wanted if item.schema)
    others |= dict.fromkeys(item.name for item in wanted if item.kind == "comment on schema")
    extensions = tuple(item.name for item in loaded.names if item.kind == "extension")
    schemas = {name: name for name in others} | {project.schema: ""}
    return Scope(schemas, (project.schema, project.extension_schema), extensions)


def _require_built(loaded: Loaded, declared: Declared) -> None:
    """Raise StatementError for the first statement that failed."""
    from runner.server_errors import statement_error

    sources = {parsed.rendered.path: parsed for parsed in loaded.scripts}
    for unbuilt in declared.unbuilt:
        if unbuilt.error:
            raise statement_error(unbuilt.error, sources[unbuilt.statement.script], unbuilt.statement)
