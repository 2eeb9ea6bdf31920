"""Plan with all statements at hand: what the scripts declare, what differs from it, and what a run does about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner import history
from runner.catalog import Facts, Snapshot, compare
from runner.declared import Declared, build_declared
from runner.evidence import Evidence
from runner.loaded import Loaded
from runner.lock import Lock, make_lock
from runner.manifest import size_in_bytes
from runner.objects import PRESENT, Object, name_of
from runner.planner import Situation, make_plan
from runner.plans import Applied, Options, Past, Plan
from runner.proposals import Context
from runner.remedies import Remedies, makers
from runner.repair import Proposals, propose
from runner.seal import Seal, make_seals, open_seals
from runner.server_errors import statement_error

if TYPE_CHECKING:
    from psycopg import Connection


def plan_for_empty(loaded: Loaded) -> Plan:
    """Return the plan for a database that has nothing but the schema public; no server is asked."""
    manifest, actual = loaded.project.manifest, Snapshot({Object("schema", "public"): PRESENT})
    situation = Situation(loaded.names, actual, Past({}, {}, 1, history.ddl(manifest, actual.facts)))
    return make_plan(manifest, loaded.scripts, situation, Options())


def plan_in_full(
    connection: Connection[Any], loaded: Loaded, situation: Situation, options: Options
) -> tuple[Plan, Proposals]:
    """Return the plan for a situation of which the repairs are not known yet, and these."""
    manifest = loaded.project.manifest
    evidence = Evidence(connection, manifest)
    proposals = _propose(evidence, loaded, situation.declared, situation.actual)

    def is_large(table: Object) -> bool:
        there = evidence.table(name_of(table))
        return there is None or there.size > size_in_bytes(manifest.run.concurrent_index_above)

    situation = replace(situation, proposals=proposals, is_large=is_large)
    return make_plan(manifest, loaded.scripts, situation, options), proposals


def propose_repairs(connection: Connection[Any], loaded: Loaded, declared: Facts, actual: Snapshot) -> Proposals:
    """Return what mends the differences between the catalogs; without a difference nothing is asked."""
    return _propose(Evidence(connection, loaded.project.manifest), loaded, declared, actual)


def _propose(evidence: Evidence, loaded: Loaded, declared: Facts, actual: Snapshot) -> Proposals:
    differences = list(compare(declared, actual))
    if not differences:
        return {}
    run = loaded.project.manifest.run
    return propose(Context(declared, actual, run.repair, run.rewrite_above, evidence), differences)


def remedies(loaded: Loaded, proposals: Proposals, not_done: str) -> Remedies:
    """Return what knows how a person can mend what differs; `not_done` is why what a run would do is not done."""
    return Remedies(proposals, makers(loaded.scripts), not_done)


def lock_on(connection: Connection[Any], loaded: Loaded, say: Callable[[str], None]) -> Lock:
    """Return a fresh lock, and say which statements are known by their names alone.

    Raise StatementError for a statement that fails.
    """
    manifest = loaded.project.manifest
    declared = build_declared(connection, manifest, loaded.scripts, loaded.names)
    _require_built(loaded, declared)
    for unbuilt in declared.unbuilt:
        if unbuilt.statement.declaration.declares:
            place = f"{unbuilt.statement.script}:{unbuilt.statement.line}"
            say(f"{place}: compared by name alone, because it {unbuilt.reason}")
    version = connection.info.server_version // 10_000
    seals = _seals(loaded, declared.facts)
    if not seals:
        say("no seals: each start parses all scripts; docs/lock.md tells when that is so")
    return make_lock(manifest, loaded.scripts, version, declared.facts, seals)


def _seals(loaded: Loaded, declared: Facts) -> dict[str, Seal]:
    """Return the seals of scripts and checks, from a plan for a database that is as declared, where all was applied.

    There are none when they would not hold: what is sent is found by a simple splitter.
    """
    manifest = loaded.project.manifest
    schemas = (manifest.project.schema, manifest.project.extension_schema)
    actual = Snapshot({**declared, **{Object("schema", name): PRESENT for name in schemas}})
    applied = {parsed.rendered.path: Applied(parsed.checksum, "", "", 1) for parsed in loaded.scripts}
    situation = Situation(declared, actual, Past(applied, {}, 1, ()))
    plan = make_plan(manifest, loaded.scripts, situation, Options())
    seals = make_seals(manifest, plan, loaded.checks)
    files = loaded.files
    return seals if open_seals(manifest, files.rendered_scripts, files.rendered_checks, seals) else {}


def _require_built(loaded: Loaded, declared: Declared) -> None:
    """Raise StatementError for the first statement that failed."""
    sources = {parsed.rendered.path: parsed for parsed in loaded.scripts}
    for unbuilt in declared.unbuilt:
        if unbuilt.error:
            raise statement_error(unbuilt.error, sources[unbuilt.statement.script], unbuilt.statement)
