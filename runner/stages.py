"""The stages of a run as functions: load, plan, apply, verify. Nothing here prints or exits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner import catalog, history, profiles
from runner.catalog import Facts, Scope, Snapshot
from runner.declared import Declared, declared
from runner.errors import DatabaseError, InterruptError
from runner.loaded import Loaded
from runner.lock import facts_in, stale
from runner.objects import Object
from runner.plans import Options, Past, Plan, require_single_transaction
from runner.quiet import has_schemas, is_as_declared, quiet_plan

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.catalog import Difference
    from runner.execute import Listener
    from runner.history import Entry
    from runner.remedies import Remedies, Remedy
    from runner.repair import Proposals
    from runner.results import ScriptResult
    from runner.stop import Stop
    from runner.verification import Verification


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


def declare_on(connection: Connection[Any], loaded: Loaded, say: Callable[[str], None]) -> Declared:
    """Return what the scripts declare on this server. Raise DatabaseError when that cannot be found out."""
    if loaded.lock and loaded.sealed and loaded.lock.postgresql == connection.info.server_version // 10_000:
        return Declared(facts_in(loaded.lock, loaded.project.manifest.project.schema))
    return declared(connection, loaded.project.manifest, loaded.scripts, loaded.names, loaded.lock, say)


def locked_facts(loaded: Loaded) -> Facts | None:
    """Return what the scripts declare, from the lock file, on whatever server it was written; None when it is stale."""
    lock = loaded.lock
    if lock is None or stale(lock, loaded.project.manifest, loaded.scripts, lock.postgresql):
        return None
    return facts_in(lock, loaded.project.manifest.project.schema)


def plan(
    connection: Connection[Any],
    loaded: Loaded,
    say: Callable[[str], None],
    options: Options | None = None,
    *,
    brief: bool = False,
) -> Planned:
    """Compare the database with what is declared, and return what a run would do. Only reads, with a fresh lock.

    With `brief`, statements of which nothing is to be done may be left out of it. Raise DatabaseError when the database
    lacks what a chosen profile requires.
    """
    profiles.require(connection, loaded.project, lambda: loaded.names)
    options = options or Options()
    declared = declare_on(connection, loaded, say)
    manifest = loaded.project.manifest
    scope = _scope(loaded, declared.facts)
    with history.cure_named(connection, manifest):
        actual, rows = catalog.read_and_ask(connection, scope, history.questions(manifest))
    entries = tuple(history.Entry(*row) for row in rows)
    past = _past(loaded, actual, entries)
    proposals: Proposals = {}
    made = None
    if brief and loaded.sealed and is_as_declared(declared.facts, actual) and has_schemas(manifest, actual):
        made = quiet_plan(manifest, loaded.sealed.scripts, past, options)
    if made is None:
        from runner.planner import Situation
        from runner.planning import plan_in_full

        made, proposals = plan_in_full(connection, loaded, Situation(declared.facts, actual, past), options)
    require_single_transaction(made)
    return Planned(made, entries, declared, actual, proposals)


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
    listener.stage("verifying")
    quiet = planned.plan.only_data and all(result.status == "unchanged" for result in results)
    actual, proposals = planned.actual, planned.proposals
    if not quiet:
        actual = _snapshot(connection, loaded, planned.declared.facts)
        proposals = _propose(connection, loaded, planned.declared.facts, actual)
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
    profiles.require(connection, loaded.project, lambda: loaded.names)
    declared = declare_on(connection, loaded, say)
    actual = _snapshot(connection, loaded, declared.facts)
    proposals = _propose(connection, loaded, declared.facts, actual)
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
    from runner.verification import Outcome
    from runner.verification import verify as compare

    @cache
    def remedies() -> Remedies:
        from runner import planning

        not_done = "'apply' mends it" if results is None else "its script failed, or was not run"
        return planning.remedies(loaded, proposals, not_done)

    def remedy(difference: Difference) -> Remedy:
        return remedies().of(difference)

    checks = run_checks(connection, loaded.project.manifest, loaded.checks)
    return compare(
        declared.facts,
        actual,
        history_table=loaded.project.manifest.run.history_table,
        remedy=remedy,
        tolerated=() if results is None else ("not compared",),
        field_mappings=loaded.field_mappings,
        outcome=Outcome(tuple(checks), results or ()),
    )


def _propose(connection: Connection[Any], loaded: Loaded, declared: Facts, actual: Snapshot) -> Proposals:
    """Return what mends the differences between the catalogs, if there are any."""
    if is_as_declared(declared, actual):
        return {}
    from runner.planning import propose_repairs

    return propose_repairs(connection, loaded, declared, actual)


def _past(loaded: Loaded, actual: Snapshot, entries: Sequence[Entry]) -> Past:
    ddl = history.ddl(loaded.project.manifest, actual.facts)
    return Past(history.last_applied(entries), history.begun(entries), history.next_run(entries), ddl)


def _snapshot(connection: Connection[Any], loaded: Loaded, wanted: Mapping[Object, str]) -> Snapshot:
    return catalog.read(connection, _scope(loaded, wanted))


def _scope(loaded: Loaded, wanted: Mapping[Object, str]) -> Scope:
    project = loaded.project.manifest.project
    others = dict.fromkeys(item.schema for item in wanted if item.schema)
    others |= dict.fromkeys(item.name for item in wanted if item.kind == "comment on schema")
    extensions = tuple(item.name for item in wanted if item.kind == "extension")
    schemas = {name: name for name in others} | {project.schema: ""}
    return Scope(schemas, (project.schema, project.extension_schema), extensions)
