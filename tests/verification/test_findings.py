"""What verify finds, and the documents of --json."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from tests.conftest import MakeProject, Run
from tests.support.projects import CASES, run_runner, run_together, write_project
from tests.support.servers import Server, dump

FINDINGS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "findings.toml").read_text(encoding="utf-8"))
SCRIPT = """
    create extension if not exists pg_trgm with schema {{ extension_schema | identifier }};
    create schema if not exists extra;
    create table if not exists extra.thing (id integer, size integer);
    create table if not exists item (
        id integer constraint item_pkey primary key,
        name text
    );
    comment on table item is 'Items.';
    comment on column item.name is 'Name; it''s shown.';
    create index if not exists item_name_idx on item (name);
    comment on index item_name_idx is 'By name.';
    create table if not exists part (
        id integer,
        code text unique,
        item integer,
        price numeric,
        constraint part_pkey primary key (id),
        constraint part_item_fkey foreign key (item) references item (id),
        constraint part_price_check check (price > 0)
    );
"""
ITEM = "create table if not exists item (id integer);"


def found_of(document: Any) -> list[dict[str, Any]]:
    """Return the findings without the keys that have no value, and without what a person can do about them."""
    return [
        {key: value for key, value in finding.items() if value is not None and key != "repair"}
        for finding in document["findings"]
    ]


# Objects


@dataclass(frozen=True)
class Declared:
    """A project, and the name of a database that it was applied to, to be copied."""

    folder: Path
    database: str


@pytest.fixture(scope="module")
def declared(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Declared]:
    folder = write_project(tmp_path_factory.mktemp("declared"), {"010_item.sql": SCRIPT})
    with server.database() as dsn:
        result = run_runner("apply", "--dsn", dsn, folder=folder)
        assert result.code == 0, result
        yield Declared(folder, str(conninfo_to_dict(dsn)["dbname"]))


@pytest.mark.parametrize("case", FINDINGS)
def test_verify_names_what_is_not_as_declared(server: Server, declared: Declared, case: str) -> None:
    """A deviation and what follows from it are findings, nothing else is, for programs and for people; exit code 1."""
    with server.database(declared.database) as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(FINDINGS[case]["damage"].encode())
        verify = ("verify", "--dsn", dsn)
        result, shown = run_together((*verify, "--json"), verify, folder=declared.folder)
    assert (result.code, shown.code) == (1, 1)
    assert result.json["ok"] is False
    expected = FINDINGS[case]["findings"]
    found = found_of(result.json)
    assert [
        {key: finding.get(key) for key in wanted} for finding, wanted in zip(found, expected, strict=True)
    ] == expected
    assert FINDINGS[case]["line"] in [" ".join(line.split()) for line in shown.out.splitlines()]


def test_verify_finds_nothing_when_all_is_as_declared(run: Run, project: MakeProject, database: str) -> None:
    """After apply, verify exits 0 and has no finding."""
    project({"010_item.sql": SCRIPT})
    assert run("apply", "--dsn", database).code == 0
    result = run("verify", "--dsn", database, "--json")
    assert result.code == 0
    assert result.json["ok"] is True
    assert result.json["findings"] == []


def test_verify_changes_nothing(run: Run, project: MakeProject, database: str) -> None:
    """On an empty database verify names each table once, and makes nothing, not even the history table."""
    project({"010_item.sql": SCRIPT.replace("extra.", "").replace("create schema if not exists extra;", "")})
    before = dump(database)
    result = run("verify", "--dsn", database, "--json")
    assert result.code == 1
    missing = ["extension pg_trgm", "table thing", "table item", "table part"]
    assert sorted(finding["object"] for finding in found_of(result.json)) == sorted(missing)
    assert dump(database) == before


def test_an_invalid_index_is_never_taken_for_the_declared_one(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """An index that a failed CONCURRENTLY left behind is a finding, and apply ends well only when it is valid."""
    project({"010_item.sql": ITEM + "create unique index if not exists item_id_idx on item (id);"})
    connection.execute(ITEM.encode())
    connection.execute("insert into item values (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("create unique index concurrently item_id_idx on item (id)")
    finding = {"kind": "invalid", "object": "index item_id_idx", "declared": "unique btree (id)"}
    finding["actual"] = "unique btree (id) invalid"
    result = run("verify", "--dsn", database, "--json")
    assert result.code == 1
    assert finding in found_of(result.json)

    applied = run("apply", "--dsn", database, "--json")
    assert applied.code == 1
    assert finding in found_of(applied.json["verify"])

    connection.execute("delete from item")
    valid_query = "select indisvalid from pg_index where indexrelid = 'item_id_idx'::regclass"
    again = run("apply", "--dsn", database)
    assert connection.execute(valid_query).fetchone() == (again.code == 0,)


# Columns of field mappings

COLUMNS = {
    # column: (type in the database, type in the mapping file, type of a column that the mapping makes)
    "a": ("integer", "string", "text"),
    "b": ("varchar(20)", "string", None),
    "c": ("text", "status", None),
    "d": ("bigint", "integer", None),
    "e": ("numeric(10,2)", "integer", None),
    "f": ("timestamp with time zone", "datetime", None),
    "g": ("date", "datetime", "timestamp without time zone"),
    "h": ("json", "object", None),
    "i": ("text", "object", "jsonb"),
    "j": ("text", "boolean", "boolean"),
    "k": ("text[]", "string", "text"),
    "l": ("uuid", "string", "text"),
    "m": ("double precision", "number", None),
}


def test_a_mapped_column_that_no_script_makes_is_a_finding(
    run: Run, project: MakeProject, database: str, tmp_path: Path
) -> None:
    """The field mappings say which columns the table has: one that no script adds is missing, with what makes it."""
    fields = {"colour": {"type": "string", "instance_1": {"field_id": "customfield_1"}}}
    document = {
        "version": "1",
        "instances": {"instance_1": {"name": "One", "url": "https://one.example.com"}},
        "field_groups": {"all": {"fields": fields}},
    }
    (tmp_path / "mappings.json").write_text(json.dumps(document))
    project({"010_item.sql": ITEM}, field_mappings={"file": "mappings.json", "table": "item"})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    (finding,) = result.json["verify"]["findings"]
    assert (finding["kind"], finding["object"]) == ("missing", "column item.colour")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(finding["repair"]["sql"])
    assert run("verify", "--dsn", database).code == 0


NOT_VALID = "alter table part add constraint part_item foreign key (item_id) references item not valid"


@pytest.mark.parametrize("table", ["item", "part"])
@pytest.mark.parametrize("also", ["", f"alter table part drop constraint part_item; {NOT_VALID};"])
def test_a_foreign_key_that_is_not_kept_is_a_finding(
    run: Run, project: MakeProject, database: str, table: str, also: str
) -> None:
    """DISABLE TRIGGER ALL switches off what keeps a foreign key, on either side of it; apply does not guess why."""
    tables = """
        create table if not exists item (id integer primary key);
        create table if not exists part (item_id integer constraint part_item references item);
    """
    project({"010_tables.sql": tables})
    assert run("apply", "--dsn", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"{also} alter table {table} disable trigger all".encode())
        result = run("apply", "--dsn", database, "--json")
        assert result.code == 1
        (finding,) = result.json["verify"]["findings"]
        assert (finding["kind"], finding["object"]) == ("different", "constraint part.part_item")
        assert finding["actual"].endswith(" disabled")
        assert "rows may be against it" in finding["repair"]["why"]
        connection.execute(f"alter table {table} enable trigger all".encode())
    assert run("apply" if also else "verify", "--dsn", database).code == 0


def test_only_the_history_table_itself_is_left_out(run: Run, project: MakeProject, database: str) -> None:
    """A column with the name of the history table is compared as any other."""
    table = "create table if not exists customer (id integer, history text);"
    project({"010_customer.sql": table}, run={"history_table": "history"})
    assert run("apply", "--dsn", database).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("alter table customer drop column history; comment on table history is 'other'")
    result = run("verify", "--dsn", database, "--json")
    assert [finding["object"] for finding in result.json["findings"]] == ["column customer.history"]


def test_a_mapped_column_of_another_family_is_a_finding(
    run: Run, project: MakeProject, database: str, connection: Connection, tmp_path: Path
) -> None:
    """Text is no integer, but varchar is text: only a type of another family than the mapping's is a finding."""
    add = """
        {% for column in field_mappings.columns %}
        alter table item add column if not exists {{ column.name | identifier }} {{ column.type | sql }};
        {% endfor %}
    """
    fields = {
        name: {"type": type_, "instance_1": {"field_id": f"customfield_{name}"}}
        for name, (_, type_, _) in COLUMNS.items()
    }
    document = {
        "version": "1",
        "instances": {"instance_1": {"name": "One", "url": "https://one.example.com"}},
        "field_groups": {"all": {"fields": fields}},
    }
    (tmp_path / "mappings.json").write_text(json.dumps(document))
    project({"010_item.sql": ITEM + add}, field_mappings={"file": "mappings.json", "table": "item"})
    connection.execute(ITEM.encode())
    for name, (type_, _, _) in COLUMNS.items():
        connection.execute(f"alter table item add column {name} {type_}".encode())
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    assert found_of(result.json["verify"]) == [
        {"kind": "different", "object": f"column item.{name}", "declared": declared, "actual": actual}
        for name, (actual, _, declared) in COLUMNS.items()
        if declared
    ]


