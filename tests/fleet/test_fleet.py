"""Many databases and many schemas: each by itself, whatever happens to the others."""

from __future__ import annotations

import json
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest
import tomli_w
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import InputError
from runner.fleet.targets import TargetEntry, read_targets
from runner.postgres.settings import run_lock_key
from runner.project.loading import load
from tests.conftest import MakeProject, Run
from tests.support.projects import ROOT, copy_project, run_runner, runner_environment, started_runner, until
from tests.support.runs import runner_command
from tests.support.servers import Server

ITEM = {"010_item.sql": "create table if not exists item (id integer primary key, name text);"}
EVERYWHERE = {
    "010_item.sql": """
        create schema if not exists {{ schema | identifier }};
        comment on schema {{ schema | identifier }} is 'One tenant.';
        create table if not exists {{ schema | identifier }}.item (
            id serial primary key, parent integer references {{ schema | identifier }}.item (id), name text default 'x'
        );
        create index if not exists item_name on {{ schema | identifier }}.item (name);
        comment on table {{ schema | identifier }}.item is 'Items.';
        create or replace function {{ schema | identifier }}.first_item() returns integer language sql stable
            begin atomic select min(id) from {{ schema | identifier }}.item; end;
    """,
    "020_rows.sql": """
        insert into {{ schema | identifier }}.item (name)
        select 'first' where not exists (select from {{ schema | identifier }}.item);
    """,
}


@pytest.fixture
def databases(server: Server) -> Iterator[list[str]]:
    """Six empty databases."""
    with ExitStack() as stack:
        yield [stack.enter_context(server.database()) for _ in range(6)]


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of a server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield listener.getsockname()[1]


def documents(out: str) -> list[dict[str, Any]]:
    """Return the documents of a fleet: one for each line."""
    return [json.loads(line) for line in out.splitlines()]


