"""Nothing that a stranger has planted in a schema is executed, or changes what is said: the class of CVE-2018-1058."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import runner
from runner.postgres.settings import OWN_PATH
from tests.conftest import MakeProject, Run
from tests.support.in_process import call
from tests.support.projects import Result, run_runner, until
from tests.support.proxy import proxied
from tests.support.servers import Server, psql
from tests.support.strangers import Ground, plant_in_sessions

SCRIPTS = {
    "010_item.sql": """
        create table if not exists item (
            id bigint primary key, code varchar(20) not null unique, size integer, name text not null default 'none'
        );
        create index if not exists item_size_idx on item (size);
        comment on table item is 'Items.';
    """,
    "020_rows.sql": "insert into item select 1, 'a', 2 where not exists (select from item);",
    "030_once.sql": "insert into item values (2, 'b', 3); select pg_sleep(0.3);",
    "040_alone.sql": "create index concurrently if not exists item_code_idx on item (code); analyze item;",
    "050_forms.sql": """
        create or replace view seen as select id, code from item;
        create table if not exists part (id integer generated always as identity, item_id bigint references item (id));
        create sequence if not exists counter;
        create or replace function one() returns integer language sql as 'select 1';
    """,
}
OPTIONS: dict[str, dict[str, object]] = {
    "030_once.sql": {"run": "once"},
    "040_alone.sql": {"run": "once", "transaction": False},
}
OLDER = """
    create table target.item (id integer, code varchar(10), size integer);
    insert into target.item values (7, 'g', null), (8, 'g', null);
    create view target.part as select code from target.item;
    create index item_size_idx on target.item (size, code);
    create table target.runner_history (
        run integer, script pg_catalog.text, checksum pg_catalog.text, status pg_catalog.text, statements integer,
        started timestamp with time zone, seconds double precision, role pg_catalog.text,
        runner_version pg_catalog.text, error pg_catalog.text
    );
    insert into target.runner_history values (1, 'script/030_once.sql', '', 'applied', 2, '2026-01-01', 0, 'ann', '1');
"""
"""A database in which much differs, so that all kinds of questions are asked; its history knows no projects."""
CALLED = """
    select schemaname || '.' || funcname from pg_stat_user_functions
    where schemaname in ('ext', 'public', 'session', 'target', current_user) and funcname not in ('one', 'plant')
"""
OTHERS = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
VARYING = frozenset({"database", "made", "run_seconds", "seconds", "started", "target", "unmanaged"})
"""Keys of documents whose values are others in another database, and those about what was planted."""
SETS = re.compile(r"set |begin|savepoint |rollback to |reset |fetch |close |/\* |create |alter |comment |drop ")
"""What looks for no function and no operator by its name, or is of a script or of what scripts declare."""
FULLY_QUALIFIED = re.compile(r"select\s+pg_catalog\.(pg_backend_pid|pg_advisory_lock|count\(\*\)::integer\s+from)")
WORDS = re.compile(r"select pg_catalog\.to_jsonb\(sample\) |select exists .* as runner_is_blocked$")
"""Questions about rows that are made of the words of definitions, which have the search path of scripts."""
VARYING_TEXT = re.compile(
    r"^-- (Plan|for|Run it) .*$|test_[0-9a-f]{16}|[0-9]+(-[0-9]+)+.[0-9]+(:[0-9.+]+)+|pid [0-9]+|[0-9.]+ m?s\b",
    re.MULTILINE,
)
LOGIN_TRIGGERS = 17
KEY = "hashtextextended('runner target.runner_history', 0)"


class Pair(NamedTuple):
    """A database in which nothing was planted, and one in which it was and goes before PostgreSQL's own."""

    clean: str
    hostile: str


@pytest.fixture
def pair(server: Server, ground: Ground) -> Iterator[Pair]:
    with server.database() as clean, server.database(ground.name) as hostile:
        for dsn in (clean, hostile):
            with psycopg.connect(dsn, autocommit=True) as connection:
                name, user = connection.info.dbname, connection.info.user
                for schema in ("target", "ext", user):
                    connection.execute(f"create schema if not exists {schema}".encode())
                connection.execute(f"alter database {name} set track_functions = 'all'".encode())
                path = f"target, ext, public, {user}, pg_catalog"
                connection.execute(f"alter database {name} set search_path = {path}".encode())
        yield Pair(clean, hostile)


