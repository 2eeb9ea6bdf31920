"""What nobody declared, and what is of no kind that is compared."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from tests.conftest import MakeProject
from tests.support.in_process import call

ITEM = "create table if not exists item (id integer primary key, place integer);"
EXTRA = """
    create table other (id integer);
    create view shown as select id from item;
    create sequence numbers;
    create domain positive as integer constraint more check (value > 0);
    create type mood as enum ('good');
    create function twice(one integer) returns integer language sql as 'select one * 2';
    create procedure nothing() language sql as '';
    create index item_place_idx on item (place);
    create trigger item_same before update on item for each row execute function suppress_redundant_updates_trigger();
    create unique index item_place_key on item (place);
    alter table item add column remark text, add constraint item_place_check check (place > 0);
    comment on table item is 'Items.';
    create foreign data wrapper far;
    create server there foreign data wrapper far;
    create foreign table beyond (id integer) server there;
"""
OTHER_KINDS = """
    create collation plain (locale = 'C');
    create aggregate total (integer) (sfunc = int4pl, stype = integer);
    create aggregate most (integer) (sfunc = int4larger, stype = integer);
    create operator family hashes using hash;
    create text search dictionary words (template = simple);
    create publication news for table item;
    create foreign data wrapper far;
    create foreign data wrapper farther;
    create server there foreign data wrapper far;
    create type shell;
    create type other_shell;
"""


@pytest.fixture
def folder(project: MakeProject, database: str) -> Path:
    """Return a project that was applied."""
    folder = project({"010_item.sql": ITEM})
    assert call("apply", "--dsn", database, folder=folder).code == 0
    return folder


def test_strict_finds_what_nobody_declared(folder: Path, database: str) -> None:
    """Each is a finding with SQL that a person can run; after that, nothing is left. Without --strict it is listed."""
    assert call("verify", "--strict", "--dsn", database, folder=folder).code == 0
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(EXTRA.encode())
        listed = call("verify", "--json", "--dsn", database, folder=folder).json
        strict = call("verify", "--strict", "--json", "--dsn", database, folder=folder)
        findings = strict.json["findings"]
        assert strict.code == 1
        assert strict.json["unmanaged"] == []
        by_kind = {finding["object"]: finding["kind"] for finding in findings}
        assert by_kind == {finding["object"]: finding["kind"] for finding in listed["findings"] + listed["unmanaged"]}
        assert sorted(by_kind) == [
            "column item.remark",
            "comment on table item",
            "constraint item.item_place_check",
            "domain positive",
            "function nothing()",
            "function twice(integer)",
            "index item_place_idx",
            "index item_place_key",
            "sequence numbers",
            "table beyond",
            "table other",
            "trigger item.item_same",
            "type mood",
            "view shown",
        ]
        for finding in findings:
            connection.execute(finding["repair"]["sql"].encode())
    assert call("verify", "--strict", "--dsn", database, folder=folder).code == 0


def test_what_is_of_another_kind_is_counted(folder: Path, database: str) -> None:
    """Verify counts what the database has of kinds that are not compared, extensions aside; lock counts none of it."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(OTHER_KINDS.encode())
        connection.execute("create extension intarray")  # has operators, and classes of them
    expected = {"type": 2}
    text = call("verify", "--dsn", database, folder=folder)
    assert text.code == 0
    assert "not compared: 2 types\n" in text.said
    assert text.said.strip().endswith("no finding; 2 not compared")
    assert call("verify", "--json", "--dsn", database, folder=folder).json["other_kinds"] == expected
    assert call("lock", "--json", "--dsn", database, folder=folder).json["other_kinds"] == {}


def test_lock_counts_no_stand_in(project: MakeProject, database: str) -> None:
    """What scripts make is compared; neither a stand-in for what they use nor what the database has besides counts."""
    script = (
        "create collation if not exists own (locale = 'C'); create table item (a text collate own, b text collate far);"
    )
    folder = project({"010_item.sql": script}, options={"010_item.sql": {"run": "once"}})
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create collation far (locale = 'C')")
        connection.execute("create type word as (a integer)")
        connection.execute("create cast (word as text) with inout")
        connection.execute("create type shell")
    assert call("lock", "--json", "--dsn", database, folder=folder).json["other_kinds"] == {}