def by_target(found: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    *members, summary = found
    assert summary["targets"] == len(members)
    return {document["target"]: document for document in members}


def write_targets(folder: Path, *dsns: str) -> Path:
    path = folder / "targets.txt"
    path.write_text("# one a line\n\n" + "\n".join(dsns) + "\n", encoding="utf-8")
    return path


@pytest.mark.long
def test_fifty_databases_of_which_some_are_broken(server: Server, project: MakeProject, run: Run, silent: int) -> None:
    """Three that are broken in different ways, and one that hangs, keep none of the others from being as declared."""
    folder = project(ITEM)
    with ExitStack() as stack:
        good = [stack.enter_context(server.database()) for _ in range(46)]
        read_only, other = (stack.enter_context(server.database()) for _ in range(2))
        with psycopg.connect(other, autocommit=True) as connection:
            connection.execute("create table item (id integer primary key, name integer)")
            connection.execute(
                "alter database {} set default_transaction_read_only = on".format(
                    psycopg.conninfo.conninfo_to_dict(read_only)["dbname"]
                ).encode()
            )
        hangs = f"host=127.0.0.1 port={silent} dbname=hangs user=nobody password=sesame"
        absent = make_conninfo(good[0], dbname="absent")
        targets = write_targets(folder, *good[:20], read_only, hangs, absent, other, *good[20:])
        result = run("apply", "--json", "--targets", targets, "--jobs", "8", "--wait", "2")
        assert result.code == 1, result
        assert "sesame" not in result.said
        found = documents(result.out)
        assert found[-1] == {
            "ok": False,
            "targets": 50,
            "failed": 4,
            "pending": 0,
            "interrupted": 0,
            "not_begun": 0,
            "stopped": None,
            "seconds": found[-1]["seconds"],
        }
        broken = {document["target"].rpartition("/")[2]: document for document in found[:-1] if not document["ok"]}
        names = {psycopg.conninfo.conninfo_to_dict(dsn)["dbname"]: dsn for dsn in (read_only, other)}
        assert broken.keys() == {*names, "absent", "hangs"}
        assert "timeout" in broken["hangs"]["error"]["message"]
        assert "does not exist" in broken["absent"]["error"]["message"]
        findings = broken[psycopg.conninfo.conninfo_to_dict(other)["dbname"]]["result"]["verify"]["findings"]
        assert [(finding["kind"], finding["object"]) for finding in findings] == [("different", "column item.name")]
        for dsn in good:
            with psycopg.connect(dsn) as connection:
                assert connection.execute(
                    "select count(*) from runner_history where status = 'applied'"
                ).fetchone() == (1,)
        again = run("verify", "--targets", write_targets(folder, *good), "--jobs", "8")
        assert again.code == 0, again
        assert again.out.splitlines()[-1].endswith(": 46 ok")


def test_a_server_that_hangs_is_asked_once(project: MakeProject, run: Run) -> None:
    """After an attempt without an answer, nothing waits for that server in a way that stops the others."""
    project(ITEM)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        dsn = f"host=127.0.0.1 port={listener.getsockname()[1]} dbname=x user=x"
        result = run("verify", "--wait", "0", "--dsn", dsn)
        assert (result.code, "timeout" in result.err) == (1, True), result
        listener.setblocking(False)
        listener.accept()[0].close()
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_it_is_read_for_people(project: MakeProject, run: Run, databases: list[str]) -> None:
    """A row for each target as it ends, what failed below it, and at the end how many ended how, by name."""
    project(ITEM)
    absent = make_conninfo(databases[0], dbname="absent")
    dsns = [argument for dsn in (*databases[:2], absent) for argument in ("--dsn", dsn)]
    result = run("apply", *dsns)
    assert result.code == 1
    heading, columns, *rows, summary, failed = result.out.splitlines()
    assert heading == "small: 3 targets"
    assert columns.split() == ["target", "result", "seconds"]
    assert sorted(row.split()[1] for row in rows if not row.startswith(" ")) == ["applied", "applied", "failed"]
    assert "    error: --dsn: cannot connect: " in result.out
    assert summary.endswith(" s: 2 ok, 1 failed")
    assert failed.startswith("failed: ")
    assert failed.endswith("/absent")
    quiet = run("apply", *dsns, "--quiet")
    assert "unchanged" not in quiet.said
    assert "absent" in quiet.out


def test_plans_of_many(project: MakeProject, run: Run, databases: list[str]) -> None:
    """`plan` tells how much is pending in each, and with --check exits 1 while it is anywhere."""
    project(ITEM)
    assert run("apply", "--dsn", databases[0]).code == 0
    dsns = [argument for dsn in databases[:2] for argument in ("--dsn", dsn)]
    result = run("plan", "--json", *dsns)
    assert result.code == 0
    assert sorted(document["result"]["pending"] for document in by_target(documents(result.out)).values()) == [0, 1]
    checked = run("plan", "--check", *dsns)
    assert checked.code == 1
    *_, summary, pending = checked.out.splitlines()
    assert summary.endswith(" s: 1 ok, 1 pending")
    assert pending.startswith("pending: ")
    assert pending.endswith("/" + str(conninfo_to_dict(databases[1])["dbname"]))
    counted = documents(run("plan", "--check", "--json", *dsns).out)[-1]
    assert (counted["ok"], counted["failed"], counted["pending"]) == (False, 0, 1)
    hashes = {document["result"]["hash"] for document in by_target(documents(result.out)).values()}
    assert len(hashes) == 2


def test_the_reviewed_plan_alone_is_run(project: MakeProject, run: Run, databases: list[str]) -> None:
    """With --expect, those whose plan is another are left as they are."""
    project(ITEM)
    assert run("apply", "--dsn", databases[0]).code == 0
    expected = run("plan", "--json", "--dsn", databases[1]).json["hash"]
    dsns = [argument for dsn in databases[:3] for argument in ("--dsn", dsn)]
    result = run("apply", "--json", "--expect", expected, *dsns)
    assert result.code == 1
    found = by_target(documents(result.out))
    assert sorted(document["status"] for document in found.values()) == ["ended", "ended", "failed"]


def test_an_interrupted_fleet_tells_which_are_done(project: MakeProject, server: Server) -> None:
    """SIGTERM cancels what runs; each target is done, interrupted or not begun; a second run does the rest."""
    scripts = ITEM | {
        "020_wait.sql": "select pg_sleep(case when exists (select from item where id = 1) then 60 else 0 end);"
    }
    folder = project(scripts)
    with ExitStack() as stack:
        dsns = [stack.enter_context(server.database()) for _ in range(6)]
        for dsn in dsns[2:4]:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("create table item (id integer primary key, name text); insert into item values (1)")
        targets = write_targets(folder, *dsns)
        with started_runner("apply", "--targets", targets, "--jobs", "2", folder=folder) as running:
            with psycopg.connect(dsns[3], autocommit=True) as connection:
                asleep = "select count(*) from pg_stat_activity where query like '%pg_sleep(case%' and state = 'active'"
                until(lambda: connection.execute(f"{asleep} and pid <> pg_backend_pid()").fetchone() == (2,), running)
            running.send_signal(signal.SIGTERM)
            out, _ = running.communicate(timeout=30)
        assert running.returncode == 143, out
        assert "6 targets in" in out
        assert ": 2 ok, 2 interrupted, 2 not begun" in out
        for dsn in dsns[2:4]:
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("delete from item")
        result = run_runner("apply", "--json", "--targets", targets, folder=folder)
        assert result.code == 0, result
        found = by_target(documents(result.out))
        assert {document["result"]["verify"]["ok"] for document in found.values()} == {True}


SLOW = {"010_slow.sql": "select pg_sleep(60);"}


@pytest.mark.parametrize("command", ["verify", "apply"])
def test_an_interrupted_check(project: MakeProject, server: Server, command: str) -> None:
    """A check that runs is cancelled at once, and the time is told that it took until then."""
    folder = project(ITEM, checks=SLOW)
    asleep = "select datname from pg_stat_activity where query like '%pg_sleep(60)%' and state = 'active'"
    with ExitStack() as stack:
        dsns = [stack.enter_context(server.database()) for _ in range(2)]
        targets = write_targets(folder, *dsns)
        connection = stack.enter_context(psycopg.connect(dsns[0], autocommit=True))

        def sleepers() -> int:
            return len(connection.execute(f"{asleep} and pid <> pg_backend_pid()").fetchall())

        with started_runner(command, "--json", "--targets", targets, folder=folder) as running:
            until(lambda: sleepers() == 2, running)
            begin = time.monotonic()
            running.send_signal(signal.SIGINT)
            out, _ = running.communicate(timeout=30)
        assert time.monotonic() - begin < 5, out
        assert sleepers() == 0
        assert running.returncode == 130, out
        found = documents(out)
        assert [document["status"] for document in found[:-1]] == ["interrupted"] * 2
        assert all(document["seconds"] > 0 for document in found[:-1])


@pytest.mark.parametrize("command", ["apply", "plan"])
def test_an_interrupted_wait_for_a_server(project: MakeProject, server: Server, silent: int, command: str) -> None:
    """What only waits for a server is not waited for, and the time is told that it has waited."""
    folder = project(ITEM)
    hangs = f"host=127.0.0.1 port={silent} dbname=hangs user=nobody"
    with server.database() as dsn:
        targets = write_targets(folder, dsn, hangs)
        with started_runner(command, "--json", "--targets", targets, folder=folder) as running:
            assert running.stdout is not None
            first = json.loads(running.stdout.readline())
            begin = time.monotonic()
            running.send_signal(signal.SIGINT)
            out, _ = running.communicate(timeout=30)
        assert time.monotonic() - begin < 5, out
        assert running.returncode == 130, out
        second = json.loads(out.splitlines()[0])
        assert [first["status"], second["status"]] == ["ended", "interrupted"]
        assert second["seconds"] > 0


def test_an_interrupted_wait_for_another_run(project: MakeProject, server: Server) -> None:
    """A target whose run lock somebody holds is not waited for."""
    folder = project(ITEM)
    with server.database() as dsn, server.database() as other:
        assert run_runner("apply", "--dsn", dsn, folder=folder).code == 0
        key = run_lock_key(load(folder / "manifest.toml").project.manifest)
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(f"select pg_advisory_lock({key})")
            targets = write_targets(folder, dsn, other)
            with started_runner("apply", "--targets", targets, folder=folder) as running:
                assert running.stdout is not None
                assert any("for another run to end" in line for line in running.stdout)
                begin = time.monotonic()
                running.send_signal(signal.SIGINT)
                out, _ = running.communicate(timeout=30)
            assert time.monotonic() - begin < 5, out
            assert running.returncode == 130, out


@pytest.mark.parametrize("arguments", [("apply",), ("plan",), ("verify",), ("verify", "--schemas-matching", "a*")])
def test_what_is_waited_for_is_told(project: MakeProject, run: Run, server: Server, arguments: tuple[str, ...]) -> None:
    """A server that is starting is waited for, and each command says so, with the name of the target."""
    project(ITEM)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        starting = f"host=127.0.0.1 port={port} dbname=starting user=nobody"
        result = run(*arguments, "--wait", "1", "--dsn", starting, "--dsn", server.conninfo)
    assert result.code == 1, result
    assert f"127.0.0.1:{port}/starting: waiting up to 1 s for the server: " in result.err


def test_databases_do_not_wait_for_each_other(server: Server, project: MakeProject, silent: int) -> None:
    """The schemas of a database follow the first of it, whatever hangs elsewhere."""
    folder = project(ITEM)
    hangs = f"host=127.0.0.1 port={silent} dbname=hangs user=nobody"
    schemas = [argument for schema in "abc" for argument in ("--schema", schema)]
    with server.database() as dsn:
        with started_runner("apply", "--json", "--dsn", hangs, "--dsn", dsn, *schemas, folder=folder) as running:
            assert running.stdout is not None
            found = [json.loads(running.stdout.readline()) for _ in range(3)]
        assert found[0]["schema"] == "a"
        assert [document["status"] for document in found] == ["ended"] * 3


@pytest.mark.long
def test_a_hundred_schemas(server: Server, project: MakeProject, run: Run) -> None:
    """Each schema gets all tables and a history of its own; the second time nothing is done in any of them."""
    extension = "create extension if not exists pg_trgm schema {{ extension_schema | identifier }};"
    index = "create index if not exists item_trigrams on item using gin (name gin_trgm_ops);"
    row = "insert into item select 1, 'one' where not exists (select from item);"
    project({"005_extension.sql": extension, **ITEM, "020_index.sql": index, "030_rows.sql": row})
    schemas = [f"tenant_{number:03}" for number in range(100)]
    arguments = [argument for schema in schemas for argument in ("--schema", schema)]
    with server.database() as dsn:
        assert run("lock", "--dsn", dsn).code == 0
        result = run("apply", "--json", "--jobs", "8", "--dsn", dsn, *arguments)
        assert result.code == 0, result.out[-2000:] + result.err
        with psycopg.connect(dsn) as connection:
            tables = connection.execute(
                "select schemaname, count(*) from pg_tables where schemaname like 'tenant%' group by 1 order by 1"
            ).fetchall()
            assert tables == [(schema, 3) for schema in schemas]
            assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)
            extension = "select extnamespace::regnamespace::text from pg_extension where extname = 'pg_trgm'"
            assert connection.execute(extension).fetchone() == ("public",)
        result = run("apply", "--json", "--jobs", "8", "--schemas-matching", "tenant_*", "--dsn", dsn)
        assert result.code == 0, result.out[-2000:] + result.err
        assert result.err == ""
        found = by_target(documents(result.out))
        assert sorted(document["schema"] for document in found.values()) == schemas
        statuses = {script["status"] for document in found.values() for script in document["result"]["scripts"]}
        assert statuses == {"unchanged"}
        result = run("verify", "--schemas-matching", "tenant_00?", "--dsn", dsn)
        assert result.out.splitlines()[-1].endswith(": 10 ok")


