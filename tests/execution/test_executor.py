"""How scripts are run: transactions, failures, the history, modes, settings, and two runs at once."""

from __future__ import annotations

import subprocess
import textwrap
import tomllib
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.version import __version__
from tests.conftest import MakeProject, Run
from tests.support.projects import CASES, ROOT, TIME, runner_environment
from tests.support.runs import runner_command
from tests.support.servers import Server

FAILURES: dict[str, dict[str, str]] = tomllib.loads((CASES / "failures.toml").read_text(encoding="utf-8"))
ITEM = "create table if not exists item (id integer constraint item_key primary key);"
FAILS = "select 1 / 0;"
APPLIED = "select run, script, status from runner_history order by run, script"


def rows(connection: Connection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), parameters or None).fetchall()


def tables(connection: Connection, schema: str = "public") -> list[str]:
    query = "select tablename from pg_tables where schemaname = %s and tablename !~ '_release$' order by 1"
    return [name for (name,) in rows(connection, query, schema)]


def statuses(document: Any) -> list[str]:
    return [script["status"] for script in document["scripts"]]


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """The name of a role without any right."""
    with server.roles() as (name,):
        yield name


# Failures


@pytest.mark.parametrize("case", FAILURES)
def test_a_failing_script_is_rolled_back_and_explained(
    run: Run, project: MakeProject, database: str, connection: Connection, case: str
) -> None:
    """The script leaves nothing behind, and the error has place, SQLSTATE, excerpt and what else the server said."""
    sql = "create table made (id integer);\n" + FAILURES[case]["sql"]
    project({"010_item.sql": ITEM, "020_fails.sql": sql}, options={"020_fails.sql": {"run": "once"}})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert textwrap.indent(FAILURES[case]["error"].strip("\n"), "    ") in result.out
    assert "Traceback" not in result.said
    assert tables(connection) == ["item", "runner_history"]
    found = rows(connection, "select status, error from runner_history where script like '%020_fails.sql'")
    assert [status for status, _ in found] == ["failed"]
    assert FAILURES[case]["error"].strip().splitlines()[0] == f"error: {found[0][1]}".splitlines()[0]


