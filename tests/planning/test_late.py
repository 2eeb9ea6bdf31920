"""Late repairs: what rows block at first is tried again after the scripts that change them.

That one apply is enough, by apply and by psql, is in tests/cases/starts.toml.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import MakeProject
from tests.support.planned_cases import feed, run_command
from tests.support.servers import Server

BEFORE = "create table item (id integer, size integer); insert into item values (1, null), (2, 5);"
ITEM = "create table if not exists item (id integer, size integer not null, constraint item_id unique (id));"
FILL = "update item set size = 0 where size is null;"
SCRIPTS = {"010_item.sql": ITEM, "020_fill.sql": FILL}
ONCE = {"020_fill.sql": {"run": "once"}}
RENAMED = {"030_name.sql": {"run": "once"}}
KNOWN = {"001_known.sql": "create table if not exists known (id integer);"}
SHORT = {"lock_timeout": "100ms", "lock_retries": 0}
USING = "alter table item add constraint item_id unique using index _runner_item_id"
Steps = list[tuple[str, int, tuple[str, str | None]]]
EXCLUSIVE, SCANS = ("ACCESS EXCLUSIVE", None), ("SHARE UPDATE EXCLUSIVE", "scans")
STEPS: Steps = [
    ("alter table item add constraint item_size_not_null not null size not valid", 1, EXCLUSIVE),
    ("alter table item validate constraint item_size_not_null", 2, SCANS),
]
STEPS_BEFORE_18: Steps = [
    ("alter table item add constraint _runner_size_not_null check (size is not null) not valid", 1, EXCLUSIVE),
    ("alter table item validate constraint _runner_size_not_null", 2, SCANS),
    ("alter table item alter column size set not null", 3, EXCLUSIVE),
    ("alter table item drop constraint _runner_size_not_null", 3, EXCLUSIVE),
]
"""What is sent late: the SQL, its transaction, and its lock with what it does to the rows."""
HISTORY = "select script, status, statements, error is null from runner_history where run > 1 order by script"


@pytest.fixture
def known(project: MakeProject, database: str, connection: Connection) -> Connection:
    """A connection to a database that knows the project, and has the table."""
    assert run_command(project(KNOWN), "apply", database).code == 0
    connection.execute(BEFORE)
    return connection


@pytest.fixture(name="steps")
def _steps(server: Server) -> Steps:
    """What is sent late on this server."""
    return STEPS if server.major >= 18 else STEPS_BEFORE_18


def is_not_null(connection: Connection) -> bool:
    query = "select attnotnull from pg_attribute where attrelid = 'item'::regclass and attname = 'size'"
    return bool(connection.execute(query).fetchall()[0][0])


@pytest.mark.usefixtures("known")
def test_a_late_repair_is_shown(project: MakeProject, database: str, steps: Steps) -> None:
    """The plan shows it after the scripts, counts it, and has it in its hash; apply shows how it ended."""
    folder = project(SCRIPTS, options=ONCE)
    shown = run_command(folder, "plan", database, "--check")
    document = run_command(folder, "plan", database, "--json").json
    assert shown.code == 1
    lines = [line for line in shown.out.splitlines() if not line.startswith("      ! ")]
    assert lines[1:-4] == [
        "script/010_item.sql",
        "  = unchanged :1 column item.size differs, and is left unchanged:",
        "      rows have no value; this is tried again after the scripts",
        "  ~ alter :1 constraint item.item_id (SHARE on item)",
        f"  ~ alter :1 then {USING} (ACCESS EXCLUSIVE on item)",
        "script/020_fill.sql  not applied yet",
        "  > 1 that read or write rows",
        "script/010_item.sql  after the scripts, if no rows block it any more",
        "  ~ alter :1 differs: column item.size: NOT NULL declared",
        *(f"  ~ alter :1 then {sql} ({lock} on item)" for sql, _, (lock, _) in steps),
    ]
    assert (document["pending"], document["left"]) == (4, [])
    (late,) = document["late"]
    kinds = [{hazard["type"] for hazard in step.pop("hazards")} for step in late["steps"]]
    assert kinds == [{"scans_table", "may_fail_on_rows"} if "validate" in sql else set() for sql, _, _ in steps]
    assert late == {
        "script": "script/010_item.sql",
        "line": 1,
        "objects": ["column item.size"],
        "reason": "differs: column item.size: NOT NULL declared",
        "is_blocked": "exists (select from item where size is null limit 1)",
        "steps": [
            {
                "sql": sql,
                "transaction": number,
                "locks": [{"lock": lock, "relation": "table item", "rows": rows, "size": 0}],
            }
            for sql, number, (lock, rows) in steps
        ],
    }
    pending = run_command(folder, "status", database, "--json").json["pending"]
    assert pending[-1]["reason"] == f"{late['reason']}; after the scripts, if no rows block it any more"
    told = run_command(folder, "status", database).out.splitlines()
    assert told[-2:] == [
        f"  {late['script']}: {pending[-1]['reason']}",
        "1 data statement will run; the effect is known after apply",
    ]
    other = run_command(
        project({**SCRIPTS, "020_fill.sql": "update known set id = 1;"}, options=ONCE), "plan", database
    )
    assert document["hash"] not in other.out
    assert "after the scripts" not in other.out

    folder = project(SCRIPTS, options=ONCE)
    applied = run_command(folder, "apply", database)
    row = "script/010_item.sql  applied    after the scripts: differs: column item.size: NOT NULL declared"
    assert (applied.code, row in applied.out.splitlines()) == (0, True), applied
    assert run_command(folder, "plan", database, "--check").code == 0


@pytest.mark.usefixtures("known")
def test_what_gets_another_name_is_repaired_by_the_next_run(project: MakeProject, database: str) -> None:
    """A late repair would be sent with the name of before."""
    folder = project({**SCRIPTS, "030_name.sql": "alter table item rename size to amount;"}, options=ONCE | RENAMED)
    assert run_command(folder, "plan", database, "--json").json["late"] == []
    applied = run_command(folder, "apply", database, "--json")
    assert [finding["object"] for finding in applied.json["verify"]["findings"]] == ["column item.amount"]
    assert run_command(folder, "apply", database).code == 0


def test_a_late_repair_has_a_row_in_the_history(
    project: MakeProject, known: Connection, database: str, steps: Steps
) -> None:
    """Its statements are added to the row of the script that declares it."""
    applied = run_command(project(SCRIPTS, options=ONCE), "apply", database, "--json").json
    assert applied["late"] == [
        {
            "script": "script/010_item.sql",
            "line": 1,
            "objects": ["column item.size"],
            "status": "applied",
            "seconds": applied["late"][0]["seconds"],
            "error": None,
        }
    ]
    rows = [("script/010_item.sql", "applied", 2 + len(steps), True), ("script/020_fill.sql", "applied", 1, True)]
    assert known.execute(HISTORY).fetchall() == rows


def test_a_script_that_sends_nothing_gets_its_row(
    project: MakeProject, known: Connection, database: str, steps: Steps
) -> None:
    """What is done late for a script without a row is recorded with a row of its own."""
    folder = project({"010_item.sql": ITEM.partition(", constraint")[0] + ");", "020_fill.sql": FILL})
    applied = run_command(folder, "apply", database, "--json").json
    assert [script["status"] for script in applied["scripts"]] == ["unchanged", "applied"]
    rows = [("script/010_item.sql", "applied", len(steps), True), ("script/020_fill.sql", "applied", 1, True)]
    assert known.execute(HISTORY).fetchall() == rows
    assert run_command(folder, "apply", database, "--json").json["late"] == []
    assert known.execute(HISTORY).fetchall() == rows


def test_rows_that_remain_are_a_finding(project: MakeProject, known: Connection, database: str) -> None:
    """The finding shows them, nothing else is harmed, and each run tries it again while it changes the rows."""
    known.execute("insert into item values (3, null)")
    folder = project({**SCRIPTS, "020_fill.sql": "update item set size = 0 where size is null and id < 3;"})
    for _ in range(2):
        applied = run_command(folder, "apply", database, "--json")
        assert applied.code == 1
        (finding,) = applied.json["verify"]["findings"]
        assert (finding["object"], finding["repair"]["why"]) == ("column item.size", "rows have no value")
        assert finding["repair"]["rows"] == ["ctid: (0,3), size: null"]
        assert [late["status"] for late in applied.json["late"]] == ["left"]
        assert known.execute("select count(*) from item where size is null").fetchall() == [(1,)]
    told = run_command(folder, "apply", database).out.splitlines()
    row = "script/010_item.sql  left       after the scripts: differs: column item.size: NOT NULL declared"
    assert f"{row}, rows block it" in told
    log = run_command(folder, "apply", database, "--log-format", "json").err.splitlines()
    events = [json.loads(line) for line in log]
    (event,) = [event for event in events if event.get("status") == "left"]
    assert event["message"] == "script/010_item.sql:1: left after the scripts"
    assert run_command(folder, "plan", database, "--json").json["pending"] == 1
    known.execute("delete from item where id = 3")
    assert run_command(folder, "apply", database).code == 0
    assert is_not_null(known)


@pytest.mark.parametrize("mode", ["always", "on_change"])
def test_a_late_repair_that_fails_is_made_by_the_next_run(
    project: MakeProject, known: Connection, database: str, mode: str
) -> None:
    """A reader blocks it: the run exits 1 with the lock's holder, the release is not ended, and the rows are kept."""
    options = ONCE | {"010_item.sql": {"run": mode}}
    scripts = {**SCRIPTS, "010_item.sql": ITEM.partition(", constraint")[0] + ");"}
    folder = project(scripts, options=options, run=SHORT)
    with psycopg.connect(database, application_name="reader") as reader:
        reader.execute("select from item")
        failed = run_command(folder, "apply", database, "--json")
    assert failed.code == 1, failed
    (late,) = failed.json["late"]
    assert late["status"] == "failed"
    assert (late["error"]["place"], late["error"]["sqlstate"]) == ("script/010_item.sql:1", "55P03")
    assert [finding["object"] for finding in failed.json["verify"]["findings"]] == ["column item.size"]
    status = "failed" if mode == "always" else "started"
    rows = known.execute(HISTORY).fetchall()
    assert [row[:2] + row[3:] for row in rows] == [
        ("script/010_item.sql", status, False),
        ("script/020_fill.sql", "applied", True),
    ]
    assert known.execute("select status from runner_history_release where run = 2").fetchall() == [("started",)]
    known.execute("update item set size = 7 where id = 1")
    again = run_command(folder, "apply", database)
    assert again.code == 0, again
    assert is_not_null(known)
    assert known.execute("select size from item order by id").fetchall() == [(7,), (5,)]
    assert run_command(folder, "plan", database, "--check").code == 0
    assert known.execute("select status from runner_history_release where run = 2").fetchall() == [("applied",)]


