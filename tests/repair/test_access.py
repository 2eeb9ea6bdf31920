"""What roles may do is declared: it is compared, planned, repaired by level, and the plan is what psql does."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.sql.objects import Object
from tests.support.dumps import still_dump
from tests.support.planned_cases import feed, run_command
from tests.support.projects import CASES, write_project
from tests.support.servers import Server

FILE: dict[str, Any] = tomllib.loads((CASES / "access.toml").read_text(encoding="utf-8"))
ROLES = ("test_app", "test_reader_a", "test_reader_b", "test_other", '"test_other, with grant option"')
MANAGED = ["test_app", "test_reader_*"]
RUNS = [(name, "none") for name in FILE["cases"]] + [
    (n, "align") for n, case in FILE["cases"].items() if "align" in case
]


@pytest.fixture(scope="module")
def roles(server: Server) -> None:
    """The roles of the cases, which all databases of a server share."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        for name in ROLES:
            if not connection.execute("select from pg_roles where rolname = %s", (name.strip('"'),)).fetchall():
                connection.execute(f"create role {name}")  # as SQL writes it


def write(folder: Path, scripts: Mapping[str, str], level: str = "align", **sections: Any) -> Path:
    return write_project(folder, scripts, **{"roles": {"managed": MANAGED}, "run": {"repair": level}, **sections})


def sent(folder: Path, dsn: str) -> list[str]:
    document = run_command(folder, "plan", dsn, "--json").json
    return [step["sql"] for step in document["steps"] if step["action"] != "unchanged"]


@pytest.mark.parametrize(("name", "level"), RUNS)
@pytest.mark.usefixtures("roles")
def test_what_differs_is_repaired(name: str, level: str, database: str, second: str, tmp_path: Path) -> None:
    """A plan sends what the level allows, as psql would; the rest is a finding, and nothing is left to send."""
    case = FILE["cases"][name]
    expected = case.get("all") or case.get("align" if level == "align" else "others", {})
    for dsn in (database, second):
        write(tmp_path, FILE["scripts"])
        assert run_command(tmp_path, "apply", dsn).code == 0
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(case["damage"])
    write(tmp_path, FILE["scripts"], level)
    assert sent(tmp_path, database) == expected.get("sent", [])
    dry = run_command(tmp_path, "apply", second, "--dry-run").out
    assert feed(tmp_path, second, dry) == (0, "")
    applied = run_command(tmp_path, "apply", database, "--json").json
    left = [f"{finding['kind']} {finding['object']}" for finding in applied["verify"]["findings"]]
    assert left == expected.get("left", [])
    assert still_dump(second) == still_dump(database)
    assert sent(tmp_path, database) == []


@pytest.fixture
def second(server: Server) -> Iterator[str]:
    with server.database() as dsn:
        yield dsn


@pytest.mark.usefixtures("roles")
def test_an_empty_database_gets_what_psql_makes(database: str, second: str, tmp_path: Path) -> None:
    """Each statement is sent as it is written; the lock file has it all, and with it nothing is parsed or sent."""
    write(tmp_path, FILE["scripts"])
    statements = [one.strip() for one in FILE["scripts"]["010_item.sql"].split(";") if one.strip()]
    planned = run_command(tmp_path, "plan", database, "--json").json
    assert ([step["sql"] for step in planned["steps"]], planned["left"]) == (statements, [])
    about = {step["sql"]: step["objects"] for step in planned["steps"]}
    assert about["grant all on shown to test_app"] == ["privileges of test_app on view shown"]
    assert about["grant execute on all procedures in schema public to test_reader_a"] == [
        "privileges of test_reader_a on function act(integer)"
    ]
    assert run_command(tmp_path, "lock", database).code == 0
    applied = run_command(tmp_path, "apply", database, "--json")
    assert (applied.code, applied.json["verify"]["other_kinds"]) == (0, {})
    assert feed(tmp_path, second, FILE["scripts"]["010_item.sql"]) == (0, "")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table runner_history, runner_history_release")
    assert still_dump(second) == still_dump(database)
    lock = tomllib.loads((tmp_path / "schema.lock.toml").read_text(encoding="utf-8"))
    assert lock["table"]["item"]["privileges"] == {
        "test_app": "select, insert, update (name) with grant option",
        "test_reader_a": "select",
    }
    assert lock["function"]["f(integer)"]["privileges"] == {
        "PUBLIC": "none",
        "test_app": "execute",
        "test_reader_b": "execute",
    }
    assert lock["table"]["part"]["owner"] == "test_app"
    assert lock["lock"]["managed_roles"] == MANAGED


