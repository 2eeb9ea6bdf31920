"""What statements declare, read off their text, and what the statements of all scripts declare together."""

from __future__ import annotations

import pytest

from runner.errors import InputError
from runner.project.templates import render
from runner.sql.objects import PRESENT, PROCEDURE, VALID, Declaration, Effect, Object
from runner.sql.parser import parse
from runner.sql.simulation import State, declare
from runner.sql.statements import Script


def parsed(script: str, path: str = "a.sql", schema: str = "public") -> Script:
    return parse(render(path, script, {}), schema=schema)


def declaration(sql: str, schema: str = "public") -> Declaration:
    (statement,) = parsed(sql, schema=schema).statements
    return statement.declaration


def create(kind: str, name: str, table: str = "", schema: str = "", value: str = PRESENT) -> Effect:
    return Effect("create", Object(kind, name, table, schema), value)


def comment(kind: str, name: str, table: str = "", schema: str = "", *, value: str) -> Effect:
    return Effect("set", Object(f"comment on {kind}", name, table, schema), value)


def drop(kind: str, name: str, table: str = "", schema: str = "") -> Effect:
    return Effect("drop", Object(kind, name, table, schema))


def rename(new: str, kind: str, name: str, table: str = "", schema: str = "") -> Effect:
    return Effect("rename", Object(kind, name, table, schema), new)


def change(kind: str, name: str, table: str = "", schema: str = "", value: str = PRESENT) -> Effect:
    return Effect("change", Object(kind, name, table, schema), value)


def column(name: str, table: str = "t", schema: str = "") -> Effect:
    return create("column", name, table, schema)


def constraint(name: str, table: str = "t", schema: str = "") -> Effect:
    return create("constraint", name, table, schema, VALID)


def take(kind: str, name: str, table: str = "", *, by: Object) -> Effect:
    return Effect("take", Object(kind, name, table), other=by)


TABLE = create("table", "t")
C, S_I, T_A = Object("constraint", "c", "t"), Object("index", "i", "", "s"), Object("column", "a", "t")