def called(dsn: str) -> list[str]:
    """Return what was called of all that was planted."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("set search_path = pg_catalog")
        until(lambda: connection.execute(OTHERS).fetchall() == [(0,)])
        return sorted(name for (name,) in connection.execute(CALLED))


def told(result: Result) -> tuple[int, Any]:
    """Return the exit code and what a command said, without what varies."""
    out, errors = (VARYING_TEXT.sub("…", text) for text in (result.out, result.err))
    documents = out.splitlines() if "\n{" in out else [out]
    try:
        said: Any = [without_varying(json.loads(text)) for text in documents]
    except ValueError:
        said = out
    return result.code, (said, errors)


def without_varying(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_varying(inner) for key, inner in value.items() if key not in VARYING}
    return [without_varying(inner) for inner in value] if isinstance(value, list) else value


def commands(run: Run, dsn: str) -> Iterator[Result]:
    """Run all kinds of commands, one after the other; the last are for a fleet: the schemas `ext` and `target`."""
    yield run("verify", "--json", "--dsn", dsn)
    yield run("plan", "--json", "--dsn", dsn)
    yield run("apply", "--dry-run", "--dsn", dsn)
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute(f"select pg_catalog.pg_advisory_lock(pg_catalog.{KEY})".encode())
        yield run("apply", "--lock-wait", "0", "--dsn", dsn)
    yield run("apply", "--json", "--dsn", dsn)
    yield run("apply", "--json", "--dsn", dsn)
    yield run("verify", "--json", "--dsn", dsn)
    yield run("status", "--json", "--dsn", dsn)
    yield run("lock", "--dsn", dsn)
    yield run("apply", "--json", "--dsn", dsn)
    for command in ("plan", "apply", "apply", "verify"):
        yield run(command, "--json", "--dsn", dsn, "--schemas-matching", "?*t")


def called_by_programs(folder: Path, dsn: str) -> Iterator[object]:
    """Do with the package what the commands do, and return what it says."""
    loaded, said = runner.load(folder / "manifest.toml"), list[str]()
    planned = runner.plan(loaded, dsn, say=said.append)
    yield planned.run, planned.setup, [(step.action, step.sql, step.reason) for step in planned.sent]
    try:
        applied = runner.apply(loaded, dsn, expect=planned.hash, say=said.append)
    except runner.FindingsError as error:
        applied = error.result
    yield [(script.plan.script.path, script.status, script.rows) for script in applied.scripts]
    yield runner.verify(loaded, dsn, say=said.append).findings
    yield said


def make(project: MakeProject, **keys: object) -> Path:
    project_keys = {"schema": "target", "extension_schema": "ext", **keys}
    return project(SCRIPTS, options=OPTIONS, project=project_keys, run={"lock_timeout": "200ms", "repair": "align"})


def begin(dsn: str, start: str) -> None:
    """Make of a database without tables what it is at the start of a test."""
    if start == "older":
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(OLDER.encode())


def test_what_was_planted_would_be_called(pair: Pair) -> None:
    """On a search path with the schemas of the stranger, PostgreSQL prefers the stranger's functions and operators."""
    with psycopg.connect(pair.hostile, autocommit=True) as connection:
        connection.execute("set search_path = target, ext")
        connection.execute("select quote_ident(relname), relname || 'a'::text from pg_class limit 1")
        connection.execute("select hashtextextended('a', 0), concat('a'::text), 'a'::varchar = 'b'::text")
        expected = {"target.concat", "target.hashtextextended", "target.quote_ident", "target.as_boolean"}
    assert expected <= set(called(pair.hostile))
    with psycopg.connect(pair.hostile, autocommit=True) as connection:
        connection.execute("set search_path = target, pg_catalog; select 'pg_class'::regclass from pg_class limit 1")
    assert "target.found" in called(pair.hostile)


