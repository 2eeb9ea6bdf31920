"""Security labels: planned and verified like comments. PostgreSQL has no provider, so they are put there by hand."""

from __future__ import annotations

from pathlib import Path

import psycopg

from tests.conftest import MakeProject
from tests.planning.test_planner import compact
from tests.support.in_process import call

SCRIPT = """
    create table if not exists item (id integer, name text);
    create or replace function f(integer) returns integer language sql as 'select 1';
    security label for sample on table item is 'secret';
    security label for "other sample" on column item.name is 'public';
    security label for sample on function f(integer) is 'open';
"""
LABEL = """
    insert into pg_seclabel (classoid, objoid, objsubid, provider, label) values
        ('pg_class'::regclass, 'item'::regclass, 0, 'sample', 'secret'),
        ('pg_class'::regclass, 'item'::regclass, 2, 'other sample', 'public'),
        ('pg_proc'::regclass, 'f(integer)'::regprocedure, 0, 'sample', 'open')
"""
OBJECTS = [
    "security label of sample on table item",
    "security label of other sample on column item.name",
    "security label of sample on function f(integer)",
]


def plan_of(folder: Path, database: str) -> list[str]:
    return compact(call("plan", "--json", "--dsn", database, folder=folder).json)


def findings_of(folder: Path, database: str, *arguments: str) -> dict[str, str]:
    result = call("verify", "--json", "--dsn", database, *arguments, folder=folder).json
    return {finding["object"]: finding["kind"] for finding in result["findings"]}


def test_labels_are_planned_and_verified(project: MakeProject, database: str) -> None:
    """A label that is missing or differs is pending; with a lock file it is the same; undeclared ones are strict."""
    folder = project({"010_item.sql": SCRIPT})
    with psycopg.connect(database, autocommit=True) as connection:
        assert plan_of(folder, database)[2:] == [f"+ 010:{line} {item}" for line, item in enumerate(OBJECTS, 4)]
        connection.execute(SCRIPT.partition("security")[0].encode())
        assert findings_of(folder, database) == dict.fromkeys(OBJECTS, "missing")
        connection.execute(LABEL)
        for _ in range(2):
            assert plan_of(folder, database)[2:] == [f"= 010:{line} {item}" for line, item in enumerate(OBJECTS, 4)]
            assert findings_of(folder, database, "--strict") == {}
            assert call("lock", "--dsn", database, folder=folder).code == 0
        connection.execute("update pg_seclabel set label = 'other' where provider = 'other sample'")
        connection.execute(LABEL.partition(",\n        (")[0].replace("sample", "third").encode())
        assert plan_of(folder, database)[3] == f"~ 010:5 {OBJECTS[1]}"
        assert findings_of(folder, database) == {OBJECTS[1]: "different"}
        strict = call("verify", "--strict", "--json", "--dsn", database, folder=folder).json
        undeclared = next(finding for finding in strict["findings"] if "third" in finding["object"])
        assert undeclared["repair"]["sql"] == "security label for third on table item is null;"