EFFECTS: list[tuple[str, list[Effect]]] = [
    # schemas and extensions
    ("create schema s", [create("schema", "s")]),
    ("create schema if not exists s", [create("schema", "s")]),
    ("create schema if not exists s authorization bob", [create("schema", "s")]),
    ("create schema authorization bob", [create("schema", "bob")]),
    ('create schema "A b"', [create("schema", "A b")]),
    ("create extension pg_trgm", [create("extension", "pg_trgm")]),
    ("create extension if not exists pg_trgm with schema s cascade", [create("extension", "pg_trgm")]),
    ("create language plperl", [create("extension", "plperl")]),
    # tables and their columns
    ("create table t ()", [TABLE]),
    ("create table if not exists t (a int, b text)", [TABLE, column("a"), column("b")]),
    ("create table public.t (a int)", [TABLE, column("a")]),
    ("create table other.t (a int)", [create("table", "t", schema="other"), column("a", schema="other")]),
    ('create table "T" ("A b" int)', [create("table", "T"), column("A b", "T")]),
    ("create table T (Ä int)", [TABLE, column("Ä")]),
    ("create unlogged table t (a int)", [TABLE, column("a")]),
    ("create table t partition of p for values in (1)", [TABLE]),
    ("create table t (like u including all, a int)", [TABLE, column("a")]),
    ("create table t (a int not null default 1, b int null)", [TABLE, column("a"), column("b")]),
    ("create table t (a int constraint n not null constraint d default 1)", [TABLE, column("a")]),
    ("create table t (a int, constraint n not null a)", [TABLE, column("a")]),
    ("create table t (a int generated always as identity)", [TABLE, column("a")]),
    ("create table t (a int constraint g generated always as identity)", [TABLE, column("a")]),
    ("create table t (a int constraint g generated always as (1) stored)", [TABLE, column("a")]),
    ("create temp table t (a int)", []),
    ("create temporary table if not exists t (a int)", []),
    # constraints, by name, or by what they say
    ("create table t (a int primary key)", [TABLE, column("a"), constraint("primary key (a)")]),
    ("create table t (a int unique)", [TABLE, column("a"), constraint("unique (a)")]),
    ("create table t (a int references u)", [TABLE, column("a"), constraint("foreign key (a) references u")]),
    ("create table t (a int references s.u (b))", [TABLE, column("a"), constraint("foreign key (a) references u")]),
    ("create table t (a int constraint c primary key)", [TABLE, column("a"), constraint("c")]),
    ("create table t (a int constraint c check (a > 0))", [TABLE, column("a"), constraint("c")]),
    ("create table t (a int check (a > 0))", [TABLE, column("a"), constraint("check (a)")]),
    (
        "create table t (a int unique references u deferrable initially deferred)",
        [TABLE, column("a"), constraint("unique (a)"), constraint("foreign key (a) references u")],
    ),
    ("create table t (a int, primary key (a))", [TABLE, column("a"), constraint("primary key (a)")]),
    ("create table t (a int, b int, unique (a, b))", [TABLE, column("a"), column("b"), constraint("unique (a, b)")]),
    (
        "create table t (a int, b int, foreign key (b, a) references u (x, y))",
        [TABLE, column("a"), column("b"), constraint("foreign key (b, a) references u")],
    ),
    ("create table t (a int, constraint c unique (a))", [TABLE, column("a"), constraint("c")]),
    ("create table t (a int, constraint c check (a > 0))", [TABLE, column("a"), constraint("c")]),
    ("create table t (a int, constraint c exclude (a with =))", [TABLE, column("a"), constraint("c")]),
    ("create table t (a int, check (a > 0))", [TABLE, column("a"), constraint("check (a)")]),
    (
        "create table s.t (a int primary key)",
        [create("table", "t", schema="s"), column("a", schema="s"), constraint("primary key (a)", schema="s")],
    ),
    # indexes
    ("create index i on t (a)", [create("index", "i", "t", value=VALID)]),
    ("create unique index if not exists i on public.t (a)", [create("index", "i", "t", value=VALID)]),
    ("create index concurrently i on s.t using gin (a)", [create("index", "i", "t", "s", VALID)]),
    ("create index on t (a)", [create("index", "t_a_idx", "t", value=VALID)]),
    # alter table
    ("alter table t add column a int", [column("a")]),
    ("alter table if exists public.t add column if not exists a int", [column("a")]),
    ("alter table s.t add a int", [column("a", schema="s")]),
    ("alter table t add a int, add column b int unique", [column("a"), column("b"), constraint("unique (b)")]),
    ("alter table t add constraint c check (a > 0)", [constraint("c")]),
    ("alter table only t add constraint c foreign key (a) references u", [constraint("c")]),
    ("alter table t add constraint c primary key using index i", [take("index", "i", "t", by=C), constraint("c")]),
    ("alter table t add constraint c check (a > 0) not valid", [create("constraint", "c", "t", value="not validated")]),
    ("alter table t validate constraint c", [Effect("set", Object("constraint", "c", "t"), VALID)]),
    ("alter table t add unique (a)", [constraint("unique (a)")]),
    ("alter table t add check (a > 0)", [constraint("check (a)")]),
    ("alter table t drop column a", [drop("column", "a", "t")]),
    ("alter table s.t drop if exists a cascade", [drop("column", "a", "t", "s")]),
    ("alter table t drop constraint c", [drop("constraint", "c", "t")]),
    (
        "alter table t drop a, add b int, alter c set not null",
        [drop("column", "a", "t"), column("b"), change("column", "c", "t")],
    ),
    ("alter table t alter a type bigint", [change("column", "a", "t")]),
    ("alter table s.t alter a set default 1", [change("column", "a", "t", "s")]),
    ("alter table t alter a add generated always as identity", [change("column", "a", "t")]),
    ("alter table t alter constraint c deferrable", [change("constraint", "c", "t")]),
    ("alter table t disable trigger g", [change("trigger", "g", "t")]),
    ("alter table t enable replica rule r", [change("rule", "r", "t")]),
    ("alter table t attach partition p for values in (1)", [change("table", "p")]),
    ("alter table t inherit u", [change("table", "t")]),
    ("alter table t set (fillfactor = 50)", [change("table", "t")]),
    ("alter table t enable row level security", [change("table", "t", value="enable row level security")]),
    ("alter table t owner to bob", []),
    ("alter index i set (fillfactor = 50)", [change("index", "i")]),
    ("alter view v set (security_barrier)", [change("view", "v")]),
    ("alter type t add attribute a int", [change("type", "t")]),
    ("alter type s.t add value 'a'", [change("type", "t", schema="s")]),
    ("alter type t rename value 'a' to 'b'", [change("type", "t")]),
    ("alter domain d add check (value > 0)", [change("domain", "d")]),
    ("alter index i set tablespace s", [change("tablespace of index", "i", value="s")]),
    ("create server s foreign data wrapper w", [create("server", "s", value="foreign data wrapper w")]),
    ("alter index s.i attach partition j", [change("index", "i", schema="s"), take("index", "j", by=S_I)]),
    ("alter sequence s increment 5", [change("sequence", "s")]),
    (
        "alter sequence s owned by t.a",
        [take("sequence", "s", by=T_A)],
    ),
    ("alter function f(int) set search_path = s", [change("function", "f(integer)")]),
    # views, sequences, types, functions, triggers
    ("create view v as select 1", [create("view", "v")]),
    ("create or replace view s.v as select 1", [create("view", "v", schema="s")]),
    ("create temp view v as select 1", []),
    ("create materialized view if not exists v as select 1", [create("materialized view", "v")]),
    ("create table u as select 1", [create("table", "u")]),
    ("create sequence if not exists s", [create("sequence", "s")]),
    ("create type y as enum ('a')", [create("type", "y")]),
    ("create type y as (a int)", [create("type", "y")]),
    ("create type s.y as range (subtype = float8)", [create("type", "y", schema="s")]),
    ("create domain d as int check (value > 0)", [create("domain", "d")]),
    ("create function f() returns int language sql as 'select 1'", [create("function", "f()")]),
    (
        "create function s.f(a int4, out b text, c varchar(3) default 'x', variadic d int[]) language sql as ''",
        [create("function", "f(integer, character varying, integer[])", schema="s")],
    ),
    (
        """create function f(public.mood, s.mood, "char", char, float, timestamptz(3), "Odd", interval)
        returns int language sql return 1""",
        [
            create(
                "function",
                'f(mood, s.mood, "char", character, double precision, timestamp with time zone, "Odd", interval)',
            )
        ],
    ),
    ("create function f(a t.a%type, b int) returns int language sql as ''", [create("function", "f(…)")]),
    ("comment on function f(s.t.a%type, int) is 'F'", [comment("function", "f(…)", value="F")]),
    ("drop function f(t.a%type)", [drop("function", "f(…)")]),
    (
        "create or replace procedure p(inout a int) language sql as ''",
        [create("function", "p(integer)", value=PROCEDURE)],
    ),
    ("create trigger g before insert on s.t for each row execute function f()", [create("trigger", "g", "t", "s")]),
    # comments
    ("comment on table t is 'x'", [comment("table", "t", value="x")]),
    ("comment on table public.t is E'it''s\\n📦'", [comment("table", "t", value="it's\n📦")]),
    ("comment on table s.t is $$x$$", [comment("table", "t", schema="s", value="x")]),
    ("comment on column t.a is 'x'", [comment("column", "a", "t", value="x")]),
    ("comment on column public.t.a is 'x'", [comment("column", "a", "t", value="x")]),
    ('comment on column s."T"."A" is \'x\'', [comment("column", "A", "T", "s", value="x")]),
    ("comment on index i is 'x'", [comment("index", "i", value="x")]),
    ("comment on table t is null", [drop("comment on table", "t")]),
    ("comment on table t is ''", [drop("comment on table", "t")]),
    ("comment on column t.a is null", [drop("comment on column", "a", "t")]),
    ("comment on index s.i is null", [drop("comment on index", "i", schema="s")]),
    ("comment on view v is 'x'", [comment("view", "v", value="x")]),
    ("comment on materialized view s.v is 'x'", [comment("materialized view", "v", schema="s", value="x")]),
    ("comment on sequence s is 'x'", [comment("sequence", "s", value="x")]),
    ("comment on function f(int, text) is 'x'", [comment("function", "f(integer, text)", value="x")]),
    ("comment on type y is 'x'", [comment("type", "y", value="x")]),
    ("comment on domain s.d is 'x'", [comment("domain", "d", schema="s", value="x")]),
    ("comment on constraint c on t is 'x'", [comment("constraint", "c", "t", value="x")]),
    ("comment on constraint c on domain s.d is 'x'", [comment("domain constraint", "c", "d", "s", value="x")]),
    ("create or replace rule r as on delete to s.t do instead nothing", [create("rule", "r", "t", "s")]),
    ("alter rule r on t rename to q", [rename("q", "rule", "r", "t")]),
    ("drop rule r on t", [drop("rule", "r", "t")]),
    ("create policy p on s.t using (true)", [create("policy", "p", "t", "s", "to public")]),
    ('create policy p on t to b, a, "To"', [create("policy", "p", "t", value='to "To", a, b')]),
    ("create policy p on t to a, public", [create("policy", "p", "t", value="to public")]),
    ("create policy p on t to a, current_user", [create("policy", "p", "t")]),
    ("alter policy p on t to b", [change("policy", "p", "t", value="to b")]),
    ("alter policy p on t using (a > 1)", [change("policy", "p", "t")]),
    ("alter policy p on t rename to q", [rename("q", "policy", "p", "t")]),
    ("drop policy if exists p on s.t", [drop("policy", "p", "t", "s")]),
    ("comment on policy p on t is 'x'", [comment("policy", "p", "t", value="x")]),
    ("create statistics s.x on a, b from s.t", [create("statistics", "x", "t", "s")]),
    ("create statistics s.x on a, b from t", [create("statistics", "x", "", "s")]),
    (
        "create statistics on a, (b + 1) from s.t",
        [create("statistics", "t_a_expr_stat", "t", "s")],
    ),
    ("alter statistics x set statistics 9", [change("statistics", "x")]),
    ("alter statistics x rename to y", [rename("y", "statistics", "x")]),
    ("drop statistics x, s.y", [drop("statistics", "x"), drop("statistics", "y", "", "s")]),
    ("comment on statistics x is 'x'", [comment("statistics", "x", value="x")]),
    (
        "create event trigger e on ddl_command_end when tag in ('drop table', 'IT''S') execute procedure public.f()",
        [
            create(
                "event trigger",
                "e",
                value="on ddl_command_end when tag in ('DROP TABLE', 'IT''S') execute function f()",
            )
        ],
    ),
    (
        "create event trigger e on login execute function s.f()",
        [create("event trigger", "e", value="on login execute function s.f()")],
    ),
    ("alter event trigger e enable replica", [change("event trigger", "e", value=" enabled replica")]),
    ("alter event trigger e enable", [change("event trigger", "e", value="")]),
    ("alter event trigger e rename to f", [rename("f", "event trigger", "e")]),
    ("drop event trigger e", [drop("event trigger", "e")]),
    ("comment on event trigger e is 'x'", [comment("event trigger", "e", value="x")]),
    ("comment on trigger g on s.t is 'x'", [comment("trigger", "g", "t", "s", value="x")]),
    ("comment on schema s is 'x'", [comment("schema", "s", value="x")]),
    ("comment on extension e is 'x'", [comment("extension", "e", value="x")]),
    ("comment on database d is 'x'", []),
    # drop
    ("drop table t", [drop("table", "t")]),
    ("drop table if exists public.t, s.u cascade", [drop("table", "t"), drop("table", "u", schema="s")]),
    ("drop index concurrently if exists i, s.j", [drop("index", "i"), drop("index", "j", schema="s")]),
    ("drop view v", [drop("view", "v")]),
    ("drop materialized view if exists s.v", [drop("materialized view", "v", schema="s")]),
    ("drop sequence s", [drop("sequence", "s")]),
    ("drop type y, s.z", [drop("type", "y"), drop("type", "z", schema="s")]),
    ("drop domain d", [drop("domain", "d")]),
    ("drop function f(int), g", [drop("function", "f(integer)"), drop("function", "g(…)")]),
    ("drop trigger g on s.t", [drop("trigger", "g", "t", "s")]),
    ("drop schema s", [drop("schema", "s")]),
    ("drop extension e", [drop("extension", "e")]),
    # rename
    ("alter table t rename to u", [rename("u", "table", "t")]),
    ("alter table s.t rename to u", [rename("u", "table", "t", schema="s")]),
    ("alter table t rename column a to b", [rename("b", "column", "a", "t")]),
    ("alter table t rename a to b", [rename("b", "column", "a", "t")]),
    ("alter table t rename constraint c to d", [rename("d", "constraint", "c", "t")]),
    ("alter index i rename to j", [rename("j", "index", "i")]),
    ("alter view v rename to w", [rename("w", "view", "v")]),
    ("alter sequence s.s rename to r", [rename("r", "sequence", "s", schema="s")]),
    ("alter type y rename to z", [rename("z", "type", "y")]),
    ("alter domain d rename to e", [rename("e", "domain", "d")]),
    ("alter function f(int) rename to g", [rename("g(integer)", "function", "f(integer)")]),
    ("alter trigger g on t rename to h", [rename("h", "trigger", "g", "t")]),
]


