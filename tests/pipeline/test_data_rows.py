"""`plan --rows`: what the data statements of a plan change, from running them and rolling back."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import MakeProject
from tests.support.in_process import call

TABLE = "create table if not exists item (id serial primary key, name text unique, size integer check (size < 900));"
QUIET = "insert into item (name) values ('a') on conflict do nothing;\ndelete from item where id < 0;"
DATA = """insert into item (name, size) values ('a', 1), ('b', 2) on conflict do nothing;
update item set size = size + 1 where name = 'a';
delete from item where name = 'none';
select name from item;
insert into item (name, size) values ('c', 1000);
truncate item;
insert into item (name, size) select name, size from other;
"""
ROWS = [
    (1, 2, None),
    (2, 1, None),
    (3, 0, None),
    (4, 2, None),
    (5, None, 'new row for relation "item" violates check constraint "item_size_check" [23514]'),
    (7, None, 'relation "other" does not exist [42P01]'),
]


@pytest.fixture
def dsn(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(TABLE.encode())
    return database


def test_the_rows_of_data_statements(project: MakeProject, dsn: str) -> None:
    """Each is run after those before it; what fails is unknown, nothing else is run, and nothing stays."""
    folder = project({"010_item.sql": TABLE, "015_none.sql": "select 1;"}, options={"015_none.sql": {"run": "once"}})
    assert call("apply", "--dsn", dsn, folder=folder).code == 0
    options = {name: {"run": "once"} for name in ("015_none.sql", "020_data.sql")}
    folder = project({"010_item.sql": TABLE, "015_none.sql": "select 1;", "020_data.sql": DATA}, options=options)
    with psycopg.connect(dsn, autocommit=True) as connection:
        planned = call("plan", "--rows", "--json", "--dsn", dsn, folder=folder)
        assert planned.code == 0, planned
        assert [(item["line"], item["rows"], item["reason"]) for item in planned.json["rows"]] == ROWS
        assert planned.json["hash"] == call("plan", "--json", "--dsn", dsn, folder=folder).json["hash"]
        assert connection.execute("select count(*) from item").fetchall() == [(0,)]
    text = call("plan", "--rows", "--dsn", dsn, folder=folder).out
    assert "\n  script/020_data.sql:1 insert: 2 rows\n  script/020_data.sql:2 update: 1 row\n" in text
    assert "\n  script/020_data.sql:7: unknown until apply\n      relation " in text
    assert "\n  2 others that change no row\n" in text
    assert text.splitlines()[-1] == "6 data statements will run: 3 rows as of now, 2 unknown until apply"


def test_what_a_script_sets_ends_with_it(project: MakeProject, dsn: str) -> None:
    """A role and a setting of one script are not those of the next, as when it is applied."""
    sets = "set role pg_monitor;\nset bytea_output = 'escape';\nselect 1;"
    insert = "insert into item (name) select 'a' where current_setting('bytea_output') = 'hex';"
    options = {name: {"run": "once"} for name in ("020_sets.sql", "030_data.sql")}
    folder = project({"010_item.sql": TABLE}, options={})
    assert call("apply", "--dsn", dsn, folder=folder).code == 0
    scripts = {"010_item.sql": TABLE, "015_none.sql": "select 1;", "020_sets.sql": sets, "030_data.sql": insert}
    folder = project(scripts, options=options)
    planned = call("plan", "--rows", "--json", "--dsn", dsn, folder=folder)
    assert [item["rows"] for item in planned.json["rows"]] == [1, 1, 1], planned


def test_rows_of_a_new_database(project: MakeProject, database: str) -> None:
    """What is yet to be made is the reason, once for each script; nothing is made for it."""
    folder = project(
        {"010_item.sql": TABLE, "020_data.sql": QUIET},
        options={"020_data.sql": {"allow_destructive": True}},
    )
    text = call("plan", "--rows", "--dsn", database, folder=folder).out
    reason = '\n  script/020_data.sql:1 and 1 more: unknown until apply\n      relation "item" does not exist [42P01]\n'
    assert reason in text
    with psycopg.connect(database) as connection:
        assert connection.execute("select to_regclass('item')").fetchall() == [(None,)]


def test_rows_are_those_of_one_database(project: MakeProject, database: str) -> None:
    """Many databases are refused before anything is run."""
    folder = project({"010_item.sql": TABLE})
    told = call("plan", "--rows", "--dsn", database, "--dsn", database, folder=folder)
    assert (told.code, told.err.splitlines()[0]) == (
        2,
        "error: --rows: the rows of a plan are those of one database and one schema",
    )
