"""How the checks are run, whenever the server answers."""

from __future__ import annotations

import psycopg
import pytest

from runner.pipeline.verify import verify_database
from runner.project.loading import load
from runner.verification.checks import run_checks
from tests.conftest import MakeProject
from tests.support.early_answers import EarlyCursor

CHECKS = {
    "010_fails.sql": "select 1 / 0;",
    "020_good.sql": "select 1 as problem where false;",
    "030_fails.sql": "select 1 where false;\nselect 1 / 0;",
    "040_fails.sql": "select id from isue;",
    "050_bad.sql": "select 'here' as problem;",
}


@pytest.mark.parametrize("cursor", [psycopg.Cursor, EarlyCursor])
def test_a_check_that_fails_is_never_taken_for_a_good_one(
    project: MakeProject, database: str, cursor: type[psycopg.Cursor]
) -> None:
    """The error may come while the statement that failed is sent, or later: it is a finding at that statement."""
    loaded = load(project({"010_nothing.sql": "select 1;"}, checks=CHECKS) / "manifest.toml")
    with psycopg.connect(database, autocommit=True, prepare_threshold=None, cursor_factory=cursor) as connection:
        findings = verify_database(connection, loaded).findings
    assert [(str(finding.object), str(finding.actual).splitlines()[0]) for finding in findings] == [
        ("check/010_fails.sql", "check/010_fails.sql:1: division by zero [22012]"),
        ("check/030_fails.sql", "check/030_fails.sql:2: division by zero [22012]"),
        ("check/040_fails.sql", 'check/040_fails.sql:1: relation "isue" does not exist [42P01]'),
        ("check/050_bad.sql", "problem: here"),
    ]


def test_a_single_check_that_fails_has_an_error_each_time(project: MakeProject, database: str) -> None:
    """With one check there is nothing after it to be sent, and its error comes now early, now late."""
    checks = {"010_fails.sql": "select 1 / 0;"}
    loaded = load(project({"010_nothing.sql": "select 1;"}, checks=checks) / "manifest.toml")
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as connection:
        for _ in range(100):
            (result,) = run_checks(connection, loaded.project.manifest, loaded.checks)
            assert result.error is not None
