"""Plan for a database: what a run would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.declared import Declared
from runner.catalog.diff import is_as_declared
from runner.catalog.snapshot import Snapshot, read_and_ask, read_sizes
from runner.pipeline.declare import declare_on, scope_of
from runner.pipeline.releases import plan_for_older, release_of_files
from runner.planning import history
from runner.planning.model import Options, Plan, require_single_transaction
from runner.planning.past import Past
from runner.planning.quick import has_schemas, quiet_plan
from runner.planning.releases import ReleaseRow, later_than, recording
from runner.postgres.requirements import require_extensions
from runner.project.loading import Project
from runner.project.manifest import Manifest
from runner.sql.objects import Facts, Object

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.planning.history import HistoryRow
    from runner.repair.propose import Proposals


class Planned(Struct, frozen=True):
    """A plan, and what it was made from: the history, the releases, the declared catalog and the actual one."""

    plan: Plan
    entries: tuple[HistoryRow, ...]
    releases: tuple[ReleaseRow, ...]
    declared: Declared
    actual: Snapshot
    proposals: Proposals


def plan_database(
    connection: Connection[Any],
    loaded: Project,
    say: Callable[[str], None],
    options: Options | None = None,
    *,
    brief: bool = False,
) -> Planned:
    """Compare the database with what is declared, and return what a run would do. Only reads, with a fresh lock.

    With `brief`, statements of which nothing is to be done may be left out of it. Raise DatabaseError when the database
    lacks what a chosen profile requires.
    """
    require_extensions(connection, loaded.project, lambda: loaded.names)
    options = options or Options()
    declared = declare_on(connection, loaded, say)
    manifest = loaded.project.manifest
    scope = scope_of(loaded, declared.facts)
    with history.cure_named(connection, manifest):
        actual, (_, rows, released) = read_and_ask(connection, scope, history.questions(manifest))
    known = tuple(history.HistoryRow(*row) for row in rows)
    entries, releases = history.own_rows(manifest, known), tuple(ReleaseRow(*row) for row in released)
    past = _past(manifest, actual, entries, history.next_run(known, releases))
    release = release_of_files(loaded)
    later = None if options.allow_older or manifest.run.older == "apply" else later_than(release, releases)
    if later:
        made = plan_for_older(loaded, release, later, declared.facts, actual, past.run)
        return Planned(made, entries, releases, declared, actual, {})
    made, proposals = _plan(connection, loaded, (declared.facts, actual, past), options, brief=brief)
    require_single_transaction(made)
    made = replace(made, release=recording(release, releases, past.run))
    return Planned(made, entries, releases, declared, actual, proposals)


def _plan(
    connection: Connection[Any],
    loaded: Project,
    situation: tuple[Facts, Snapshot, Past],
    options: Options,
    *,
    brief: bool,
) -> tuple[Plan, Proposals]:
    """Return what a run does in a situation, and the repairs."""
    manifest, (declared, actual, past) = loaded.project.manifest, situation
    if brief and loaded.sealed and is_as_declared(declared, actual) and has_schemas(manifest, actual):
        made = quiet_plan(manifest, loaded.sealed.scripts, past, options)
        if made is not None:
            return made, {}
    from runner.pipeline.full_plan import plan_in_full
    from runner.planning.planner import Situation

    return plan_in_full(connection, loaded, Situation(*situation), options)


def table_sizes(connection: Connection[Any], loaded: Project, planned: Planned) -> Mapping[Object, int]:
    """Return the sizes, in bytes, of the tables in the schemas that the scripts name."""
    return read_sizes(connection, scope_of(loaded, planned.declared.facts))


def _past(manifest: Manifest, actual: Snapshot, entries: Sequence[HistoryRow], run: int) -> Past:
    setup = (*history.ddl(manifest, actual.facts), *history.claims(manifest, entries))
    return Past(history.last_applied(entries), history.begun(entries), run, setup)
