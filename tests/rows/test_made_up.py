"""Rows that are made up: what arrives in tables of every kind of type, key and rule, and what is said of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from runner.rows.made_up import make_rows
from runner.rows.values import WORDS

if TYPE_CHECKING:
    from psycopg import Connection

NUMBERS = {
    "smallint": (-32768, 32767),
    "integer": (-(2**31), 2**31 - 1),
    "bigint": (-(2**63), 2**63 - 1),
    "numeric(6, 2)": (-9999.99, 9999.99),
    "numeric(3, 3)": (-0.999, 0.999),
    "double precision": (-2.2250738585072014e-308, 1.7976931348623157e308),
}
OTHERS = """
    boolean; real; money; numeric; date; time; timetz; timestamp; timestamp(0); timestamptz; interval; uuid; json;
    jsonb; bytea; inet; cidr; macaddr; macaddr8; point; line; lseg; box; path; polygon; circle; tsvector; tsquery;
    pg_lsn; oid;
    bit; bit(5); varbit; varbit(3); "char"; name; char; char(4); varchar; varchar(1); text; int4range; numrange;
    daterange; tstzrange; int4multirange; integer[]; text[]; varchar(3)[]; integer[][]; xid; regtype; money[];
    mood; mood[]; pair; pair[]; short; email; moods
"""
TYPES = [each.strip() for each in OTHERS.split(";")]
HAVE_ONE = {"line", "lseg", "box", "polygon", "circle", "int4multirange", "email"}
"""Types of which one value is known."""
MADE = """
    create type mood as enum ('sad', 'it''s "fine"', 'happy', 'über', 'five', 'six');
    create type pair as (a integer, b text, c mood);
    create domain short as varchar(3) not null default 'x' check (value <> 'text');
    create domain email as text check (value ~ '^[^@]+@[^@]+$');
    create domain moods as mood[];
"""


def filled(connection: Connection, statements: str) -> dict[str, str]:
    """Make tables, fill them, and return what is said of those that stay empty."""
    connection.execute(statements.encode())
    return {empty.table.name: empty.reason for empty in make_rows(connection, ())}


def rows(connection: Connection, query: str) -> list[Any]:
    return connection.execute(query.encode()).fetchall()


@pytest.mark.parametrize("type_", NUMBERS)
def test_numbers_reach_their_limits(connection: Connection, type_: str) -> None:
    """The smallest and the largest number of a type arrive, an ordinary one, and NULL."""
    assert filled(connection, f"create table t (c {type_})") == {}
    ((low, high, nulls, count),) = rows(
        connection, "select min(c)::float8, max(c)::float8, count(*) - count(c), count(*) from t"
    )
    assert (low, high) == tuple(map(float, NUMBERS[type_]))
    assert (nulls, count) == (1, 4)


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_gets_values(connection: Connection, type_: str) -> None:
    """A column of each type, and one that takes no NULL, gets several rows, more than one value where there are two."""
    assert filled(connection, f"{MADE} create table t (c {type_}, d {type_} not null)") == {}
    ((count, values, required),) = rows(connection, "select count(*), count(distinct c::text), count(d) from t")
    assert count == required >= 4
    assert values >= (1 if type_ in HAVE_ONE else 2)


def test_texts_are_unicode_and_as_long_as_they_may_be(connection: Connection) -> None:
    """The longest text of a column with a length is there, in characters of several bytes; and what breaks SQL."""
    assert filled(connection, "create table t (a varchar(7), b text, c char(3))") == {}
    assert rows(connection, "select max(length(a)), max(octet_length(a)) > 7 from t") == [(7, True)]
    assert rows(connection, f"select count(*) from t where b = $words${WORDS}$words$") == [(1,)]
    assert rows(connection, "select count(*) from t where b = ''") == [(1,)]
    assert rows(connection, "select max(length(c)) from t") == [(3,)]


def test_each_value_of_an_enum_arrives(connection: Connection) -> None:
    """However many there are, up to a dozen rows."""
    assert filled(connection, f"{MADE} create table t (c mood not null)") == {}
    assert rows(connection, "select count(distinct c) from t") == [(6,)]


CHECKS = {
    "one of a list": "c text not null check (c in ('open', 'it''s closed'))",
    "a range": "c integer not null check (c between 40 and 44)",
    "a pattern": "c text not null check (c ~ '^[A-Z]+-[0-9]+$')",
    "a length": "c text not null check (length(c) = 17)",
    "two columns": "a date not null, c date not null, check (c > a)",
    "two columns that are equal": "a integer not null, c integer not null, check (a = c)",
    "one of two": "a integer, c integer, check (num_nonnulls(a, c) = 1)",
    "two rules for one": "c integer not null, check (c > 2), check (c < 5)",
    "JSON of a kind": "c jsonb not null check (jsonb_typeof(c) = 'array')",
    "no empty text": "c text not null check (btrim(c) <> '')",
    "a domain": "c email not null",
    "a percentage": "c numeric(5, 2) not null check (c >= 0 and c <= 100)",
    "an odd name": '"c%s ""x""" integer not null check ("c%s ""x""" = 7)',
}


@pytest.mark.parametrize("case", CHECKS)
def test_rules_are_kept(connection: Connection, case: str) -> None:
    """Rows arrive that obey a rule which an ordinary row does not."""
    assert filled(connection, f"{MADE} create table t ({CHECKS[case]})") == {}
    assert rows(connection, "select count(*) > 0 from t") == [(True,)]


