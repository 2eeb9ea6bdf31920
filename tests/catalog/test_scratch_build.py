"""What the build in scratch schemas finds out, and that it reaches nothing else."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg import Connection, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.catalog import scratch_build
from runner.catalog.declared import Declared
from runner.catalog.snapshot import Scope, Snapshot, read_in_transaction
from runner.pipeline.declare import declare_on
from runner.pipeline.verify import verify_database
from runner.project.loading import load
from runner.sql.objects import PRESENT
from runner.sql.quoting import literal
from tests.conftest import MakeProject, Run
from tests.support.planned_cases import run_command
from tests.support.projects import CASES, write_project
from tests.support.servers import Server, dump

DATA: dict[str, Any] = tomllib.loads((CASES / "scratch.toml").read_text(encoding="utf-8"))
REACH: dict[str, str] = DATA["reach"]
FACTS: dict[str, dict[str, Any]] = DATA["facts"]
OUTSIDE: dict[str, dict[str, Any]] = DATA["outside"]
STAND_INS: dict[str, dict[str, Any]] = {**DATA["stand_ins"], **DATA["definitions"]}
ONCE = {"run": "once"}
ONCE_OUTSIDE = {"010_outside.sql": ONCE}
ITEM = "create table if not exists item (id integer primary key, name text);"
LAYOUTS = {"same": "public", "apart": "app"}
"""The target schema; extensions are in public."""
STRANGERS = """
    create table item (id integer primary key, name text);
    insert into item values (1, 'one');
    create table part (id integer);
    create view shown as select * from item;
    create materialized view held as select * from item;
    create index item_name on item (name);
    create sequence counter;
    select nextval('counter');
    create statistics item_statistics on id, name from item;
    create table parted (id integer) partition by list (id);
    create table parted_9 partition of parted for values in (9);
    create type mood as enum ('a');
    create type pair as (a integer, b integer);
    create collation words (locale = 'C');
    create text search configuration words (copy = simple);
    create function writes(integer) returns integer immutable language plpgsql as
        $$ begin perform nextval('{schema}.counter'); return $1; end $$;
    create function same(integer, integer) returns boolean immutable language plpgsql as
        $$ begin return {schema}.writes($1) = $2; end $$;
    create function same(text, integer) returns boolean immutable language plpgsql as
        $$ begin return {schema}.writes($2) = $2; end $$;
    create function of_row(record) returns integer immutable language plpgsql as
        $$ begin return {schema}.writes(1); end $$;
    create function of_mood(mood) returns integer immutable language plpgsql as
        $$ begin return {schema}.writes(1); end $$;
    create function triggered() returns trigger language plpgsql as $$ begin return new; end $$;
    create procedure called() language plpgsql as $$ begin perform nextval('{schema}.counter'); end $$;
    create domain checked as integer check ({schema}.writes(value) > 0);
    create operator === (leftarg = integer, rightarg = integer, function = same, commutator = ===);
    create operator = (leftarg = text, rightarg = integer, function = same);
    create operator >= (leftarg = text, rightarg = integer, function = same);
    create operator <= (leftarg = text, rightarg = integer, function = same);
    create operator class stranger_ops for type integer using btree as
        operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(integer, integer);
    create trigger item_trigger before insert on item for each row execute function triggered();
    create rule item_rule as on delete to item do instead nothing;
    create policy item_policy on item using (true);
    create table show_trgm (id integer);
    create function show_trgm(integer) returns integer immutable language plpgsql as
        $$ begin return {schema}.writes($1); end $$;
"""
FOR_ALL = """
    create extension pg_trgm;
    create extension pg_stat_statements;
    create schema stranger;
    create table stranger.item (id integer);
    create publication stranger_publication;
    create function public.at_event() returns event_trigger language plpgsql as $$ begin null; end $$;
    create event trigger stranger_event on ddl_command_end execute function public.at_event();
    alter event trigger stranger_event disable;
