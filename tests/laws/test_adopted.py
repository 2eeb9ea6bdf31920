"""Adoption: `init --from` writes scripts that declare what a database has, and nothing is lost.

Applied to an empty database they leave what pg_dump shows of the first; there they change nothing, and find nothing.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import psycopg
import pytest

from runner.project.written_schema import written_schema
from runner.sql.dump_entries import dump_entries
from tests.conftest import Run
from tests.support.in_process import call
from tests.support.projects import CASES, write_project
from tests.support.servers import Server, dump, program, psql

MANY_KINDS = CASES / "adopted.sql"
OWN = ("-s", "--exclude-table=*.runner_history*")
"""Options of pg_dump that leave out rows, and what a run makes for itself."""


ENTRY = "--\n-- Name: item; Type: TABLE; Schema: public; Owner: me\n--\n\nCREATE TABLE public.item (id integer);\n\n\n"
NAME_OF_NOT_NULL = re.compile(r' CONSTRAINT (?:"(?:[^"]|"")+"|\w+) NOT NULL')
"""Of two tables that have one, what pg_dump writes gives it to the first, and another one to the second."""


def shown(dsn: str) -> str:
    """Return what pg_dump shows."""
    return NAME_OF_NOT_NULL.sub(" NOT NULL", dump(dsn, *OWN))


def adopt(dsn: str, empty: str, folder: Path) -> None:
    """Hold the laws for a database, which is not changed, and an empty one."""
    before = shown(dsn)
    begun = call("init", "--from", dsn, folder=folder)
    assert begun.code == 0, begun
    applied = call("apply", "--dsn", empty, folder=folder)
    assert applied.code == 0, applied
    assert shown(empty) == before
    adopted = call("apply", "--json", "--dsn", dsn, folder=folder)
    assert adopted.code == 0, adopted
    assert {script["status"] for script in adopted.json["scripts"]} == {"unchanged"}
    assert shown(dsn) == before


def test_many_kinds_are_adopted(server: Server, tmp_path: Path) -> None:
    """Whatever pg_dump writes is written, in layers, with braces that are no template's."""
    with server.database() as dsn, server.database() as empty:
        made = psql(dsn, MANY_KINDS)
        assert made.returncode == 0, made.stderr
        adopt(dsn, empty, tmp_path)
    names = [path.name for path in sorted((tmp_path / "sql").iterdir())]
    assert names[:3] == ["010_extensions.sql", "020_schemas.sql", "030_collations.sql"]
    tables = (tmp_path / "sql" / "080_tables.sql").read_text()
    assert "\n\ncreate table if not exists public.base (\n    a integer" in tables
    assert "Key" in (tmp_path / "sql" / "090_constraints.sql").read_text()


@pytest.mark.long
def test_a_database_of_this_project_is_adopted(applied: str, database: str, tmp_path: Path) -> None:
    """The history of another project is no part of it; a name is that of the database unless another is given."""
    adopt(applied, database, tmp_path)
    assert "runner_history" not in "".join(path.read_text() for path in (tmp_path / "sql").iterdir())


def test_an_owner_is_named_and_trusted(server: Server, database: str, tmp_path: Path) -> None:
    """Who owns what is not written, which is said; what they own is no finding."""
    with server.roles() as (role,):
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"create table item (id integer); alter table item owner to {role}".encode())
        begun = call("init", "shop", "--from", database, folder=tmp_path)
        assert f"not written: owner {role} of 1 object" in begun.out
        verified = call("verify", "--dsn", database, folder=tmp_path)
        assert verified.code == 0, verified
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(b"drop table item")


def test_what_roles_may_do_is_adopted(server: Server, tmp_path: Path) -> None:
    """Their names are managed; a grant on a part of an extension is in a script that is run once."""
    with server.roles() as (role,), server.database() as dsn, server.database() as empty:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                f"""
                create table item (id serial primary key, name text);
                create extension pg_stat_statements;
                grant select, update (name) on item to {role}; grant select on pg_stat_statements to {role};
                create function f() returns integer language sql as 'select 1';
                revoke all on function f() from public;
                alter default privileges grant select on tables to {role};
                create policy own on item to {role} using (id > 1);
                """.encode()
            )
        adopt(dsn, empty, tmp_path)
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute(f"grant delete on item to {role}".encode())
        assert f"privileges of {role} on table item" in call("verify", "--dsn", empty, folder=tmp_path).out
    manifest = tomllib.loads((tmp_path / "manifest.toml").read_text())
    assert manifest["roles"] == {"managed": [role]}
    assert {script["path"]: script.get("run") for script in manifest["script"][-2:]} == {
        "sql/160_grants.sql": None,
        "sql/170_other_grants.sql": "once",
    }
    assert "pg_stat_statements to" in (tmp_path / "sql" / "170_other_grants.sql").read_text()