@pytest.mark.parametrize("name", FILE["new"])
@pytest.mark.usefixtures("roles")
def test_a_new_database_gets_what_is_written(name: str, database: str, tmp_path: Path) -> None:
    """What is renamed, or gets another owner, keeps what roles may do with it."""
    sql = FILE["new"][name].strip()
    write(tmp_path, {"010_log.sql": f"{sql};"})
    assert sent(tmp_path, database) == sql.split(";\n")
    applied = run_command(tmp_path, "apply", database)
    assert applied.code == 0, applied
    assert run_command(tmp_path, "verify", database, "--strict").code == 0
    assert sent(tmp_path, database) == []


@pytest.mark.parametrize("name", FILE["refused"])
def test_roles_that_are_not_managed_are_refused(name: str, database: str, tmp_path: Path) -> None:
    """A script that is run always says nothing of them: it could not be compared."""
    case = FILE["refused"][name]
    write(tmp_path, {"010_item.sql": f"create table if not exists item (id integer);\n{case['sql']};"})
    refused = run_command(tmp_path, "apply", database)
    assert refused.code == 2
    assert f"script/010_item.sql:2: what it says of role {case['role']} is not compared" in refused.err


@pytest.mark.parametrize("name", FILE["strangers"])
def test_what_no_script_makes_is_refused(name: str, tmp_path: Path) -> None:
    """A script that is run always says nothing of it, and no server is asked."""
    case = FILE["strangers"][name]
    write(tmp_path, {"010_item.sql": f"create table if not exists item (id integer);\n{case['sql']};"})
    refused = run_command(tmp_path, "apply", "host=/nowhere", "--wait", "0")
    said = f"script/010_item.sql:2: no script makes {case['object']} before it, so that its privileges are not compared"
    assert (refused.code, said in refused.err) == (2, True), refused


@pytest.mark.usefixtures("roles")
def test_a_script_that_is_run_once_speaks_of_what_no_script_makes(database: str, tmp_path: Path) -> None:
    """It is sent as it is written, in its order."""
    once = "grant usage on sequence s, item_id_seq to test_app; revoke usage on sequence item_id_seq from test_app;"
    once += "grant select on stranger to test_app; alter table stranger owner to test_app;"
    scripts = {"010_item.sql": "create table if not exists item (id serial);", "020_once.sql": once}
    write_project(tmp_path, scripts, options={"020_once.sql": {"run": "once"}}, roles={"managed": MANAGED})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table stranger (a integer); create sequence s")
        assert run_command(tmp_path, "apply", database).code == 0
        (found,) = connection.execute(
            "select has_sequence_privilege('test_app', 's', 'usage'),"
            " has_sequence_privilege('test_app', 'item_id_seq', 'usage'),"
            " (select tableowner from pg_tables where tablename = 'stranger')"
        ).fetchall()
    assert found == (True, False, "test_app")


def test_a_role_that_does_not_exist_is_a_finding(database: str, tmp_path: Path) -> None:
    """Nothing is sent for it, with a fresh lock file too, and no command fails."""
    sql = "create table if not exists item (id integer);\ngrant select on item to test_reader_nobody;"
    write(tmp_path, {"010_item.sql": sql})
    assert run_command(tmp_path, "lock", database).code == 0
    applied = run_command(tmp_path, "apply", database, "--json")
    (finding,) = applied.json["verify"]["findings"]
    item = "privileges of test_reader_nobody on table item"
    assert (applied.code, finding["kind"], finding["object"]) == (1, "missing", item)
    why = "role test_reader_nobody does not exist; an administrator says 'create role test_reader_nobody;' first"
    assert finding["repair"]["why"] == why
    assert sent(tmp_path, database) == []