"""
SEQUENCES = "select schemaname, sequencename, last_value from pg_sequences"
CATALOGS = (
    *("pg_class pg_attribute pg_type pg_proc pg_namespace pg_constraint pg_trigger pg_rewrite pg_policy".split()),
    *("pg_description pg_shdescription pg_extension pg_statistic_ext pg_collation pg_operator pg_opclass".split()),
    *("pg_ts_config pg_enum pg_sequence pg_attrdef pg_inherits pg_index pg_partitioned_table pg_language".split()),
    *("pg_event_trigger pg_publication pg_default_acl pg_cast".split()),
    *("pg_amop pg_amproc pg_opfamily pg_ts_dict pg_ts_config_map".split()),
)
ROWS = " union all ".join(
    (
        *(f"select '{name}', ctid::text, xmin::text from {name}" for name in CATALOGS),
        "select 'pg_database', ctid::text, xmin::text from pg_database where datname = current_database()",
        "select 'pg_authid', rolname, xmin::text from pg_authid where rolname = current_setting('test.role')",
    )
)
STRAY = """
    select 'relation', c.oid::regclass::text from pg_class as c
    where c.relkind not in ('t', 'i') and not c.relnamespace::regnamespace::text ~ '^(_runner_scratch_|pg_toast)'
        and c.oid >= 16384 and not c.oid = any(%(known)s)
    union all
    select 'function', p.oid::regprocedure::text from pg_proc as p
    where not p.pronamespace::regnamespace::text ~ '^_runner_scratch_' and p.oid >= 16384 and not p.oid = any(%(known)s)
    union all
    select 'type', t.oid::regtype::text from pg_type as t
    where not t.typnamespace::regnamespace::text ~ '^(_runner_scratch_|pg_toast)' and t.oid >= 16384
        and not t.oid = any(%(known)s)
"""
KNOWN = "select oid from pg_class union select oid from pg_proc union select oid from pg_type"
COMMENTS = """
    select classoid::regclass::text, objoid::text, objsubid::text, description
    from pg_description where objoid = any(%(known)s) or objoid < 16384
    union all
    select classoid::regclass::text, objoid::text, '0', description from pg_shdescription
    where classoid <> 'pg_database'::regclass
        or objoid = (select oid from pg_database where datname = current_database())
"""
HELD = """
    select distinct l.locktype, coalesce(c.oid::regclass::text, l.classid::regclass || ' ' || l.objid), l.mode
    from pg_locks as l
    left join pg_class as c on l.relation = c.oid
    where l.pid = %(pid)s and coalesce(l.relation, l.objid) = any(%(known)s) and coalesce(l.relation, l.objid) >= 16384
"""
LOCK_ALL = """
    do $$
    declare statement text;
    begin
        for statement in
            select format(
                case c.relkind when 'S' then 'alter sequence %I.%I increment 1' else 'lock table %I.%I' end,
                n.nspname, c.relname
            )
            from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid
            where c.relkind in ('r', 'p', 'v', 'S') and n.nspname !~ '^(pg_|information_schema)'
                and not exists (select from pg_depend as d where d.objid = c.oid and d.deptype = 'e')
        loop
            execute statement;
        end loop;
    end $$
"""
LOCK_NOT_AVAILABLE = "55P03"


def silent(_: str) -> None:
    """Take what is said, and drop it."""


def declare(connection: Connection[Any], folder: Path) -> Declared:
    """Return what a project declares, built on a server."""
    loaded = load(folder / "manifest.toml", with_lock=False)
    return declare_on(connection, loaded, silent)


def facts_of(declared: Declared) -> dict[str, str]:
    return {str(item): definition for item, definition in declared.facts.items()}


def rows(connection: Connection[Any], query: str, **parameters: object) -> set[tuple[Any, ...]]:
    return set(connection.execute(query.encode(), parameters or None).fetchall())


# Reaching for the target


class Strangers(msgspec.Struct):
    """A database with objects that no script makes, in the target schema too."""

    dsn: str
    schema: str
    watcher: Connection[Any]
    role: str
    known: list[int]
    rows: set[tuple[Any, ...]]
    comments: set[tuple[Any, ...]]

    def text(self, case: str) -> str:
        """Return a case's script for this database."""
        values = {
            "schema": self.schema,
            "SCHEMA": self.schema.upper(),
            "unicode": f'U&"\\{ord(self.schema[0]):04x}{self.schema[1:]}"',
            "role": self.role,
            "database": str(conninfo_to_dict(self.dsn)["dbname"]),
        }
        return re.sub("<([a-zA-Z]+)>", lambda name: values.get(name[1], name[0]), REACH[case])