@pytest.fixture
def owner(server: Server, known: Connection) -> Iterator[str]:
    """A role that is no superuser, and to which the table and the history belong."""
    with server.roles() as (role,):
        known.execute(f"grant create on database {known.info.dbname} to {role}".encode())
        known.execute(f"grant create on schema public to {role}".encode())
        for table in ("item", "runner_history", "runner_history_release"):
            known.execute(f"alter table {table} owner to {role}".encode())
        yield role
        known.execute(f"drop owned by {role} cascade".encode())


@pytest.mark.parametrize("command", ["apply", "psql"])
def test_no_policy_hides_rows_from_the_question(
    project: MakeProject, known: Connection, owner: str, database: str, command: str
) -> None:
    """Where a script forces one on the owner that hides what blocks a repair, that is an error; nothing is tried."""
    known.execute("insert into item values (3, null)")
    known.execute("create policy filled on item using (size is not null)")
    forces = "alter table item enable row level security; alter table item force row level security;"
    scripts = {**SCRIPTS, "020_fill.sql": f"update item set size = 0 where id = 1; {forces}"}
    folder = project(scripts, options=ONCE, run={"role": owner})
    if command == "apply":
        applied = run_command(folder, "apply", database, "--json")
        said = applied.json["late"][0]["error"]["message"]
        assert applied.code == 1
    else:
        code, said = feed(folder, database, run_command(folder, "apply", database, "--dry-run").out)
        assert code == 3
    assert 'query would be affected by row-level security policy for table "item"' in said, said
    assert not is_not_null(known)


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_after_a_failure(project: MakeProject, known: Connection, database: str, on_error: str) -> None:
    """When the run stops nothing comes late; else rows still block what a failed script was to unblock."""
    folder = project({**SCRIPTS, "020_fill.sql": f"{FILL} select 1 / 0;"}, options=ONCE, run={"on_error": on_error})
    failed = run_command(folder, "apply", database, "--json")
    assert failed.code == 1
    assert [late["status"] for late in failed.json["late"]] == {"stop": ["skipped"], "continue": ["left"]}[on_error]
    assert run_command(project(SCRIPTS, options=ONCE), "apply", database).code == 0
    assert is_not_null(known)