@pytest.mark.parametrize(("sql", "effects"), EFFECTS, ids=[sql for sql, _ in EFFECTS])
def test_effects(sql: str, effects: list[Effect]) -> None:
    """A statement declares the objects that it names, in the schema that it means."""
    assert [effect._replace(columns=()) for effect in declaration(sql).effects] == effects


def test_target_schema() -> None:
    """The target schema is the nameless one, whether a statement names it or not, and every other one has its name."""
    assert declaration("create table jira.t ()", "jira") == declaration("create table t ()", "jira")
    assert declaration("create table public.t ()", "jira").effects == (create("table", "t", schema="public"),)


NOT_VALID = ["check (a > 0) not valid", "foreign key (a) references u not valid"]


@pytest.mark.parametrize("sql", NOT_VALID)
def test_not_valid(sql: str) -> None:
    """A constraint that is declared NOT VALID is not declared to be valid, until a statement validates it."""
    added = f"alter table t add constraint c {sql};"
    assert list(declared(added).values()) == ["not validated"]
    assert list(declared(added, "alter table t validate constraint c").values()) == ["valid"]
    assert list(declared(added, "alter table t validate constraint c", added).values()) == ["valid"]


GUARDED = """
create schema if not exists s
create extension if not exists e
create table if not exists t (a int)
create index if not exists i on t (a)
alter table t add column if not exists a int
alter table t add column if not exists a int, add column if not exists b int
alter table t add constraint c check (a > 0)
alter table t validate constraint c
comment on table t is 'x'
comment on column t.a is 'x'
comment on index i is 'x'
"""
UNGUARDED = """
create schema s
create extension e
create table t (a int)
create index i on t (a)
alter table t add column a int
alter table t add column if not exists a int, add column b int
alter table t add column if not exists a int, alter b set not null
drop table t
"""


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


