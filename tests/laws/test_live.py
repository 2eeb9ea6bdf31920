"""A live database: locks that others hold, indexes of large tables, and who is told what."""

from __future__ import annotations

import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import MakeProject, Run
from tests.support.planned_cases import run_command
from tests.support.projects import copy_project, started_runner, until
from tests.support.runs import LONGEST

LEFT = "select count(*) from pg_class where relname like 'item%'"
RUNNER = """
    select pid, query from pg_stat_activity
    where datname = current_database() and application_name like 'runner %'
"""
WAITS = f"select query from ({RUNNER}) as r where pg_blocking_pids(pid) <> '{{}}'"
SLEEPS = f"select query from ({RUNNER}) as r where query like '%sleep(300)'"
TABLE = """
    create table item (id integer, name text);
    insert into item select i, 'row ' || i from generate_series(1, 500) as i;
"""
ITEM = {"010_item.sql": "create table if not exists item (id integer);"}
COLUMN = {
    "010_other.sql": "create table if not exists other (id integer);",
    "020_item.sql": "create table if not exists item (id integer, name text);\n\n"
    "alter table item add column if not exists size integer;",
}
AGAIN = r"^script/020_item.sql:3: trying again in [0-9.]+ s \((.) of 2\): the lock is held by (.*)$"
SHORT = {"lock_timeout": "1s", "lock_retries": 2}
LARGE = {"concurrent_index_above": "0"}
INDEX = {
    "010_item.sql": "create table if not exists item (id integer, name text);\n"
    "create index if not exists item_name_idx on item (name);\n"
    "comment on index item_name_idx is 'Finds by name.';"
}


OLDER = """
    insert into jira_issues_v2 (issue_key, summary, status, project_name)
    select 'K-' || i, 'Summary ' || i, 'open', 'P' || i % 100 from generate_series(0, ROWS - 1) as i;
    alter table jira_issues_v2 drop column ndpu_order_number, drop column location_name cascade;
    drop index idx_jira_issues_v2_status, idx_jira_issues_v2_last_updated;
    analyze jira_issues_v2;
"""


def value(connection: Connection, query: str) -> Any:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


@pytest.fixture
def table(connection: Connection) -> Connection:
    """A connection to a database that has a table with rows."""
    connection.execute(TABLE)
    return connection


# Locks that others hold


def test_a_lock_that_stays_ends_the_run(run: Run, project: MakeProject, database: str, table: Connection) -> None:
    """After all retries: exit code 1, the message names who holds it and says what to do, and nothing is half done."""
    project(COLUMN, run={**SHORT, "on_error": "continue"})
    with psycopg.connect(database, application_name="report") as holder:
        holder.execute("select count(*) from item")
        pid = holder.info.backend_pid
        result = run("apply", "--dsn", database)
    assert result.code == 1
    retries = re.findall(AGAIN, result.err, re.MULTILINE)
    assert [number for number, _ in retries] == ["1", "2"], result
    held = rf"pid {pid} \(report, role \w+, from .*, idle in transaction, transaction open for [0-9]+ s\): select count"
    assert all(re.match(held, who) for _, who in retries), result
    assert "error: script/020_item.sql:3: canceling statement due to lock timeout [55P03]" in result.out
    assert re.search(rf"held by {held}", result.out)
    assert f"select pg_terminate_backend({pid});" in result.out
    assert value(table, "select count(*) from pg_attribute where attrelid = 'item'::regclass and attname = 'size'") == 0
    assert table.execute("select script, status from runner_history order by script").fetchall() == [
        ("script/010_other.sql", "applied"),
        ("script/020_item.sql", "failed"),
    ]


def test_a_lock_that_goes_is_waited_for(project: MakeProject, database: str, table: Connection) -> None:
    """The script is tried again, and in between the run holds no lock on any table."""
    folder = project(COLUMN, run={"lock_timeout": "200ms", "lock_retries": 50})
    held = """
        select count(*) from pg_locks as l inner join pg_stat_activity as a on l.pid = a.pid
        where a.application_name like 'runner %' and l.relation::regclass::text in ('item', 'other')
    """
    with psycopg.connect(database) as holder:
        holder.execute("lock table item in share mode")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            assert running.stdout
            while "trying again" not in (line := running.stdout.readline()):
                assert line
            assert value(table, held) == 0
            holder.rollback()
            out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 0, out