@pytest.fixture(scope="module")
def strangers(server: Server) -> Iterator[Mapping[str, Strangers]]:
    """One database for each layout."""
    with server.roles(prefix="stranger_") as (role,), ExitStack() as stack:
        made: dict[str, Strangers] = {}
        for layout, schema in LAYOUTS.items():
            dsn = make_conninfo(stack.enter_context(server.database()), options=f"-c test.role={role}")
            watcher = stack.enter_context(psycopg.connect(dsn, autocommit=True))
            watcher.execute(FOR_ALL.encode())
            for name in dict.fromkeys(("public", schema)):
                watcher.execute(f"create schema if not exists {name}; set search_path = {name}".encode())
                watcher.execute(STRANGERS.replace("{schema}", name).encode())
            watcher.execute("reset search_path")
            known = [oid for (oid,) in rows(watcher, KNOWN)]
            comments = rows(watcher, COMMENTS, known=known)
            made[layout] = Strangers(dsn, schema, watcher, role, known, rows(watcher, ROWS), comments)
        yield made


@contextmanager
def watching(monkeypatch: pytest.MonkeyPatch, there: Strangers) -> Iterator[list[str]]:
    """Compare, when a build has made all and is still open, what it sees with what was there before, and its locks."""
    found: list[str] = []
    read = read_in_transaction

    def watch(connection: Connection[Any], scope: Scope, **others: Any) -> Snapshot:
        held = rows(there.watcher, HELD, pid=connection.info.backend_pid, known=there.known)
        found.extend(f"locks {' '.join(row)}" for row in sorted(held))
        found.extend(f"changes {' '.join(row)}" for row in sorted(there.rows - rows(connection, ROWS)))
        comments = rows(connection, COMMENTS, known=there.known)
        found.extend(f"comments on {' '.join(row)}" for row in sorted(comments - there.comments))
        found.extend(f"makes {' '.join(row)}" for row in sorted(rows(connection, STRAY, known=there.known)))
        return read(connection, scope, **others)

    with monkeypatch.context() as patched:
        patched.setattr(scratch_build, "read_in_transaction", watch)
        yield found


@pytest.mark.parametrize(
    ("case", "layout"),
    [(case, "same") for case in REACH] + [(case, "apart") for case in DATA["apart"].split("\n")[:-1]],
)
def test_a_build_reaches_nothing_that_the_scripts_did_not_make(
    monkeypatch: pytest.MonkeyPatch, strangers: Mapping[str, Strangers], tmp_path: Path, case: str, layout: str
) -> None:
    """Nothing of others is locked, changed or run, not even for a moment: all of it is locked by somebody else."""
    there = strangers[layout]
    folder = write_project(
        tmp_path,
        {"010_reach.sql": there.text(case)},
        project={"schema": there.schema},
        run={"lock_timeout": "50ms"},
        options={"010_reach.sql": {"run": "once"}},
    )
    before = rows(there.watcher, SEQUENCES)
    with (
        psycopg.connect(there.dsn) as locker,
        psycopg.connect(there.dsn, autocommit=True) as connection,
        watching(monkeypatch, there) as found,
    ):
        locker.execute(LOCK_ALL)
        declared = declare(connection, folder)
        locker.rollback()
    found += [
        f"waits {item.statement.sql}"
        for item in declared.unbuilt
        if item.error and item.error.sqlstate == LOCK_NOT_AVAILABLE
    ]
    assert found == []
    assert rows(there.watcher, SEQUENCES) == before
    assert "_runner_scratch_" not in repr(declared.facts)


