"""Plan for a database: what a run would do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.catalog.declared import Declared
from runner.catalog.diff import Difference, compare, is_as_declared
from runner.catalog.snapshot import Snapshot, read_sizes
from runner.pipeline.declare import declare_on, read_actual, read_with_history, scope_of
from runner.planning import history
from runner.planning.model import Options, Plan, require_single_transaction
from runner.planning.past import Past
from runner.planning.quick import has_schemas, quiet_plan
from runner.postgres.requirements import require_extensions
from runner.project.loading import Project
from runner.sql.objects import Object
from runner.sql.statements import schemas_named
from runner.verification.mapped_columns import is_kindred

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.planning.history import HistoryRow
    from runner.repair.propose import Proposals


class Planned(Struct, frozen=True):
    """A plan, and what it was made from: the history, the declared catalog and the actual one.

    `left` are the differences of which the plan changes nothing.
    """

    plan: Plan
    entries: tuple[HistoryRow, ...]
    declared: Declared
    actual: Snapshot
    proposals: Proposals
    left: tuple[Difference, ...] = ()


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
    actual, entries = read_with_history(connection, loaded, declared.facts)
    past = _past(loaded, actual, entries, run)
    proposals: Proposals = {}
    made = None
    if brief and loaded.sealed and is_as_declared(declared.facts, actual) and has_schemas(manifest, actual):
        made = quiet_plan(manifest, loaded.sealed.scripts, past, options)
    if made is None:
        from runner.pipeline.full_plan import plan_in_full
        from runner.planning.situation import Situation

        if passed := schemas_named(loaded.declaring) - scope_of(loaded, declared.facts).schemas.keys():
            wanted = {**declared.facts, **{Object("table", "", "", schema): "" for schema in passed}}
            actual = read_actual(connection, loaded, wanted)
        made, proposals = plan_in_full(connection, loaded, Situation(declared.facts, actual, past), options)
    require_single_transaction(made)
    left = () if brief else tuple(_left(loaded, made, declared, actual))
    return Planned(made, entries, declared, actual, proposals, left)


def _left(loaded: Project, plan: Plan, declared: Declared, actual: Snapshot) -> Iterator[Difference]:
    """Return the differences that verification would find, and that are about nothing which the plan changes."""
    sent = {item for step in plan.sent for item in step.objects}
    mappings = loaded.field_mappings
    for difference in compare(declared.facts, actual):
        item = difference.object
        is_sent = item in sent or Object("table", item.table, "", item.schema) in sent
        is_tolerated = mappings is not None and is_kindred(difference, mappings)
        if difference.kind not in ("unmanaged", "not compared") and not is_sent and not is_tolerated:
            yield difference


def table_sizes(connection: Connection[Any], loaded: Project, planned: Planned) -> Mapping[Object, int]:
    """Return the sizes, in bytes, of the tables in the schemas that the scripts name."""
    return read_sizes(connection, scope_of(loaded, planned.declared.facts))


def _past(loaded: Project, actual: Snapshot, entries: Sequence[HistoryRow], run: int | None) -> Past:
    ddl = history.ddl(loaded.project.manifest, actual.facts)
    return Past(history.last_applied(entries), history.begun(entries), run or history.next_run(entries), ddl)
