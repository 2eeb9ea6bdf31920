"""Random small schemas of the kinds that hang on tables, types and functions, and of what roles may do."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping

import psycopg
import pytest
from hypothesis import strategies as st
from psycopg import Connection

from tests.support.planned_cases import EMPTY
from tests.support.projects import CASES
from tests.support.random_schemas import Script, statements
from tests.support.servers import Server

KINDS = tomllib.loads((CASES / "kinds.toml").read_text(encoding="utf-8"))
STATEMENTS: dict[str, list[str]] = KINDS["statements"]
SLOTS: dict[str, list[str]] = KINDS["parts"] | STATEMENTS
OF_DATABASE = [f"make {kind}" for kind in ("event trigger", "cast", "transform", "language", "method", "publication")]
"""What makes objects of the whole database: what a project does not declare of them is no concern of it."""
ROLES = ("law_reader", "law Guest", "law Writer", "law_owner")
MANAGED = ["law_*", "law *"]

DEFAULTS = """
    select format('alter default privileges for role %s %s', d.defaclrole::regrole, what.sql)
    from pg_default_acl as d
    join (values ('r', 'tables'), ('S', 'sequences'), ('f', 'functions'), ('T', 'types'), ('n', 'schemas'))
        as k (objtype, word) on d.defaclobjtype = k.objtype::"char"
    cross join lateral (
        select format('revoke all on %s from %s', k.word, r.name) as sql
        from aclexplode(d.defaclacl) as a
        cross join lateral (select case a.grantee when 0 then 'public' else a.grantee::regrole::text end) as r (name)
        where a.grantee <> d.defaclrole
        union all
        select format('grant %s on %s to public', case k.objtype when 'f' then 'execute' else 'usage' end, k.word)
        where k.objtype in ('f', 'T')
        union all
        select format('grant all on %s to %s', k.word, d.defaclrole::regrole)
    ) as what
"""
"""What gives default privileges back to PostgreSQL."""

Choices = Mapping[str, str]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Script, Script]:
    """Draw what is declared, and what is in the database: the same but for a few choices, or another."""
    whole = st.fixed_dictionaries({key: st.sampled_from(texts) for key, texts in SLOTS.items()})
    keys = st.lists(st.sampled_from([key for key in SLOTS if key != "table"]), max_size=3, unique=True)
    few = keys.flatmap(lambda chosen: st.fixed_dictionaries({key: st.sampled_from(SLOTS[key]) for key in chosen}))
    declared = draw(whole)
    actual = declared | draw(st.one_of(few, few, few, few, whole))
    actual |= {"table": declared["table"]} | {key: "" for key in OF_DATABASE if not declared[key]}
    return list(statements(declared, STATEMENTS)), list(statements(actual, STATEMENTS))


@st.composite
def schemas(draw: st.DrawFn) -> Script:
    """Draw a schema without owners and privileges, and without a language, of which pg_dump writes only the name."""
    choices = draw(st.fixed_dictionaries({key: st.sampled_from(texts) for key, texts in SLOTS.items()}))
    left_out = ("default", "owner", "grant", "late access", "make language")
    return list(statements(choices, [key for key in STATEMENTS if not key.startswith(left_out)]))


def make_empty(connection: Connection) -> None:
    """Leave nothing in a database but its schema, which is as in a new one."""
    for query in (EMPTY, DEFAULTS):
        for (sql,) in connection.execute(query).fetchall():
            connection.execute(sql)
    connection.execute("create schema public; grant usage on schema public to public")
    connection.execute("revoke all on language plpgsql from law_reader; grant usage on language plpgsql to public")


@pytest.fixture(scope="module")
def roles(server: Server) -> Iterator[None]:
    """The roles of the schemas, which all databases of a server share."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        for name in ROLES:
            if not connection.execute("select from pg_roles where rolname = %s", (name,)).fetchall():
                connection.execute(f'create role "{name}"')
        yield