def test_what_cannot_be_adopted_writes_nothing(run: Run, database: str, tmp_path: Path) -> None:
    """An empty database, one that is not there, and what is no connection string are errors without a password."""
    empty = run("init", "--from", database)
    assert (empty.code, "has nothing to be declared" in empty.err) == (1, True)
    nowhere = run("init", "--from", "postgresql://me:sesame@127.0.0.1:1/x", "--json")
    assert (nowhere.code, nowhere.json["ok"]) == (1, False)
    wrong = run("init", "--from", "postgresql://me:sesame@[/x")
    assert (wrong.code, "sesame" in nowhere.said + wrong.said) == (2, False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("options", [(), ("--schema-only", "--no-owner", "--no-acl")], ids=["whole", "schema"])
def test_a_dump_is_a_script(options: tuple[str, ...], server: Server, tmp_path: Path) -> None:
    """What pg_dump writes is a script as it is, but for braces, and leaves its settings to none after it."""
    with server.database() as dsn, server.database() as empty:
        made = psql(dsn, MANY_KINDS)
        assert made.returncode == 0, made.stderr
        dumped = program("pg_dump", "--inserts", *options, "--dbname", dsn).stdout
        assert "\n\\restrict " in dumped
        scripts = {"010_dump.sql": f"{{% raw %}}{dumped}{{% endraw %}}", "020_later.sql": "create table later (i int);"}
        folder = write_project(tmp_path, scripts, options={script: {"run": "once"} for script in scripts})
        applied = call("apply", "--dsn", empty, folder=folder)
        assert applied.code == 0, applied
        assert dump(empty, *OWN[1:], "--exclude-table=later", *options) == dump(dsn, *options)


@pytest.mark.parametrize("options", [(), ("--inserts",), ("--no-owner", "--no-acl")])
def test_a_dump_is_adopted(options: tuple[str, ...], server: Server, tmp_path: Path) -> None:
    """The scripts are those that a database with this schema gives; rows are left out, and this is reported."""
    path = tmp_path / "shop.sql"
    with server.database() as dsn:
        made = psql(dsn, MANY_KINDS)
        assert made.returncode == 0, made.stderr
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(
                b"create table odd (a text); insert into odd values (e'it''s\n-- Name: a; $$'), ('\\\\.')"
            )
        path.write_text(program("pg_dump", *options, "--dbname", dsn).stdout)
        adopted = call("init", "shop", "--from", dsn, folder=tmp_path / "live")
    begun = call("init", "--from-dump", path, folder=tmp_path / "dump")
    assert (begun.code, adopted.code) == (0, 0), begun
    assert "not written: rows of " in begun.out
    written, expected = (
        {file.name: file.read_text() for file in (tmp_path / each).rglob("*.*")} for each in ("dump", "live")
    )
    if not options or "--inserts" in options:
        assert written == expected
    else:
        assert written.keys() == {name for name in expected if not name.endswith("grants.sql")}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("PGDMP\0\1", "an archive of pg_dump, not a script"),
        ("create table item (id integer);", "has no object as pg_dump writes it"),
        ("", "has no object as pg_dump writes it"),
        (f"{ENTRY}\\connect other\n{ENTRY}", "has several databases"),
        (None, "file not found"),
    ],
)
def test_what_is_no_dump(text: str | None, message: str, tmp_path: Path) -> None:
    """Each has its message, and nothing is written."""
    path = tmp_path / "dump.sql"
    if text is not None:
        path.write_text(text)
    begun = call("init", "--from-dump", path, folder=tmp_path / "made")
    assert (begun.code, message in begun.err) == (2, True), begun
    both = call("init", "--from-dump", path, "--from", "service=x", folder=tmp_path / "made")
    assert (both.code, "not from both" in both.err) == (2, True)
    assert not (tmp_path / "made").exists()


DUMP = """
SET default_tablespace = fast;

SET default_table_access_method = column_store;

--
-- Name: item; Type: TABLE; Schema: public; Owner: me; Tablespace: fast
--

CREATE TABLE public.item (
    id integer DEFAULT 1,
    note text DEFAULT 'SELECT
-- Name: fake; Type: TABLE; Schema: public; Owner: me
{{ x }}'
);


ALTER TABLE public.item OWNER TO "M""e";

SET default_tablespace = slow;

--
-- Name: item_idx; Type: INDEX; Schema: public; Owner: me; Tablespace: slow
--

CREATE UNIQUE INDEX item_idx ON public.item USING btree (note);


--
-- PostgreSQL database dump complete
--

\\unrestrict x
"""


def test_what_is_left_out_of_an_entry_is_named() -> None:
    """Tablespaces and owners are counted, quoted text is no entry, and keywords are in lower case."""
    item, index = dump_entries(DUMP)
    assert item.sql.splitlines()[0] == "create table if not exists public.item ("
    assert "'SELECT\n-- Name: fake; Type: TABLE; Schema: public; Owner: me\n{{ x }}'" in item.sql
    assert (item.owner, index.sql) == (
        'M"e',
        "create unique index if not exists item_idx on public.item using btree (note);",
    )
    written = written_schema("shop", "manifest.toml", [item, index], "app")
    spaces = ("tablespace fast of 1 object", "tablespace slow of 1 object")
    assert written.lost == ("access method column_store of 1 object", 'owner M"e of 1 object', *spaces)
    assert "{% raw %}create table" in written.files["sql/080_tables.sql"]