@pytest.mark.parametrize("sql", lines(GUARDED))
def test_guarded(sql: str) -> None:
    """A statement that does nothing when its objects are there need not be sent then."""
    assert declaration(sql).guarded


@pytest.mark.parametrize("sql", lines(UNGUARDED))
def test_unguarded(sql: str) -> None:
    """Any other may be needed though they are there."""
    assert not declaration(sql).guarded


OPAQUE = """
do $$ begin drop table t; end $$
call p()
drop schema s cascade
drop type y cascade
drop extension e cascade
drop table t cascade
drop owned by bob
drop role bob
alter table all in tablespace a set tablespace b
alter type y rename attribute a to b
alter schema s rename to r
alter extension e update
alter extension e add table t
alter role bob rename to rob
alter database d rename to e
alter tablespace s rename to r
alter system set work_mem = '1MB'
create role bob
create database d
create tablespace s location '/x'
import foreign schema s from server r into t
refresh materialized view v
reindex table t
cluster t using i
reassign owned by bob to rob
listen c
notify c
load 'x'
checkpoint
discard all
prepare p as select 1
execute p
deallocate p
declare c cursor for select 1
fetch c
close c
set constraints all deferred
copy t from '/x'
"""
CLEAR = """
select 1
alter subscription s disable
security label on table t is 'x'
alter table t owner to bob
alter operator + (int, int) owner to bob
select f()
values (1)
insert into t values (1)
update t set a = 1
delete from t
merge into t using u on true when matched then delete
truncate t
vacuum t
analyze t
lock table t
set work_mem = '1MB'
reset all
show work_mem
explain select 1
grant select on t to bob
revoke select on t from bob
grant bob to rob
alter default privileges grant select on tables to bob
alter role bob set work_mem = '1MB'
alter role bob nologin
alter database d set work_mem = '1MB'
select 1 into u
savepoint a
comment on database d is 'x'
comment on role bob is 'x'
comment on large object 1 is 'x'
create temp table t (a int)
"""


