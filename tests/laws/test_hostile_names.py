"""Names, comments and messages that hold line ends, codes of terminals, commands and markup, through every command."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from runner.sql.quoting import identifier, literal
from tests.conftest import MakeProject
from tests.support.projects import Result, run_runner, write_project
from tests.support.screen import shown_on_terminal
from tests.support.servers import Server

HOSTILE = '\n::error::x\x1b[31m\u202e[b]</p>"|`%%'
"""What is added to a name; with a word before it, it fits into 63 bytes."""
COMMANDS: dict[str, tuple[str, ...]] = {
    "plan of an empty database": ("plan", "--verbose"),
    "apply": ("apply", "--verbose"),
    "plan": ("plan", "--verbose"),
    "plan as JSON": ("plan", "--json"),
    "verify": ("verify", "--verbose"),
    "verify in a log": ("verify", "--verbose", "--log-format", "json"),
    "lock": ("lock",),
    "docs": ("docs",),
    "an apply that fails": ("apply",),
    "status": ("status", "--verbose"),
    "status as JSON": ("status", "--json"),
}
"""The commands in their order; a stranger changes the database after the first `apply`."""


def scripts(end: str) -> dict[str, str]:
    """Return scripts in which each kind of object, and each comment, has a name that ends so."""

    def name(word: str) -> str:
        return identifier(f"{word}{end}")

    comment, table = literal(f"c{end}"), name("t")
    return {
        "010_make.sql": f"""
create schema if not exists {name("s")};
create table if not exists {name("s")}.{table} ({name("k")} integer);
create table if not exists {table} ({name("k")} integer, {name("a")} text default {comment},
    constraint {name("p")} primary key ({name("k")}), constraint {name("h")} check ({name("k")} > 0));
comment on table {table} is {comment};
comment on column {table}.{name("a")} is {comment};
create index if not exists {name("i")} on {table} ({name("a")});
comment on index {name("i")} is {comment};
create sequence if not exists {name("q")};
create or replace view {name("v")} as select {name("k")} from {table};
create or replace function {name("f")}() returns trigger language plpgsql as 'begin return new; end';
create or replace trigger {name("g")} before insert on {table} for each row execute function {name("f")}();
""",
        "020_types.sql": f"create type {name('e')} as enum ({comment}); create domain {name('d')} as integer;",
        "030_rows.sql": f"select {comment} as {name('r')};",
    }


def changes(end: str) -> Iterator[str]:
    """Return what a stranger does to what the scripts have made."""

    def name(word: str) -> str:
        return identifier(f"{word}{end}")

    yield f"drop view {name('v')}"
    yield f"create table {name('u')} (a integer)"
    yield f"alter table {name('t')} drop column {name('a')}, drop constraint {name('h')}"
    yield f"alter table {name('t')} add constraint {name('w')} check (1 < 9), add {name('n')} integer not null"
    yield f"comment on table {name('t')} is {literal('other' + end)}"
    yield f"alter table {name('s')}.{name('t')} alter {name('k')} type text"


def said_of_all(server: Server, folder: Path, end: str) -> dict[str, Result]:
    """Run all commands on a project, and on a database that a stranger has changed."""
    files, checks = scripts(end), {"010_rows.sql": f"select {literal(end)} as {identifier(end)};"}
    message = literal(f"m{end}").removeprefix("E")
    late = {"040_fails.sql": f"do $$ begin raise exception using message = {message}; end $$;"}
    options = {name: {"description": f"d{end}", "run": "once"} for name in (*files, *late) if name > "015"}
    write_project(folder, files, options=options, checks=checks)
    found = {}
    with server.database() as dsn:
        for title, command in COMMANDS.items():
            if title == "an apply that fails":
                write_project(folder, files | late, options=options, checks=checks)
            found[title] = run_runner(*command, "--dsn", dsn, folder=folder)
            if title == "apply":
                with psycopg.connect(dsn, autocommit=True) as stranger:
                    for change in changes(end):
                        stranger.execute(change.encode())
    return found


def unseen(text: str) -> list[str]:
    return [char for char in text if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]


@pytest.mark.long
def test_names_make_no_line(server: Server, tmp_path: Path) -> None:
    """Each command prints as many lines as with other names, all of which can be seen, and no command to a workflow."""
    (plain := tmp_path / "plain").mkdir()
    (odd := tmp_path / "odd").mkdir()
    usual, hostile = said_of_all(server, plain, "x"), said_of_all(server, odd, HOSTILE)
    for title, result in hostile.items():
        assert result.code == usual[title].code, (title, result, usual[title])
        assert result.said.count("\n") == usual[title].said.count("\n"), (title, result.said, usual[title].said)
        assert unseen(result.said) == [], title
        assert re.findall(r"^\s*::", result.said, re.MULTILINE) == [], title
    checked = run_runner("check", folder=odd)
    assert (checked.code, unseen(checked.said), "hidden-character" in checked.out) == (2, [], True)
    assert "m\\n::error::x\\x1b[31m\\u202e[b]</p>" in hostile["status"].out
    named = [name for step in hostile["plan as JSON"].json["steps"] for name in step["objects"]]
    assert [name for name in named if name.startswith(r"index i\n::error::x")]
    for file in ("docs/schema.md", "schema.lock.toml"):
        assert unseen((odd / file).read_text()) == []
    pages = [(folder / "docs" / "schema.md").read_text() for folder in (plain, odd)]
    assert pages[0].count("\n") == pages[1].count("\n")


def test_a_script_for_psql_is_as_it_is_and_its_comments_are_lines(project: MakeProject, database: str) -> None:
    """In a pipe nothing of it is changed, and no name ends a comment; on a terminal all of it can be seen."""
    options = {"010_a.sql": {"description": f"d{HOSTILE}"}}
    folder = project({"010_a.sql": f"create table if not exists {identifier(HOSTILE)} (a integer);"}, options=options)
    for command in (("render",), ("apply", "--dry-run", "--dsn", database)):
        text = run_runner(*command, folder=folder).out
        assert identifier(HOSTILE) in text
        assert '\n-- script/010_a.sql: d\\n::error::x\\x1b[31m\\u202e[b]</p>"|`%%\n' in text
        lines = shown_on_terminal(*command, folder=folder, columns=400).screen.lines
        assert '::error::x\\x1b[31m\\u202e[b]</p>""|`%%" (a integer);' in lines