@pytest.mark.long
@pytest.mark.parametrize(("start", "may"), [("new", "no longer create"), ("older", "create, and is trusted")])
def test_nothing_planted_is_called(project: MakeProject, pair: Pair, ground: Ground, start: str, may: str) -> None:
    """Every command runs nothing of it, and says what it says without it, whatever the stranger may do by now."""
    folder = make(project, trusted_creators=[ground.stranger] if "trusted" in may else [])
    if "trusted" in may:
        with psycopg.connect(pair.hostile, autocommit=True) as connection:
            schemas = f"target, ext, public, {connection.info.user}"
            connection.execute(f"grant create on schema {schemas} to {ground.stranger}".encode())
    said = []
    for dsn in pair:
        begin(dsn, start)
        said.append([told(result) for result in commands(partial(call, folder=folder), dsn)])
        (folder / "schema.lock.toml").unlink(missing_ok=True)
    assert called(pair.hostile) == []
    assert said[1] == said[0]


@pytest.mark.parametrize("start", ["new", "older"])
def test_nothing_planted_is_called_by_programs(project: MakeProject, pair: Pair, start: str) -> None:
    """The package calls nothing of it, and its answers are those without it."""
    folder, said = make(project), []
    for dsn in pair:
        begin(dsn, start)
        said.append(list(called_by_programs(folder, dsn)))
    assert called(pair.hostile) == []
    assert said[1] == said[0]


@pytest.mark.parametrize("start", ["new", "older"])
def test_nothing_planted_is_called_in_a_fleet(project: MakeProject, server: Server, pair: Pair, start: str) -> None:
    """Of several databases, one is a stranger's; what is said of each is what is said without it."""
    folder, said = make(project), []
    for dsn in pair:
        begin(dsn, start)
        with server.database() as other:
            (folder / "targets.txt").write_text(f"{other}\n{dsn}\n", encoding="utf-8")
            to_many = ("--json", "--targets", str(folder / "targets.txt"), "--jobs", "1")
            names = ("plan", "apply", "apply", "verify")
            said.append([told(call(name, *to_many, folder=folder)) for name in names])
    assert called(pair.hostile) == []
    assert said[1] == said[0]


def test_nothing_in_a_session_is_called(project: MakeProject, server: Server) -> None:
    """What is temporary in a session of the runner, as it may be behind a pooler, stands for nothing of PostgreSQL's.

    Commands and programs make their connections themselves, so the server plants when a session begins.
    """
    if server.major < LOGIN_TRIGGERS:
        pytest.skip("before PostgreSQL 17 no trigger runs when a session begins")
    folder, said = make(project), []
    with server.database() as clean, server.database() as hostile:
        for dsn in (clean, hostile):
            with psycopg.connect(dsn, autocommit=True) as connection:
                name = connection.info.dbname
                connection.execute("create schema target; create schema ext")
                connection.execute(f"alter database {name} set track_functions = 'all'".encode())
                if dsn == hostile:
                    plant_in_sessions(connection)
            begin(dsn, "older")
            answers = [told(result) for result in commands(partial(call, folder=folder), dsn)]
            said.append([*answers, *called_by_programs(folder, dsn)])
            (folder / "schema.lock.toml").unlink()
        assert called(hostile) == []
        assert said[1] == said[0]
        with psycopg.connect(hostile) as connection:
            connection.execute("select from pg_temp.pg_class limit 1")
        assert called(hostile) == ["session.found"]


def test_nothing_planted_is_called_by_the_project(pair: Pair, fresh_project: Path) -> None:
    """The scripts and checks of this repository mean PostgreSQL's own, in a schema in which strangers may create."""
    said = [
        [told(run_runner(command, "--json", "--dsn", dsn, folder=fresh_project)) for command in ("apply", "verify")]
        for dsn in pair
    ]
    assert [code for code, _ in said[1]] == [0, 0], said[1]
    assert called(pair.hostile) == []


def test_nothing_planted_is_called_by_a_dry_run(run: Run, project: MakeProject, pair: Pair) -> None:
    """The psql script calls nothing of it, whatever the search path of psql is."""
    folder = make(project)
    for dsn in pair:
        dry = run("apply", "--dry-run", "--dsn", dsn)
        (folder / "dry.sql").write_text(dry.out, encoding="utf-8")
        fed = psql(dsn, folder / "dry.sql")
        assert fed.returncode == 0, fed.stderr
        assert run("plan", "--check", "--dsn", dsn).code == 0
    assert called(pair.hostile) == []


