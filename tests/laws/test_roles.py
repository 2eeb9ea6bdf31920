"""The profile `roles` of this project: an owner, a role of the service and one for reading, declared and compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection, errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.support.planned_cases import run_command
from tests.support.projects import ROOT, Result, copy_project
from tests.support.servers import Server

OWNER, APP, READER = "jira_sync_owner", "jira_sync_app", "jira_sync_reader"
DEPLOY = "jira_sync_deploy"
ROLES = ("--profile", "roles")
ON_TABLES = """
    select c.relname from pg_class as c
    where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace and not starts_with(c.relname, 'runner_history')
"""


@pytest.fixture
def as_deploy(server: Server) -> Iterator[str]:
    """An empty database of a role that is a member of the owner, with all the roles that docs/operations.md names."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        for role in (OWNER, APP, READER, DEPLOY):
            connection.execute(f"create role {role}{' login' if role == DEPLOY else ''}")
        connection.execute(f"grant {OWNER} to {DEPLOY}")
        name = conninfo_to_dict(dsn)["dbname"]
        connection.execute(f"alter database {name} owner to {DEPLOY}")
        yield make_conninfo(dsn, user=DEPLOY)
        connection.execute(f"drop owned by {DEPLOY}, {APP}, {READER}, {OWNER} cascade")
        connection.execute(f"alter database {name} owner to current_user")
        for role in (DEPLOY, APP, READER, OWNER):
            connection.execute(f"drop role {role}")


@pytest.fixture(scope="module")
def locked(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This project with a lock file for the profile."""
    folder = copy_project(tmp_path_factory.mktemp("roles"))
    with server.database() as dsn:
        assert run_command(folder, "lock", dsn, *ROLES).code == 0
    return folder


def apply(dsn: str, *arguments: str, folder: Path = ROOT) -> Result:
    return run_command(folder, "apply", dsn, "--json", *arguments)


def statuses(applied: Result) -> set[str]:
    return {script["status"] for script in applied.json["scripts"]}


def may(connection: Connection, role: str, privilege: str) -> set[str]:
    found = connection.execute(f"{ON_TABLES} and has_table_privilege(%s, c.oid, %s)", (role, privilege)).fetchall()
    return {name for (name,) in found}


def test_each_role_may_do_its_work_and_no_more(as_deploy: str, server: Server) -> None:
    """The service reads and writes, a reader reads, the owner owns; whoever deploys needs to be no superuser."""
    assert apply(as_deploy, *ROLES).code == 0
    with psycopg.connect(as_deploy, autocommit=True) as connection:
        tables = {name for (name,) in connection.execute(ON_TABLES).fetchall()}
        owned = connection.execute(f"{ON_TABLES} and pg_get_userbyid(c.relowner) = %s", (OWNER,)).fetchall()
        assert (len(tables), {name for (name,) in owned}) == (16, tables)
        assert [may(connection, APP, one) for one in ("select", "insert", "update", "delete")] == [tables] * 4
        assert may(connection, READER, "select") == tables
        assert (
            not may(connection, APP, "truncate")
            | may(connection, READER, "insert")
            | may(connection, "public", "select")
        )
    with psycopg.connect(make_conninfo(as_deploy, user=conninfo_to_dict(server.conninfo).get("user"))) as connection:
        connection.execute(f"set role {APP}")
        connection.execute("insert into field_cache (cache_key, cache_value) values ('k', '{}')")
        for forbidden in ("create table mine ()", "delete from runner_history"):
            with pytest.raises(errors.InsufficientPrivilege), connection.transaction():
                connection.execute(forbidden)


def test_what_roles_may_do_is_kept(as_deploy: str, locked: Path) -> None:
    """A second run sends nothing; what hands revoke or give is put right; a run without the profile leaves it."""
    assert apply(as_deploy, *ROLES, folder=locked).code == 0
    again = apply(as_deploy, *ROLES, folder=locked)
    assert (again.code, statuses(again), "is not fresh" in again.err) == (0, {"unchanged"}, False)
    with psycopg.connect(as_deploy, autocommit=True) as connection:
        connection.execute(f"grant insert on audit_log to {READER}; revoke select on sync_config from {READER}")
        found = run_command(locked, "verify", as_deploy, *ROLES, "--json").json["findings"]
        assert [finding["object"] for finding in found] == [
            f"privileges of {READER} on table sync_config",
            f"privileges of {READER} on table audit_log",
        ]
        without = apply(as_deploy)
        assert (without.code, statuses(without), may(connection, READER, "insert")) == (0, {"unchanged"}, {"audit_log"})
        assert apply(as_deploy, *ROLES, folder=locked).code == 0
        assert (may(connection, READER, "insert"), len(may(connection, READER, "select"))) == (set(), 16)


def test_roles_that_are_missing_are_findings(applied: str) -> None:
    """Nothing else fails, nothing is sent for them, and each finding says how the role is made."""
    result = apply(applied, *ROLES)
    findings = result.json["verify"]["findings"]
    assert (result.code, {finding["kind"] for finding in findings}) == (1, {"missing", "different"})
    for role in (OWNER, APP, READER):
        why = f"role {role} does not exist; an administrator says 'create role {role};' first"
        assert why in {finding["repair"]["why"] for finding in findings}
    assert statuses(result) <= {"unchanged", "applied"}
