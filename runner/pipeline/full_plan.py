"""Plan with all statements at hand: what the scripts declare, what differs from it, and what a run does about it."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from runner.catalog.declared_words import with_access_of
from runner.catalog.diff import compare
from runner.catalog.relations import Relations, read_relations
from runner.catalog.snapshot import Snapshot
from runner.pipeline.declare import scope_of
from runner.pipeline.releases import release_of_files
from runner.planning import history
from runner.planning.assessment import assessed
from runner.planning.hazard_finder import Limits
from runner.planning.model import Options, Plan
from runner.planning.opaque import without_guesses
from runner.planning.past import Past
from runner.planning.planner import make_plan
from runner.planning.releases import recording
from runner.planning.situation import Situation
from runner.project.loading import Project
from runner.repair.context import Context
from runner.repair.probes import Evidence
from runner.repair.propose import Proposals, propose
from runner.sql.objects import PRESENT, Facts, Object
from runner.sql.statements import statements_by_object
from runner.verification.remedies import Remedies, makers

if TYPE_CHECKING:
    from psycopg import Connection


def plan_for_empty(loaded: Project) -> Plan:
    """Return the plan for a database that has nothing but the schema public; no server is asked."""
    manifest, actual = loaded.project.manifest, Snapshot({Object("schema", "public"): PRESENT})
    situation = Situation(loaded.names, actual, Past({}, {}, 1, history.ddl(manifest, actual.facts)))
    plan = make_plan(manifest, loaded.scripts, situation, Options())
    return replace(plan, release=recording(release_of_files(loaded), (), plan.run))


def plan_in_full(
    connection: Connection[Any], loaded: Project, situation: Situation, options: Options
) -> tuple[Plan, Proposals]:
    """Return the plan for a situation of which the repairs are not known yet, and these."""
    manifest = loaded.project.manifest
    evidence = Evidence(connection, manifest)
    proposals: Proposals = {}

    def propose_for(goal: Facts) -> Proposals:
        nonlocal proposals
        actual = with_access_of(situation.actual, goal)
        proposals = _propose(evidence, loaded, goal, actual, situation.past.applied)
        return proposals

    def is_large(table: Object) -> bool:
        there = evidence.table(table)
        return there is None or there.whole > manifest.run.concurrent_index_above.bytes

    def is_placed(table: Object) -> bool:
        there = evidence.table(table)
        return there is None or there.is_placed

    looks = {"is_large": is_large, "is_placed": is_placed, "sample": evidence.sample}
    situation = replace(situation, propose=propose_for, **looks)
    made = make_plan(manifest, loaded.scripts, situation, options)
    return _assessed(evidence, loaded, made, situation, options), proposals


def _assessed(evidence: Evidence, loaded: Project, made: Plan, situation: Situation, options: Options) -> Plan:
    """Return the plan, whose steps know their locks and hazards."""
    run = loaded.project.manifest.run
    limits = Limits(run.hazard_above.bytes, frozenset((*run.allow_hazards, *options.allow_hazards)))

    def ask(functions: frozenset[str], schemas: frozenset[str]) -> Relations:
        scope = scope_of(loaded, situation.declared)
        more = {name: name for name in schemas}
        return read_relations(evidence.connection, replace(scope, schemas={**more, **scope.schemas}), functions)

    return assessed(made, situation.actual.facts, loaded.project.manifest.project.schema, ask, limits, evidence.table)


def propose_repairs(
    connection: Connection[Any], loaded: Project, declared: Facts, actual: Snapshot, applied: Collection[str]
) -> Proposals:
    """Return what repairs the differences between the catalogs; `applied` are the paths of scripts that were applied.

    Without a difference nothing is asked.
    """
    return _propose(Evidence(connection, loaded.project.manifest), loaded, declared, actual, applied)


def _propose(
    evidence: Evidence, loaded: Project, declared: Facts, actual: Snapshot, applied: Collection[str]
) -> Proposals:
    differences = list(compare(declared, actual))
    if not differences:
        return {}
    run = loaded.project.manifest.run
    statements = statements_by_object(loaded.declaring)
    context = Context(declared, actual, run.repair, run.rewrite_above, evidence, statements=statements)
    proposals = propose(context, differences)
    return without_guesses(proposals, loaded.declaring, applied)


def remedies(loaded: Project, proposals: Proposals, not_done: str, applied: Collection[str]) -> Remedies:
    """Return what knows how a person can repair what differs; `not_done` is why what a run would do is not done.

    `applied` are the paths of the scripts that were applied.
    """
    once = {script.path for script in loaded.project.manifest.scripts if script.run == "once"}
    return Remedies(proposals, makers(loaded.declaring), not_done, once.intersection(applied))