@pytest.mark.parametrize("sql", lines(OPAQUE))
def test_opaque(sql: str) -> None:
    """A statement that is not fully understood says so; it is never an exception."""
    assert declaration(sql).opaque


@pytest.mark.parametrize("sql", [*lines(CLEAR), *lines(GUARDED)])
def test_clear(sql: str) -> None:
    """One that drops and renames nothing is not."""
    assert not declaration(sql).opaque


@pytest.mark.parametrize("sql", [*lines(CLEAR), "do $$ $$"])
def test_without_effects(sql: str) -> None:
    """Objects that are not compared are not declared either."""
    assert declaration(sql).effects == ()


BODY = """
create table if not exists s.t (
    -- the key
    id serial,
    "A b" varchar(255) default 'a, b (c)' not null, -- said of it
    ü_1 numeric(10, 2) default greatest(1, least(2, 3)), /* , */
    d text[] default array['a', 'b'],
    e int[] default array[array[1, 2], array[3, 4]]::int[],
    f timestamp default current_timestamp
        -- why it is checked
        check (f > '2000-01-01' and f in (now(), now())),
    g int references u (a) on delete cascade,
    h int generated always as (coalesce(g, 0)) stored,
    i text default $$,)$$ collate "C",
    constraint t_pkey primary key (id, "A b"),
    unique (g, h),
    foreign key (g) references u (a), -- behind
    constraint t_check check (g in (1, 2) /* ) */ and h > 0),
    check (h < 10),
    constraint t_excl exclude using gist (g with =, h with =) where (g > 0)
);
"""
ADDED = [
    ("column", "id", "add column if not exists id serial"),
    ("column", "A b", "add column if not exists \"A b\" varchar(255) default 'a, b (c)' not null"),
    ("column", "ü_1", "add column if not exists ü_1 numeric(10, 2) default greatest(1, least(2, 3))"),
    ("column", "d", "add column if not exists d text[] default array['a', 'b']"),
    ("column", "e", "add column if not exists e int[] default array[array[1, 2], array[3, 4]]::int[]"),
    (
        "column",
        "f",
        (
            "add column if not exists f timestamp default current_timestamp\n        -- why it is checked\n"
            "        check (f > '2000-01-01' and f in (now(), now()))"
        ),
    ),
    ("column", "g", "add column if not exists g int references u (a) on delete cascade"),
    ("column", "h", "add column if not exists h int generated always as (coalesce(g, 0)) stored"),
    ("column", "i", 'add column if not exists i text default $$,)$$ collate "C"'),
    ("constraint", "t_pkey", 'add constraint t_pkey primary key (id, "A b")'),
    ("constraint", "unique (g, h)", "add unique (g, h)"),
    ("constraint", "foreign key (g) references u", "add foreign key (g) references u (a)"),
    ("constraint", "t_check", "add constraint t_check check (g in (1, 2) /* ) */ and h > 0)"),
    ("constraint", "t_excl", "add constraint t_excl exclude using gist (g with =, h with =) where (g > 0)"),
]


