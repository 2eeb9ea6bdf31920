"""Servers that fail, refuse or share: what a run says, what it leaves, and that it goes on where it can."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import psutil
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.postgres import embedded
from tests.conftest import MakeProject, Run
from tests.support.dumps import state
from tests.support.projects import Result, copy_project, run_runner, started_runner, until
from tests.support.proxy import proxied
from tests.support.runs import LONGEST
from tests.support.servers import Server, program, started, temporary_folder

REPLICAS = 20
ITEM = {"010_item.sql": "create table if not exists item (id integer);"}


@dataclass(frozen=True)
class Own:
    """A server of the test's own, which it may break."""

    conninfo: str
    data: Path

    @property
    def postmaster(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))

    def crash(self) -> None:
        """Kill one of the server's processes; the server ends all others, recovers, and goes on."""
        for child in self.postmaster.children():
            with suppress(psutil.NoSuchProcess):
                if "checkpointer" in " ".join(child.cmdline()):
                    child.kill()


@pytest.fixture(scope="module")
def own() -> Iterator[Own]:
    if not embedded.is_installed():
        pytest.skip("a server of its own needs the programs of the embedded PostgreSQL")
    with temporary_folder() as folder, started(folder) as conninfo:
        yield Own(conninfo, folder / "data")


# Servers that break


@pytest.mark.long
def test_a_run_survives_crashes_of_its_server(pytestconfig: pytest.Config, own: Own) -> None:
    """Whenever the server crashes, the run waits for it, plans anew and goes on; nothing is lost."""
    server = Server(own.conninfo)
    with server.database() as dsn, proxied(dsn) as (through, proxy):
        assert run_runner("apply", "--dsn", through).code == 0
        expected = state(dsn)
    trips = range(1, proxy.trips + 1)
    for trip in trips if pytestconfig.getoption("torture") else random.sample(trips, 3):
        with server.database() as dsn:
            with proxied(dsn, cut_at=trip, on_cut=own.crash) as (through, _):
                result = run_runner("apply", "--dsn", through)
            assert result.code == 0, (trip, result)
            assert state(dsn) == expected, trip


def test_a_restart_is_waited_for(project: MakeProject) -> None:
    """An immediate shutdown in the middle of a script: when the server is there again, the script is run anew."""
    folder = project(ITEM | {"020_rows.sql": "insert into item values (1);\nselect pg_sleep(2);"})
    with temporary_folder() as place, ExitStack() as stack:
        with started(place) as conninfo:
            running = stack.enter_context(started_runner("apply", "--dsn", conninfo, folder=folder))
            assert running.stdout
            while "script/010" not in (line := running.stdout.readline()):
                assert line
            time.sleep(0.5)
            Own(conninfo, place / "data").postmaster.send_signal(signal.SIGQUIT)
        time.sleep(0.5)
        with started(place):
            out, _ = running.communicate(timeout=LONGEST)
            with psycopg.connect(conninfo) as connection:
                assert connection.execute("select id from item").fetchall() == [(1,)]
    assert running.returncode == 0, out
    assert "the connection was lost" in out
    assert "connecting again" in out
    assert "waiting up to 30 s for the server" in out


def test_a_server_that_stays_away_is_told(project: MakeProject) -> None:
    """When the server does not come back within --wait: exit code 1, and what was going on."""
    folder = project(ITEM | {"020_rows.sql": "insert into item values (1);\nselect pg_sleep(300);"})
    with (
        temporary_folder() as place,
        started(place) as conninfo,
        started_runner("apply", "--wait", "1", "--dsn", conninfo, folder=folder) as running,
    ):
        assert running.stdout
        while "script/010" not in (line := running.stdout.readline()):
            assert line
        time.sleep(0.5)
        postmaster = Own(conninfo, place / "data").postmaster
        postmaster.send_signal(signal.SIGQUIT)
        out, _ = running.communicate(timeout=LONGEST)
        postmaster.wait(LONGEST)  # who stops a server that is about to end fails
    assert running.returncode == 1
    *_, first, last = out.splitlines()
    assert first.startswith("error: --dsn: cannot connect after 1 s: "), out
    assert last.startswith("  the connection was lost at script/020_rows.sql:2: what was committed before stays"), out