def test_tenants_of_this_repositorys_project(server: Server, fresh_project: Path) -> None:
    """All 16 tables are made in each schema, with the defaults, and verified; a second run does nothing."""
    with server.database() as dsn:
        for words in ("applied", "unchanged"):
            result = run_runner("apply", "--dsn", dsn, "--schema", "north", "--schema", "south", folder=fresh_project)
            assert result.code == 0, result
            assert result.out.count(f" {words} ") == 2


@pytest.mark.parametrize("locked", [True, False])
def test_scripts_that_name_the_schema(project: MakeProject, run: Run, database: str, locked: bool) -> None:  # noqa: FBT001
    """`{{ schema }}` everywhere works as well as nowhere; the lock that was written for one schema holds for all."""
    folder = project(EVERYWHERE)
    if locked:
        assert run("lock", "--dsn", database).code == 0
    schemas = ("--schema", "one", "--schema", "Two Words", "--schema", "public")
    for statuses in ({"applied"}, {"unchanged"}):
        result = run("apply", "--json", "--dsn", database, *schemas)
        assert result.code == 0, result
        found = by_target(documents(result.out))
        assert {script["status"] for document in found.values() for script in document["result"]["scripts"]} == statuses
        assert result.err == ""
    with psycopg.connect(database, autocommit=True) as connection:
        for schema in ("one", '"Two Words"', "public"):
            assert connection.execute(f"select count(*), min(name) from {schema}.item").fetchone() == (1, "first")
        connection.execute("drop index one.item_name")
    result = run("verify", "--json", "--dsn", database, *schemas)
    assert result.code == 1
    wrong = [document for document in documents(result.out)[:-1] if not document["ok"]]
    assert [(document["schema"], len(document["result"]["findings"])) for document in wrong] == [("one", 1)]
    assert folder.is_dir()