@pytest.mark.parametrize("script", ["create table", "alter table"])
def test_a_lock_against_reading_is_waited_for(
    project: MakeProject, database: str, table: Connection, script: str
) -> None:
    """A column that is the same whatever rows there are is planned unseen; who is in the way is named."""
    texts = {
        "create table": "create table if not exists item (id integer, name text, size integer);",
        "alter table": "create table if not exists item (id integer, name text);\n"
        "alter table item add column if not exists size integer default 0 not null;",
    }
    folder = project({"010_item.sql": texts[script]}, run={"lock_timeout": "200ms", "lock_retries": 50})
    with psycopg.connect(database) as holder:
        holder.execute("lock table item in access exclusive mode")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            assert running.stdout
            while "trying again" not in (line := running.stdout.readline()):
                assert line
            assert f"the lock is held by pid {holder.info.backend_pid} (" in line
            holder.rollback()
            out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 0, out
    assert value(table, "select count(size is null) from item") == 500


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_who_keeps_rows_from_being_looked_at_is_named(
    run: Run, project: MakeProject, database: str, table: Connection, command: str
) -> None:
    """What depends on the rows of a locked table is left unchanged: who holds it is reported, and what to do."""
    text = "create table if not exists item (id integer not null, name text, size integer not null);"
    project({"010_item.sql": text}, run=SHORT)
    with psycopg.connect(database, application_name="repack") as holder:
        holder.execute("lock table item in access exclusive mode")
        result = run(command, "--dsn", database)
    assert result.code == (1 if command == "apply" else 0)
    held = r"the table could not be looked at: it is locked by pid \d+ \(repack, role .*\): lock table item in access"
    assert re.search(rf"{held} exclusive mode; apply again when the lock is gone", result.out), result
    assert value(table, "select count(*) from item where id is null") == 0


def test_a_deadlock_is_tried_again(project: MakeProject, database: str, table: Connection) -> None:
    """The run that a deadlock makes the victim says so, and goes on when the other session is done."""
    text = "\n".join(f"alter table {name} add column if not exists size integer;" for name in ("item", "other"))
    folder = project({"010_both.sql": text}, run={"lock_timeout": "20s"}, options={"010_both.sql": {"run": "once"}})
    table.execute("create table other (id integer)")
    with psycopg.connect(database) as holder:
        holder.execute("set deadlock_timeout = '30s'")
        holder.execute("lock table other in access exclusive mode")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            until(lambda: value(table, WAITS))
            holder.execute("lock table item in access exclusive mode")
            holder.rollback()
            out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 0, out
    assert re.search(r" script/010_both.sql:2: trying again in .*: deadlock", out), out


