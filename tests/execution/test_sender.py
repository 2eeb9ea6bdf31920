"""Where a failure is, whenever the server answers."""

from __future__ import annotations

import psycopg
import pytest

from runner.pipeline.apply import apply_plan
from runner.pipeline.plan import plan_database
from runner.project.loading import load
from tests.conftest import MakeProject
from tests.support.early_answers import EarlyCursor

SCRIPT = "create table if not exists item (id integer);\nselect 1;\nselect 1 / 0;\nselect 2;"


@pytest.mark.parametrize("cursor", [psycopg.Cursor, EarlyCursor])
def test_the_statement_that_failed_is_named(project: MakeProject, database: str, cursor: type[psycopg.Cursor]) -> None:
    """The error may come while the statement that failed is sent, or later: the statement is the same."""
    loaded = load(project({"010_item.sql": SCRIPT}) / "manifest.toml")
    with psycopg.connect(database, autocommit=True, cursor_factory=cursor) as connection:
        (result,) = apply_plan(connection, loaded, plan_database(connection, loaded, pytest.fail)).scripts
    assert str(result.error).splitlines()[0] == "script/010_item.sql:3: division by zero [22012]"