def test_elements() -> None:
    """Each column and constraint of CREATE TABLE has the SQL that adds it, as it stands in the script."""
    script = f"-- ä📦\nselect 'ü';\n{BODY}"
    elements = parsed(script).statements[1].declaration.elements
    assert [(item.object.kind, item.object.name, item.sql) for item in elements] == ADDED
    assert {(item.object.table, item.object.schema) for item in elements} == {("t", "s")}


def test_elements_are_sql() -> None:
    """That SQL, put behind the name of the table, is a statement that declares the same object."""
    for element in parsed(BODY).statements[0].declaration.elements:
        added = declaration(f"alter table s.t {element.sql}")
        assert added.effects[0].object == element.object
        assert added.guarded


def test_elements_of_one_line() -> None:
    """Neither white space nor line ends are needed between elements."""
    elements = declaration("create table t(a int,b numeric(1,2)default(1),check(a>0),unique(a,b))").elements
    assert [item.sql for item in elements] == [
        "add column if not exists a int",
        "add column if not exists b numeric(1,2)default(1)",
        "add unique(a,b)",
    ]


def test_same_as() -> None:
    """A named constraint is the same as one without its name, and a column is the same as nothing else."""
    sql = "create table t (a int unique, constraint c unique (a), constraint k foreign key (a) references u)"
    assert [item.same_as for item in declaration(sql).elements] == [
        None,
        Object("constraint", "unique (a)", "t"),
        Object("constraint", "foreign key (a) references u", "t"),
    ]


