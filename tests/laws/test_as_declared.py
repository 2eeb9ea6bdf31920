"""Declared = actual, for all that hangs on tables and for what roles may do: each difference is repaired, or a finding.

RUNNER_TEST_EXAMPLES is how many pairs of schemas are tried; when it is set, they are other ones with each run.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, note, settings

from runner.pipeline.apply import apply_plan
from runner.pipeline.plan import plan_database
from runner.pipeline.verify import verify_database
from runner.project.loading import Project, load
from tests.laws.test_repaired import has_reason
from tests.laws.test_same_as_dump import difference
from tests.support.projects import write_project
from tests.support.random_kinds import MANAGED, ROLES, make_empty, pairs, roles
from tests.support.random_schemas import EXAMPLES, MORE, Script, Side, Sides, sides
from tests.support.servers import dump

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["roles", "sides"]  # fixtures, which pytest finds here


@pytest.mark.long
@settings(EXAMPLES, max_examples=int(MORE or 20))
@given(pairs())
@pytest.mark.usefixtures("roles")
def test_a_difference_is_repaired_or_found(sides: Sides, pair: tuple[Script, Script]) -> None:
    """Verify --strict finds something exactly if dumps differ, before and after `align` has repaired what it may."""
    script, _ = (made(side, each) for side, each in zip((sides.declared, sides.actual), pair, strict=True))
    declared, connection = shown(sides.declared), sides.actual.connection
    loaded = project(sides.folder, script)
    before = difference(declared, shown(sides.actual))
    note("".join(f"{sql};\n" for sql in script) + before)
    found = strict(connection, loaded)
    assert bool(found) == bool(before), found or "nothing found"
    apply(connection, loaded)
    left, found = difference(declared, shown(sides.actual)), strict(connection, loaded)
    assert bool(found) == bool(left), found or left


def made(side: Side, script: Script) -> Script:
    """Make a schema in an empty database; return the statements that the server did not refuse."""
    make_empty(side.connection)
    return [sql for sql in script if side.accepts(sql)]


def shown(side: Side) -> list[str]:
    """Return what pg_dump says of a schema, its owners and who may do what, without what a run makes for itself."""
    side.connection.execute("reset search_path")
    return dump(side.dsn, "--schema-only", "--exclude-table=*.runner_history*").splitlines()


def project(folder: Path, script: Script) -> Project:
    """Return a project whose one script may do all that repairs do; the roles may create what scripts use."""
    write_project(
        folder,
        {"010_all.sql": "".join(f"{sql};\n" for sql in script)},
        options={"010_all.sql": {"allow_destructive": True}},
        run={"repair": "align"},
        roles={"managed": MANAGED},
        project={"trusted_creators": list(ROLES)},
    )
    return load(folder / "manifest.toml")


def strict(connection: Connection, loaded: Project) -> list[str]:
    """Return all findings of verify --strict; everything has to be compared."""
    verification = verify_database(connection, loaded, strict=True)
    assert not verification.not_compared, (verification.uncompared, verification.other_kinds)
    return [str(finding) for finding in verification.findings]


def apply(connection: Connection, loaded: Project) -> None:
    """Apply a project: no script fails, what is left has a reason, and a second plan sends nothing."""
    planned = plan_database(connection, loaded, note)
    note("\n".join(f"{step.sql}" for script in planned.plan.scripts for step in script.to_send))
    result = apply_plan(connection, loaded, planned)
    failed = [str(script.error) for script in result.scripts if script.error]
    assert not failed, failed
    undone = [finding for finding in result.verification.findings if not has_reason(finding)]
    assert not undone, undone
    again = [step.sql for script in plan_database(connection, loaded, note).plan.scripts for step in script.to_send]
    assert not again, again