def test_what_a_failed_script_declares_is_not_tried(project: MakeProject, known: Connection, database: str) -> None:
    """Neither in its own part of the run nor in a later one, after an opaque script."""
    opaque = {
        "030_do.sql": "do $$ begin null; end $$;",
        "040_more.sql": "create table if not exists more (id integer);",
    }
    scripts = {"010_item.sql": f"{ITEM} select 1 / 0;", "020_fill.sql": FILL, **opaque}
    options = ONCE | {"030_do.sql": {"run": "once"}}
    for own in (scripts, {name: scripts[name] for name in SCRIPTS}):
        folder = project(own, options={name: options[name] for name in own if name in options})
        failed = run_command(folder, "apply", database, "--json").json
        assert (failed["ok"], failed["late"]) == (False, [])
        assert not is_not_null(known)


def test_all_or_nothing_has_nothing_late(project: MakeProject, known: Connection, database: str) -> None:
    """In a single transaction it is left unchanged, as rows block it; the next run makes it."""
    folder = project(SCRIPTS, options=ONCE)
    applied = run_command(folder, "apply", database, "--json", "--single-transaction")
    assert (applied.code, applied.json["late"]) == (1, [])
    assert [finding["object"] for finding in applied.json["verify"]["findings"]] == ["column item.size"]
    assert run_command(folder, "apply", database).code == 0
    assert is_not_null(known)


