"""No phantoms: a script that is the dump of a database declares what this database has."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection

from runner.pipeline.apply import apply_plan
from runner.pipeline.plan import plan_database
from runner.pipeline.verify import verify_database
from runner.project.loading import load
from tests.support.dumps import schema_script
from tests.support.projects import CASES, write_project
from tests.support.servers import Server

GROUPS = tomllib.loads((CASES / "catalog.toml").read_text(encoding="utf-8"))
EXPRESSIONS = tomllib.loads((CASES / "expressions.toml").read_text(encoding="utf-8"))


def phantoms(connection: Connection, dsn: str, folder: Path) -> Iterator[str]:
    """Yield what is pending, found or not compared in a database when its dump is the script."""
    folder = write_project(folder, {"010_dump.sql": schema_script(dsn, folder)})
    loaded = load(folder / "manifest.toml")
    planned = plan_database(connection, loaded, lambda _: None)
    yield from (f"not compared: {item.statement.sql}: {item.reason}" for item in planned.declared.unbuilt)
    for script in planned.plan.scripts:
        yield from (f"{step.action}: {step.sql}" for step in script.steps if step.action != "unchanged")
    found = verify_database(connection, loaded)
    yield from (str(finding) for finding in (*found.findings, *found.unmanaged))
    result = apply_plan(connection, loaded, planned)
    yield from (f"{script.status}: {script.error}" for script in result.scripts if script.error or script.sent)
    yield from (str(finding) for finding in result.verification.findings)


@pytest.mark.parametrize("group", GROUPS)
def test_a_database_is_as_its_dump_declares(server: Server, tmp_path: Path, group: str) -> None:
    """Each kind of object is as it was before it was dumped."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(GROUPS[group]["declared"].encode())
        connection.execute("reset all")
        assert list(phantoms(connection, dsn, tmp_path)) == []


def test_an_expression_is_as_its_dump_declares(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """Expressions are the same in constraints, indexes and views: a few of them, and all with --torture."""
    step = 1 if request.config.getoption("torture") else 6
    expressions = EXPRESSIONS["expressions"].strip().splitlines()[::step]
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        connection.execute(EXPRESSIONS["before"].encode())
        connection.execute(f"create table t ({EXPRESSIONS['columns']})".encode())
        made = sum(
            is_made(connection, sql.format(name=f"{kind}{number}", expression=expression))
            for number, expression in enumerate(expressions)
            for kind, sql in MAKERS.items()
        )
        assert made > 2 * len(expressions)
        assert list(phantoms(connection, dsn, tmp_path)) == []


MAKERS = {
    "c": "alter table t add constraint {name} check ({expression})",
    "i": "create index {name} on t (id) where {expression}",
    "v": "create view {name} as select {expression} as x from t where {expression}",
}


def is_made(connection: Connection, sql: str) -> bool:
    try:
        connection.execute(sql.encode())
    except psycopg.DatabaseError:
        return False
    return True