def test_a_single_schema_is_told_as_one_database(project: MakeProject, run: Run, database: str) -> None:
    """One --schema is no fleet: the output is that of a single run."""
    project(ITEM)
    result = run("apply", "--json", "--dsn", database, "--schema", "other")
    assert result.json["ok"]
    with psycopg.connect(database) as connection:
        assert connection.execute(
            "select to_regclass('other.item'), to_regclass('other.runner_history')"
        ).fetchone() == ("other.item", "other.runner_history")
    history = run("status", "--json", "--dsn", database, "--schema", "other").json["history"]
    assert [(entry["script"], entry["status"]) for entry in history] == [("script/010_item.sql", "applied")]
    assert run("status", "--json", "--dsn", database).json["history"] == []
    dry = run("apply", "--dry-run", "--dsn", database, "--schema", "third")
    assert dry.code == 0
    assert "search_path = third" in dry.out


def test_what_a_script_names_by_the_manifests_schema_stays_there(
    project: MakeProject, run: Run, connection: Connection[Any], database: str
) -> None:
    """A name that is written with the manifest's schema means that schema, whichever the target is."""
    project(
        {
            "010_some.sql": "create table if not exists public.shared (id integer);\n"
            "create table if not exists own (id integer);"
        }
    )
    assert run("lock", "--dsn", database).code == 0
    for _ in range(2):
        assert run("apply", "--dsn", database, "--schema", "one").code == 0
    found = connection.execute(
        "select schemaname || '.' || tablename from pg_tables where tablename in ('own', 'shared')"
    )
    assert sorted(name for (name,) in found) == ["one.own", "public.shared"]
    connection.execute("drop table public.shared")
    assert run("verify", "--dsn", database, "--schema", "one").code == 1