@pytest.mark.usefixtures("known")
def test_what_is_renamed_is_not_tried_late(project: MakeProject, database: str) -> None:
    """A late repair has the names from before the run: what gets another one is left to the next run."""
    text = (
        "create table if not exists item (id integer, size integer not null); alter table item rename size to extent;"
    )
    folder = project({"010_item.sql": text, "020_fill.sql": "update item set extent = 0 where extent is null;"})
    applied = run_command(folder, "apply", database, "--json").json
    assert ([script["status"] for script in applied["scripts"]], applied["late"]) == (["applied", "applied"], [])
    assert run_command(folder, "apply", database).code == 0


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("more", [{"run": {"repair": "none"}}, {"options": {"010_item.sql": {"transaction": False}}}])
def test_what_else_blocks_a_repair_blocks_it_late(project: MakeProject, database: str, more: dict[str, Any]) -> None:
    """The level of repairs counts, and a once script without a transaction, which nobody could end after a crash."""
    options = ONCE | {"010_item.sql": {"run": "once", **more.get("options", {}).get("010_item.sql", {})}}
    folder = project(SCRIPTS, options=options, run=more.get("run", {}))
    assert run_command(folder, "plan", database, "--json").json["late"] == []


def test_a_dry_run_leaves_out_what_rows_block(project: MakeProject, known: Connection, database: str) -> None:
    """psql asks for the rows, too, when it comes to it."""
    folder = project(SCRIPTS, options=ONCE)
    dry = run_command(folder, "apply", database, "--dry-run").out
    known.execute("create rule no as on update to item do instead nothing")
    assert feed(folder, database, dry) == (0, "")
    assert not is_not_null(known)
    assert known.execute("select count(*) from pg_constraint where conname ~ '^_runner'").fetchall() == [(0,)]
    assert [row[:2] for row in known.execute(HISTORY)] == [(f"script/{name}", "applied") for name in SCRIPTS]


def test_many_databases(project: MakeProject, known: Connection, database: str) -> None:
    """Each target of a fleet has its own late repairs."""
    folder = project(SCRIPTS, options=ONCE)
    known.execute("create schema other; set search_path = other; create table known (id integer);")
    schemas = ("--schema", "public", "--schema", "other")
    planned = run_command(folder, "plan", database, "--json", *schemas)
    assert [len(json.loads(line)["result"]["late"]) for line in planned.out.splitlines()[:2]] == [1, 0]
    assert run_command(folder, "apply", database, *schemas).code == 0
    assert run_command(folder, "plan", database, "--check", *schemas).code == 0


def test_what_an_opaque_statement_unblocks_is_planned_again(
    project: MakeProject, known: Connection, database: str
) -> None:
    """What could be late is then made together with what else its script adds."""
    text = "create table if not exists item (id integer, size integer not null, name text);"
    scripts = {"005_do.sql": f"do $$ begin {FILL} end $$;", "010_item.sql": text}
    folder = project(scripts, options={"005_do.sql": {"run": "once"}})
    applied = run_command(folder, "apply", database)
    assert applied.code == 0, applied
    assert "script/005_do.sql:1 has changed what the scripts after it have to do" in applied.said
    assert "after the scripts" not in applied.said
    assert is_not_null(known)


def test_an_index_of_a_large_table_is_built_concurrently(
    project: MakeProject, database: str, known: Connection
) -> None:
    """It is alone, in no transaction; what takes it over has one of its own."""
    known.execute("insert into item values (1, 7)")
    scripts = {"010_item.sql": ITEM, "020_fill.sql": f"delete from item where size = 7; {FILL}"}
    folder = project(scripts, run={"concurrent_index_above": "0"}, options=ONCE)
    document = run_command(folder, "plan", database, "--json").json
    late = [step for repair in document["late"] for step in repair["steps"] if "index" in step["sql"]]
    made = "create unique index concurrently _runner_item_id on item using btree (id)"
    assert [step["sql"] for step in late] == [made, USING.replace("index item_id", "index _runner_item_id")]
    assert run_command(folder, "apply", database).code == 0
    assert run_command(folder, "plan", database, "--json").json["pending"] == 0