KEYS = {
    "a primary key of integers": "c integer primary key",
    "a key of texts": "c text primary key, d varchar(2) unique not null",
    "a key of a boolean": "c boolean primary key",
    "a key of an enum": "c mood primary key",
    "a key of two": "c mood, d boolean, primary key (c, d)",
    "a key without NULLs apart": "c integer unique nulls not distinct",
    "a serial and an identity": "c serial primary key, d integer generated always as identity, e integer",
    "a generated column": "c integer primary key, d text generated always as ('x' || c) stored",
    "no columns": "",
    "an exclusion": "c int4range, exclude using gist (c with &&)",
    "a unique expression": "c text not null); create unique index on t (lower(c)",
    "a date": "c date primary key",
    "a uuid": "c uuid primary key",
}


@pytest.mark.parametrize("case", KEYS)
def test_keys_are_unique(connection: Connection, case: str) -> None:
    """A table gets rows whatever its keys are made of."""
    assert filled(connection, f"{MADE} create table t ({KEYS[case]})") == {}
    ((count,),) = rows(connection, "select count(*) from t")
    assert count >= (2 if "boolean" in case else 4)


def test_serials_are_left_to_their_sequences(connection: Connection) -> None:
    """What is inserted later does not meet a number that was made up."""
    assert filled(connection, "create table t (c serial primary key, d text)") == {}
    assert rows(connection, "insert into t (d) values ('more') returning c") == [(5,)]


def test_foreign_keys_refer_to_rows(connection: Connection) -> None:
    """Tables are filled in the order of their keys: to others, to themselves, in a circle, of several columns."""
    statements = """
        create table a_child (id integer primary key, parent_a integer, parent_b text, state integer not null);
        create table parent (a integer, b text, primary key (a, b));
        create table state (id integer primary key, parent integer references state);
        create table egg (id integer primary key, hen integer);
        create table hen (id integer primary key, egg integer not null references egg);
        alter table egg add foreign key (hen) references hen;
        alter table a_child add foreign key (parent_a, parent_b) references parent;
        alter table a_child add foreign key (state) references state;
    """
    assert filled(connection, statements) == {}
    referring = "select count(*) > 0 from a_child join parent on (parent_a, parent_b) = (a, b)"
    assert rows(connection, referring) == [(True,)]
    assert rows(connection, "select count(*) from a_child where parent_a is null") == [(1,)]
    assert rows(connection, "select count(*) > 0 from state where parent is not null") == [(True,)]
    assert rows(connection, "select count(*) > 0 from hen join egg on hen.egg = egg.id") == [(True,)]


def test_partitions_are_found(connection: Connection) -> None:
    """Rows go into partitions by range, by list, by hash, and below another."""
    statements = """
        create table by_range (at date not null, v text) partition by range (at);
        create table r1 partition of by_range for values from ('2031-01-01') to ('2032-01-01');
        create table by_list (kind text not null, v integer) partition by list (kind);
        create table l1 partition of by_list for values in ('one', 'o''ther') partition by range (v);
        create table l11 partition of l1 for values from (100) to (200);
        create table by_hash (id integer primary key) partition by hash (id);
        create table h0 partition of by_hash for values with (modulus 1, remainder 0);
    """
    assert filled(connection, statements) == {}
    query = "select (select count(*) from r1) > 0, (select count(*) from l11) > 0, (select count(*) from h0)"
    assert rows(connection, query) == [(True, True, 4)]


def test_other_schemas_and_inheritance(connection: Connection) -> None:
    """Tables of other schemas and of both ends of an inheritance get rows of their own."""
    statements = """
        create schema "Other %s";
        create table "Other %s"."T %s" ("C %s" text not null);
        create table base (a integer); create table child (b integer) inherits (base);
    """
    assert filled(connection, statements) == {}
    tables = ('"Other %s"."T %s"', "only base", "child")
    assert [rows(connection, f"select count(*) from {table}") for table in tables] == [[(4,)]] * 3


def test_what_cannot_be_made_up_is_said(connection: Connection) -> None:
    """A table stays empty when a rule cannot be kept, a trigger refuses, or what it refers to is empty; and says so."""
    statements = """
        create table never (c integer not null check (c > 1 and c < 1));
        create table refused (c integer);
        create function refuse() returns trigger language plpgsql as $$ begin raise 'not today'; end $$;
        create trigger refuse before insert on refused for each row execute function refuse();
        create table lone (id integer primary key check (false));
        create table referring (lone integer not null references lone);
        create table parted (at date) partition by range (at);
    """
    said = filled(connection, statements)
    assert set(said) == {"never", "refused", "lone", "referring", "parted"}
    assert "violates check constraint" in said["never"]
    assert said["refused"] == "not today"
    assert said["referring"] == "lone refers to lone, which has no rows"
    assert said["parted"] == 'no partition of relation "parted" found for row'


def test_what_is_left_out_gets_nothing(connection: Connection) -> None:
    """A table that is ignored stays as it is."""
    connection.execute("create table t (c integer); create table u (c integer)")
    ((oid,),) = rows(connection, "select 't'::regclass::oid::int8")
    assert make_rows(connection, [oid]) == []
    assert rows(connection, "select (select count(*) from t), (select count(*) from u)") == [(0, 4)]
