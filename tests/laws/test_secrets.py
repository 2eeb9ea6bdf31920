"""Passwords in scripts are sent, and nowhere shown: plan, errors, history, logs, documents."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import MakeProject, Run

FAILING = {
    "a role that is there": "create role ann login; create role ann login\n  password\n  'opensesame';",
    "a server that is not": "create user mapping for public server nowhere options (user 'a', password 'opensesame');",
    "a role in another that is not": "create role ann password 'opensesame' in role nobody_here;",
    "a body": "do $$ begin execute 'create role ann password ''opensesame'' in role nobody_here'; end $$;",
    "a connection": "alter subscription nowhere connection 'host=/nowhere password=opensesame';",
}

COMMANDS = "plan", "plan --json", "apply", "apply --json", "apply --log-format json", "status", "status --json"


@pytest.mark.parametrize("case", FAILING)
def test_a_statement_that_fails_shows_no_password(run: Run, project: MakeProject, database: str, case: str) -> None:
    """Wherever the statement, its error or its record is shown."""
    folder = project({"010_role.sql": FAILING[case]}, options={"010_role.sql": {"run": "once"}})
    said = [run("check").said]
    for command in COMMANDS:
        result = run(*command.split(), "--verbose", "--dsn", database, folder=folder)
        assert result.code == (1 if command.startswith("apply") else 0), result
        said.append(result.said)
    with Connection.connect(database) as connection:
        said.append(str(connection.execute("select error from runner_history").fetchall()))
    assert [text for text in said if "sesame" in text] == []


def test_what_is_sent_has_its_password(run: Run, project: MakeProject, database: str) -> None:
    """The role can log in with it, and the script for psql sets it, too."""
    name = psycopg.conninfo.conninfo_to_dict(database)["dbname"]
    sql = f"create role {name} login password 'opensesame';"
    project({"010_role.sql": sql}, options={"010_role.sql": {"run": "once"}})
    dry = run("apply", "--dry-run", "--dsn", database)
    assert sql in dry.out
    assert "***" in run("plan", "--dsn", database).out
    assert run("apply", "--dsn", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        (hashed,) = connection.execute("select rolpassword from pg_authid where rolname = %s", [name]).fetchone() or (
            "",
        )
        connection.execute(f"drop role {name}".encode())
    assert hashed.startswith("SCRAM-SHA-256$")


def test_a_definition_shows_no_password(run: Run, project: MakeProject, database: str) -> None:
    """Neither the declared nor the actual one, nor the SQL of the finding."""
    sql = "create or replace function g() returns text language sql as 'select ''host=h password={} dbname=d''';"
    with psycopg.connect(database) as connection:
        connection.execute(sql.format("opensesame").encode())
    project({"010_function.sql": sql.format("othersesame")})
    for command in ("plan", "plan --json", "verify", "verify --json", "verify --log-format json"):
        result = run(*command.split(), "--verbose", "--dsn", database)
        assert "function g()" in result.said
        assert "sesame" not in result.said, result
    assert "password=***" in run("verify", "--dsn", database).out
