"""What own SQL means: frozen into functions, it depends on nothing that strangers have planted."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

import psycopg
from psycopg import Connection

from runner.postgres.settings import OWN_PATH
from tests.conftest import MakeProject, Run
from tests.laws.test_strangers import OLDER, commands, make, sent_with_path
from tests.support.projects import ROOT
from tests.support.proxy import proxied
from tests.support.servers import Server, psql
from tests.support.strangers import Ground

QUERY = re.compile(r"\s*(--.*\n\s*)*(select|insert into|update|delete from|with) \S")
DECLARE = re.compile(r"declare \w+ no scroll cursor for (--.*\n)*")
PARAMETER = re.compile(r"%\((\w+)\)s")
PLANTED = """
    select distinct pg_describe_object(d.classid, d.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
    from pg_depend as d
    left join pg_proc as p on d.classid = 'pg_proc'::regclass and d.objid = p.oid
    where
        d.refclassid in ('pg_proc'::regclass, 'pg_operator'::regclass) and d.deptype = 'n'
        and d.refobjid <> 'target.found()'::regprocedure  -- which nothing but what is planted calls
        and (
            p.proname like 'frozen%'
            or d.classid = any('{pg_class,pg_constraint,pg_attrdef,pg_rewrite}'::regclass[]) and d.objid >= 16384
        )
"""
"""What frozen statements, and definitions of tables and views, call that is not PostgreSQL's own."""
PARAMETERS = """
    select pg_catalog.array_to_string(parameter_types::text[], ', ') from pg_catalog.pg_prepared_statements
    where name operator(pg_catalog.=) 'asked'
"""
NOT_RECORDED = {
    "select * from pg_stat_activity": "shown, and not sent",
    "select pg_catalog.setval": "shown, and not sent",
    "select to_regclass(": "when the history cannot be read",
    "select current_user": "when a role may not do something",
    "select from pg_index where": "when the build of an index fails",
    "select pg_get_serial_sequence(": "when a serial grows",
    "select nspname from pg_catalog.pg_namespace where nspname !~": "upgrade-test, in a database of its own",
    "select schemaname, sequencename": "upgrade-test",
    "select enumtypid": "upgrade-test",
    "select v.a::": "upgrade-test",
    "select cast(v.text as": "upgrade-test",
    "select distinct": "upgrade-test, and rows that a foreign key refuses",
    "select null::": "the body of a function in scratch schemas",
    "select path from": "when an extension differs",
    "with no data": "a clause",
    "with (": "a clause",
    "with \\(": "a pattern",
    "select * from (": "a declared view's, when its columns differ",
    "select last_value from": "when a sequence gets other bounds",
    "-- One run at a time": "to psql, which sends it in parts that end otherwise",
    "select pg_catalog.clock_timestamp() as runner_started": "to psql, without its last word",
    "select pg_catalog.pg_advisory_unlock(": "to psql, with a line end",
    "select pg_catalog.pg_backend_pid()": "behind a pooler",
    "select c.conname from pg_constraint": "when a NOT NULL is not validated",
}
"""The beginnings of what no command of this test sends, and when it is sent."""


def test_own_sql_means_what_postgresql_has(run: Run, project: MakeProject, server: Server, ground: Ground) -> None:
    """Whatever strangers have planted, own statements and tables depend on PostgreSQL's own alone."""
    folder = make(project)
    with server.database(ground.name) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(OLDER.encode())
        with proxied(dsn) as (through, proxy):
            (folder / "dry.sql").write_text(run("apply", "--dry-run", "--dsn", through).out, encoding="utf-8")
            list(commands(run, through))
            psql(through, folder / "dry.sql")
        sent = {found for session in proxy.sessions for found in sent_with_path(session)}
        own = {(path, DECLARE.sub("", sql)) for path, sql in sent}
        own |= {(OWN_PATH, numbered(text)) for text in files()}
        with psycopg.connect(dsn, autocommit=True) as connection:
            user = connection.info.user
            hostile = f"target, ext, public, {user}, pg_catalog"
            freeze(connection, "frozen", {(OWN_PATH if path == OWN_PATH else hostile, sql) for path, sql in own})
            found = connection.execute(PLANTED).fetchall()
            assert found == []
            freeze(connection, "frozen_elsewhere", {(hostile, "select array_agg(relname || 'a'::text) from pg_class")})
            assert len(connection.execute(PLANTED).fetchall()) > 0
    missing = [sql for sql in strings_of_sql() if not any(re.search(sql, f"{sent_sql}\n") for _, sent_sql in own)]
    assert not missing, "\n=====\n".join(missing)


def freeze(connection: Connection, name: str, statements: Iterable[tuple[str, str]]) -> None:
    """Make each statement the body of a function, with the search path that it was sent on."""
    for number, (path, sql) in enumerate(sorted(statements)):
        if not QUERY.match(sql):
            continue
        connection.execute(f"set search_path = {path}".encode())
        connection.execute(f"prepare asked as {sql}".encode())
        (parameters,) = connection.execute(PARAMETERS).fetchone() or ("",)
        connection.execute("deallocate asked")
        signature = f"public.{name}_{number}({parameters}) returns void language sql"
        connection.execute(f"create function {signature} begin atomic {sql}; end".encode())
    connection.execute(f"set search_path = {OWN_PATH}".encode())


def files() -> Iterator[str]:
    """Return the queries in files of SQL that have no words to be filled in."""
    for path in sorted((ROOT / "runner").rglob("*.sql")):
        text = re.sub(r"^(--.*\n)+", "", path.read_text(encoding="utf-8"))
        if QUERY.match(text) and "{" not in PARAMETER.sub("", text).replace("'{}'", ""):
            yield text.strip()


def numbered(text: str) -> str:
    """Return a query with $1 for its first parameter, and so on."""
    names = list(dict.fromkeys(PARAMETER.findall(text)))
    return PARAMETER.sub(lambda found: f"${names.index(found[1]) + 1}", text)


def strings_of_sql() -> Iterator[str]:
    """Return the strings of Python that begin as a query does, as patterns of what is sent."""
    for path in sorted((ROOT / "runner").rglob("*.py")):
        nodes = list(ast.walk(ast.parse(path.read_bytes())))
        inner = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in (node for node in nodes if id(node) not in inner):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node] if isinstance(node, ast.Constant) else []
            texts = [str(part.value) if isinstance(part, ast.Constant) else None for part in parts]
            first = (texts or [None])[0] or ""
            if QUERY.match(first) and not " ".join(first.split()).startswith(tuple(NOT_RECORDED)):
                pattern = "".join("[\\s\\S]*" if text is None else re.escape(text) for text in texts)
                yield re.sub(r"%\\\((\w+)\\\)s|%s", r"\\$[0-9]+", pattern)