def test_what_does_not_depend_on_the_schema_is_done_once(tmp_path: Path) -> None:
    """Files that name no schema are shared between schemas, parsed and all; others are rendered for each."""
    shutil.copy(ROOT / "schema.lock.toml", copy_project(tmp_path))
    loaded = load(tmp_path / "manifest.toml")
    assert loaded.for_schema("tenant_1").files is loaded.files
    assert loaded.for_schema("summary").files is not loaded.files
    assert loaded.for_schema() is loaded


WRONG: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("# none\n\n", "no database; write one connection string a line"),
    "twice": ("dbname=a\ndbname=b\ndbname=a password=sesame\ndbname=a\n", "t.txt:4: the same database as t.txt:1"),
    "no connection string": ("dbname=a\npostgresql://u:sesame@[\n", "t.txt:2: not a connection string"),
    "a wrong key": ('[[target]]\ndsn = "dbname=a"\npassword = "sesame"\n', "unknown field `password`"),
    "a wrong type": ("[[target]]\ndsn = 5\n", "t.txt: not a list of targets: Expected `str`, got `int`"),
    "no TOML": ('[[target]]\ndsn = "sesame\n', "t.txt: not a list of targets"),
    "no targets": ("[other]\n", "t.txt: not a list of targets"),
    "not UTF-8": (b"dbname=\xff\n", "t.txt:1: byte 0xff is not UTF-8"),
    "two schemas": ('[[target]]\ndsn = "dbname=a"\nschema = "x"\n', "t.txt: target[0]: it has a schema of its own"),
    "a schema of PostgreSQL": (
        '[[target]]\ndsn = "dbname=a"\nschema = "pg_x"\n',
        "t.txt: target[0].schema: the name 'pg_x' belongs to PostgreSQL",
    ),
    "twice, once with the manifest's schema": (
        '[[target]]\ndsn = "dbname=a"\n[[target]]\ndsn = "dbname=a"\nschema = "public"\n',
        "t.txt: target[1]: the same database as t.txt: target[0]",
    ),
    "a name of two lines": (
        '[[target]]\nname = "a\\nb"\ndsn = "dbname=a"\n',
        "t.txt: target[0].name: a name is printable text in one line, not 'a\\nb'",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_wrong_targets(project: MakeProject, run: Run, wrong: str) -> None:
    """A list that is wrong is told by its line before anything is connected to, and no password is shown."""
    folder = project(ITEM)
    text, message = WRONG[wrong]
    (folder / "t.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    more = ("--schema", "y") if wrong == "two schemas" else ()
    result = run("apply", "--targets", "t.txt", *more)
    assert result.code == 2, result
    assert message in result.err
    assert "sesame" not in result.said


def test_targets_as_toml(tmp_path: Path) -> None:
    """A target has a connection string, and may have a name and a schema."""
    path = tmp_path / "t.toml"
    path.write_text(
        '[[target]]\ndsn = "dbname=a"\n[[target]]\nname = "b"\ndsn = "dbname=a"\nschema = "s"\n', encoding="utf-8"
    )
    assert read_targets(str(path), "public") == (
        TargetEntry("dbname=a", None, None, f"{path}: target[0]"),
        TargetEntry("dbname=a", "b", "s", f"{path}: target[1]"),
    )
    path.write_text("dbname=a\ndbname=a\n", encoding="utf-8")
    with pytest.raises(InputError):
        read_targets(str(path), "public")


SAME_NAMES: dict[str, tuple[list[tuple[str, str | None]], list[str]]] = {
    "a number that is a part of a name": ([("a", None), ("a", None), ("a #2", None)], ["a #1", "a #2", "a #3"]),
    "a schema that is a part of a name": ([("a", "b c"), ("a b", "c")], ["a b c #1", "a b c #2"]),
}


@pytest.mark.parametrize("same", SAME_NAMES)
def test_none_is_left_out_for_its_name(project: MakeProject, run: Run, databases: list[str], same: str) -> None:
    """Targets that are called the same are told apart, and all of them are applied to."""
    folder = project(ITEM)
    named, shown = SAME_NAMES[same]
    tables = [
        {"name": name, "dsn": dsn} | ({"schema": schema} if schema else {})
        for (name, schema), dsn in zip(named, databases, strict=False)
    ]
    (folder / "t.toml").write_text(tomli_w.dumps({"target": tables}), encoding="utf-8")
    result = run("apply", "--json", "--targets", "t.toml")
    assert result.code == 0, result
    assert sorted(by_target(documents(result.out))) == shown


def test_a_closed_stdin(project: MakeProject) -> None:
    """A list that is to come from a stdin that is closed is an error of the input."""
    command = shlex.join(runner_command("apply", "--targets", "-"))
    ended = subprocess.run(
        ["/bin/sh", "-c", f"{command} <&-"],
        check=False,
        capture_output=True,
        text=True,
        cwd=project(ITEM),
        env=runner_environment(),
        timeout=60,
    )
    assert ended.returncode == 2
    assert "error: stdin: closed; pipe the list of databases into it" in ended.stderr


def test_targets_from_stdin(project: MakeProject, databases: list[str]) -> None:
    """`-` reads the list from stdin."""
    folder = project(ITEM)
    result = run_runner("apply", "--targets", "-", folder=folder, text="\n".join(databases))
    assert result.code == 0, result
    assert result.out.splitlines()[-1].endswith(": 6 ok")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("apply", "--dry-run", "--schema", "a", "--schema", "b"), "a dry run is for one database and one schema"),
        (("apply", "--targets", "t.txt", "--dsn", "dbname=a"), "give the databases with --targets, or each with --dsn"),
        (("apply", "--dsn", "dbname=a", "--dsn", "dbname=a"), "the same database as --dsn"),
        (("plan", "--schema", "pg_catalog"), "--schema: the name 'pg_catalog' belongs to PostgreSQL"),
        (("verify", "--jobs", "0"), "--jobs"),
        (("apply", "--schemas-matching", "a*", "--schema", "b"), "give schemas with --schema, or a pattern"),
    ],
)
def test_options_that_do_not_go_together(
    project: MakeProject, run: Run, arguments: tuple[str, ...], message: str
) -> None:
    """What contradicts itself is told before anything is connected to."""
    folder = project(ITEM)
    (folder / "t.txt").write_text("dbname=a\n", encoding="utf-8")
    result = run(*arguments)
    assert result.code == 2, result
    assert message in result.err


