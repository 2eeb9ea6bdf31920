"""Plan for a database: what a run would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from runner.catalog.declared import Declared
from runner.catalog.diff import Difference, compare, is_as_declared
from runner.catalog.snapshot import Snapshot
from runner.pipeline.declare import declare_on, read_actual, read_with_history, scope_of
from runner.pipeline.releases import is_as_mapped, plan_for_older, release_of_files
from runner.planning import history
from runner.planning.model import Options, Plan
from runner.planning.past import Past
from runner.planning.quick import has_schemas, quiet_plan
from runner.planning.refusals import require_single_transaction
from runner.planning.releases import have_lost_nothing, later_than, recording
from runner.postgres.requirements import require_extensions
from runner.project.loading import Project
from runner.sql.objects import Object
from runner.sql.statements import schemas_named

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.pipeline.data_rows import DataRows
    from runner.planning.history import HistoryRow, Records
    from runner.planning.releases import ReleaseRow
    from runner.project.manifest import Manifest
    from runner.repair.propose import Proposals


class Planned(Struct, frozen=True):
    """A plan, and what it was made from: the history, the releases, the declared catalog and the actual one.

    `left` are the differences of which the plan changes nothing.
    """

    plan: Plan
    entries: tuple[HistoryRow, ...]
    releases: tuple[ReleaseRow, ...]
    declared: Declared
    actual: Snapshot
    proposals: Proposals
    left: tuple[Difference, ...] = ()
    rows: tuple[DataRows, ...] | None = None
    """What the data statements do to rows, when that was tried."""

    @property
    def is_done(self) -> bool:
        """Whether the database has all that the files declare, as far as a plan can tell."""
        return self.plan.is_done and not self.left and not self.plan.refused


def plan_database(
    connection: Connection[Any],
    loaded: Project,
    say: Callable[[str], None],
    options: Options | None = None,
    *,
    brief: bool = False,
    run: int | None = None,
) -> Planned:
    """Compare the database with what is declared, and return what a run would do. Only reads, with a fresh lock.

    With `brief`, statements of which nothing is to be done may be left out of it; `run` is the number of the run that
    goes on with it. Raise DatabaseError when the database lacks what a chosen profile requires.
    """
    require_extensions(connection, loaded.project, lambda: loaded.names)
    options = options or Options()
    declared = declare_on(connection, loaded, say)
    manifest = loaded.project.manifest
    actual, records = read_with_history(connection, loaded, declared.facts)
    past = _past(manifest, actual, records, run)
    release = release_of_files(loaded)
    may_be_older = run is None and not options.allow_older and manifest.run.older != "apply"
    if later := later_than(release, records.releases) if may_be_older else None:
        nothing = plan_for_older(loaded, release, later, declared.facts, actual, past.run)
        return Planned(nothing, records.entries, records.releases, declared, actual, {})
    proposals: Proposals = {}
    made = None
    if brief and loaded.sealed and is_as_declared(declared.facts, actual) and has_schemas(manifest, actual):
        made = quiet_plan(manifest, loaded.sealed.scripts, past, options)
    if made is None:
        made, actual, proposals = _in_full(connection, loaded, declared, actual, past, options)
    require_single_transaction(made)
    allowed = tuple(sorted({*manifest.run.allow_hazards, *options.allow_hazards}))
    made = replace(made, release=recording(release, records.releases, past.run), allowed=allowed)
    left = () if brief else tuple(_left(loaded, made, declared, actual))
    return Planned(made, records.entries, records.releases, declared, actual, proposals, left)


def _in_full(
    connection: Connection[Any], loaded: Project, declared: Declared, actual: Snapshot, past: Past, options: Options
) -> tuple[Plan, Snapshot, Proposals]:
    """Return the plan with all statements at hand, the facts that it was made from, and the repairs."""
    from runner.pipeline.full_plan import plan_in_full
    from runner.planning.situation import Situation

    if passed := schemas_named(loaded.declaring) - scope_of(loaded, declared.facts).schemas.keys():
        wanted = {**declared.facts, **{Object("table", "", "", schema): "" for schema in passed}}
        actual = read_actual(connection, loaded, wanted)
    made, proposals = plan_in_full(connection, loaded, Situation(declared.facts, actual, past), options)
    return made, actual, proposals


def _left(loaded: Project, plan: Plan, declared: Declared, actual: Snapshot) -> Iterator[Difference]:
    """Return the differences that verification would find, and that are about nothing which the plan changes."""
    sent = {item for step in plan.sent for item in (*step.objects, *step.reason.objects)}
    for difference in compare(declared.facts, actual):
        item = difference.object
        is_sent = item in sent or Object("table", item.table, "", item.schema) in sent
        if (
            difference.kind not in ("unmanaged", "not compared")
            and not is_sent
            and not is_as_mapped(loaded, difference)
        ):
            yield difference


def _past(manifest: Manifest, actual: Snapshot, records: Records, run: int | None) -> Past:
    entries = records.entries
    setup = (*history.ddl(manifest, actual.facts), *history.claims(manifest, entries))
    is_released = have_lost_nothing(records.releases)
    applied, begun = history.last_applied(entries), history.begun(entries)
    return Past(applied, begun, run or records.run, setup, is_released, history.failed(entries))
