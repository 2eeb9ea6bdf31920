"""What strangers plant: overloads of all that own SQL calls, and what is called as PostgreSQL's relations and types."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from tests.support.projects import ROOT

if TYPE_CHECKING:
    from psycopg import Connection

TYPES = (
    "text", "name", "varchar", "bpchar", '"char"', "bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric",
    "regclass", "regtype", "regproc", "regnamespace", "date", "timestamp", "timestamptz", "interval", "json", "jsonb",
    "xid8", "inet", "text[]", "name[]", "int2[]", "int4[]", "int8[]", "oid[]",
)  # fmt: skip
NAMED_TYPES = (*(name for name in TYPES if name.isalnum()), "regcollation", "regprocedure", "regrole")
COMMON = ("text", "name", "varchar", "bool", "int2", "int4", "int8", "oid", "regclass", "jsonb", "text[]")
POLYMORPHIC = ("anyelement", "anyarray", "anycompatible", "anycompatiblearray")
MANY = ("variadic text[]", "text, variadic text[]", "variadic anyarray", "text, variadic anyarray", "int4 default 0")
OPERATORS = {
    "text": ("||", "->>"),
    "jsonb": ("->",),
    "bigint": ("+", "-", "*", "/", "<<"),
    "boolean": ("=", "<>", "<", "<=", ">", ">=", "~", "!~", "~~", "!~~", "~~*", "@>"),
}
IN_A_TRIP = 500
"""How many statements are sent as one: in a longer transaction each takes longer."""
OWN = """
    select
        p.proname, p.prokind = 'a', p.proargtypes::regtype[]::text[],
        case when t.typtype = 'p' or p.proretset then 'text' else t.oid::regtype::text end
    from pg_proc as p
    inner join pg_type as t on p.prorettype = t.oid
    where p.pronamespace = 'pg_catalog'::regnamespace and p.proname = any(%s) and p.prokind in ('f', 'a')
    order by p.proname, 3
"""
OPERATE = """
    insert into pg_operator
    select made.*
    from pg_operator as p
    cross join unnest(%(names)s::text[]) with ordinality as o (name, number)
    inner join pg_proc as f on f.proname = %(function)s and f.pronamespace = 'target'::regnamespace
    cross join jsonb_populate_record(
        p,
        jsonb_build_object(
            'oid', f.oid::int8 + 100000 * o.number, 'oprname', o.name, 'oprnamespace', f.pronamespace,
            'oprowner', f.proowner, 'oprleft', f.proargtypes[0], 'oprright', f.proargtypes[1],
            'oprresult', f.prorettype, 'oprcode', f.oid, 'oprrest', '-', 'oprjoin', '-', 'oprcom', 0, 'oprnegate', 0
        )
    ) as made
    where p.oid = '||(text,text)'::regoperator
"""
"""The rows that CREATE OPERATOR makes for each function, in a tenth of its time."""
COPY = """
    insert into {catalog}
    select made.*
    from {catalog} as p
    cross join jsonb_populate_record(p, jsonb_build_object({values})) as made
    where {condition}
"""
"""The rows that CREATE makes, for one more schema, in a tenth of its time."""
RELATIONS = """
    select c.relname, string_agg(quote_ident(a.attname), ', ' order by a.attnum)
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid
    where
        c.relnamespace = 'pg_catalog'::regnamespace and c.relkind in ('r', 'v') and c.relname = any(%s)
        and a.attnum > 0 and a.atttypid <> 'anyarray'::regtype
    group by c.relname
    order by 1
"""
"""With the columns that a view may have."""
ON_LOGIN = """
    create schema session;
    create function session.found() returns boolean language plpgsql as $$ begin return true; end $$;
    create function session.plant() returns event_trigger language plpgsql as $do$ begin {statements} end $do$;
    create event trigger planting on login execute function session.plant();
"""
AGGREGATES = "p.aggfnoid::oid between 16384 and 9999999"
"""Those of the first schema: after PostgreSQL's own, and before the copies."""


class Ground(NamedTuple):
    """A database by its name, and the role that has planted there and may no longer."""

    name: str
    stranger: str