@pytest.mark.parametrize(
    ("schema", "written"), [("Éa", "Éa"), ("s" * 63, "s" * 70), ("A b", '"A b"'), ('a"b.c', '"a""b.c"')]
)
def test_a_schema_is_known_however_it_is_written(
    connection: Connection[Any], project: MakeProject, monkeypatch: pytest.MonkeyPatch, schema: str, written: str
) -> None:
    """Letters that PostgreSQL does not fold and names that it cuts off mean the target: nothing is made there."""
    text = (
        "create table if not exists {0}.item (id integer); alter table {0}.item add column if not exists more integer;"
    )
    folder = project({"010_item.sql": text.format(written)}, project={"schema": schema})
    connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
    query = "select c.oid::regclass::text from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
    seen: list[set[tuple[Any, ...]]] = []
    read = read_in_transaction

    def watch(building: Connection[Any], scope: Scope, **others: Any) -> Snapshot:
        seen.append(rows(building, f"{query} where n.nspname = %(schema)s", schema=schema))
        return read(building, scope, **others)

    monkeypatch.setattr(scratch_build, "read_in_transaction", watch)
    declared = declare(connection, folder)
    assert seen == [set()]
    assert facts_of(declared)["column item.more"] == "integer"


@pytest.mark.parametrize(
    "script",
    [
        "create table item (id text) partition by list (id); create table item_1 partition of item for values in ({});",
        """create function leaks() returns text immutable begin atomic select {}; end;
        create table item (id integer); alter table item add column more text default leaks();""",
        """create domain leaking as text check (value <> {});
        create table item (id integer); alter table item add column more text default ('x'::leaking)::text;""",
    ],
    ids=["partition bound", "atomic function", "domain"],
)
def test_a_build_calls_nothing_that_reaches_out(
    connection: Connection[Any], database: str, project: MakeProject, script: str
) -> None:
    """What a function of an extension does over a connection of its own is not rolled back: it is not called."""
    connection.execute("create extension dblink")
    call = f"dblink_exec({literal(database)}, 'create table public.leaked (id integer)')"
    folder = project(
        {"010_leak.sql": "create extension if not exists dblink;" + script.replace("{}", call)},
        options={"010_leak.sql": {"run": "once"}},
    )
    declare(connection, folder)
    assert rows(connection, "select to_regclass('public.leaked')") == {(None,)}


# What is declared


@pytest.mark.parametrize("case", FACTS)
def test_what_is_built_is_known_as_it_will_be(connection: Connection[Any], tmp_path: Path, case: str) -> None:
    """Facts are as declared, what is dropped or renamed is followed, and what cannot be built is known by its name."""
    wanted = FACTS[case]
    folder = write_project(
        tmp_path, {"010_facts.sql": wanted["script"]}, options={"010_facts.sql": wanted.get("options", ONCE)}
    )
    declared = declare(connection, folder)
    facts = facts_of(declared)
    expected = wanted.get("facts", {})
    unbuilt = [item.statement.sql for item in declared.unbuilt]
    assert len(unbuilt) == len(wanted.get("unbuilt", ())), [(item.reason, item.error) for item in declared.unbuilt]
    assert all(map(str.startswith, unbuilt, wanted.get("unbuilt", ())))
    assert {
        name: "*" if text == "*" and name in facts else facts.get(name) for name, text in expected.items()
    } == expected
    assert [name for name, text in wanted.get("contains", {}).items() if text not in facts.get(name, "")] == []
    assert not set(wanted.get("gone", ())) & set(facts)
    assert rows(connection, LEFT) == set()
    if not wanted.get("on_empty_only") and not unbuilt:
        connection.execute(wanted["script"].replace("index concurrently", "index").encode())
        again = declare(connection, folder)
        assert [(item.statement.sql, item.reason, str(item.error)) for item in again.unbuilt] == []
        assert again.facts == declared.facts
        loaded = load(folder / "manifest.toml", with_lock=False)
        assert verify_database(connection, loaded).findings == ()