# Checks


def test_the_rows_of_a_check_are_findings(
    run: Run, project: MakeProject, database: str, connection: Connection
) -> None:
    """Each row that a check returns is a finding with its values, and apply exits 1 as verify does."""
    checks = {
        "010_good.sql": "select id from item where id < 0;",
        "020_bad.sql": "select id, 'größe' as problem, null as more from item order by id;\nselect 'again' as problem;",
    }
    project({"010_item.sql": ITEM}, checks=checks)
    assert run("apply", "--dsn", database).code == 1
    connection.execute("insert into item values (1), (2)")
    result = run("verify", "--dsn", database, "--json")
    assert result.code == 1
    finding = {"kind": "check", "object": "check/020_bad.sql", "declared": "020_bad"}
    actual = [found["actual"] for found in found_of(result.json)]
    assert found_of(result.json) == [finding | {"actual": text} for text in actual]
    assert [text.lower().replace("none", "null") for text in actual] == [
        "id: 1, problem: größe, more: null",
        "id: 2, problem: größe, more: null",
        "problem: again",
    ]
    shown = run("verify", "--dsn", database).out.splitlines()
    good, bad = (next(place for place, line in enumerate(shown) if name in line) for name in ("010_good", "020_bad"))
    assert (shown[good][0], shown[bad][0]) == ("✅", "❌")
    assert [line.strip() for line in shown[bad:] if line.strip() in actual] == actual