def plant(connection: Connection, schemas: Sequence[str], stranger: str) -> None:
    """Let a role plant overloads in schemas, of which the first is `target`, and then take its right to do so.

    They are better candidates than PostgreSQL's own where these are inexact. Needs a superuser.
    """
    connection.execute("set search_path = pg_catalog; set check_function_bodies = off")
    for schema in schemas:
        connection.execute(f"create schema if not exists {schema}; grant all on schema {schema} to {stranger}".encode())
    connection.execute(f"set role {stranger}".encode())
    statements = [*planted(connection), *(sql for schema in schemas for sql in namesakes(connection, schema))]
    for start in range(0, len(statements), IN_A_TRIP):
        connection.execute(";".join(statements[start : start + IN_A_TRIP]).encode())
    connection.execute("reset role")
    for result, names in OPERATORS.items():
        connection.execute(OPERATE, {"names": list(names), "function": f"as_{result}"})
    for number, schema in enumerate(schemas[1:], 1):
        later, namespace = f"::oid::int8 + {number * 10_000_000}", f"'{schema}'::regnamespace::oid"
        for catalog, oid, own, condition in (
            ("pg_aggregate", "aggfnoid", "", AGGREGATES),
            ("pg_operator", "oid", "oprnamespace", "p.oprnamespace = 'target'::regnamespace"),
            ("pg_proc", "oid", "pronamespace", "p.pronamespace = 'target'::regnamespace"),
        ):
            values = f"'{oid}', p.{oid}{later}" + (f", '{own}', {namespace}" if own else "")
            connection.execute(COPY.format(catalog=catalog, values=values, condition=condition).encode())
    connection.execute(f"revoke all on schema {', '.join(schemas)} from {stranger}".encode())
    connection.execute("vacuum analyze")


def plant_in_sessions(connection: Connection) -> None:
    """Give each session temporary views, types and functions that are called as what own SQL uses.

    Needs a superuser, and PostgreSQL 17.
    """
    connection.execute("set search_path = pg_catalog")
    body = "language plpgsql as $$ begin return session.found()::text; end $$"
    made = [
        f"create function pg_temp.{word}({type_}) returns text {body}"
        for word in sorted(called_words())
        for type_ in ("text", "name")
    ]
    statements = "; ".join((*made, *namesakes(connection, "pg_temp", "session.found()"))) + ";"
    connection.execute(ON_LOGIN.format(statements=statements).encode())


def namesakes(connection: Connection, schema: str, found: str = "target.found()") -> Iterator[str]:
    """Return what makes views and domains that are called as what own SQL uses, and which call a function."""
    for name, columns in connection.execute(RELATIONS, (sorted(own_words()),)).fetchall():
        yield f"create view {schema}.{name} as select {columns} from pg_catalog.{name} where {found}"
    for name in NAMED_TYPES:
        if (schema, name) != ("pg_temp", "text"):  # for scripts, PostgreSQL looks there first
            yield f"create domain {schema}.{name} as pg_catalog.{name} check ({found})"


def planted(connection: Connection) -> Iterator[str]:
    """Return what makes the overloads in the schema `target`, and the function that namesakes call."""
    yield "create function target.found() returns boolean language plpgsql as $$ begin return true; end $$"
    body = "language plpgsql as $$ begin return null; end $$"
    own: dict[str, list[tuple[bool, list[str], str]]] = {}
    for name, *others in connection.execute(OWN, (sorted(called_words()),)).fetchall():
        own.setdefault(name, []).append(tuple(others))
    for name, signatures in own.items():
        is_aggregate, _, result = signatures[0]
        lengths = {len(arguments) for _, arguments, _ in signatures}
        made = [] if is_aggregate else [*TYPES, *POLYMORPHIC]
        made += map(", ".join, itertools.product(COMMON, repeat=2)) if 2 in lengths and not is_aggregate else ()
        made += (text for _, arguments, _ in signatures if len(arguments) > 2 for text in varied(arguments))
        # of two with the same types, the one that also takes another number of arguments
        distinct = {re.sub("variadic | default 0", "", text): text for text in (*made, *MANY)}
        for arguments in distinct.values():
            yield f"create or replace function target.{name}({arguments}) returns {result} {body}"
        for type_ in TYPES if is_aggregate else ():
            if type_ not in distinct:
                yield f"create function target.{name}_step(text, {type_}) returns text {body}"
                yield f"create aggregate target.{name}({type_}) (sfunc = target.{name}_step, stype = text)"
    for result, left, right in itertools.product(OPERATORS, TYPES, TYPES):
        yield f"create function target.as_{result}({left}, {right}) returns {result} {body}"


def varied(arguments: Sequence[str]) -> Iterator[str]:
    """Return the arguments with another type for each of them in turn."""
    for place, type_ in itertools.product(range(len(arguments)), TYPES):
        if '"any"' not in (changed := [*arguments[:place], type_, *arguments[place + 1 :]]):
            yield ", ".join(changed)


def called_words() -> set[str]:
    """Return what looks like a call, in all SQL of the runner and of this repository's project."""
    return {word for text in own_texts() for word in re.findall(r"\b([a-z][a-z0-9_]*)\(", text)}


def own_words() -> set[str]:
    """Return all words of that SQL."""
    return {word for text in own_texts() for word in re.findall(r"[a-z][a-z0-9_]*", text)}


def own_texts() -> Sequence[str]:
    """Return the files of that SQL, and the strings of the runner."""
    files = [path for folder in ("runner", "sql") for path in (ROOT / folder).rglob("*.sql")]
    texts = [path.read_text(encoding="utf-8") for path in files]
    return texts + [text for path in (ROOT / "runner").rglob("*.py") for text in strings(ast.parse(path.read_bytes()))]


def strings(tree: ast.AST) -> Iterator[str]:
    """Return the strings of a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
