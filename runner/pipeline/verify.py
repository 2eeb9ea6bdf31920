"""Verify a database against the declared schema, and run the checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from runner.catalog.declared import Declared
from runner.catalog.diff import is_as_declared
from runner.catalog.snapshot import Snapshot
from runner.errors import DatabaseError
from runner.pipeline.declare import declare_on, read_with_history, read_with_problems
from runner.pipeline.releases import is_as_mapped, is_enough_for, other_data, remedy_for_older
from runner.planning.history import last_applied
from runner.postgres.requirements import require_extensions
from runner.project.loading import Project
from runner.sql.objects import Facts
from runner.verification.mapped_columns import find_mapped

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.catalog.diff import Difference
    from runner.execution.results import ScriptResult
    from runner.planning.releases import Older
    from runner.repair.propose import Proposals
    from runner.verification.finding import Finding, Remedy
    from runner.verification.findings import Verification
    from runner.verification.remedies import Remedies

_NOT_APPLIED = "not applied yet; fix: run `apply`"
_NOT_RUN = "its script failed, or was not run"


def verify_database(
    connection: Connection[Any], loaded: Project, say: Callable[[str], None] = lambda _: None
) -> Verification:
    """Compare the database with what is declared, and run the checks. Only reads, with a fresh lock."""
    require_extensions(connection, loaded.project, lambda: loaded.names)
    declared = declare_on(connection, loaded, say)
    actual = read_with_problems(connection, loaded, declared.facts)
    applied = () if is_as_declared(declared.facts, actual) else _applied(connection, loaded, declared.facts)
    proposals = repairs_between(connection, loaded, declared.facts, actual, applied)
    return verify_actual(connection, loaded, declared, actual, proposals)


def _applied(connection: Connection[Any], loaded: Project, declared: Facts) -> Collection[str]:
    """Return the paths of the scripts that were applied; none when the role may not read the history."""
    try:
        return last_applied(read_with_history(connection, loaded, declared)[1].entries)
    except DatabaseError:
        return ()


def verify_actual(
    connection: Connection[Any],
    loaded: Project,
    declared: Declared,
    actual: Snapshot,
    proposals: Proposals,
    results: tuple[ScriptResult, ...] | None = None,
    older: Older | None = None,
) -> Verification:
    """Verify after a run with `results`, else without one; for `older` files, that all is there that they need."""
    from runner.verification.checks import run_checks
    from runner.verification.findings import RunOutcome, find_deviations

    @cache
    def remedies() -> Remedies:
        from runner.pipeline.full_plan import remedies

        applied = _applied(connection, loaded, declared.facts) if results is None else _applied_by(results)
        return remedies(loaded, proposals, _NOT_APPLIED if results is None else _NOT_RUN, applied)

    def remedy(difference: Difference) -> Remedy:
        return remedy_for_older(older) if older else remedies().of(difference)

    def is_tolerated(difference: Difference) -> bool:
        if older:
            return difference.kind != "unmanaged" and is_enough_for(loaded, difference)
        if difference.kind == "not compared":
            return results is not None
        return is_as_mapped(loaded, difference)

    checks = run_checks(connection, loaded.project.manifest, loaded.checks)
    return find_deviations(
        declared.facts,
        actual,
        history_table=loaded.project.manifest.run.history_table,
        remedy=remedy,
        is_tolerated=is_tolerated,
        others=(*_mapped(loaded, actual), *(other_data(older) if older else ())),
        outcome=RunOutcome(tuple(checks), results or (), declared.uncompared, loaded.project.manifest.accepted),
    )


def _applied_by(results: Iterable[ScriptResult]) -> Collection[str]:
    """Return the paths of the scripts that a run has applied, or has found applied."""
    return {result.plan.script.path for result in results if result.status in ("applied", "unchanged")}


def _mapped(loaded: Project, actual: Snapshot) -> Iterable[Finding]:
    return find_mapped(loaded.field_mappings, actual) if loaded.field_mappings else ()


def repairs_between(
    connection: Connection[Any], loaded: Project, declared: Facts, actual: Snapshot, applied: Collection[str]
) -> Proposals:
    """Return what repairs the differences between the catalogs, if there are any; `applied` are paths of scripts."""
    if is_as_declared(declared, actual):
        return {}
    from runner.pipeline.full_plan import propose_repairs

    return propose_repairs(connection, loaded, declared, actual, applied)