@pytest.mark.usefixtures("roles")
def test_without_the_section_nothing_is_compared(database: str, tmp_path: Path) -> None:
    """A script that is run once gives what it says, and nobody looks at it again."""
    scripts = {"010_item.sql": "create table item (id integer);", "020_grants.sql": "grant select on item to test_app;"}
    options = {name: {"run": "once"} for name in scripts}
    write_project(tmp_path, scripts, options=options)
    assert run_command(tmp_path, "apply", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        assert connection.execute("select has_table_privilege('test_app', 'item', 'select')").fetchone() == (True,)
        connection.execute("revoke all on item from test_app; grant insert on item to test_reader_a")
    verified = run_command(tmp_path, "verify", database)
    reason = "the manifest has no [roles], so that no privilege or owner is compared"
    assert f"not compared: what roles may do: {reason} (script/020_grants.sql)" in verified.out.splitlines()
    assert (verified.code, verified.out.splitlines()[-1].endswith("; 1 not compared")) == (0, True)
    write_project(tmp_path, scripts, options=options, roles={"managed": ["test_reader_a"]})
    (left_out,) = run_command(tmp_path, "verify", database, "--json").json["not_compared"]
    assert left_out["objects"] == ["role test_app"]


@pytest.mark.usefixtures("roles")
def test_default_privileges_may_name_the_role_of_the_run(database: str, tmp_path: Path) -> None:
    """They are the same as those that name none."""
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("select quote_ident(current_user)").fetchone()
        assert row is not None
        given = f"alter default privileges for role {row[0]} grant select on tables to test_app"
        sql = f"create table if not exists item (id integer);\n{given};"
        write(tmp_path, {"010_item.sql": sql}, roles={"managed": [*MANAGED, row[0].strip('"')]})
        assert run_command(tmp_path, "apply", database).code == 0
        assert sent(tmp_path, database) == []
        connection.execute("alter default privileges revoke select on tables from test_app")
        assert sent(tmp_path, database) == [given]


@pytest.mark.parametrize("begins_with", [1, 2])
@pytest.mark.usefixtures("roles")
def test_privileges_go_with_a_new_name(begins_with: int, database: str, second: str, tmp_path: Path) -> None:
    """What is renamed or moved keeps its owner and what roles may do, in a new database and in an older one."""
    make = """
    create table item (id serial, name text); create view shown as select 1 as a; create type mood as enum ('calm');
    create function f() returns integer language sql as 'select 1'; create sequence s;
    grant select, update (name) on item to test_app; grant select on shown to test_reader_a;
    grant usage on type mood to test_app; alter type mood owner to test_app; grant execute on function f() to test_app;
    grant usage on sequence s to test_app; alter view shown owner to test_app;
    """
    rename = """
    create schema later; alter table item rename to part; alter table part rename column name to title;
    alter view shown set schema later; alter type mood rename to temper; alter function f() set schema later;
    alter sequence s rename to numbers;
    """
    scripts = {"010_make.sql": make, "020_rename.sql": rename}
    options = {name: {"run": "once"} for name in scripts}
    for number in range(begins_with, 3):
        own = dict([*scripts.items()][:number])
        write(tmp_path, own, options={name: options[name] for name in own})
        assert run_command(tmp_path, "apply", database).code == 0
    assert sent(tmp_path, database) == []
    assert feed(tmp_path, second, make + rename) == (0, "")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop table runner_history, runner_history_release")
    assert still_dump(second) == still_dump(database)


@pytest.mark.usefixtures("roles")
def test_repairs_of_one_object_are_one_transaction(database: str, tmp_path: Path) -> None:
    """So they are in a script that has no transaction: nobody sees the half of them."""
    sql = "create table if not exists item (id integer);\ngrant insert on item to test_app;"
    write_project(
        tmp_path,
        {"010_item.sql": sql},
        options={"010_item.sql": {"transaction": False}},
        roles={"managed": MANAGED},
        run={"repair": "align"},
    )
    assert run_command(tmp_path, "apply", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("grant delete on item to test_app; grant insert on item to test_app with grant option")
    first, second = sent(tmp_path, database)
    assert (first, second) == (
        "revoke delete on table item from test_app",
        "revoke grant option for insert on table item from test_app",
    )
    dry = run_command(tmp_path, "apply", database, "--dry-run").out
    assert "commit" not in dry[dry.index(first) : dry.index(second)]
    assert "begin;" in dry[dry.index("010_item.sql") : dry.index(first)]
    assert run_command(tmp_path, "apply", database).code == 0
    assert sent(tmp_path, database) == []


def test_attachments_follow_what_they_are_attached_to() -> None:
    """A role may have any name."""
    table = Object("table", "item", "", "s")
    for kind in (
        "privileges of app on table",
        'privileges of "a on view" on table',
        "owner of table",
        "comment on table",
    ):
        item = table._replace(kind=kind)
        assert item.subject == table
        assert item.attached_to(Object("view", "v")).kind == kind.removesuffix("table") + "view"