def test_an_early_failure_of_a_long_script_has_its_place(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """The server's answer may come while later statements are still being sent: it belongs to the one that failed."""
    more = "".join(f"insert into item values ({number});\n" for number in range(2_000))
    project({"010_item.sql": ITEM, "020_long.sql": f"select 1;\n{FAILS}\n{more}", "030_more.sql": "select 1;"})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "    error: script/020_long.sql:2: division by zero [22012]" in result.out.splitlines()
    assert rows(connection, "select * from item") == []
    assert rows(connection, "select script, status from runner_history where status = 'failed'") == [
        ("script/020_long.sql", "failed")
    ]


def test_a_failure_does_not_stop_the_others_when_the_manifest_says_so(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """With on_error = "continue" the scripts after a failed one are run, and the run still exits 1."""
    scripts = {"010_fails.sql": FAILS, "020_item.sql": ITEM}
    project(scripts, run={"on_error": "continue"})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    assert statuses(result.json) == ["failed", "applied"]
    assert rows(connection, APPLIED) == [(1, "script/010_fails.sql", "failed"), (1, "script/020_item.sql", "applied")]


def test_a_failure_stops_the_others_by_default(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """With on_error = "stop" the scripts after a failed one are skipped, and are not in the history."""
    project({"010_item.sql": ITEM, "020_fails.sql": FAILS, "030_more.sql": "create table more (id integer);"})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    assert statuses(result.json) == ["applied", "failed", "skipped"]
    assert tables(connection) == ["item", "runner_history"]
    assert rows(connection, APPLIED) == [(1, "script/010_item.sql", "applied"), (1, "script/020_fails.sql", "failed")]


def test_a_skipped_script_is_named_without_an_error(run: Run, project: MakeProject, database: str) -> None:
    """People are told which scripts were skipped, and no Python value stands in the place of an error."""
    project({"010_fails.sql": FAILS, "020_item.sql": ITEM})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "None" not in result.out
    assert [line for line in result.out.splitlines() if "020_item.sql" in line and "skipped" in line]


def test_a_run_goes_on_where_a_failed_one_ended(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """After the cause of a failure is gone, the next run completes what is missing."""
    project({"010_item.sql": ITEM, "020_rows.sql": "insert into other select 1 where not exists (select from other);"})
    assert run("apply", "--dsn", database).code == 1
    connection.execute("create table other (id integer)")
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, "select run, status from runner_history where script like '%020%' order by 1") == [
        (1, "failed"),
        (2, "applied"),
    ]


# The history


def test_the_history_says_what_was_run(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """A row has the run, checksum, status, number of statements, role, version, times and error of a script."""
    project({"010_item.sql": f"{ITEM}\ncomment on table item is 'Items.';", "020_fails.sql": FAILS})
    assert run("apply", "--dsn", database).code == 1
    found = rows(
        connection,
        """
        select script, run, status, statements, role = current_user, runner_version, length(checksum),
            started between now() - interval '5 minutes' and clock_timestamp(), seconds between 0 and 60
        from runner_history order by script
        """,
    )
    common = (True, __version__, 64, True, True)
    assert found == [
        ("script/010_item.sql", 1, "applied", 2, *common),
        ("script/020_fails.sql", 1, "failed", 1, *common),
    ]
    errors = rows(connection, "select error from runner_history order by script")
    assert errors[0] == (None,)
    assert errors[1][0].startswith("script/020_fails.sql:1: division by zero [22012]")


def test_runs_are_numbered(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """Each run that does something has the next number; a quiet one uses none."""
    project({"010_item.sql": ITEM})
    for _ in range(2):
        assert run("apply", "--dsn", database).code == 0
    project({"010_item.sql": ITEM, "020_more.sql": "create table if not exists more (id integer);"})
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, APPLIED) == [(1, "script/010_item.sql", "applied"), (2, "script/020_more.sql", "applied")]


# Modes of a script

ADD_ROW = "insert into item select coalesce(max(id), 0) + {} from item;"
EDITS = (ADD_ROW.format(1), "-- a comment\n" + ADD_ROW.format(1).replace(" ", "\n"), ADD_ROW.format(10))
MODES = {"once": (1, 1, 1), "on_change": (1, 1, 2), "always": (1, 2, 3)}


@pytest.mark.parametrize("mode", MODES)
def test_a_script_runs_as_often_as_its_mode_says(
    run: Run, project: MakeProject, database: str, connection: Connection, mode: str
) -> None:
    """`once` runs once, `on_change` again after an edit of more than comments and white space, `always` each time."""
    counts = []
    for text in EDITS:
        project({"010_item.sql": ITEM, "020_add.sql": text}, options={"020_add.sql": {"run": mode}})
        result = run("apply", "--dsn", database)
        assert result.code == 0, result
        counts.append(rows(connection, "select count(*)::int from item")[0][0])
    assert tuple(counts) == MODES[mode]


@pytest.mark.parametrize("mode", ["once", "on_change"])
def test_a_failed_script_is_due_again(
    run: Run, project: MakeProject, database: str, connection: Connection, mode: str
) -> None:
    """A script that failed counts as not applied, whatever its mode is."""
    project({"010_add.sql": ADD_ROW.format(1)}, options={"010_add.sql": {"run": mode}})
    assert run("apply", "--dsn", database).code == 1
    connection.execute(ITEM)
    assert run("apply", "--dsn", database).code == 0
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, "select id from item") == [(1,)]


def test_a_script_that_fails_after_its_enum_values_is_due_again(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """Values are added before a script's transaction: that alone does not make it one that was cut off."""
    connection.execute("create type state as enum ('open')")
    script = "create type state as enum ('open', 'done'); insert into item (state) values ('done');"
    project({"010_add.sql": script}, options={"010_add.sql": {"run": "once"}})
    assert run("apply", "--dsn", database).code == 1
    assert rows(connection, "select status, enum_last(null::state)::text from runner_history") == [("failed", "done")]
    connection.execute("create table item (state state)")
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, "select state from item") == [("done",)]


def test_the_values_of_an_enum_are_enough_for_a_row_of_the_history(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """An `always` script that sends nothing but enum values is applied, and the plan shows when they are added."""
    connection.execute("create type state as enum ('open')")
    project({"010_add.sql": "create type state as enum ('open', 'done');"})
    assert "without 'done' (before the script)" in run("plan", "--dsn", database).out
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, "select status, statements from runner_history") == [("applied", 1)]
    assert run("plan", "--check", "--dsn", database).code == 0


def test_an_edited_once_script_is_not_pending(run: Run, project: MakeProject, database: str) -> None:
    """Status says nothing is pending when a `once` script was edited after it ran."""
    options = {"010_add.sql": {"run": "once"}}
    project({"010_add.sql": "select 1;"}, options=options)
    assert run("apply", "--dsn", database).code == 0
    project({"010_add.sql": "select 2;"}, options=options)
    assert run("status", "--dsn", database, "--json").json["pending"] == []


# Scripts without a transaction


def test_an_index_can_be_built_concurrently(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """With transaction = false, CREATE INDEX CONCURRENTLY works, several in a file, and is not sent again."""
    indexes = (
        "create index concurrently if not exists item_a on item (id);\n"
        "create index concurrently if not exists item_b on item (id desc);\n"
    )
    project({"010_item.sql": ITEM, "020_index.sql": indexes}, options={"020_index.sql": {"transaction": False}})
    assert run("apply", "--dsn", database).code == 0
    assert rows(connection, "select count(*) from pg_index where indisvalid and indrelid = 'item'::regclass") == [(3,)]
    again = run("apply", "--dsn", database, "--json").json
    assert [(script["status"], script["sent"]) for script in again["scripts"]] == [("unchanged", 0)] * 2


def test_without_a_transaction_what_was_done_stays(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """With transaction = false the statements before the failing one stay, and the failure is in the history."""
    text = (
        "create table if not exists first (id integer);\nselect 1 / 0;\ncreate table if not exists last (id integer);"
    )
    project({"010_steps.sql": text}, options={"010_steps.sql": {"transaction": False}})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "error: script/010_steps.sql:2: division by zero [22012]" in result.out
    assert tables(connection) == ["first", "runner_history"]
    assert rows(connection, APPLIED) == [(1, "script/010_steps.sql", "failed")]


@pytest.mark.parametrize("call", ["select lends()", "do $$ begin commit; exception when others then raise; end $$"])
def test_what_cannot_commit_without_a_transaction_is_explained(
    run: Run, project: MakeProject, database: str, call: str
) -> None:
    """With transaction = false the hint is about the body, and not about the script."""
    text = f"create function lends() returns void language plpgsql as $$ begin commit; end $$;\n{call};"
    project({"010_lend.sql": text}, options={"010_lend.sql": {"run": "once", "transaction": False}})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "[2D000]" in result.out
    assert "hint: COMMIT and ROLLBACK work in DO" in result.out
    assert "transaction = false" not in result.out


# Settings


@pytest.mark.parametrize("transaction", [True, False])
@pytest.mark.parametrize("command", ["set", "set local"])
def test_a_scripts_settings_end_with_it(
    run: Run, project: MakeProject, database: str, connection: Connection, command: str, *, transaction: bool
) -> None:
    """What a script sets does not reach the next one, and does not misplace its row of the history."""
    connection.execute("create schema elsewhere")
    text = f"""
        {command} search_path = elsewhere;
        {command} work_mem = '77MB';
        {command} default_transaction_isolation = 'serializable';
        {command} statement_timeout = '1h';
    """
    shown = """
        select current_setting('search_path') as search_path, current_setting('work_mem') <> '77MB' as memory,
            current_setting('transaction_isolation') as isolation, current_setting('statement_timeout') as timeout;
        create table if not exists item (id integer);
    """
    options = {"010_set.sql": {"run": "once", "transaction": transaction}}
    project({"010_set.sql": text, "020_show.sql": shown}, options=options)
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 0, result
    assert result.json["scripts"][1]["returned"] == [
        {"search_path": "public", "memory": "t", "isolation": "read committed", "timeout": "0"}
    ]
    assert tables(connection) == ["item", "runner_history"]
    assert [script for _, script, _ in rows(connection, APPLIED)] == ["script/010_set.sql", "script/020_show.sql"]


@pytest.mark.parametrize("command", ["set role", "set local role", "set session authorization"])
def test_a_scripts_role_ends_with_it(
    run: Run, project: MakeProject, database: str, connection: Connection, role: str, command: str
) -> None:
    """A script may become another role; the history row and the next script are the runner's own again."""
    project(
        {"010_role.sql": f"{command} {role};", "020_show.sql": "select current_user = session_user as own;"},
        options={"010_role.sql": {"run": "once"}, "020_show.sql": {"run": "once"}},
    )
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 0, result
    assert result.json["scripts"][1]["returned"] == [{"own": "t"}]
    assert rows(connection, "select distinct role = current_user from runner_history") == [(True,)]


def test_the_lock_timeout_of_the_manifest_holds(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """A statement that waits for another session's lock fails after lock_timeout, and nothing of its script is left."""
    connection.execute(ITEM.encode())
    text = "create table if not exists made (id integer);\nalter table item add column if not exists name text;"
    project({"010_alter.sql": text}, run={"lock_timeout": "50ms", "lock_retries": 1})
    with connection.transaction():
        connection.execute("lock table item in access share mode")
        result = run("apply", "--dsn", database)
        assert result.code == 1
        assert "error: script/010_alter.sql:2: canceling statement due to lock timeout [55P03]" in result.out
    assert tables(connection) == ["item", "runner_history"]


def test_the_statement_timeout_of_the_manifest_holds(run: Run, project: MakeProject, database: str) -> None:
    """A statement that takes longer than statement_timeout fails."""
    project({"010_sleep.sql": "select pg_sleep(60);"}, run={"statement_timeout": "500ms"})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "canceling statement due to statement timeout [57014]" in result.out


# Schemas


def test_the_target_schema_is_made_and_used(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """Scripts see the target schema and the extension schema, which are made, and nothing lands in public."""
    text = """
        create extension if not exists pg_trgm with schema {{ extension_schema | identifier }};
        create table if not exists item (name text);
        create index if not exists item_name_idx on item using gin (name gin_trgm_ops);
        comment on table {{ schema | identifier }}.item is 'Items.';
    """
    schemas = {"schema": "App Data", "extension_schema": "extensions"}
    project({"010_item.sql": text}, project=schemas, run={"history_table": "Past runs"})
    for _ in range(2):
        result = run("apply", "--dsn", database)
        assert result.code == 0, result
    assert tables(connection, "App Data") == ["Past runs", "item"]
    assert tables(connection) == []
    query = "select n.nspname from pg_extension as e inner join pg_namespace as n on e.extnamespace = n.oid"
    assert ("extensions",) in rows(connection, query)
    assert rows(connection, 'select run, status from "App Data"."Past runs"') == [(1, "applied")]


def test_two_projects_share_a_database(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """Projects with target schemas of their own have histories of their own."""
    for schema in ("one", "two"):
        project({"010_item.sql": ITEM}, project={"schema": schema})
        assert run("apply", "--dsn", database).code == 0
        assert tables(connection, schema) == ["item", "runner_history"]


# What a script may hold


def test_a_script_without_statements_does_nothing(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """An empty script, or one of comments, is no error and leaves no row in the history."""
    project({"010_empty.sql": "", "020_comment.sql": "-- nothing yet\n/* nor this */\n;;\n", "030_item.sql": ITEM})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 0, result
    assert statuses(result.json) == ["unchanged", "unchanged", "applied"]
    assert rows(connection, APPLIED) == [(1, "script/030_item.sql", "applied")]


def test_functions_of_any_form_are_made(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """Semicolons, quotes and comments in the body of a function or procedure are its own."""
    text = """
        create or replace function dollar() returns text language plpgsql as $fn$
        begin
            -- a comment; with 'a quote
            return $$it's; fine$$;
        end;
        $fn$;
        create or replace function atomic(a integer) returns integer language sql
        begin atomic
            select a;
            select a + case when a > 1 then 1 else 0 end;
        end;
        create or replace procedure pair() language sql as 'create table if not exists p (id integer); select 1;';
        select dollar(), atomic(41);
    """
    project({"010_functions.sql": text}, options={"010_functions.sql": {"run": "on_change"}})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 0, result
    assert rows(connection, "select dollar(), atomic(41)") == [("it's; fine", 42)]


def test_returned_rows_are_shown(run: Run, project: MakeProject, database: str) -> None:
    """People see the rows that a statement returns, at most twenty of them."""
    text = "select 'first', n from generate_series(1, 30) as n;\nselect 'größe 🐘' as size where true;"
    project({"010_show.sql": text})
    result = run("apply", "--dsn", database)
    shown = [line.strip() for line in result.out.splitlines() if line.startswith("    ")]
    assert shown == [*(f"first  {number}" for number in range(1, 21)), "… and 10 more rows", "größe 🐘"]


def test_returned_rows_are_in_the_json_document(run: Run, project: MakeProject, database: str) -> None:
    """Programs get all rows; NULL is null there, and no empty text."""
    project({"010_show.sql": "select n, null as nothing, '' as empty from generate_series(1, 30) as n;"})
    returned = run("apply", "--dsn", database, "--json").json["scripts"][0]["returned"]
    assert [(row["nothing"], row["empty"]) for row in returned] == [(None, "")] * 30


def test_null_can_be_told_from_empty_text(run: Run, project: MakeProject, database: str) -> None:
    """People see which value of a row is NULL."""
    project({"010_show.sql": "select 'a', null, 'b' union all select 'a', '', 'b';"})
    out = run("apply", "--dsn", database).out
    assert len({line for line in out.splitlines() if line.startswith("    a")}) == 2


# Servers and other runs


def test_an_old_server_is_refused(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """A server older than the manifest allows is an error that says both versions, and nothing is executed."""
    project({"010_item.sql": ITEM}, project={"minimum_postgresql": 99})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    version = connection.info.server_version // 10_000
    assert result.err.startswith(f"error: the server is PostgreSQL {version}.")
    assert "99" in result.err
    assert tables(connection) == []


def test_two_runs_at_once_both_succeed(database: str, connection: Connection) -> None:
    """Of two runs on one empty database one does the work and the other finds it done."""
    command = runner_command("apply", "--json", "--dsn", database)
    pipe = subprocess.PIPE
    runs = [
        subprocess.Popen(command, cwd=ROOT, env=runner_environment(), stdout=pipe, stderr=pipe, encoding="utf-8")
        for _ in range(2)
    ]
    ended = [process.communicate(timeout=60) for process in runs]
    assert [process.returncode for process in runs] == [0, 0], ended
    found = rows(connection, "select script, count(*)::int from runner_history group by script")
    assert {count for _, count in found} == {1}
    assert len(found) == 7


def test_a_run_waits_for_another_and_names_it(project: MakeProject, database: str) -> None:
    """While another run is under way, a second one says who it is waiting for, and then goes on."""
    waits = "select pg_advisory_lock(42); select pg_advisory_unlock(42);"
    folder = project({"010_wait.sql": waits}, options={"010_wait.sql": {"run": "once"}})

    def start() -> subprocess.Popen[str]:
        command = runner_command("apply", "--dsn", database)
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, cwd=folder, env=runner_environment(), stdout=pipe, stderr=pipe, encoding="utf-8"
        )

    with psycopg.connect(database, autocommit=True) as holder:
        holder.execute("select pg_advisory_lock(42)")
        with start() as first:
            pid = waiting_for_advisory_lock(holder, first)
            with start() as second:
                assert second.stderr
                said = TIME.sub("", second.stderr.readline())
                assert said.startswith(f"waiting up to 60 s for another run to end: pid {pid} (runner small), role ")
                holder.execute("select pg_advisory_unlock(42)")
                assert [process.wait(timeout=60) for process in (first, second)] == [0, 0]


def waiting_for_advisory_lock(connection: Connection, process: subprocess.Popen[str]) -> int:
    """Return the pid of the server process that waits for an advisory lock, once there is one."""
    query = "select pid from pg_locks where locktype = 'advisory' and not granted"
    while not (found := rows(connection, query)):
        assert process.poll() is None
    return int(found[0][0])


SUPERSEDED = {
    "a renamed column": "alter table item rename column b to c",
    "a dropped column": "alter table item drop column b",
    "a renamed table": "alter table item rename to goods",
    "a dropped table": "drop table item",
    "a moved table": "create schema elsewhere; alter table item set schema elsewhere",
}


@pytest.mark.parametrize("change", SUPERSEDED.values(), ids=SUPERSEDED)
def test_what_a_once_script_changed_stays_changed(run: Run, database: str, project: MakeProject, change: str) -> None:
    """The statement that made an object does not bring it back after a later script has dropped or renamed it."""
    table = "create table if not exists item (a integer, b integer unique);\n"
    table += "create index if not exists item_b on item (b);\ncomment on column item.b is 'old';\n"
    project({"010_item.sql": table, "020_change.sql": f"{change};"}, options={"020_change.sql": {"run": "once"}})
    first = run("apply", "--dsn", database)
    again = run("apply", "--dsn", database, "--json")
    assert first.code == 0, first
    assert again.code == 0, again
    assert [script["sent"] for script in again.json["scripts"]] == [0, 0]


def test_statements_after_one_that_may_do_anything(run: Run, database: str, project: MakeProject) -> None:
    """After a DO what exists is not taken for granted, a constraint is not added twice, and a new column is added."""
    table = "create table if not exists item (a integer{});\n"
    constraint = "alter table item add constraint item_a_check check (a > 0);\n"
    options = {"020_do.sql": {"run": "on_change"}}
    scripts = {"020_do.sql": "do $$ begin null; end $$;", "030_item.sql": table.format("") + constraint}
    project(scripts, options=options)
    assert run("apply", "--dsn", database).code == 0
    scripts |= {
        "020_do.sql": "do $$ begin perform 1; end $$;",
        "030_item.sql": table.format(", b integer") + constraint,
    }
    project(scripts, options=options)
    result = run("apply", "--dsn", database)
    assert result.code == 0, result


def test_an_object_without_a_name_is_refused(run: Run, database: str, project: MakeProject) -> None:
    """Each run would make another one."""
    project({"010_item.sql": "create table if not exists item (a integer);\n\ncreate index on item (a);\n"})
    result = run("apply", "--dsn", database)
    assert result.code == 2
    assert result.err.startswith(
        "error: script/010_item.sql:3: each run would make one more of an object without a name"
    )


def test_a_connection_that_ends_during_the_checks(run: Run, database: str, project: MakeProject) -> None:
    """The run ends too, with an error."""
    project(
        {"010_item.sql": "create table if not exists item (a integer);"},
        checks={
            "010_end.sql": "select 1 where pg_terminate_backend(pg_backend_pid());",
            "020_more.sql": "select 1 where false;",
        },
    )
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "connection" in result.err


def test_a_value_stays_a_value_with_old_strings(
    run: Run, database: str, connection: Connection, project: MakeProject
) -> None:
    """A database in which a backslash escapes does not read a template's strings in another way."""
    connection.execute("alter database " + connection.info.dbname + " set standard_conforming_strings = off")
    project({"010_item.sql": "select 'a\\' as c, {{ x }} as b;"}, variables={"x": " , (select 1) as pwn --"})
    result = run("apply", "--dsn", database, "--json")
    assert result.json["scripts"][0]["returned"] == [{"c": "a\\", "b": " , (select 1) as pwn --"}]


def test_rows_that_python_cannot_hold(run: Run, database: str, project: MakeProject) -> None:
    """Rows are shown in PostgreSQL's own words."""
    project(
        {"010_item.sql": "select 'infinity'::timestamp as a, '0044-03-15 BC'::date as b, '{\"k\": true}'::jsonb as c;"}
    )
    result = run("apply", "--dsn", database, "--json")
    returned = {"a": "infinity", "b": "0044-03-15 BC", "c": '{"k": true}'}
    assert result.json["scripts"][0]["returned"] == [returned]