OBJECTS = [
    (Object("table", "t"), "table t"),
    (Object("table", "t", "", "s"), "table s.t"),
    (Object("column", "a", "t"), "column t.a"),
    (Object("column", "a", "t", "s"), "column s.t.a"),
    (Object("index", "i", "t"), "index i"),
    (Object("index", "i", "t", "s"), "index s.i"),
    (Object("constraint", "primary key (a)", "t"), "constraint t.primary key (a)"),
    (Object("comment on column", "a", "t"), "comment on column t.a"),
    (Object("comment on index", "i"), "comment on index i"),
    (Object("extension", "pg_trgm"), "extension pg_trgm"),
]


@pytest.mark.parametrize(("item", "text"), OBJECTS)
def test_object_in_words(item: Object, text: str) -> None:
    """An object is called as a DBA calls it."""
    assert str(item) == text


def declared(*scripts: str) -> State:
    return declare(parsed(script, f"{number}.sql") for number, script in enumerate(scripts))


def words(state: State) -> list[str]:
    return sorted(f"{item}: {value}" if value not in (PRESENT, VALID) else str(item) for item, value in state.items())


T = "create table t (a int, b int, d int, constraint c check (d > 0), primary key (a)); create index i on t (d);"
T += "comment on table t is 'T'; comment on column t.a is 'A'; comment on index i is 'I';"
U = T.replace(" t ", " u ").replace("t.a", "u.a").replace(" i ", " j ")

# What the scripts do after both tables were made, and what of them is declared then.
ALL_OF_T = {
    "table t",
    "column t.a",
    "column t.b",
    "column t.d",
    "constraint t.c",
    "constraint t.primary key (a)",
    "index i",
    "comment on table t: T",
    "comment on column t.a: A",
    "comment on index i: I",
}
CHANGES: list[tuple[str, set[str], set[str]]] = [
    ("", set(), set()),
    ("create table if not exists t (a int)", set(), set()),
    ("comment on table t is 'new'", {"comment on table t: T"}, {"comment on table t: new"}),
    ("comment on table t is null", {"comment on table t: T"}, set()),
    ("comment on column t.a is null", {"comment on column t.a: A"}, set()),
    ("comment on index i is ''", {"comment on index i: I"}, set()),
    ("alter table t add column e int", set(), {"column t.e"}),
    ("alter table t drop column b", {"column t.b"}, set()),
    (
        "alter table t drop column a",
        {"column t.a", "comment on column t.a: A", "constraint t.primary key (a)"},
        set(),
    ),
    ("alter table t drop constraint c", {"constraint t.c"}, set()),
    ("drop index i", {"index i", "comment on index i: I"}, set()),
    ("drop table t", ALL_OF_T, set()),
    ("drop table public.t", ALL_OF_T, set()),
    ("drop table s.t", set(), set()),
    ("drop table t; create table t (z int)", ALL_OF_T - {"table t"}, {"column t.z"}),
    (
        "alter table t rename to v",
        ALL_OF_T - {"index i", "comment on index i: I"},
        {
            "table v",
            "column v.a",
            "column v.b",
            "column v.d",
            "constraint v.c",
            "constraint v.primary key (a)",
            "comment on table v: T",
            "comment on column v.a: A",
        },
    ),
    ("alter table t rename column b to z", {"column t.b"}, {"column t.z"}),
    (
        "alter table t rename column a to z",
        {"column t.a", "comment on column t.a: A", "constraint t.primary key (a)"},
        {"column t.z", "comment on column t.z: A", "constraint t.primary key (z)"},
    ),
    ("alter table t rename constraint c to d", {"constraint t.c"}, {"constraint t.d"}),
    ("alter index i rename to k", {"index i", "comment on index i: I"}, {"index k", "comment on index k: I"}),
    ("alter index i set (fillfactor = 50); alter index t_pkey set (fillfactor = 50)", set(), set()),
    ("alter table t drop column b, add column z int", {"column t.b"}, {"column t.z"}),
    ("create extension e", set(), {"extension e"}),
    ("create extension e; drop extension e", set(), set()),
    ("create schema s", set(), {"schema s"}),
    ("create schema s; drop schema s", set(), set()),
    ("create schema s; create table s.t (a int); drop schema s cascade", set(), set()),
]


@pytest.mark.parametrize(("sql", "gone", "new"), CHANGES, ids=[sql for sql, _, _ in CHANGES])
def test_changes(sql: str, gone: set[str], new: set[str]) -> None:
    """What the scripts declare is what is left after the last of them; other tables are not touched."""
    before, after = set(words(declared(T, U))), set(words(declared(T, U, sql)))
    assert (before - after, after - before) == (gone, new)