def test_what_is_not_built_is_known_by_name(connection: Connection[Any], project: MakeProject) -> None:
    """A statement that is refused, or lacks what no script makes, has no error; their objects are just there."""
    refused = """
        create table mine (like item);
        create view shown as select * from item;
        create function touched() returns trigger language c as '$libdir/nothing', 'nothing';
    """
    fails = """
        create table own (id nothing);
        comment on table own is 'Own.';
        create function own() returns nothing language sql as 'select 1';
        create type own_type as (a nothing);
        create sequence own_sequence increment 0;
    """
    folder = project({"010_refused.sql": refused, "020_fails.sql": fails})
    declared = declare(connection, folder)
    assert [bool(item.error) for item in declared.unbuilt] == [False] * 7 + [True]
    assert all(item.reason for item in declared.unbuilt)
    assert "_runner_scratch_" not in repr(declared.uncompared)
    facts = facts_of(declared)
    assert facts["comment on table own"] == "Own."
    names = ("table mine", "table own", "column own.id", "view shown", "function touched()", "function own()")
    assert {name: facts.get(name) for name in (*names, "type own_type", "sequence own_sequence")} == dict.fromkeys(
        (*names, "type own_type", "sequence own_sequence"), PRESENT
    )


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_is_missing_outside_is_no_error(connection: Connection[Any], project: MakeProject, case: str) -> None:
    """What the scripts take for granted and this server lacks is listed; their own mistakes stay errors."""
    wanted = OUTSIDE[case]
    connection.execute(wanted.get("outside", "").encode())
    declared = declare(connection, project({"010_outside.sql": wanted["script"]}, options=ONCE_OUTSIDE))
    shown = [str(item) for item in declared.uncompared]
    assert shown == [f"not compared: {text} (script/010_outside.sql)" for text in wanted["listed"]]
    failed = [item.statement.sql for item in declared.unbuilt if item.error]
    assert len(failed) == len(wanted.get("fails", ()))
    assert all(map(str.startswith, failed, wanted.get("fails", ())))


@pytest.mark.parametrize("schema", ["public", "mine"])
@pytest.mark.parametrize("case", STAND_INS)
def test_what_refers_to_others_is_compared(
    connection: Connection[Any], project: MakeProject, case: str, schema: str
) -> None:
    """What scripts say about objects that they do not make is declared in full; what differs is a finding."""
    wanted = STAND_INS[case]
    if connection.info.server_version < wanted.get("since", 0):
        pytest.skip("generated columns of others are compared from PostgreSQL 17 on")
    script = wanted["script"].replace("<schema>", schema)
    folder = project({"010_outside.sql": script}, options=ONCE_OUTSIDE, project={"schema": schema})
    connection.execute(f"create schema if not exists {schema}; set search_path = {schema}, public".encode())
    connection.execute(wanted.get("outside", "").encode())
    declared = declare(connection, folder)
    assert declared.uncompared == ()
    facts = facts_of(declared)
    expected = wanted["facts"]
    assert {name: "*" if expected[name] == "*" else facts.get(name) for name in expected} == expected
    assert not set(wanted.get("gone", ())) & set(facts)
    connection.execute(script.encode())
    assert declare(connection, folder) == declared
    loaded = load(folder / "manifest.toml", with_lock=False)
    assert verify_database(connection, loaded).findings == ()
    connection.execute(wanted["change"].encode())
    assert [finding.kind for finding in verify_database(connection, loaded).findings] == ["different"]


def test_stand_ins_wait_for_nobody(connection: Connection[Any], database: str, project: MakeProject) -> None:
    """What tables take over from others is read while these are locked: stand-ins open nothing real."""
    wanted = STAND_INS["partitions of a table of others"]
    folder = project({"010_outside.sql": wanted["script"]}, options=ONCE_OUTSIDE)
    connection.execute(wanted["outside"].encode())
    connection.execute("set statement_timeout = '5s'")
    with psycopg.connect(database) as other:
        other.execute("lock table other.parent, other.listed, hashed in access exclusive mode")
        facts = facts_of(declare(connection, folder))
    assert facts["column part.id"] == "bigint not null default 5"