def test_a_reviewed_plan_is_not_made_anew(server: Server, fresh_project: Path) -> None:
    """With --expect a lost connection ends the run: what would go on is another plan. The next run does the rest."""
    with server.database() as dsn:
        dry = run_runner("apply", "--dry-run", "--json", "--dsn", dsn, folder=fresh_project)
        with proxied(dsn, cut_at=8) as (through, _):
            result = run_runner("apply", "--expect", dry.json["hash"], "--dsn", through, folder=fresh_project)
        assert result.code == 1, result
        assert re.search(r"^error: sql/.*: the connection was lost: ", result.err, re.MULTILINE), result
        assert "connecting again" not in result.err
        assert "what was committed before stays, and the next apply does the rest" in result.err
        assert run_runner("apply", "--dsn", dsn, folder=fresh_project).code == 0


def test_a_connection_that_is_lost_again_and_again_is_given_up(server: Server, tmp_path: Path) -> None:
    """After ten losses the run ends, and says where it stood."""
    copy_project(tmp_path)
    with server.database() as dsn, proxied(dsn, every=6) as (through, proxy):
        result = run_runner("apply", "--dsn", through, folder=tmp_path)
    assert result.code == 1, result
    assert result.err.count("connecting again") == 9
    assert proxy.connections >= 10
    assert "what was committed before stays" in result.err