def test_one_name_for_many_objects() -> None:
    """An index has a name of its own: a column or a table with that name is not affected by its end."""
    state = declared("create table i (i int); create index i2 on i (i); drop index i2; alter table i drop column i")
    assert words(state) == ["table i"]


def test_same_names_in_another_schema() -> None:
    """Objects of another schema with the same names are others."""
    state = declared("create table t (a int); create table s.t (a int); drop table t")
    assert words(state) == ["column s.t.a", "table s.t"]


def test_comment_on_an_index_of_another_schema() -> None:
    """A comment stays when an index of the same name in another schema goes."""
    indexes = "create table t (a int); create index i on t (a); create table s.t (a int); create index i on s.t (a)"
    state = declared(f"{indexes}; comment on index i is 'I'; comment on index s.i is 'S'; drop index i")
    assert [line for line in words(state) if "comment" in line] == ["comment on index s.i: S"]


def test_order_of_scripts() -> None:
    """The scripts count in their order: what a later one says holds."""
    assert words(declared("comment on table t is 'a'", "comment on table t is 'b'")) == ["comment on table t: b"]
    assert words(declared("comment on table t is 'b'", "comment on table t is 'a'")) == ["comment on table t: a"]


def columns(first: int, last: int) -> str:
    return ", ".join(f"c{number} int" for number in range(first, last + 1))


ROOM = "PostgreSQL allows 1,600, dropped ones included\n  hint: move some to a second table, or into a jsonb column"


def too_wide(*scripts: str) -> str:
    with pytest.raises(InputError) as caught:
        declared(*scripts)
    assert caught.value.exit_code == 2
    return str(caught.value)


def test_widest_table() -> None:
    """A table may have 1,600 columns, in whatever way it gets them; declaring one twice does not count."""
    wide = f"create table t ({columns(1, 1_600)}); alter table t add column if not exists c1 int"
    assert len(declared(wide, f"create table u ({columns(1, 1_600)})")) == 3_202


def test_too_wide_table() -> None:
    """One more is an error, at the statement that adds it, before a database is involved."""
    assert (
        too_wide(f"select 1;\ncreate table t ({columns(1, 1_601)})") == f"0.sql:2: table t gets 1,601 columns; {ROOM}"
    )
    more = "\n\nalter table t add column d int, add column e int"
    assert too_wide(f"create table t ({columns(1, 1_600)})", more) == f"1.sql:3: table t gets 1,602 columns; {ROOM}"


def test_too_wide_table_of_another_schema() -> None:
    """A table of another schema is called by its full name."""
    assert "table s.t gets 1,601 columns" in too_wide(f"create table s.t ({columns(1, 1_601)})")


def test_too_wide_renamed_table() -> None:
    """That the table has another name later is no way around it, and no exception."""
    assert "table u gets 1,601 columns" in too_wide(
        f"create table t ({columns(1, 1_601)})", "alter table t rename to u"
    )


def test_columns_of_constraints_and_indexes() -> None:
    """What goes with a column when that is dropped knows its columns."""
    made = declaration("create table t (a int unique, b int, constraint c unique (a, b))").effects
    assert [effect.columns for effect in made if effect.object.kind == "constraint"] == [("a",), ("a", "b")]
    assert declaration("create index i on t (a, lower(b)) include (c)").effects[0].columns == ("a", "c")


IMPLIED = {
    "an index goes with its column": ("create index i on t (b)", "alter table t drop column b"),
    "a constraint goes with its column": ("alter table t add constraint c unique (b)", "alter table t drop column b"),
    "an unnamed constraint has the name that PostgreSQL gives it": (
        "alter table t add unique (a, b)",
        "alter table t drop constraint t_a_b_key",
    ),
}


@pytest.mark.parametrize(("made", "dropped"), IMPLIED.values(), ids=IMPLIED)
def test_implied_drops(made: str, dropped: str) -> None:
    """What PostgreSQL drops along is not declared any more."""
    table = "create table t (a int, b int)"
    assert {item.kind for item in declared(table, made, dropped)} == {"table", "column"}


def test_nameless() -> None:
    """An object without a name can be found again only when its definition tells it."""
    assert declaration("create index on t (a)").nameless
    assert declaration("alter table t add check (a > 0)").nameless
    assert not declaration("alter table t add unique (a)").nameless