def test_many_rows_of_a_check_are_counted(run: Run, project: MakeProject, database: str) -> None:
    """People see twenty rows and how many more there are; programs get all."""
    project({"010_item.sql": ITEM}, checks={"010_many.sql": "select n from generate_series(1, 50) as n;"})
    assert run("apply", "--dsn", database).code == 1
    assert "… and 30 more rows" in run("verify", "--dsn", database).out
    assert len(run("verify", "--dsn", database, "--json").json["findings"]) == 50


def test_a_check_that_fails_is_a_finding(run: Run, project: MakeProject, database: str) -> None:
    """An SQL error in a check is a finding with its place, and the checks after it are run all the same."""
    checks = {
        "010_good.sql": "select id from item where id < 0;",
        "020_fails.sql": "select id from item where false;\nselect\n    1 / 0 as problem;",
        "030_fails.sql": "select id from isue;",
        "040_bad.sql": "select 'here' as problem;",
    }
    project({"010_item.sql": ITEM}, checks=checks)
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    found = [(finding["object"], finding["actual"].splitlines()[0]) for finding in result.json["verify"]["findings"]]
    assert found == [
        ("check/020_fails.sql", "check/020_fails.sql:2: division by zero [22012]"),
        ("check/030_fails.sql", 'check/030_fails.sql:1: relation "isue" does not exist [42P01]'),
        ("check/040_bad.sql", "problem: here"),
    ]


def test_a_check_that_fails_early_hides_no_other(run: Run, project: MakeProject, database: str) -> None:
    """The server's answer to a failing check may come while others are still being sent: they are run all the same."""
    more = {f"{number}_more.sql": f"select {number} as problem;" for number in range(1_000, 1_200)}
    project({"010_item.sql": ITEM}, checks={"010_fails.sql": "select 1 / 0;", **more})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    found = [finding["actual"].splitlines()[0] for finding in result.json["verify"]["findings"]]
    assert found[0] == "check/010_fails.sql:1: division by zero [22012]"
    assert found[1:] == [f"problem: {number}" for number in range(1_000, 1_200)]


def test_a_check_cannot_write(run: Run, project: MakeProject, database: str, connection: Connection) -> None:
    """A check that writes, by a function say, is a finding, and what it wrote is gone."""
    function = (
        "create or replace function add() returns integer language sql as 'insert into item values (1) returning 1';"
    )
    project({"010_item.sql": ITEM + function}, checks={"010_writes.sql": "select add();"})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    assert "[25006]" in result.json["verify"]["findings"][0]["actual"]
    assert connection.execute("select * from item").fetchall() == []


# Documents

VERIFY = {"ok": bool, "tables": int, "indexes": int, "findings": list}
FINDING = {"kind": str, "object": str, "declared": str | None, "actual": str | None, "repair": dict | None}
SCRIPT_RESULT = {
    "path": str,
    "status": str,
    "statements": int,
    "sent": int,
    "rows": int,
    "seconds": float,
    "error": dict | None,
}
ERROR = {"place": str, "message": str, "notes": list, "sqlstate": str}
APPLY = {"ok": bool, "run": int, "scripts": list, "verify": dict}
CHECK = {"ok": bool, "scripts": int, "statements": int, "checks": int, "tables": int, "indexes": int}
STATUS = {"pending": list, "history": list}
PENDING = {"script": str, "reason": str}
ENTRY = {
    "run": int,
    "script": str,
    "status": str,
    "checksum": str,
    "statements": int,
    "started": str,
    "seconds": float,
    "role": str,
    "error": str | None,
}


