"""Differences that the manifest accepts, and objects of others that it ignores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import tomli_w
from psycopg.conninfo import conninfo_to_dict

from runner.project.agreements import IgnoreEntry, is_ignored
from tests.support.in_process import call
from tests.support.projects import write_project
from tests.support.servers import Server

SCRIPT = """
    create table if not exists item (id integer primary key, name text, size integer);
    create table if not exists part (id integer, item integer references item (id), unique (id));
    create index if not exists item_name_idx on item (name);
    comment on table part is 'Parts.';
    comment on index item_name_idx is 'By name.';
    comment on column item.size is 'Its size.';
    create or replace function double(n integer) returns integer language sql as 'select n * 2';
    create or replace view named as select id, name from item;
"""
TRIGGER = """
    create function look() returns trigger language plpgsql as 'begin return new; end';
    create trigger {} before insert on item for each row execute function look();
"""
DAMAGE = {
    "missing index": ("drop index item_name_idx", "index item_name_idx", "create index item_name_idx on item (id)"),
    "missing table": ("drop table part", "table part", "create table part (id text)"),
    "missing constraint": (
        "alter table part drop constraint part_item_fkey",
        "constraint part.foreign key (item) references item",
        "alter table part add constraint part_item_fkey foreign key (item) references item (id) on delete cascade",
    ),
    "another type": (
        "drop view named; alter table item alter size type smallint; create view named as select id, name from item",
        "column item.size",
        "alter table item alter size type text",
    ),
    "another index": (
        (
            "drop index item_name_idx; create index item_name_idx on item (name desc); "
            "comment on index item_name_idx is 'By name.'"
        ),
        "index item_name_idx",
        (
            "drop index item_name_idx; create index item_name_idx on item (size); "
            "comment on index item_name_idx is 'By name.'"
        ),
    ),
    "another body, of many lines": (
        "create or replace function double(n integer) returns integer language sql as E'select\\nn + n'",
        "function double(integer)",
        "create or replace function double(n integer) returns integer language sql as E'select\\nn + 0'",
    ),
    "another comment": (
        "comment on table part is 'Other.'",
        "comment on table part",
        "comment on table part is 'Yet another.'",
    ),
    "a constraint that rejects rows": (
        "alter table item add constraint small check (size < 9)",
        "constraint item.small",
        "alter table item drop constraint small; alter table item add constraint small check (size < 8)",
    ),
    "a trigger that nobody declared": (
        TRIGGER.format("looks"),
        "trigger item.looks",
        "drop trigger looks on item; create trigger looks after insert on item for each row execute function look()",
    ),
}
"""What is done to a database, what findings call the object, and what is done to the object after it was accepted."""


@dataclass(frozen=True)
class Applied:
    """A project, and the name of a database that it was applied to, to be copied."""

    folder: Path
    database: str


@pytest.fixture(scope="module")
def applied(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Applied]:
    folder = write_project(tmp_path_factory.mktemp("agreed"), {"010_item.sql": SCRIPT}, run={"repair": "align"})
    with server.database() as dsn:
        assert call("apply", "--dsn", dsn, folder=folder).code == 0
        assert call("lock", "--dsn", dsn, folder=folder).code == 0
        yield Applied(folder, str(conninfo_to_dict(dsn)["dbname"]))


def change(dsn: str, sql: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.encode())


@pytest.mark.parametrize("case", DAMAGE)
def test_an_accepted_difference_is_listed_and_left(server: Server, applied: Applied, tmp_path: Path, case: str) -> None:
    """It is no finding and is not repaired, as long as it is the same; another one is a finding again."""
    damage, name, other = DAMAGE[case]
    folder = copied(applied, tmp_path)
    with server.database(applied.database) as dsn:
        change(dsn, damage)
        accepted = call("accept", name, "--because", "it may", "--dsn", dsn, folder=folder)
        assert accepted.code == 0, accepted
        verified = call("verify", "--json", "--dsn", dsn, folder=folder).json
        assert (verified["ok"], verified["findings"], verified["warnings"]) == (True, [], [])
        assert [(found["object"], found["because"]) for found in verified["accepted"]] == [(name, "it may")]
        assert call("plan", "--check", "--dsn", dsn, folder=folder).code == 0
        run = call("apply", "--dsn", dsn, folder=folder)
        assert run.code == 0, run
        assert "no finding, 1 accepted" in run.out
        assert call("verify", "--json", "--dsn", dsn, folder=folder).json == verified
        change(dsn, other)
        found = call("verify", "--json", "--dsn", dsn, folder=folder).json
        assert not found["ok"]
        assert [warning["object"] for warning in found["warnings"]] == [name]


def copied(applied: Applied, folder: Path) -> Path:
    """Return a copy of the project, of which a test may change the manifest."""
    for path in applied.folder.rglob("*.*"):
        if path.suffix in (".toml", ".sql"):
            (folder / path.relative_to(applied.folder)).parent.mkdir(exist_ok=True)
            (folder / path.relative_to(applied.folder)).write_bytes(path.read_bytes())
    return folder


def test_an_entry_that_is_over_is_a_warning(server: Server, applied: Applied, tmp_path: Path) -> None:
    """The difference stays accepted, and so is nothing that others get; what does not differ cannot be accepted."""
    folder = copied(applied, tmp_path)
    with server.database(applied.database) as dsn:
        refused = call("accept", "index item_name_idx", "--because", "it may", "--dsn", dsn, folder=folder)
        assert (refused.code, "'index item_name_idx' does not differ" in refused.err) == (1, True)
        change(dsn, "drop index item_name_idx")
        assert call("accept", "index item_name_idx", "--because", "it may", "--dsn", dsn, folder=folder).code == 0
        manifest = folder / "manifest.toml"
        manifest.write_text(manifest.read_text() + "until = 2020-01-31\n")
        verified = call("verify", "--dsn", dsn, folder=folder)
    assert verified.code == 0
    assert "warning: accept: index item_name_idx: accepted until 2020-01-31: it may" in verified.out


def test_what_others_own_is_ignored(server: Server, applied: Applied, tmp_path: Path) -> None:
    """It is neither a finding nor dropped, but for exceptions; what is declared is compared all the same."""
    folder = copied(applied, tmp_path)
    entry = {"kind": "trigger", "objects": ["item.*", "!item.my_*"], "because": "of the replication"}
    with (folder / "manifest.toml").open("a") as manifest:
        manifest.write("\n" + tomli_w.dumps({"ignore": [entry, {**entry, "kind": "index", "objects": ["*"]}]}))
    with server.database(applied.database) as dsn:
        change(dsn, TRIGGER.format("their_trigger"))
        assert call("apply", "--dsn", dsn, folder=folder).code == 0
        change(dsn, "drop index item_name_idx")
        assert call("plan", "--check", "--dsn", dsn, folder=folder).code == 1
        change(dsn, "drop function look() cascade;" + TRIGGER.format("my_trigger"))
        verified = call("verify", "--json", "--dsn", dsn, folder=folder).json
    assert [found["object"] for found in verified["findings"]] == ["index item_name_idx", "trigger item.my_trigger"]


PATTERNS = {
    "item.ts_1": (("item.*",), True),
    "item.ts_2": (("item.*", "!*.ts_2"), False),
    "item.ts_3": (("!*.ts_3", "item.*"), True),
    "other.item": (("item",), False),
    "a+b[c]": (("a+b[c]",), True),
    "aab": (("a+b",), False),
    "p_2026_01": (("p_*_01",), True),
}


@pytest.mark.parametrize("name", PATTERNS)
def test_a_pattern_stands_for_names(name: str) -> None:
    """`*` is anything, no other sign has a meaning, and the last pattern that fits decides."""
    patterns, expected = PATTERNS[name]
    assert is_ignored("trigger", name, (IgnoreEntry("trigger", patterns, "because"),)) == expected
    assert not is_ignored("table", name, (IgnoreEntry("trigger", patterns, "because"),))