@pytest.mark.parametrize("start", ["new", "older"])
def test_own_sql_is_sent_on_its_own_search_path(run: Run, project: MakeProject, pair: Pair, start: str) -> None:
    """Each statement that is not a script's, or that only sets something, is sent while pg_catalog is all there is."""
    make(project)
    dsn = pair.clean
    begin(dsn, start)
    with proxied(dsn) as (through, proxy):
        list(commands(run, through))
    elsewhere = {sql for session in proxy.sessions for sql in sent_elsewhere(session)}
    assert {sql for sql in elsewhere if not FULLY_QUALIFIED.match(sql) and not WORDS.match(sql)} == set()
    assert any(sql.startswith("declare facts ") for sql in proxy.sent)


def sent_elsewhere(session: Sequence[str]) -> Iterator[str]:
    """Return the statements of the runner's own that a session sent on another search path than its own."""
    return (sql for path, sql in sent_with_path(session) if path != OWN_PATH)


def sent_with_path(session: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Return the statements of the runner's own that look for names, each after the search path that it had."""
    of_session = of_transaction = "unknown"
    for sql in (re.sub(r"^(--.*\n)+", "", sql).rstrip(";\n") for sql in session):
        words = sql.lower()
        if found := re.match(r"set (local )?search_path = (.*)", words):
            of_transaction = found[2]
            of_session = of_session if found[1] else found[2]
        elif words == "reset all":
            of_session = of_transaction = "unknown"
        elif words in ("commit", "rollback"):
            of_transaction = of_session
        elif not SETS.match(words):
            yield of_transaction, sql
        if words.startswith("select pg_catalog.set_config(\n"):
            of_transaction = "that of words"
        elif "set_config('search_path', 'pg_catalog, pg_temp', false)" in words:
            of_session = of_transaction = OWN_PATH


# What a stranger holds, and what is hidden


@pytest.fixture
def roles(server: Server) -> Iterator[tuple[str, ...]]:
    """Two roles that may log in, and have nothing to do with each other."""
    with server.roles(2) as names:
        yield names


@pytest.mark.parametrize("who", ["a stranger", "another run"])
def test_a_lock_that_a_stranger_holds(
    run: Run, project: MakeProject, database: str, roles: tuple[str, ...], who: str
) -> None:
    """Who holds the run lock is named as a stranger, with the statement that ends it, and another run is not."""
    make(project)
    own, stranger = roles
    holder = stranger if who == "a stranger" else own
    with psycopg.connect(database, user=holder, password=holder, autocommit=True) as other:
        other.execute(f"select pg_advisory_lock({KEY})".encode())
        result = run("apply", "--lock-wait", "0", "--dsn", make_conninfo(database, options=f"-c role={own}"))
        pid = other.info.backend_pid
    assert result.code == 1
    assert result.err.startswith("error: another run holds the lock after 0 s: ")
    cure = f"an administrator ends it with: select pg_terminate_backend({pid});"
    assert (cure in result.err) is (who == "a stranger"), result


def test_rows_that_a_policy_hides(run: Run, project: MakeProject, database: str, roles: tuple[str, ...]) -> None:
    """A check about a table of which the role sees only a part is a finding that says so."""
    scripts = {"010_none.sql": "select 1;"}
    project(scripts, checks={"010_none.sql": "select id from item;"}, run={"role": roles[0]})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create table item (id integer); insert into item values (1)")
        connection.execute(f"alter table item enable row level security; grant select on item to {roles[0]}".encode())
        connection.execute(f"grant create on database {connection.info.dbname} to {roles[0]}".encode())
        result = run("verify", "--dsn", database)
        connection.execute(f"drop owned by {roles[0]}".encode())
    assert result.code == 1
    assert 'query would be affected by row-level security policy for table "item"' in result.said, result
    assert "the role sees only a part of the rows" in result.said