def assert_shape(document: dict[str, Any], shape: dict[str, Any]) -> None:
    """Assert that the document has all keys of the shape, with values of its types."""
    assert {key for key in shape if key not in document or not isinstance(document[key], shape[key])} == set()


def test_documents_of_a_run_that_went_well(applied: str) -> None:
    """--json prints one document on stdout, of the shape that is promised, and nothing else."""
    commands = {
        "apply": ("--json", "--dsn", applied),
        "verify": ("--json", "--dsn", applied),
        "status": ("--json", "--dsn", applied),
        "check": ("--json",),
    }
    results = run_together(*((command, *arguments) for command, arguments in commands.items()))
    documents = dict(zip(commands, results, strict=True))
    assert {command: result.code for command, result in documents.items()} == dict.fromkeys(documents, 0)
    applied_document = documents["apply"].json
    assert_shape(applied_document, APPLY)
    assert applied_document["ok"] is True
    assert [script["status"] for script in applied_document["scripts"]] == ["unchanged"] * 7
    for script in applied_document["scripts"]:
        assert_shape(script, SCRIPT_RESULT)
    for document in (applied_document["verify"], documents["verify"].json):
        assert_shape(document, VERIFY)
        assert (document["ok"], document["tables"], document["findings"]) == (True, 16, [])
        assert document["indexes"] >= 40
    assert_shape(documents["check"].json, CHECK)
    assert (documents["check"].json["scripts"], documents["check"].json["tables"]) == (7, 16)
    status = documents["status"].json
    assert_shape(status, STATUS)
    assert status["pending"] == []
    assert len(status["history"]) == 7
    for entry in status["history"]:
        assert_shape(entry, ENTRY)


def test_documents_of_a_run_that_failed(run: Run, project: MakeProject, database: str) -> None:
    """A failed script has its error in the document, each finding has its keys, and status says what is pending."""
    project({"010_item.sql": ITEM, "020_fails.sql": "create table if not exists more (id integer);\nselect 1 / 0;"})
    result = run("apply", "--dsn", database, "--json")
    assert result.code == 1
    document = result.json
    assert_shape(document, APPLY)
    assert document["ok"] is False
    assert_shape(document["scripts"][1], SCRIPT_RESULT)
    error = document["scripts"][1]["error"]
    assert_shape(error, ERROR)
    assert (error["place"], error["message"], error["sqlstate"]) == (
        "script/020_fails.sql:2",
        "division by zero [22012]",
        "22012",
    )
    kinds = [finding["kind"] for finding in document["verify"]["findings"]]
    assert kinds == ["missing", "script"]
    for finding in document["verify"]["findings"]:
        assert_shape(finding, FINDING)
    status = run("status", "--dsn", database, "--json")
    assert status.code == 0
    (pending,) = status.json["pending"]
    assert_shape(pending, PENDING)
    assert pending["script"] == "script/020_fails.sql"
    assert [entry["status"] for entry in status.json["history"]] == ["applied", "failed"]


@pytest.mark.parametrize("command", ["apply", "verify", "status"])
def test_an_error_is_a_document_too(run: Run, project: MakeProject, command: str) -> None:
    """With --json, what ends a command is on stdout as a document, and as text on stderr."""
    project({"010_item.sql": ITEM})
    result = run(command, "--json", "--wait", "0", "--dsn", "host=/nowhere dbname=none")
    assert result.code == 1
    assert result.json["ok"] is False
    assert_shape(result.json["error"], {"place": str, "message": str, "notes": list})
    assert result.err.startswith("error: ")


def test_status_of_an_empty_database(run: Run, project: MakeProject, database: str) -> None:
    """Before the first run all scripts are pending and the history is empty; nothing is made."""
    project({"010_item.sql": ITEM})
    before = dump(database)
    result = run("status", "--dsn", database, "--json")
    assert result.code == 0
    assert [pending["script"] for pending in result.json["pending"]] == ["script/010_item.sql"]
    assert result.json["history"] == []
    assert "pending in 1 script" in run("status", "--dsn", database).out
    assert dump(database) == before


def test_status_tells_what_was_applied(run: Run, project: MakeProject, database: str) -> None:
    """People see each script with its run, result, time and role, and why the last one failed."""
    project({"010_item.sql": ITEM, "020_fails.sql": "select 1 / 0;"})
    assert run("apply", "--dsn", database).code == 1
    result = run("status", "--dsn", database)
    assert result.code == 0
    lines = [line.split()[:3] for line in result.out.splitlines()]
    assert ["script/010_item.sql", "1", "applied"] in lines
    assert ["script/020_fails.sql", "1", "failed"] in lines
    assert "script/020_fails.sql:1: division by zero [22012]" in result.out
