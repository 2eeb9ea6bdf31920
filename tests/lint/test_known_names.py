"""The list of what PostgreSQL and its extensions have: it knows all that the server has."""

from __future__ import annotations

import psycopg
import pytest

from runner.lint.known_names import known_names
from runner.project.templates import render
from runner.sql.parser import parse
from tests.support.servers import Server

EXTENSIONS = ("", "pg_trgm", "hstore", "citext")
NAMES = """
    select proname, 'function' from pg_proc where oid < 16384 or pronamespace = 'public'::regnamespace
    union
    select typname, 'type' from pg_type
    where (oid < 16384 or typnamespace = 'public'::regnamespace) and not (typname like '\\_%' and typcategory = 'A')
"""


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_what_the_server_has_is_known(server: Server, extension: str) -> None:
    """A newer server has more: write runner/lint/server_names.toml anew from its catalog."""
    sql = f"create extension {extension};" if extension else ""
    known = known_names([parse(render("a.sql", sql, {}), schema="public")], (), "public")
    assert known is not None
    with server.database() as dsn, psycopg.connect(dsn) as connection:
        connection.execute(sql.encode())
        names = connection.execute(NAMES).fetchall()
    lists = {"function": known.functions, "type": known.types}
    assert len(names) > 2_000
    unknown = {name for name, sort in names if name not in lists[sort]}
    assert {name for name in unknown if " " not in name and not name.startswith(("pg_toast", "plpgsql_"))} == set()