def test_an_early_error_is_a_line_of_json(project: MakeProject, run: Run) -> None:
    """What is wrong before anything is connected to is one line, as the documents of targets are."""
    folder = project(ITEM)
    (folder / "manifest.toml").write_text("[project]\n", encoding="utf-8")
    (folder / "t.txt").write_text("dbname=a\n", encoding="utf-8")
    result = run("apply", "--json", "--targets", "t.txt")
    assert result.code == 2
    assert [document["ok"] for document in documents(result.out)] == [False]


def test_a_log_of_json(project: MakeProject, run: Run, databases: list[str]) -> None:
    """With a log of JSON, each target is an event, and so is the end."""
    project(ITEM)
    dsns = [argument for dsn in databases[:2] for argument in ("--dsn", dsn)]
    result = run("apply", "--log-format", "json", *dsns)
    assert result.out == ""
    *members, summary = [json.loads(line) for line in result.err.splitlines()]
    assert {(event["level"], event["status"], event["ok"]) for event in members} == {("info", "ended", True)}
    assert (summary["targets"], summary["failed"]) == (2, 0)


NAMED = {
    "the search_path of a function": """
        create or replace function one() returns integer language sql
            set search_path = {{ schema | identifier }}, pg_temp as 'select 1';
    """,
    "a table of the same name": "create table if not exists {{ schema | identifier }} (id integer);",
    "a name in capitals": "create schema if not exists TENANT; create table if not exists Tenant.item (id integer);",
    "a quoted name": 'create schema if not exists "tenant"; create table if not exists "tenant".item (id integer);',
    "a view of the manifest's schema": """
        create table if not exists item (id integer); create or replace view items as select id from public.item;
    """,
    "an extension": "create extension if not exists pg_trgm schema {{ schema | identifier }};",
}


@pytest.mark.parametrize("named", NAMED)
def test_the_lock_of_another_schema_is_not_taken_where_it_does_not_hold(
    project: MakeProject, run: Run, database: str, connection: Connection[Any], named: str
) -> None:
    """However a script names the schema, the database is as declared after it was applied, with a lock or without."""
    folder = project({"010_some.sql": NAMED[named]})
    connection.execute("create table public.item (id integer)")
    assert run("lock", "--dsn", database).code == 0
    for _ in range(2):
        result = run("apply", "--dsn", database, "--schema", "tenant")
        assert result.code == 0, result
    (folder / "schema.lock.toml").unlink()
    result = run("verify", "--dsn", database, "--schema", "tenant")
    assert result.code == 0, result