def test_a_password_in_the_query_of_another_is_not_shown(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """Who is named as the holder of a lock may have said a password."""
    connection.execute(TABLE)
    project(COLUMN, run=SHORT)
    with psycopg.connect(database) as holder:
        holder.execute("lock table item in share mode")
        holder.execute("select 'alter role x password ''opensesame'''")
        pid = holder.info.backend_pid
        result = run("apply", "--dsn", database)
    assert result.code == 1
    assert f"pid {pid} " in result.said
    assert "sesame" not in result.said


# What is sent names its place


def test_a_statement_names_its_place(project: MakeProject, database: str, connection: Connection) -> None:
    """Who looks at the server's activity sees which script and line it is, and whose."""
    folder = project({"010_sleep.sql": "\nselect pg_sleep(300);"})
    with started_runner("apply", "--dsn", database, folder=folder):
        query = until(lambda: value(connection, SLEEPS))
        assert query == "/* script/010_sleep.sql:2 */ select pg_sleep(300)"
        name = value(connection, "select application_name from pg_stat_activity where query like '/*%'")
        assert name == "runner small"


def test_the_server_notices_that_the_runner_is_gone(
    project: MakeProject, database: str, connection: Connection
) -> None:
    """A statement of a killed runner is ended by the server within seconds, and its locks with it."""
    folder = project({"010_sleep.sql": "create table if not exists item (id integer);\nselect pg_sleep(300);"})
    with started_runner("apply", "--dsn", database, folder=folder) as running:
        until(lambda: value(connection, SLEEPS))
        running.kill()
        until(lambda: value(connection, f"select count(*) from ({RUNNER}) as r") == 0)


# Indexes of large tables


def test_an_index_of_a_large_table_is_built_beside_writers(
    project: MakeProject, database: str, table: Connection
) -> None:
    """It is built CONCURRENTLY after its script: an open writer does not stop others from writing."""
    folder = project(INDEX, run=LARGE)
    with psycopg.connect(database) as writer:
        writer.execute("insert into item values (0, 'open')")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            query = until(lambda: value(table, WAITS))
            sql = "create index concurrently if not exists item_name_idx on item (name)"
            assert query == f"/* script/010_item.sql:2 */ {sql}"
            assert value(table, "select status from runner_history") == "started"
            table.execute("set lock_timeout = '1s'")
            table.execute("insert into item values (-1, 'beside it')")
            writer.commit()
            out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 0, out
    assert value(table, "select status from runner_history") == "applied"
    assert value(table, "select obj_description('item_name_idx'::regclass)") == "Finds by name."


def test_a_build_that_fails_leaves_nothing(run: Run, project: MakeProject, database: str, table: Connection) -> None:
    """What is left of an index that cannot be built is dropped; the script has failed, its own part is committed."""
    table.execute("insert into item values (0, 'zero')")
    text = (
        "create index if not exists item_part_idx on item ((1 / id));\ncreate table if not exists other (id integer);"
    )
    project({"010_item.sql": text}, run=LARGE, options={"010_item.sql": {"run": "once"}})
    result = run("apply", "--dsn", database)
    assert result.code == 1
    assert "error: script/010_item.sql:1: division by zero [22012]" in result.out
    assert value(table, LEFT) == 1
    assert table.execute("select status, error like '%division by zero%' from runner_history").fetchall() == [
        ("started", True)
    ]
    table.execute("delete from item where id = 0")
    assert run("apply", "--dsn", database).code == 0
    assert value(table, "select indisvalid from pg_index where indexrelid = 'item_part_idx'::regclass")


@pytest.mark.parametrize("is_valid", [True, False])
def test_a_repair_that_fails_leaves_nothing(
    project: MakeProject, database: str, table: Connection, *, is_valid: bool
) -> None:
    """What is left of an index that was to take another's place is dropped, and the other is as it was."""
    table.execute("insert into item values (0, 'zero')")
    table.execute("create index item_part_idx on item (id)")
    table.execute("update pg_index set indisvalid = %s where indexrelid = 'item_part_idx'::regclass", [is_valid])
    part = "create index if not exists item_part_idx on item ((1 / id));"
    text = f"create table if not exists item (id integer, name text);\n{part}"
    folder = project({"010_item.sql": text}, run=LARGE)
    indexes = "select indexrelid::regclass::text, indisvalid from pg_index where indrelid = 'item'::regclass"
    failed = run_command(folder, "apply", database)
    assert failed.code == 1
    assert "error: script/010_item.sql:2: division by zero [22012]" in failed.out
    assert table.execute(indexes).fetchall() == [("item_part_idx", is_valid)]
    table.execute("delete from item where id = 0")
    assert run_command(folder, "apply", database).code == 0
    assert table.execute(indexes).fetchall() == [("item_part_idx", True)]


def test_an_interrupted_build_leaves_nothing(project: MakeProject, database: str, table: Connection) -> None:
    """A signal ends the build, and what is left of the index is dropped if that can be done at once."""
    folder = project(INDEX, run=LARGE)
    with psycopg.connect(database) as writer:
        writer.execute("insert into item values (0, 'open')")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            until(lambda: value(table, WAITS))
            running.send_signal(signal.SIGTERM)
            until(
                lambda: value(table, f"select query from ({RUNNER}) as r where query like 'drop index concurrently%'")
            )
            writer.rollback()
            out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 143, out
    assert "failed: script/010_item.sql" in out
    assert value(table, "select count(*) from pg_index where indrelid = 'item'::regclass") == 0
    assert value(table, "select status from runner_history") == "failed"


def test_a_killed_build_is_built_anew(run: Run, project: MakeProject, database: str, table: Connection) -> None:
    """An INVALID index that a killed run has left is replaced by the next, beside writers too; rows stay."""
    project({"010_known.sql": "create table if not exists known (id integer);"})
    assert run("apply", "--dsn", database).code == 0
    folder = project(
        INDEX | {"020_once.sql": "update item set name = name || '!' where id = 1;"},
        run=LARGE,
        options={"020_once.sql": {"run": "once"}},
    )
    invalid = "select count(*) from pg_index where not indisvalid"
    with psycopg.connect(database) as writer:
        writer.execute("insert into item values (0, 'open')")
        with started_runner("apply", "--dsn", database, folder=folder) as running:
            until(lambda: value(table, invalid))
            running.kill()
            until(lambda: value(table, f"select count(*) from ({RUNNER}) as r") == 0)
    assert value(table, invalid) == 1
    result = run("apply", "--dsn", database)
    assert result.code == 0, result
    assert value(table, invalid) == 0
    assert value(table, "select obj_description('item_name_idx'::regclass)") == "Finds by name."
    assert value(table, "select name from item where id = 1") == "row 1!"
    assert run("plan", "--check", "--dsn", database).code == 0


def test_the_rows_of_a_once_script_are_moved_once(
    run: Run, project: MakeProject, database: str, table: Connection
) -> None:
    """A once script that was cut off between its own transaction and its index does only what is left."""
    text = "insert into item values (0, 'once');\ncreate index if not exists item_part_idx on item (id);"
    project({"010_once.sql": text}, run=LARGE, options={"010_once.sql": {"run": "once"}})
    assert run("apply", "--dsn", database).code == 0
    table.execute("update runner_history set status = 'started'")
    table.execute("drop index item_part_idx")
    planned = run("plan", "--dsn", database)
    assert "was cut off after its own transaction" in planned.out
    assert run("apply", "--dsn", database).code == 0
    assert value(table, "select count(*) from item where name = 'once'") == 1
    assert value(table, "select count(*) from pg_class where relname = 'item_part_idx'") == 1
    assert table.execute("select run, status from runner_history order by run").fetchall() == [
        (1, "started"),
        (2, "applied"),
    ]


def test_the_rows_of_a_once_script_whose_build_fails_are_moved_once(
    run: Run, project: MakeProject, database: str, table: Connection
) -> None:
    """Its own transaction is committed: what is tried again is the index, and only that."""
    text = "insert into item values (0, 'once');\ncreate index item_part_idx on item ((1 / id));"
    project({"010_once.sql": text}, run=LARGE, options={"010_once.sql": {"run": "once"}})
    for _ in range(2):
        assert run("apply", "--dsn", database).code == 1
        assert value(table, "select count(*) from item where name = 'once'") == 1
    history = "select run, status, error like '%division by zero%' from runner_history order by run"
    assert table.execute(history).fetchall() == [(1, "started", True), (2, "started", True)]
    assert "was cut off after its own transaction" in run("status", "--dsn", database).out
    table.execute("update item set id = 7 where id = 0")
    assert run("apply", "--dsn", database).code == 0
    assert value(table, "select count(*) from item where name = 'once'") == 1
    assert value(table, "select indisvalid from pg_index where indexrelid = 'item_part_idx'::regclass")


def test_a_once_script_is_finished_beside_one_that_may_have_done_anything(
    run: Run, project: MakeProject, database: str, table: Connection
) -> None:
    """Also where nothing can be compared any more, the index that is left to do is done, and no row is moved again."""
    once = "insert into item values (1000, 'once');\ncreate index item_part_idx on item (id);"
    scripts = {"010_before.sql": "do $$ begin null; end $$;", "020_once.sql": once}
    modes = {name: {"run": "once"} for name in scripts}
    folder = project(scripts, run=LARGE, options=modes)
    assert run("apply", "--dsn", database).code == 0
    table.execute("update runner_history set status = 'started' where script like '%once.sql'")
    table.execute("delete from runner_history where script like '%before.sql'")
    table.execute("drop index item_part_idx")
    result = run("apply", "--dsn", database)
    assert result.code == 0, (folder, result)
    assert value(table, "select count(*) from item where name = 'once'") == 1
    assert value(table, "select count(*) from pg_class where relname = 'item_part_idx'") == 1


def test_an_interrupted_script_without_a_transaction_is_not_guessed_about(
    project: MakeProject, database: str, connection: Connection, run: Run
) -> None:
    """A signal in the middle of it leaves it as a kill does: begun, and not run again by itself."""
    text = "create table item (id integer);\nselect pg_sleep(300);"
    folder = project({"010_alone.sql": text}, options={"010_alone.sql": {"run": "once", "transaction": False}})
    with started_runner("apply", "--dsn", database, folder=folder) as running:
        until(lambda: value(connection, SLEEPS))
        running.send_signal(signal.SIGTERM)
        out, _ = running.communicate(timeout=LONGEST)
    assert running.returncode == 143, out
    assert value(connection, "select status from runner_history") == "started"
    assert "it is unknown which statements completed" in run("apply", "--dsn", database).out


def test_small_new_and_unique_are_built_in_the_script(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """CONCURRENTLY is only for what is large and was there before."""
    connection.execute(TABLE)
    once = {"010_item.sql": {"run": "once"}}
    scripts = {
        "010_item.sql": "create unique index if not exists item_id_idx on item (id);\n"
        "create table if not exists other (id integer);\ncreate index if not exists other_idx on other (id);"
    }
    project(scripts, run=LARGE, options=once)
    assert "concurrently" not in run("apply", "--dry-run", "--dsn", database).out
    project(
        {"010_item.sql": "create index if not exists item_idx on item (id);"}, options={"010_item.sql": {"run": "once"}}
    )
    assert "concurrently" not in run("apply", "--dry-run", "--dsn", database).out


# Scripts without a transaction that died


def test_nobody_guesses_how_far_a_script_came(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """A once script without a transaction that died in the middle is not run again until a person has looked."""
    text = "insert into item values (1);\nselect pg_sleep(300);\ninsert into item values (2);"
    folder = project(
        {
            "010_item.sql": "create table if not exists item (id integer);",
            "020_alone.sql": text,
            "030_more.sql": "select 1;",
        },
        options={"020_alone.sql": {"run": "once", "transaction": False}},
    )
    with started_runner("apply", "--dsn", database, folder=folder) as running:
        until(lambda: value(connection, SLEEPS))
        running.kill()
        until(lambda: value(connection, f"select count(*) from ({RUNNER}) as r") == 0)
    result = run("apply", "--dsn", database)
    assert result.code == 1
    said = r"error: script/020_alone.sql: run 1 of .* by \w+ was cut off, and it is unknown which"
    assert re.search(said, result.out), result
    assert "skipped" in result.out
    assert "it is unknown" in run("status", "--dsn", database).out
    assert connection.execute("select id from item").fetchall() == [(1,)]
    sql = next(line for line in result.out.splitlines() if "delete from" in line).partition("beginning: ")[2]
    connection.execute(sql.encode())
    (folder / "script" / "020_alone.sql").write_text("insert into item values (3);")
    assert run("apply", "--dsn", database).code == 0
    assert connection.execute("select id from item").fetchall() == [(1,), (3,)]
    connection.execute("update runner_history set status = 'started' where script like '%alone%'")
    assert run("apply", "--baseline", "--dsn", database).code == 0
    assert run("apply", "--dsn", database).code == 0
    assert connection.execute("select id from item").fetchall() == [(1,), (3,)]


def test_an_older_history_is_brought_up_to_date(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """A history table that knows only applied and failed scripts learns of those that were begun."""
    project(ITEM)
    assert run("apply", "--dsn", database).code == 0
    connection.execute("alter table runner_history drop constraint runner_history_status_check")
    connection.execute(
        "alter table runner_history add constraint runner_history_status_check check (status in ('applied', 'failed'))"
    )
    assert run("apply", "--dsn", database).code == 0
    query = "select pg_get_constraintdef(oid) from pg_constraint where conname = 'runner_history_status_check'"
    assert "started" in value(connection, query)
    assert "setup" not in run("plan", "--dsn", database).out


# One transaction for all


def test_a_single_transaction_is_all_or_nothing(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """When one script fails nothing of the others is left; when none does, it is as if each had its own."""
    scripts = ITEM | {"020_wrong.sql": "select 1 / 0;", "030_more.sql": "select 1;"}
    folder = project(scripts, run={"on_error": "continue"})
    result = run("apply", "--single-transaction", "--json", "--dsn", database)
    assert result.code == 1
    assert [script["status"] for script in result.json["scripts"]] == ["skipped", "failed", "skipped"]
    assert result.json["scripts"][1]["error"]["place"] == "script/020_wrong.sql:1"
    assert value(connection, "select count(*) from pg_class where relname in ('item', 'runner_history')") == 0
    (folder / "script" / "020_wrong.sql").write_text("insert into item select 7 where not exists (select from item);")
    plan = run("apply", "--single-transaction", "--dry-run", "--dsn", database).out
    assert plan.count("begin;") == 1
    result = run("apply", "--single-transaction", "--json", "--dsn", database)
    assert result.code == 0, result
    assert value(connection, "select id from item") == 7
    assert run("plan", "--check", "--dsn", database).code == 0
    assert value(connection, "select count(distinct xmin::text) from runner_history") == 1


def test_a_script_without_a_transaction_is_in_no_single_one(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """It is refused with the reason before anything is sent."""
    project(
        ITEM | {"020_alone.sql": "vacuum item;"},
        options={"020_alone.sql": {"run": "once", "transaction": False}},
    )
    result = run("apply", "--single-transaction", "--dsn", database)
    assert result.code == 1
    assert result.err.startswith("error: script/020_alone.sql: it cannot be in a single transaction: ")
    assert value(connection, LEFT) == 0


# A lock that is not to be had at all


def test_the_run_lock_is_waited_for_no_longer_than_asked(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """With --lock-wait 0 another run is an error at once, which names it."""
    project(ITEM)
    connection.execute("set application_name = 'another'")
    connection.execute("select pg_advisory_lock(hashtextextended('runner public.runner_history', 0))")
    result = run("apply", "--lock-wait", "0", "--dsn", database)
    assert result.code == 1
    pid = connection.info.backend_pid
    assert result.err.startswith(f"error: another run holds the lock after 0 s: pid {pid} (another), role "), result
    assert value(connection, LEFT) == 0


# Writers


@contextmanager
def repeated(dsn: str, action: Callable[[Connection], object]) -> Iterator[None]:
    """Do something again and again, on a connection of its own, while the block runs. Raise what it raises."""
    ended = threading.Event()
    failures: list[psycopg.Error] = []

    def repeat() -> None:
        try:
            with psycopg.connect(dsn, autocommit=True) as connection:
                while not ended.is_set():
                    action(connection)
        except psycopg.Error as error:
            failures.append(error)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert failures == []


def test_a_writer_is_hardly_held_up(
    pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str], applied: str, tmp_path: Path, run: Run
) -> None:
    """While apply adds columns and indexes to the issues, 200 transactions a second go on, and none fails.

    Readers in between hold the table for longer than a lock is waited for, so that transactions are tried again.
    """
    rows = 1_000_000 if pytestconfig.getoption("torture") else 30_000
    lock_timeout = 0.2
    manifest = copy_project(tmp_path) / "manifest.toml"
    above = "64MB" if rows > 100_000 else "0"
    settings = f'lock_timeout = "200ms"\nlock_retries = 100\nconcurrent_index_above = "{above}"'
    manifest.write_text(manifest.read_text().replace('lock_timeout = "1s"', settings))
    with psycopg.connect(applied, autocommit=True) as connection:
        connection.execute(OLDER.replace("ROWS", str(rows)).encode())
    stalls: list[float] = []

    def write(connection: Connection) -> None:
        begin = time.monotonic()
        key = f"K-{random.randrange(rows)}"  # noqa: S311
        connection.execute("update jira_issues_v2 set summary = summary || '.' where issue_key = %s", (key,))
        took = time.monotonic() - begin
        stalls.append(took)
        time.sleep(max(1 / 200 - took, 0))

    def read(connection: Connection) -> None:
        with connection.transaction():
            connection.execute("select count(*) from (select from jira_issues_v2 limit 10) as few")
            time.sleep(random.uniform(0.3, 0.6))  # noqa: S311
        time.sleep(0.05)

    begin = time.monotonic()
    with repeated(applied, write), repeated(applied, read):
        result = run("apply", "--dsn", applied)
    seconds = time.monotonic() - begin
    assert result.code == 0, result
    retries = result.err.count("trying again")
    with capsys.disabled():
        sys.stdout.write(
            f"\n{rows} rows: {len(stalls)} transactions in {seconds:.1f} s, {len(stalls) / seconds:.0f} a second; "
            f"the longest took {max(stalls):.3f} s; {retries} retries\n"
        )
    assert max(stalls) < lock_timeout + 0.5
    assert run("plan", "--check", "--dsn", applied).code == 0