@pytest.fixture
def small_disk(own: Own) -> Iterator[str]:
    """The name of a tablespace with room for next to nothing."""
    if os.geteuid() != 0 or which("mount") is None:
        pytest.skip("a small file system needs the right to mount one")
    folder = own.data.parent / "small"
    folder.mkdir()
    if subprocess.run([str(which("mount")), "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        owner = own.data.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        with psycopg.connect(own.conninfo, autocommit=True) as connection:
            connection.execute(f"create tablespace small location '{folder}'".encode())
            yield "small"
            connection.execute("drop tablespace small")
    finally:
        subprocess.run([str(which("umount")), folder], check=True)


def test_a_full_disk_is_told(run: Run, project: MakeProject, own: Own, small_disk: str) -> None:
    """The script that found no room has left nothing, the others have, and there is a word on what to do."""
    rows = "insert into item select n, repeat('x', 1000) from generate_series(1, 5000) as n;"
    text = f"create table if not exists item (id integer, name text) tablespace {small_disk};\n{rows}"
    project(
        {"010_item.sql": text, "020_more.sql": "create table if not exists more (id integer);"},
        run={"on_error": "continue"},
    )
    with Server(own.conninfo).database() as dsn:
        result = run("apply", "--dsn", dsn)
        assert result.code == 1
        said = r"error: script/010_item.sql:2: could not extend file .*: No space left on device \[53100\]"
        assert re.search(said, result.out)
        assert "make room on the server, and apply again" in result.out
        with psycopg.connect(dsn) as connection:
            query = "select relname from pg_class where relname in ('item', 'more')"
            assert connection.execute(query).fetchall() == [("more",)]


# Servers that refuse


def login(dsn: str, role: str, sql: str = "") -> str:
    """Make a role that may log in, and return how it connects."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"create role {role} login; {sql}".encode())
    return make_conninfo(dsn, user=role)


@pytest.fixture
def roles(own: Own) -> Iterator[str]:
    """A database of the server that lets everyone in; its roles go with it."""
    with Server(own.conninfo).database() as dsn:
        yield dsn
        with psycopg.connect(dsn, autocommit=True) as connection:
            for (role,) in connection.execute("select rolname from pg_roles where rolname ~ '^test_'").fetchall():
                connection.execute(f"drop owned by {role} cascade".encode())
                connection.execute(f"drop role {role}".encode())


def lines(result: Result) -> list[str]:
    return [line.strip() for line in result.said.splitlines()]


def test_a_role_that_reads_in_a_closed_schema_gets_the_grant(run: Run, project: MakeProject, roles: str) -> None:
    """The same refusal of the server has another cure where nothing is made in the schema."""
    dsn = login(roles, "test_reader", "grant create on schema public to test_reader; create schema closed")
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("create table closed.item (id integer)")
        connection.execute("grant select on closed.item to test_reader")
        connection.execute("grant create on database " + str(conninfo_to_dict(roles)["dbname"]) + " to test_reader")
    project({"010_read.sql": "select count(*) from closed.item;"})
    result = run("apply", "--dsn", dsn)
    assert result.code == 1
    (said,) = [line for line in lines(result) if line.startswith("hint: the owner of the schema")]
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute(said.partition("says: ")[2].encode())
    assert run("apply", "--dsn", dsn).code == 0


def test_the_owner_of_a_schema_is_enough(roles: str, tmp_path: Path) -> None:
    """Without superuser, a role that owns its schema applies all, with the extension that an administrator made."""
    copy_project(tmp_path)
    manifest = tmp_path / "manifest.toml"
    manifest.write_text(manifest.read_text().replace('\nschema = "public"', '\nschema = "jira"'))
    dsn = login(roles, "test_owner", "create schema jira authorization test_owner; create extension pg_trgm;")
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("grant create on database " + str(conninfo_to_dict(roles)["dbname"]) + " to test_owner")
    assert run_runner("lock", "--dsn", dsn, folder=tmp_path).code == 0
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("revoke create on database " + str(conninfo_to_dict(roles)["dbname"]) + " from test_owner")
    result = run_runner("apply", "--dsn", dsn, folder=tmp_path)
    assert result.code == 0, result
    assert run_runner("plan", "--check", "--dsn", dsn, folder=tmp_path).code == 0


def test_a_role_without_create_gets_the_grant(roles: str) -> None:
    """Since PostgreSQL 15 nobody may make tables in public but its owner: the message has the GRANT."""
    dsn = login(roles, "test_plain")
    result = run_runner("apply", "--dsn", dsn)
    assert result.code == 1
    assert "error: making the history table: permission denied for schema public [42501]" in lines(result)
    said = "hint: the owner of the schema, or a superuser, says: grant create on schema public to test_plain;"
    assert said in lines(result)
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute(said.partition("says: ")[2].encode())
    result = run_runner("apply", "--dsn", dsn)
    assert result.code == 1
    said = next(line for line in lines(result) if line.startswith("hint: an administrator says, once"))
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute(said.partition("database: ")[2].encode())
    assert run_runner("apply", "--dsn", dsn).code == 0


@pytest.mark.parametrize("kind", ["table runner_history (id integer)", "view runner_history as select 1 as id"])
def test_something_else_with_the_name_of_the_history(run: Run, project: MakeProject, database: str, kind: str) -> None:
    """What is called as the history and is none is named, with the key that gives the history another name."""
    project({"010_item.sql": "create table if not exists item (id integer);"})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create {kind}".encode())
    for command in ("plan", "apply", "status"):
        result = run(command, "--dsn", database)
        assert result.code == 1, result
        assert "error: public.runner_history is not a history table: " in result.err
        assert "run.history_table" in result.err


def test_a_role_that_may_not_read_the_history_gets_the_grant(run: Run, project: MakeProject, roles: str) -> None:
    """A plan needs the history: who may not read it gets the GRANT, which helps."""
    project({"010_item.sql": "create table if not exists item (id integer);"})
    assert run("apply", "--dsn", roles).code == 0
    database = conninfo_to_dict(roles)["dbname"]
    dsn = login(roles, "test_reader", f"grant create on database {database} to test_reader;")
    result = run("plan", "--dsn", dsn)
    assert result.code == 1
    assert "error: reading the history table: permission denied for table runner_history [42501]" in lines(result)
    said = next(line for line in lines(result) if line.startswith("hint: its owner says"))
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute(said.partition("says: ")[2].encode())
    assert run("plan", "--dsn", dsn).code == 0


@pytest.mark.parametrize("command", ["plan", "apply", "status"])
def test_a_locked_history_is_not_waited_for_without_end(
    run: Run, project: MakeProject, database: str, command: str
) -> None:
    """Who holds the history locked is named, after the time that a run waits for any lock."""
    project(ITEM, run={"lock_timeout": "300ms"})
    assert run("apply", "--dsn", database).code == 0
    with psycopg.connect(make_conninfo(database, application_name="repack")) as other:
        other.execute("lock table runner_history; select 'postgresql://app:sEcret@db/jira'")
        result = run(command, "--dsn", database)
    assert result.code == 1
    told = "reading the history table public.runner_history: it is locked for more than 300ms"
    assert [line for line in lines(result) if line.startswith(f"error: {told}")]
    assert [line for line in lines(result) if re.match(r"locked by pid \d+ \(repack, role ", line)]
    assert "sEcret" not in result.err
    assert run(command, "--dsn", database).code == 0


def test_who_waits_to_lock_the_history_is_named(run: Run, project: MakeProject, database: str) -> None:
    """Behind somebody who waits for a lock that nobody can read beside, a reader waits too: both are told."""
    project(ITEM, run={"lock_timeout": "300ms"})
    assert run("apply", "--dsn", database).code == 0
    with (
        psycopg.connect(database) as reader,
        psycopg.connect(make_conninfo(database, application_name="waiter")) as waiter,
        psycopg.connect(database, autocommit=True) as other,
    ):
        reader.execute("select from runner_history")
        thread = threading.Thread(target=suppressed, args=(waiter, "lock table runner_history"))
        thread.start()
        until(lambda: "waiter" in waiting(other))
        result = run("status", "--dsn", database)
        waiter.cancel_safe()
        thread.join()
    assert result.code == 1
    assert [line for line in lines(result) if re.match(r"locked by pid \d+ \(waiter, role ", line)]


def suppressed(connection: psycopg.Connection, sql: str) -> None:
    with suppress(psycopg.Error):
        connection.execute(sql.encode())


def waiting(connection: psycopg.Connection) -> list[str]:
    """Return the applications that wait for a lock."""
    sql = "select application_name from pg_stat_activity where wait_event_type = 'Lock'"
    return [name for (name,) in connection.execute(sql)]


def test_tables_of_another_role_are_told(run: Run, project: MakeProject, roles: str) -> None:
    """Who is not the owner of a table is told to apply as the owner."""
    dsn = login(roles, "test_other", "grant create on schema public to test_other; create table item (id integer);")
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("grant create on database " + str(conninfo_to_dict(roles)["dbname"]) + " to test_other")
    project({"010_item.sql": "create table if not exists item (id integer, name text);"})
    result = run("apply", "--dsn", dsn)
    assert result.code == 1
    assert "not repaired: the table could not be looked at: permission denied for table item" in lines(result)
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("grant select on item to test_other")
    result = run("apply", "--dsn", dsn)
    assert result.code == 1
    assert "error: script/010_item.sql:1: must be owner of table item [42501]" in lines(result)
    assert any(line.startswith("hint: apply as the owner, or name a role") for line in lines(result))


def test_a_member_applies_as_the_owner(run: Run, project: MakeProject, roles: str) -> None:
    """With run.role all objects belong to that role, the dry run says so, and the history names who logged in."""
    sql = """
        create role test_owner; create role test_member login noinherit; grant test_owner to test_member;
        create schema app authorization test_owner;
    """
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute(sql.encode())
        connection.execute("grant create on database " + str(conninfo_to_dict(roles)["dbname"]) + " to test_owner")
    scripts = ITEM | {"020_role.sql": "set role none;\nselect 1;"}
    folder = project(
        scripts, project={"schema": "app"}, run={"role": "test_owner"}, options={"020_role.sql": {"run": "once"}}
    )
    dsn = make_conninfo(roles, user="test_member")
    dry = run("apply", "--dry-run", "--dsn", dsn)
    assert dry.code == 0, dry
    (folder / "dry.sql").write_text(dry.out)
    with psycopg.connect(roles, autocommit=True) as connection:
        owners = "select tablename, tableowner from pg_tables where schemaname = 'app'"
        for apply_by in ("psql", "runner"):
            if apply_by == "psql":
                fed = program("psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", str(folder / "dry.sql"))
                assert fed.returncode == 0, fed.stderr
            else:
                connection.execute("drop table app.item, app.runner_history, app.runner_history_release")
                result = run("apply", "--dsn", dsn)
                assert result.code == 0, result
            assert set(connection.execute(owners).fetchall()) == {
                ("item", "test_owner"),
                ("runner_history", "test_owner"),
                ("runner_history_release", "test_owner"),
            }
            assert connection.execute("select distinct role from app.runner_history").fetchall() == [("test_member",)]


def test_a_role_that_cannot_be_taken_is_told(run: Run, project: MakeProject, roles: str) -> None:
    """Who is no member of run.role is told how to become one."""
    with psycopg.connect(roles, autocommit=True) as connection:
        connection.execute("create role test_owner; create role test_stranger login;")
    project(ITEM, run={"role": "test_owner"})
    result = run("apply", "--dsn", make_conninfo(roles, user="test_stranger"))
    assert result.code == 1
    first, second = result.err.splitlines()
    assert first.startswith("error: cannot take the role of the manifest, run.role: permission denied to set role")
    assert second == "  hint: grant test_owner to test_stranger;"


def test_a_read_only_database_is_told(own: Own) -> None:
    """default_transaction_read_only, as on the losing side of a switch-over, is an error with a way out."""
    with Server(own.conninfo).database() as dsn:
        result = run_runner("apply", "--dsn", make_conninfo(dsn, options="-c default_transaction_read_only=on"))
        assert result.code == 1
        assert "cannot execute CREATE" in result.said
        assert "connect to the primary" in result.said
        with psycopg.connect(dsn) as connection:
            assert connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone() == (0,)


# Twenty at once


@pytest.mark.long
@pytest.mark.parametrize("shape", ["empty", "half made", "complete"])
def test_twenty_replicas_start_at_once(server: Server, template: str, shape: str) -> None:
    """All end well, and each statement is sent by one of them."""
    with server.database(template if shape == "complete" else "template0") as dsn:
        if shape == "half made":
            with psycopg.connect(dsn, autocommit=True) as connection:
                connection.execute("create table audit_log (id serial primary key)")
        with ThreadPoolExecutor(REPLICAS) as pool:
            results = list(pool.map(lambda _: run_runner("apply", "--json", "--dsn", dsn), range(REPLICAS)))
        assert [result.code for result in results] == [0] * REPLICAS, next(r for r in results if r.code)
        changed = [r for r in results if any(s["status"] == "applied" for s in r.json["scripts"])]
        assert len(changed) == (0 if shape == "complete" else 1)
        with psycopg.connect(dsn) as connection:
            query = "select max(n) from (select count(*) as n from runner_history group by script) as each"
            assert connection.execute(query).fetchone() == (1,)


# Poolers


@contextmanager
def pgbouncer(dsn: str, mode: str) -> Iterator[str]:
    """Run PgBouncer before a database; yield how to connect through it."""
    binary = which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        pytest.skip("PgBouncer is not installed")
    with psycopg.connect(dsn) as connection:
        name, user, password = connection.info.dbname, connection.info.user, connection.info.password
    with temporary_folder() as folder, proxied(dsn) as (through, _):
        port = conninfo_to_dict(through)["port"]
        secret = f" password={password}" if password else ""
        configuration = f"""
            [databases]
            {name} = host=127.0.0.1 port={port} user={user}{secret}
            [pgbouncer]
            listen_addr =
            unix_socket_dir = {folder}
            listen_port = 6432
            auth_type = any
            pool_mode = {mode}
            max_client_conn = 50
            default_pool_size = 5
        """
        file = folder / "pgbouncer.ini"
        file.write_text(re.sub("^ +", "", configuration, flags=re.MULTILINE))
        user_option = ["-u", "nobody"] if os.geteuid() == 0 else []
        folder.chmod(0o777)
        running = subprocess.Popen([binary, *user_option, file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 20
            while not (folder / ".s.PGSQL.6432").exists():
                assert time.monotonic() < deadline
                assert running.poll() is None
                time.sleep(0.05)
            yield make_conninfo(host=str(folder), port=6432, dbname=name, user=user)
        finally:
            running.terminate()
            running.wait(timeout=20)


def test_a_pool_by_session_works(database: str) -> None:
    """Behind PgBouncer in session mode all is as without it."""
    with pgbouncer(database, "session") as dsn:
        result = run_runner("apply", "--dsn", dsn)
        assert result.code == 0, result
        assert run_runner("plan", "--check", "--dsn", dsn).code == 0


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pool_by_transaction_is_refused(database: str, mode: str, *, busy: bool) -> None:
    """It is found out before anything is sent, also beside other clients, and the message says what to do instead."""
    with pgbouncer(database, mode) as dsn:
        stop = threading.Event()

        def use() -> None:
            with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
                while not stop.is_set():
                    connection.execute("select pg_sleep(0.001)")

        others = [threading.Thread(target=use) for _ in range(3 if busy else 0)]
        for other in others:
            other.start()
        try:
            result = run_runner("apply", "--dsn", dsn)
        finally:
            stop.set()
            for other in others:
                other.join()
    assert result.code == 1, result
    assert result.err.startswith("error: the connection is pooled by transaction: "), result
    assert "pool_mode = session" in result.err
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from pg_class where relname = 'runner_history'").fetchone() == (0,)
        assert connection.execute("select count(*) from pg_locks where locktype = 'advisory'").fetchone() == (0,)