# Nothing is left, nobody waits

SMALL = """
    create extension if not exists pg_trgm;
    create schema if not exists extra;
    create table if not exists item (id integer primary key, name text);
    create table if not exists extra.part (id serial, item integer references item);
    create index if not exists item_name on item using gin (name gin_trgm_ops);
    create or replace view shown as select similarity(name, 'x') as one from item;
    create or replace function add(integer) returns integer language sql as 'select $1 + 1';
    comment on table item is 'Items.';
"""
LEFT = "select nspname from pg_namespace where nspname like '%runner%'"


@pytest.mark.parametrize("there", ["nothing", "all"])
def test_a_build_leaves_the_database_as_it_is(
    connection: Connection[Any], database: str, project: MakeProject, there: str
) -> None:
    """A dump before and after is the same, and an extension that is missing is not made."""
    folder = project({"010_small.sql": SMALL})
    if there == "all":
        connection.execute(SMALL.encode())
    before = dump(database)
    declared = declare(connection, folder)
    assert declared.unbuilt == ()
    assert facts_of(declared)["index item_name"] == "gin (name gin_trgm_ops)"
    assert connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert dump(database) == before
    assert ("pg_trgm" in before) == (there == "all")


def test_a_build_that_fails_leaves_nothing(
    connection: Connection[Any], database: str, project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error, or the end of the connection, in the midst of a build ends it: no scratch schema stays."""
    folder = project({"010_small.sql": SMALL})
    read = read_in_transaction

    def interrupted(*_: object, **__: object) -> Snapshot:
        raise KeyboardInterrupt

    def killed(building: Connection[Any], scope: Scope, **others: Any) -> Snapshot:
        assert rows(building, LEFT)
        connection.execute("select pg_terminate_backend(%s)", (building.info.backend_pid,))
        return read(building, scope, **others)

    for meddle, error in ((interrupted, KeyboardInterrupt), (killed, psycopg.OperationalError)):
        with psycopg.connect(database, autocommit=True) as building, monkeypatch.context() as patched:
            patched.setattr(scratch_build, "read_in_transaction", meddle)
            with pytest.raises(error):
                declare(building, folder)
            assert building.closed or building.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        assert rows(connection, LEFT) == set()


def test_two_builds_do_not_wait_for_each_other(
    connection: Connection[Any], database: str, project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one build is open, another runs to its end, and both find the same."""
    folder = project({"010_small.sql": SMALL}, run={"lock_timeout": "1s", "statement_timeout": "2s"})
    connection.execute("create extension pg_trgm")
    read = read_in_transaction
    inner: list[Declared] = []

    def meanwhile(building: Connection[Any], scope: Scope, **others: Any) -> Snapshot:
        patched.undo()
        with psycopg.connect(database, autocommit=True) as other:
            inner.append(declare(other, folder))
        return read(building, scope, **others)

    with monkeypatch.context() as patched:
        patched.setattr(scratch_build, "read_in_transaction", meanwhile)
        outer = declare(connection, folder)
    assert inner == [outer]
    assert outer.unbuilt == ()


def test_a_build_runs_no_event_trigger(connection: Connection[Any], database: str, project: MakeProject) -> None:
    """An event trigger of the database, which may write anywhere, is not run for what is rolled back."""
    folder = project({"010_small.sql": SMALL})
    connection.execute("""
        create sequence told;
        create table log (tag text);
        create function tell() returns event_trigger language plpgsql as
            $$ begin insert into public.log values (nextval('public.told')::text || tg_tag); end $$;
        create event trigger tells on ddl_command_end execute function tell();
    """)
    before = dump(database)
    assert declare(connection, folder).unbuilt == ()
    assert dump(database) == before


@pytest.fixture
def plain_role(server: Server, connection: Connection[Any]) -> Iterator[str]:
    """A role that may log in, with its name as password, and make objects in public; the name has to be quoted."""
    with server.roles(prefix="plain role ") as (role,):
        name = sql.Identifier(role)
        connection.execute(sql.SQL("grant create on schema public to {}").format(name))
        yield role
        connection.execute(sql.SQL("drop owned by {}").format(name))


def test_a_role_that_may_not_build_learns_what_to_grant(
    run: Run, project: MakeProject, database: str, connection: Connection[Any], plain_role: str
) -> None:
    """Exit code 1 and the very GRANT, after which it works, without more privileges than that."""
    project({"010_small.sql": ITEM})
    dsn = make_conninfo(database, user=plain_role, password=plain_role)
    result = run("lock", "--dsn", dsn)
    assert result.code == 1
    grant = f'grant create on database {connection.info.dbname} to "{plain_role}";'
    assert grant in result.err
    connection.execute(grant.encode())
    result = run("lock", "--dsn", dsn)
    assert result.code == 0, result


def test_a_standby_says_that_it_takes_no_writes(run: Run, project: MakeProject, database: str) -> None:
    """Where nothing can be written, verify without a lock file ends with 1 and says what would help."""
    project({"010_small.sql": ITEM})
    read_only = make_conninfo(database, options="-c default_transaction_read_only=on")
    result = run("verify", "--dsn", read_only)
    assert result.code == 1
    assert "schema.lock.toml" in result.err


def test_lock_names_the_statement_that_fails(
    run: Run, project: MakeProject, database: str, tmp_path: Path, connection: Connection[Any]
) -> None:
    """A statement that fails in the build ends the lock with its file, line and error; no file is written."""
    broken = ITEM + "\n\n-- and\ncreate or replace view shown as\n    select nothing from item;\n"
    project({"010_item.sql": ITEM, "020_broken.sql": broken})
    result = run("lock", "--dsn", database)
    assert result.code == 1
    assert 'script/020_broken.sql:5: column "nothing" does not exist' in result.said
    assert not (tmp_path / "schema.lock.toml").exists()
    assert rows(connection, LEFT) == set()


NAMESAKES = """
    create domain public.text as pg_catalog.text check (value <> 'a');
    create view public.pg_class as select 1 as one;
    create collation public."C" (locale = 'POSIX');
    create operator class public.int4_ops for type integer using btree as
        operator 1 <, operator 2 <=, operator 3 =, operator 4 >=, operator 5 >, function 1 btint4cmp(integer, integer);
"""
USES = """
    create table if not exists item (id integer primary key, name text collate "C" not null);
    create index if not exists item_id_idx on item (id int4_ops);
    create or replace view seen as select relname from pg_class;
"""


def test_namesakes_of_what_postgresql_has_hide_nothing(
    run: Run, project: MakeProject, database: str, tmp_path: Path, connection: Connection[Any]
) -> None:
    """What scripts call by the name of something of PostgreSQL's is compared, whatever else is called so there."""
    project({"010_item.sql": USES})
    locks = []
    for statement in ("select 1", NAMESAKES):
        connection.execute(statement.encode())
        result = run("lock", "--dsn", database)
        assert (result.code, "by name alone" in result.said) == (0, False), result
        locks.append((tmp_path / "schema.lock.toml").read_bytes())
    assert locks[0] == locks[1]


def test_a_condition_that_cannot_be_built_is_the_one_that_is_not_compared(database: str, tmp_path: Path) -> None:
    """The other members of the same publication are compared with theirs."""
    sql = """
        create table if not exists item (id integer primary key);
        create publication pages for table item where (id > 1), elsewhere where (id > 2), gone where (id > 3);
        """
    write_project(tmp_path, {"010_item.sql": sql})
    document = run_command(tmp_path, "lock", database, "--json").json
    assert [one["objects"] for one in document["not_compared"]] == [
        ["publication table elsewhere.pages"],
        ["publication table gone.pages"],
    ]
