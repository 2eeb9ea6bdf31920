"""The release that the files of a project are, and what a run does when the database has a later one: nothing."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.diff import Difference, compare
from runner.catalog.snapshot import Snapshot
from runner.catalog.wider import is_wider
from runner.planning.model import Plan, ScriptPlan
from runner.planning.reasons import Reason
from runner.planning.releases import Older, Release, ReleaseRow, release_of
from runner.postgres.settings import session_settings
from runner.project.loading import Project
from runner.sql.objects import Facts
from runner.verification.finding import Finding, Remedy
from runner.verification.mapped_columns import is_kindred


def release_of_files(loaded: Project) -> Release:
    """Return the release that the files of a project are."""
    scripts = loaded.sealed.scripts if loaded.sealed else loaded.scripts
    return release_of(loaded.project.manifest, scripts)


def plan_for_older(
    loaded: Project, release: Release, newest: ReleaseRow, declared: Facts, actual: Snapshot, run: int
) -> Plan:
    """Return the plan of files that are older than the newest release: nothing is sent."""
    manifest = loaded.project.manifest
    lacks = tuple(_lacks(loaded, declared, actual))
    older = Older(release.identity, newest.applied, lacks, has_other_data=release.data != newest.data)
    scripts = loaded.sealed.scripts if loaded.sealed else loaded.scripts
    reason = Reason("older", past=older.newest)
    plans = tuple(
        ScriptPlan(entry, parsed, due=False, changed=False, reason=reason, steps=())
        for entry, parsed in zip(manifest.scripts, scripts, strict=True)
    )
    return Plan(run, session_settings(manifest, local=True), (), plans, older=older)


def is_enough_for(loaded: Project, difference: Difference) -> bool:
    """Return whether older files do not mind a difference: the object is there, and takes all that they declare."""
    return is_wider(difference) or is_as_mapped(loaded, difference)


def is_as_mapped(loaded: Project, difference: Difference) -> bool:
    """Return whether a column is as the field mappings have it, if not as the scripts do."""
    return loaded.field_mappings is not None and is_kindred(difference, loaded.field_mappings)


def remedy_for_older(older: Older) -> Remedy:
    """Return what can be done about what older files lack."""
    return Remedy("", f"these files are {Reason('older', past=older.newest)}")


def other_data(older: Older) -> Iterator[Finding]:
    """Return the finding that the rows may not be what older files say of them."""
    if older.has_other_data:
        yield Finding("data", "data statements", actual=f"those of run {older.newest.run} are others")


def _lacks(loaded: Project, declared: Facts, actual: Snapshot) -> Iterator[Difference]:
    return (found for found in compare(declared, actual) if not is_enough_for(loaded, found))
