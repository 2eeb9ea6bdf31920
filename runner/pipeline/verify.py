"""Verify a database against the declared schema, and run the checks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

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
    connection: Connection[Any],
    loaded: Project,
    say: Callable[[str], None] = lambda _: None,
    *,
    strict: bool = False,
) -> Verification:
    """Compare the database with what is declared, and run the checks. Only reads, with a fresh lock.

    With `strict`, what nobody declared is a finding, too.
    """
    require_extensions(connection, loaded.project, lambda: loaded.names)
    declared = declare_on(connection, loaded, say)
    actual = read_with_problems(connection, loaded, declared.facts)
    applied = () if is_as_declared(declared.facts, actual) else _applied(connection, loaded, declared.facts)
    proposals = repairs_between(connection, loaded, declared.facts, actual, applied)
    return verify_actual(connection, loaded, declared, actual, proposals, Occasion(is_strict=strict))


def _applied(connection: Connection[Any], loaded: Project, declared: Facts) -> Collection[str]:
    """Return the paths of the scripts that were applied; none when the role may not read the history."""
    try:
        return last_applied(read_with_history(connection, loaded, declared)[1].entries)
    except DatabaseError:
        return ()


class Occasion(NamedTuple):
    """When a database is verified: after a run with `results`, else without one.

    For `older` files all has to be there that they need. With `is_strict`, what nobody declared is a finding, too.
    """

    results: tuple[ScriptResult, ...] | None = None
    older: Older | None = None
    is_strict: bool = False


def verify_actual(
    connection: Connection[Any],
    loaded: Project,
    declared: Declared,
    actual: Snapshot,
    proposals: Proposals,
    occasion: Occasion,
) -> Verification:
    """Verify what was read of a database."""
    from runner.verification.checks import run_checks
    from runner.verification.findings import RunOutcome, find_deviations

    results, older, is_strict = occasion

    remedies = cache(lambda: _remedies(connection, loaded, declared.facts, proposals, results))

    def remedy(difference: Difference) -> Remedy:
        return remedy_for_older(older) if older else remedies().of(difference)

    def is_tolerated(difference: Difference) -> bool:
        if older:
            return difference.kind != "unmanaged" and is_enough_for(loaded, difference)
        return results is not None if difference.kind == "not compared" else is_as_mapped(loaded, difference)

    manifest, others = loaded.project.manifest, (*_mapped(loaded, actual), *(other_data(older) if older else ()))
    checks = tuple(run_checks(connection, manifest, loaded.checks))
    outcome = RunOutcome(checks, results or (), declared.uncompared, manifest.accepted, is_strict)
    return find_deviations(
        declared.facts,
        actual,
        history_table=manifest.run.history_table,
        remedy=remedy,
        is_tolerated=is_tolerated,
        others=others,
        outcome=outcome,
    )


def _remedies(
    connection: Connection[Any],
    loaded: Project,
    declared: Facts,
    proposals: Proposals,
    results: tuple[ScriptResult, ...] | None,
) -> Remedies:
    """Return what knows what a person can do about differences."""
    from runner.pipeline.full_plan import remedies

    applied = _applied(connection, loaded, declared) if results is None else _applied_by(results)
    return remedies(loaded, proposals, _NOT_APPLIED if results is None else _NOT_RUN, applied)


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
