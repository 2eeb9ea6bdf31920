"""The lock file: what it holds, when it holds, and what it spares."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.postgres import embedded
from runner.project.lock_versions import merged
from runner.project.lockfile import FILE, Lockfile, lockfile_text, read_lockfile
from runner.project.manifest import load_manifest
from runner.sql.objects import Object
from tests.conftest import Run
from tests.support.in_process import call
from tests.support.projects import CASES, ROOT, Result, write_project
from tests.support.proxy import proxied
from tests.support.servers import Server, dump, program, started, temporary_folder

SAMPLES = CASES / "lock"
OBJECTS = {"010_objects.sql": (SAMPLES / "objects.sql").read_text(encoding="utf-8")}
CURE = "  hint: write it anew with 'python -m runner lock'"
NOT_FRESH = f"{FILE} is not fresh ("
FEW_SECONDS = 10
"""More than a verification takes, less than anybody waits for a lock."""


def called(*arguments: str | Path, folder: Path) -> Result:
    """Run a command that goes well."""
    result = call(*arguments, folder=folder)
    assert result.code == 0, result
    return result


def execute(dsn: str, *statements: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def copied(folder: Path, target: Path) -> Path:
    """Copy a project, so that a test can change it."""
    return Path(shutil.copytree(folder, target, dirs_exist_ok=True))


@dataclass(frozen=True)
class Locked:
    """A project with a fresh lock, and the database that it was applied to: to be read, or copied by its name."""

    folder: Path
    dsn: str

    @property
    def database(self) -> str:
        return str(conninfo_to_dict(self.dsn)["dbname"])

    @property
    def lock(self) -> bytes:
        return (self.folder / FILE).read_bytes()


@pytest.fixture(scope="module")
def objects(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """The project of objects.sql."""
    folder = write_project(tmp_path_factory.mktemp("objects"), OBJECTS)
    with server.database() as dsn:
        called("apply", "--dsn", dsn, folder=folder)
        called("lock", "--dsn", dsn, folder=folder)
        yield Locked(folder, dsn)


@pytest.fixture
def project_copy(objects: Locked, tmp_path: Path) -> Path:
    """A copy of the project of objects.sql, with its lock."""
    return copied(objects.folder, tmp_path)


@pytest.fixture
def database_copy(server: Server, objects: Locked) -> Iterator[str]:
    """The connection string of a copy of the database that objects.sql was applied to."""
    with server.database(objects.database) as dsn:
        yield dsn


# What is written


def test_lock_says_what_is_declared(objects: Locked, server: Server) -> None:
    """The file beside the manifest holds every object in PostgreSQL's words, below a head that says what it is for."""
    document = tomllib.loads(objects.lock.decode())
    head = document.pop("lock")
    assert document == tomllib.loads((SAMPLES / "objects.toml").read_text(encoding="utf-8"))
    assert (head["format"], head["postgresql"]) == (3, [server.major])
    assert (head["schema"], head["extension_schema"]) == ("public", "public")
    assert list(head["scripts"]) == ["script/010_objects.sql"]


MALFORMED = {
    "a number for a kind": {"function": 1},
    "a text for a table": {"table": {"item": "x"}},
    "a number for columns": {"table": {"item": {"columns": 1}}},
    "a number for a definition": {"view": {"v": {"definition": 1}}},
    "a table for a comment": {"view": {"v": {"comment": {}}}},
    "a text for a schema": {"schemas": {"other": "x"}},
}


@pytest.mark.parametrize("document", MALFORMED.values(), ids=MALFORMED)
def test_a_lock_of_other_types_is_no_lock(project_copy: Path, document: dict[str, Any]) -> None:
    """What is no lock is one message, though its checksum is right."""
    text = (project_copy / FILE).read_text(encoding="utf-8")
    head = tomllib.loads(text)["lock"]
    head.pop("checksum")
    checksum = hashlib.sha256(msgspec.json.encode([head, document], order="deterministic")).hexdigest()
    (project_copy / FILE).write_text(tomli_w.dumps({"lock": {"checksum": checksum, **head}, **document}))
    result = call("docs", "--check", folder=project_copy)
    assert result.code == 2
    assert result.err.startswith(f"error: {FILE}: not a lock file: ")
    assert result.err.splitlines()[-1] == CURE


def test_lock_is_read_table_by_table(objects: Locked) -> None:
    """The tables come as the scripts make them; in each come columns, constraints and indexes, with their comments."""
    text = objects.lock.decode()
    assert text.startswith("# What the scripts declare, in PostgreSQL's own words. Written by 'python -m runner lock'")
    table = tomllib.loads(text)["table"]
    assert list(table) == ["item", "Part.1"]
    assert list(table["item"]["columns"]) == ["id", "name", "size", "twice"]
    sections = ["columns", "column_comments", "constraints", "constraint_comments", "indexes", "index_comments"]
    assert [key for key in table["item"] if key in sections] == sections


AROUND = {
    "an empty database": (),
    "a database with other objects": (
        "create extension pg_trgm",
        "create schema extra",
        "create schema trigram",
        "alter extension pg_trgm set schema trigram",
        "create type extra.text as enum ('a')",
        "create table item (more text, name integer, id bigint)",
        "create index item_name_idx on item (more)",
        "create view large as select more from item",
        "create table other (id integer)",
        "comment on table other is 'Other.'",
    ),
    "a database with settings of its own": (
        "create schema other",
        """do $$ begin
            execute format('alter database %I set search_path = other', current_database());
            execute format('alter database %I set quote_all_identifiers = on', current_database());
            execute format('alter database %I set default_tablespace = pg_default', current_database());
            execute format('alter database %I set datestyle = german', current_database());
        end $$""",
    ),
}


@pytest.mark.parametrize("case", AROUND)
def test_lock_depends_on_the_scripts_alone(project_copy: Path, objects: Locked, database: str, case: str) -> None:
    """Whatever is in the database, the file has the same bytes, and the database stays as it is."""
    execute(database, *AROUND[case])
    before = dump(database)
    (project_copy / FILE).unlink()
    called("lock", "--dsn", database, folder=project_copy)
    assert (project_copy / FILE).read_bytes() == objects.lock
    assert dump(database) == before


def test_lock_of_the_applied_database(project_copy: Path, objects: Locked) -> None:
    """On the database that the project was applied to, the file has the same bytes as on an empty one."""
    (project_copy / FILE).unlink()
    called("lock", "--dsn", objects.dsn, folder=project_copy)
    assert (project_copy / FILE).read_bytes() == objects.lock


NAMESAKES = """
    create table if not exists orders (id int primary key, open boolean not null, owner text not null, label text);
    create or replace view open_orders as with orders as (select * from orders where open) select id, owner from orders;
    create or replace function label(integer) returns text language sql immutable as 'select $1::text';
    create or replace view labels as select o.label from orders as o;
"""


def test_lock_is_the_same_whatever_is_there(server: Server, tmp_path: Path) -> None:
    """What the scripts make themselves is known as theirs where they were applied, and changes by hand are found."""
    folder = write_project(tmp_path, {"010_orders.sql": NAMESAKES})
    with server.database() as dsn:
        assert "by name alone" not in called("lock", "--dsn", dsn, folder=folder).err
        lock = (folder / FILE).read_bytes()
        called("apply", "--dsn", dsn, folder=folder)
        called("lock", "--check", "--dsn", dsn, folder=folder)
        called("lock", "--dsn", dsn, folder=folder)
        assert (folder / FILE).read_bytes() == lock
        (folder / FILE).unlink()
        execute(
            dsn,
            "create or replace view open_orders as select id, owner from orders",
            "create or replace view labels as select upper(o.label) as label from orders as o",
        )
        result = call("verify", "--dsn", dsn, folder=folder)
    assert result.code == 1
    assert re.findall(r"different: (.*?):", result.out) == ["view labels", "view open_orders"]


def test_check_of_a_lock(project_copy: Path, objects: Locked, server: Server) -> None:
    """--check exits 0 when the file is fresh, else 1, and writes nothing; without it the file is written."""
    path, lock = project_copy / FILE, ("lock", "--dsn", objects.dsn)
    fresh = path.read_bytes()
    result = call(*lock, "--check", folder=project_copy)
    assert (result.code, result.out) == (0, f"{path} is fresh (PostgreSQL {server.major})\n")

    path.write_text("stale\n", encoding="utf-8")
    result = call(*lock, "--check", "--quiet", folder=project_copy)
    assert (result.code, result.out) == (1, f"{path} is not what 'python -m runner lock' would write\n")
    assert path.read_text(encoding="utf-8") == "stale\n"

    path.unlink()
    assert call(*lock, "--check", folder=project_copy).code == 1
    assert not path.exists()

    result = call(*lock, folder=project_copy)
    assert (result.code, result.out) == (0, f"{path} written (PostgreSQL {server.major})\n")
    assert path.read_bytes() == fresh
    result = call(*lock, "--quiet", folder=project_copy)
    assert (result.code, result.said) == (0, "")


def test_documents_of_lock(project_copy: Path, objects: Locked, server: Server) -> None:
    """--json says whether all is well, whether the file was fresh, and which file it is."""
    path, lock = project_copy / FILE, ("lock", "--json", "--dsn", objects.dsn)
    versions = [server.major]
    document = {
        "ok": True,
        "fresh": True,
        "file": str(path),
        "postgresql": versions,
        "not_compared": [],
        "other_kinds": {},
    }
    assert call(*lock, "--check", folder=project_copy).json == document
    path.unlink()
    result = call(*lock, "--check", folder=project_copy)
    assert (result.code, result.json) == (1, document | {"ok": False, "fresh": False})
    result = call(*lock, folder=project_copy)
    assert (result.code, result.json) == (0, document | {"fresh": False})
    assert call(*lock, folder=project_copy).json == document


def test_lock_of_a_script_that_fails(tmp_path: Path, database: str) -> None:
    """A statement that PostgreSQL refuses is an error with its place, and no file is written."""
    write_project(tmp_path, {"010_item.sql": "create table if not exists item (\n    id integer check (idd > 0)\n);"})
    result = call("lock", "--dsn", database, folder=tmp_path)
    assert result.code == 1
    assert 'script/010_item.sql:2: column "idd" does not exist [42703]' in result.err
    assert not (tmp_path / FILE).exists()


def test_lock_where_something_outside_is_missing(tmp_path: Path, database: str, server: Server) -> None:
    """What cannot be compared is listed and counted by each command, from the build and from the lock file alike."""
    script = "create table if not exists item (id integer, owner uuid references auth.users (id));"
    write_project(tmp_path, {"010_item.sql": script})
    reason = "refers to auth.users, which no script makes before it"
    uncompared = f"not compared: table item: {reason} (script/010_item.sql)"
    document = [{"script": "script/010_item.sql", "objects": ["table item"], "reason": reason}]
    locked = called("lock", "--dsn", database, folder=tmp_path)
    assert locked.out.splitlines() == [
        uncompared,
        f"{tmp_path / FILE} written (PostgreSQL {server.major}); 1 not compared",
    ]
    assert called("lock", "--dsn", database, "--check", "--json", folder=tmp_path).json["not_compared"] == document
    execute(database, "create schema auth; create table auth.users (id uuid primary key)")
    applied = called("apply", "--dsn", database, folder=tmp_path)
    assert uncompared in applied.out.splitlines()
    assert applied.out.splitlines()[-1] == "verified: 1 table, 0 indexes, 0 checks, no finding; 1 not compared"
    for command in ("plan", "verify", "status", "apply --dry-run"):
        shown = called(*command.split(), "--dsn", database, folder=tmp_path).out.splitlines()
        assert uncompared in {line.removeprefix("-- ") for line in shown}
        assert shown[-1].endswith("1 not compared")
        shown_json = called(*command.split(), "--dsn", database, "--json", folder=tmp_path).json
        assert shown_json["not_compared"] == document


@pytest.mark.parametrize("project", ["fuzz", "terminal/project"])
def test_lock_of_each_project_of_the_cases(tmp_path: Path, database: str, project: str) -> None:
    """The projects below tests/cases can be locked, on a new database and one that has them; all is compared."""
    folder = copied(CASES / project, tmp_path / "project")
    locked = called("lock", "--dsn", database, "--json", folder=folder)
    assert locked.json["not_compared"] == []
    called("apply", "--dsn", database, folder=folder)
    (folder / FILE).rename(tmp_path / FILE)
    called("lock", "--dsn", database, folder=folder)
    assert (folder / FILE).read_bytes() == (tmp_path / FILE).read_bytes()


def test_lock_of_this_repository(server: Server, database: str) -> None:
    """The lock in this repository is what would be written."""
    locked = read_lockfile(load_manifest(ROOT / "manifest.toml"))
    assert locked is not None
    if server.major not in locked.postgresql:
        pytest.skip(f"the lock is for PostgreSQL {locked.postgresql}")
    called("lock", "--check", "--dsn", database, folder=ROOT)


# What is read is what was written

PARTS = ("column", "constraint", "index", "trigger")
ALONE = ("type", "domain", "sequence", "function", "table", "view", "materialized view")
ODD = (
    *(
        "a.b",
        'a"b',
        "a'b",
        "größe",
        "名",
        "\N{PILE OF POO}",
        "definition",
        "comment",
        "columns",
        "schemas",
        "lock",
        "a b",
    ),
    *("a\nb", "a\r\nb", "a\rb", "\n", "\r\n", "\x01", "\x7f", "\x85", "\u2028", "\\", '"""', "'''", "# a", "[a]", " "),
)
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(ODD)
NAME = TEXT.filter(bool)
NOTHING = st.just("")
SCHEMA = NOTHING | NAME


def with_comments(objects: st.SearchStrategy[Object]) -> st.SearchStrategy[Object]:
    """Draw objects and the identities of their comments."""
    return objects | objects.map(lambda item: item.comment)


OBJECT = with_comments(
    st.builds(Object, st.sampled_from(("schema", "extension")), NAME, NOTHING, NOTHING)
    | st.builds(Object, st.sampled_from(ALONE), NAME, NOTHING, SCHEMA)
    | st.builds(Object, st.sampled_from(PARTS), NAME, NAME, SCHEMA)
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a project, for locks that a test makes up."""
    return write_project(tmp_path_factory.mktemp("made_up"), {"010_item.sql": "select 1;"})


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(OBJECT, TEXT, max_size=12), min_size=1, max_size=3),
    *(NAME, NAME, st.dictionaries(NAME, TEXT, max_size=3)),
)
def test_any_lock_comes_back(
    folder: Path, facts: list[dict[Object, str]], schema: str, extension_schema: str, scripts: dict[str, str]
) -> None:
    """Facts of all kinds and versions, whatever their names and definitions hold, are read as they were written."""
    versions = range(18, 18 - len(facts), -1)
    own = [Lockfile(each, (n,), schema, extension_schema, scripts) for n, each in zip(versions, facts, strict=True)]
    written = merged(own)
    text = lockfile_text(written)
    (folder / FILE).write_text(text, encoding="utf-8", newline="\n")
    locked = read_lockfile(load_manifest(folder / "manifest.toml"))
    assert locked == written
    assert [locked.facts_on(number) for number in versions] == facts
    assert lockfile_text(locked) == text


@pytest.mark.parametrize("odd", ODD)
def test_odd_text_comes_back(folder: Path, odd: str) -> None:
    """An odd text is read as it was written: as a schema, a name, a definition and a comment."""
    table, column, index = Object("table", odd), Object("column", odd, odd), Object("index", odd, odd, odd)
    comments = {item.comment: odd for item in (table, index)}
    written = Lockfile({table: odd, column: odd, index: odd, **comments}, (18,), odd, odd, {odd: odd})
    (folder / FILE).write_text(lockfile_text(written), encoding="utf-8", newline="\n")
    assert read_lockfile(load_manifest(folder / "manifest.toml")) == written


def test_odd_comments_end_to_end(tmp_path: Path, database: str) -> None:
    """A lock with line ends of all kinds in a comment is fresh for the scripts that it was written from."""
    comment = "comment on table item is E'a\\r\\nb\\rc\\nd\\\\ \"\"\" ''';"
    write_project(tmp_path, {"010_item.sql": f"create table if not exists item (id integer);\n{comment}"})
    called("apply", "--dsn", database, folder=tmp_path)
    called("lock", "--dsn", database, folder=tmp_path)
    result = called("verify", "--dsn", database, folder=tmp_path)
    assert result.err == ""


# What is no lock

BAD: dict[str, dict[str, str]] = tomllib.loads((SAMPLES / "bad.toml").read_text(encoding="utf-8"))
BAD_BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another encoding": (
        lambda data: data.replace("größe".encode(), "größe".encode("latin-1")),
        "byte 0xf6 is not UTF-8",
    ),
    "no text": (lambda _: bytes(range(255, 1, -1)) * 40, "byte 0xff is not UTF-8"),
    "a NUL": (lambda data: data.replace(b"Items.", b"Items.\0"), "NUL character"),
    "UTF-16": (lambda data: data.decode().encode("utf-16"), "byte 0xff is not UTF-8"),
    "a key of 3,000 parts": (lambda data: data + b"\nx" + b".a" * 3_000 + b" = 1\n", ""),
    "a list 100,000 deep": (lambda data: data + b"\nx = " + b"[" * 100_000, "not valid TOML"),
    "a number of 5,000 digits": (lambda data: data + b"\nx = " + b"9" * 5_000, "not valid TOML"),
}
READERS = {
    "apply": ("--wait", "0", "--dsn", "host=/nowhere"),
    "verify": ("--wait", "0", "--dsn", "host=/nowhere"),
    "status": ("--wait", "0", "--dsn", "host=/nowhere"),
    "check": (),
    "render": (),
}


def damaged(lock: bytes, case: str) -> bytes:
    """Return the lock with the damage of a case."""
    sample, text = BAD[case], lock.decode()
    bad = re.sub(sample["find"], lambda _: sample["put"], text, count=1) if "find" in sample else sample["put"]
    assert bad != text
    return bad.encode()


def complaint(command: str, folder: Path) -> list[str]:
    """Return the lines in which a command refuses a lock; `check` tells what it finds on stdout, and goes on."""
    result = call(command, *READERS[command], folder=folder)
    is_check = command == "check"
    assert (result.code, result.err if is_check else result.out) == (2, "")
    lines = result.out.replace(f"{folder}/", "").splitlines() if is_check else result.err.splitlines()
    return lines[: lines.index(CURE) + 1]


@pytest.mark.parametrize("case", BAD)
def test_bad_lock(project_copy: Path, case: str) -> None:
    """Exit code 2 before anything is connected to, what is wrong with its place, and the command that repairs it."""
    (project_copy / FILE).write_bytes(damaged((project_copy / FILE).read_bytes(), case))
    for command in READERS:
        message, *notes = complaint(command, project_copy)
        assert message.removeprefix("error: ").startswith(BAD[case]["message"])
        assert notes[-1] == CURE
        assert [note.strip() for note in notes[1:-1]] == ["^"] * (len(notes) > 1)
        assert len(notes) > 1 or ": lock." not in message  # what is about a key shows it


@pytest.mark.parametrize("case", BAD_BYTES)
def test_bytes_that_are_no_lock(project_copy: Path, case: str) -> None:
    """What is no text, or no sane text, is one message with the file and the command that repairs it."""
    damage, expected = BAD_BYTES[case]
    (project_copy / FILE).write_bytes(damage((project_copy / FILE).read_bytes()))
    for command in READERS:
        message, *notes = complaint(command, project_copy)
        assert message.removeprefix("error: ").startswith(FILE)
        assert expected in message
        assert notes[-1] == CURE
        assert len(notes) == 1 or notes[1].strip() == "^"


def test_a_folder_in_place_of_the_lock(project_copy: Path, objects: Locked) -> None:
    """A folder can neither be read nor written; both are said with its place, and it is left alone."""
    (project_copy / FILE).unlink()
    (project_copy / FILE).mkdir()
    for command in READERS:
        assert complaint(command, project_copy)[0].startswith(f"error: {FILE}: cannot be read: Is a directory")
    result = call("lock", "--dsn", objects.dsn, folder=project_copy)
    assert result.code == 2
    assert result.err.startswith(f"error: {FILE}: cannot be written: Is a directory")
    assert call("lock", "--check", "--dsn", objects.dsn, folder=project_copy).code == 1


def test_a_bad_lock_runs_nothing(run: Run, objects: Locked, tmp_path: Path, database: str) -> None:
    """With a lock that was edited, apply changes nothing; the error is a document, and text without a traceback."""
    copied(objects.folder, tmp_path)
    (tmp_path / FILE).write_bytes(damaged(objects.lock, "a type changed"))
    before = dump(database)
    result = run("apply", "--json", "--dsn", database)
    assert result.code == 2
    assert result.json["ok"] is False
    assert result.json["error"]["place"] == "schema.lock.toml: lock.checksum"
    first, shown, caret, cure = result.err.splitlines()
    assert (first, cure) == (f"error: {BAD['a type changed']['message']}", CURE)
    assert shown[caret.index("^") :].startswith("checksum = ")
    assert dump(database) == before


MENDED = (
    *("a type changed", "the checksum is missing", "a newer format", "an empty file", "another file", "no TOML"),
    *("a conflict in the head", "another encoding", "a NUL", "a key of 3,000 parts"),
)


def test_lock_mends_whatever_is_there(project_copy: Path, objects: Locked) -> None:
    """The command that writes the file does not read it first: whatever it holds, it is fresh afterwards."""
    for case in MENDED:
        bad = damaged(objects.lock, case) if case in BAD else BAD_BYTES[case][0](objects.lock)
        (project_copy / FILE).write_bytes(bad)
        called("lock", "--dsn", objects.dsn, folder=project_copy)
        assert (project_copy / FILE).read_bytes() == objects.lock


@pytest.mark.parametrize("case", ["a type changed", "a newer format", "no TOML"])
def test_check_of_a_bad_lock(project_copy: Path, objects: Locked, case: str) -> None:
    """A lock that cannot be read is not what would be written, and no more than that; it is left alone."""
    bad = damaged(objects.lock, case)
    (project_copy / FILE).write_bytes(bad)
    result = call("lock", "--check", "--dsn", objects.dsn, folder=project_copy)
    assert (result.code, result.err) == (1, "")
    assert (project_copy / FILE).read_bytes() == bad


@pytest.mark.parametrize(("old", "new"), [(b"\n", b"\r\n"), (b"# What", b"\xef\xbb\xbf# What")], ids=["CRLF", "mark"])
def test_marks_of_other_systems_are_no_edit(project_copy: Path, objects: Locked, old: bytes, new: bytes) -> None:
    """Line ends as git may check them out, and a byte order mark, make no difference to anything."""
    path = project_copy / FILE
    path.write_bytes(path.read_bytes().replace(old, new))
    assert new in path.read_bytes()
    assert called("check", folder=project_copy).err == ""
    assert called("verify", "--dsn", objects.dsn, folder=project_copy).err == ""


def test_line_ends_of_other_systems_are_fresh(project_copy: Path, objects: Locked) -> None:
    """Line ends as git may check them out make no file stale."""
    path = project_copy / FILE
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert call("lock", "--check", "--dsn", objects.dsn, folder=project_copy).code == 0


# A fresh lock


@pytest.fixture
def visitor(server: Server, database_copy: str) -> Iterator[str]:
    """The connection string of a role that may connect to a copy of the database and use its schema, nothing else."""
    with server.roles() as (name,):
        execute(
            database_copy,
            "revoke all on schema public from public",
            f"revoke all on database {conninfo_to_dict(database_copy)['dbname']} from public",
            f"grant connect on database {conninfo_to_dict(database_copy)['dbname']} to {name}",
            f"grant usage on schema public to {name}",
        )
        yield make_conninfo(database_copy, user=name, password=name)
        execute(database_copy, f"drop owned by {name}")


@pytest.mark.parametrize("command", ["verify", "plan"])
def test_a_visitor_needs_the_target_schema(project_copy: Path, database_copy: str, visitor: str, command: str) -> None:
    """To a role that may not use the target schema its objects have other names; the error has the grant."""
    role = conninfo_to_dict(visitor)["user"]
    execute(database_copy, f"revoke usage on schema public from {role}")
    result = call(command, "--dsn", visitor, folder=project_copy)
    assert result.code == 1
    assert f"error: role '{role}' may not use schema 'public'" in result.err
    assert f"hint: grant usage on schema public to {role};" in result.err


def test_a_visitor_can_verify(project_copy: Path, visitor: str) -> None:
    """With a fresh lock, a role without any right on any object verifies every one of them, in every schema."""
    result = call("verify", "--json", "--dsn", visitor, folder=project_copy)
    assert result.json["findings"] == []
    assert (result.code, result.err) == (0, "")


def test_a_visitor_finds_what_is_not_as_declared(project_copy: Path, database_copy: str, visitor: str) -> None:
    """What somebody changed is found by a role without any right on any object, too."""
    execute(
        database_copy, "alter table extra.note drop column id", "alter table item alter column name type varchar(9)"
    )
    result = call("verify", "--json", "--dsn", visitor, folder=project_copy)
    assert result.code == 1
    found = [(finding["kind"], finding["object"]) for finding in result.json["findings"]]
    assert sorted(found) == [("different", "column item.name"), ("missing", "column extra.note.id")]


def test_a_visitor_without_a_lock_is_told_what_to_grant(project_copy: Path, visitor: str) -> None:
    """Without a lock the role must be allowed to build; the error says so, with the statement that allows it."""
    (project_copy / FILE).unlink()
    result = call("verify", "--dsn", visitor, folder=project_copy)
    assert result.code == 1
    parameters = conninfo_to_dict(visitor)
    database, role = parameters["dbname"], parameters["user"]
    assert f"role {role!r} may not create a schema in database {database!r}" in result.err
    assert f"hint: grant create on database {database} to {role};" in result.err
    assert f"commit a fresh {FILE}" in result.err


def test_a_grant_is_enough_without_a_lock(project_copy: Path, database_copy: str, visitor: str) -> None:
    """The statement that the error names is all that the role needs."""
    (project_copy / FILE).unlink()
    hint = re.search("hint: (grant .*;)", call("verify", "--dsn", visitor, folder=project_copy).err)
    assert hint is not None
    execute(database_copy, hint[1])
    result = call("verify", "--json", "--dsn", visitor, folder=project_copy)
    assert result.json["findings"] == []
    assert result.code == 0


READ_ONLY = "-c default_transaction_read_only=on"


def test_verify_in_a_session_that_only_reads(project_copy: Path, objects: Locked) -> None:
    """With a fresh lock verify needs no session that may write; without one, the error says what to do."""
    dsn = make_conninfo(objects.dsn, options=READ_ONLY)
    result = called("verify", "--dsn", dsn, folder=project_copy)
    assert result.err == ""
    (project_copy / FILE).unlink()
    result = call("verify", "--dsn", dsn, folder=project_copy)
    assert result.code == 1
    assert result.err.startswith("error: the database accepts no writes;")
    assert f"commit a fresh {FILE}" in result.err


@dataclass(frozen=True)
class Pair:
    """A primary and its hot standby, with the project of objects.sql and a check in their database."""

    primary: str
    standby: str
    folder: Path


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if not embedded.is_installed():
        pytest.skip("a standby needs the programs of the embedded PostgreSQL")
    project = tmp_path_factory.mktemp("pair")
    write_project(project, OBJECTS, checks={"010_items.sql": "select id from item where size > 1000;"})
    with temporary_folder() as folder, started(folder / "primary") as primary:
        execute(primary, "alter system set autovacuum = off", "select pg_reload_conf()")
        called("apply", "--dsn", primary, folder=project)
        called("lock", "--dsn", primary, folder=project)
        data = folder / "standby" / "data"
        data.parent.mkdir()
        copy = program("pg_basebackup", "-d", primary, "-D", data, "-R", "-c", "fast")
        assert copy.returncode == 0, copy.stderr
        owner = (folder / "primary" / "data").stat()
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)
        with started(data.parent) as standby:
            yield Pair(primary, standby, project)


def test_verify_on_a_standby(pair: Pair) -> None:
    """With a fresh lock a hot standby, which can neither build nor write, is verified, its checks included."""
    with psycopg.connect(pair.standby) as connection:
        assert connection.execute("select pg_is_in_recovery()").fetchone() == (True,)
    result = call("verify", "--json", "--dsn", pair.standby, folder=pair.folder)
    assert result.json["findings"] == []
    assert (result.code, result.err) == (0, "")


@pytest.mark.parametrize("kind", ["stale", "missing"])
def test_verify_on_a_standby_needs_a_fresh_lock(pair: Pair, tmp_path: Path, kind: str) -> None:
    """On a standby nothing can be built: the error says to commit a fresh lock."""
    copied(pair.folder, tmp_path)
    if kind == "stale":
        with (tmp_path / "script/010_objects.sql").open("a", encoding="utf-8") as script:
            script.write("create table if not exists more (id integer);")
    else:
        (tmp_path / FILE).unlink()
    result = call("verify", "--dsn", pair.standby, folder=tmp_path)
    assert result.code == 1
    said = [line for line in result.err.splitlines() if not line.startswith(NOT_FRESH)]
    assert (len(said) < len(result.err.splitlines())) == (kind == "stale")
    assert said[0].startswith("error: the database accepts no writes;")
    assert f"or commit a fresh {FILE}, written by 'python -m runner lock' where that is possible" in said[1]


def test_apply_on_a_standby_is_told(pair: Pair, tmp_path: Path) -> None:
    """A standby takes no writes: the error says where to go, and the exit code is 1."""
    copied(pair.folder, tmp_path)
    with (tmp_path / "script/010_objects.sql").open("a", encoding="utf-8") as script:
        script.write("create table if not exists more (id integer);")
    called("lock", "--dsn", pair.primary, folder=tmp_path)
    result = call("apply", "--dsn", pair.standby, folder=tmp_path)
    assert result.code == 1
    assert "cannot execute INSERT in a read-only transaction [25006]" in result.said
    assert "hint: connect to the primary" in result.said


def test_verify_takes_no_transaction_id(pair: Pair) -> None:
    """With a fresh lock verify writes nothing: the server's next transaction has the number that it had before."""
    query = "select pg_snapshot_xmax(pg_current_snapshot())::text"
    with psycopg.connect(pair.primary, autocommit=True) as connection:
        before = connection.execute(query).fetchone()
        called("verify", "--dsn", pair.primary, folder=pair.folder)
        assert connection.execute(query).fetchone() == before


# How often the server is asked


def test_verify_asks_seldom(objects: Locked) -> None:
    """With a fresh lock, verify asks the server at most five times after connecting, whatever the project holds."""
    with proxied(objects.dsn) as (dsn, proxy):
        called("verify", "--dsn", dsn, folder=objects.folder)
    assert 1 <= proxy.trips <= 5


# A lock that is not fresh

TWO = {
    "010_item.sql": "-- Items.\ncreate table if not exists item (id integer, name {{ type | sql }});",
    "020_rows.sql": "insert into item (name) select {{ name }} where not exists (select from item);",
    "030_more.sql": "create index if not exists item_id_idx on item (id);",
}
VARIABLES: Mapping[str, object] = {"type": "text", "name": "first"}


@pytest.fixture(scope="module")
def two(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """A project with variables, rows and a check."""
    checks = {"010_names.sql": "select id from item where name = 'wrong';"}
    folder = write_project(tmp_path_factory.mktemp("two"), TWO, checks=checks, variables=VARIABLES)
    with server.database() as dsn:
        called("apply", "--dsn", dsn, folder=folder)
        called("lock", "--dsn", dsn, folder=folder)
        yield Locked(folder, dsn)


@dataclass(frozen=True)
class Edit:
    """A file of the project with a text in it and what takes its place, or further options."""

    file: str
    old: str
    new: str
    reason: str = ""
    found: tuple[str, ...] = ()

    def make(self, folder: Path) -> None:
        text = (folder / self.file).read_text(encoding="utf-8")
        assert self.old in text
        (folder / self.file).write_text(text.replace(self.old, self.new, 1), encoding="utf-8")


ITEM, ROWS, MORE, MANIFEST = "script/010_item.sql", "script/020_rows.sql", "script/030_more.sql", "manifest.toml"
ENTRY = '    { path = "script/030_more.sql", description = "030_more" },\n'
STALE = {
    "a column more": Edit(ITEM, "id integer", "id integer, size integer", f"{ITEM} changed", ("column item.size",)),
    "another type": Edit(ITEM, "id integer", "id bigint", f"{ITEM} changed", ("column item.id",)),
    "another index": Edit(MORE, "(id)", "(id desc)", f"{MORE} changed", ("index item_id_idx",)),
    "a variable of a definition": Edit(
        MANIFEST, 'type = "text"', 'type = "uuid"', f"{ITEM} changed", ("column item.name",)
    ),
    "a script that begins to make objects": Edit(
        *(ROWS, "insert", "create table if not exists other (id integer); insert"),
        *(f"{ROWS} changed", ("table other",)),
    ),
    "a script that makes none any more": Edit(
        *(MORE, TWO["030_more.sql"], "select 1;", f"{MORE} changed"),
    ),
    "a script less": Edit(MANIFEST, ENTRY, "", f"{MORE} changed"),
    "a script that has another name": Edit(
        *(MANIFEST, "script/010_item.sql", "script/011_item.sql", f"{ITEM} and 1 more changed"),
    ),
    "another schema of extensions": Edit(
        *(MANIFEST, "[project]\n", '[project]\nextension_schema = "other"\n'),
        "its extensions are in public",
    ),
}


@pytest.mark.parametrize("case", STALE)
def test_a_stale_lock_is_not_used(two: Locked, tmp_path: Path, case: str) -> None:
    """What is declared is built instead, stderr says so and why, and the result is that of no lock at all."""
    edit = STALE[case]
    shutil.copy(two.folder / ITEM, (copied(two.folder, tmp_path) / ITEM).with_name("011_item.sql"))
    edit.make(tmp_path)
    result = call("verify", "--json", "--dsn", two.dsn, folder=tmp_path)
    checked = call("lock", "--check", "--dsn", two.dsn, folder=tmp_path)
    assert (tmp_path / FILE).read_bytes() == two.lock
    (tmp_path / FILE).unlink()
    without = call("verify", "--json", "--dsn", two.dsn, folder=tmp_path)
    cure = "building what is declared; 'python -m runner lock' renews it"
    assert result.err == f"{NOT_FRESH}{edit.reason}): {cure}\n"
    assert checked.code == 1
    assert (result.code, result.json) == (without.code, without.json)
    assert without.err == ""
    objects = {finding["object"] for finding in result.json["findings"]}
    assert objects >= set(edit.found)


@pytest.mark.parametrize("case", ["a column more", "a script that begins to make objects"])
def test_apply_with_a_stale_lock(server: Server, two: Locked, tmp_path: Path, case: str) -> None:
    """Nobody has to write the lock for apply: it says that the lock is stale, applies, and verifies the new objects."""
    edit = STALE[case]
    edit.make(copied(two.folder, tmp_path))
    with server.database(two.database) as dsn:
        assert call("verify", "--dsn", dsn, folder=tmp_path).code == 1
        result = called("apply", "--dsn", dsn, folder=tmp_path)
        assert result.err.startswith(f"{NOT_FRESH}{edit.reason})")
        called("verify", "--dsn", dsn, folder=tmp_path)
        assert called("lock", "--quiet", "--dsn", dsn, folder=tmp_path).said == ""
        assert called("verify", "--dsn", dsn, folder=tmp_path).err == ""
    assert (tmp_path / FILE).read_bytes() != two.lock


def test_a_lock_for_another_postgresql(server: Server, two: Locked, tmp_path: Path) -> None:
    """The lock of another major version is not used: its words may differ."""
    locked = read_lockfile(load_manifest(copied(two.folder, tmp_path) / "manifest.toml"))
    assert locked is not None
    wrong = dict.fromkeys(locked.facts, "another definition")
    other = msgspec.structs.replace(locked, postgresql=(server.major + 1,), facts=wrong)
    (tmp_path / FILE).write_text(lockfile_text(other), encoding="utf-8", newline="\n")
    result = called("verify", "--dsn", two.dsn, folder=tmp_path)
    assert f"(it is for PostgreSQL {server.major + 1}, and the server is {server.major})" in result.err


def test_a_fresh_lock_is_what_is_compared(two: Locked, tmp_path: Path) -> None:
    """A fresh lock is taken at its word: nothing is built."""
    locked = read_lockfile(load_manifest(copied(two.folder, tmp_path) / "manifest.toml"))
    assert locked is not None
    column = Object("column", "id", "item")
    other = msgspec.structs.replace(locked, facts={**locked.facts, column: "bigint"})
    (tmp_path / FILE).write_text(lockfile_text(other), encoding="utf-8", newline="\n")
    result = call("verify", "--json", "--dsn", two.dsn, folder=tmp_path)
    assert result.err == ""
    (finding,) = result.json["findings"]
    assert (finding["object"], finding["declared"], finding["actual"]) == (str(column), "bigint", "integer")


UNTOUCHED = {
    "a comment": Edit(ITEM, "-- Items.\n", "-- All items.\n/* that there are */ "),
    "white space": Edit(ITEM, " (id integer,", "\n(\n\tid   integer\r\n ,"),
    "a semicolon less": Edit(MORE, ";", "\n"),
    "a variable of rows": Edit(MANIFEST, 'name = "first"', 'name = "second"'),
    "a variable more": Edit(MANIFEST, "[variables]\n", "[variables]\nmore = 1\n"),
    "a statement of rows": Edit(ROWS, "where not exists", "where 1 = 1 and not exists"),
    "a statement of rows beside objects": Edit(MORE, "create", "select 1; create"),
    "a check": Edit("check/010_names.sql", "'wrong'", "'bad'"),
    "a description": Edit(MANIFEST, 'description = "030_more"', 'description = "more"'),
    "a setting of runs": Edit(MANIFEST, "[project]\n", '[run]\nlock_timeout = "1s"\n\n[project]\n'),
    "the name of the project": Edit(MANIFEST, 'name = "small"', 'name = "large"'),
}


@pytest.mark.parametrize("case", UNTOUCHED)
def test_what_makes_no_lock_stale(two: Locked, tmp_path: Path, case: str) -> None:
    """What changes no object leaves the lock fresh: nothing is said, and the same bytes would be written."""
    UNTOUCHED[case].make(copied(two.folder, tmp_path))
    assert called("verify", "--dsn", two.dsn, folder=tmp_path).err == ""
    assert called("lock", "--check", "--dsn", two.dsn, folder=tmp_path).err == ""


def test_a_variable_of_the_command_line(two: Locked) -> None:
    """--var makes a lock stale when it reaches a definition, and only then."""
    verify = ("verify", "--dsn", two.dsn, "--var")
    assert called(*verify, "name=second", folder=two.folder).err == ""
    assert call(*verify, "type=uuid", folder=two.folder).err.startswith(f"{NOT_FRESH}{ITEM} changed)")


def mapping_file(*fields: str) -> str:
    """Return a mapping file whose fields are all text."""
    mapped = {name: {"type": "string", "instance_1": {"field_id": f"f_{name}"}} for name in fields}
    document = {
        "version": "1",
        "instances": {"instance_1": {"name": "One", "url": "https://one.example.com"}},
        "field_groups": {"all": {"fields": mapped}},
    }
    return json.dumps(document)


def test_a_new_field_needs_no_lock(tmp_path: Path, database: str) -> None:
    """A change of the mapping file alone works end to end: apply adds the column and verifies it, and says the rest."""
    script = """
        create table if not exists item (id integer);
        {% for column in field_mappings.columns %}
        alter table item add column if not exists {{ column.name | identifier }} {{ column.type | sql }};
        {% endfor %}
    """
    mappings = tmp_path / "mappings.json"
    mappings.write_text(mapping_file("first"), encoding="utf-8")
    section: Mapping[str, object] = {"file": "mappings.json", "table": "item"}
    write_project(tmp_path, {"010_item.sql": script}, field_mappings=section)
    dsn = ("--dsn", database)
    called("apply", *dsn, folder=tmp_path)
    called("lock", *dsn, folder=tmp_path)
    written = (tmp_path / FILE).read_bytes()
    assert called("apply", *dsn, folder=tmp_path).err == ""

    mappings.write_text(mapping_file("first", "second"), encoding="utf-8")
    before = call("verify", "--json", *dsn, folder=tmp_path)
    assert before.err.startswith(f"{NOT_FRESH}{ITEM} changed)")
    assert [finding["object"] for finding in before.json["findings"]] == ["column item.second"]
    assert called("apply", *dsn, folder=tmp_path).err.startswith(f"{NOT_FRESH}{ITEM} changed)")
    assert called("verify", "--json", *dsn, folder=tmp_path).json["findings"] == []
    assert (tmp_path / FILE).read_bytes() == written
    execute(database, "alter table item drop column second")
    after = call("verify", "--json", *dsn, folder=tmp_path)
    assert [finding["object"] for finding in after.json["findings"]] == ["column item.second"]


def test_no_lock_is_no_matter(tmp_path: Path, database: str) -> None:
    """Without the file every command works, and says nothing of it; none of them writes it."""
    write_project(tmp_path, TWO, variables=VARIABLES)
    for command in ("apply", "verify", "status", "apply"):
        assert called(command, "--dsn", database, folder=tmp_path).err == ""
    for command in ("check", "render"):
        assert called(command, folder=tmp_path).err == ""
    assert not (tmp_path / FILE).exists()


# While somebody has locked a table

KEPT = """
    create table if not exists item (
        id integer primary key,
        name text unique default 'none',
        number serial,
        other integer references item (id)
    );
    comment on table item is 'Items.';
    create index if not exists item_name_idx on item (name desc);
    create table if not exists part (id integer, constraint part_id_check check (id > 0));
    create index if not exists part_id_idx on part (id) where id > 5;
"""
"""Nothing of the table item has to be deparsed."""
DEPARSED = {
    "column item.twice": "alter table item add column if not exists twice integer generated always as (id * 2) stored;",
    "constraint item.item_id_check": "alter table item add constraint item_id_check check (id > 0);",
    "constraint item.item_id_excl": "alter table item add constraint item_id_excl exclude (id with =);",
    "index item_lower_idx": "create index if not exists item_lower_idx on item (lower(name));",
    "index item_some_idx": "create index if not exists item_some_idx on item (id) where id > 0;",
    "view few": "create or replace view few as select id from item where id > 0;",
    "view more": "create or replace view more as select s.id, part.id as part from part, few as s;",
    "function how_many()": (
        "create or replace function how_many() returns bigint language sql begin atomic select count(*) from item; end;"
    ),
}
NOT_LOCKED = ("view more",)


@contextmanager
def locking(dsn: str, table: str, *, waiting: bool) -> Iterator[int]:
    """Hold ACCESS EXCLUSIVE on a table in another session, or wait for it behind a reader; yield the process id."""
    lock = f"lock table {table} in access exclusive mode"
    waits = "select 1 from pg_locks where pid = %s and not granted"
    with psycopg.connect(dsn) as reader, psycopg.connect(dsn) as other:
        pid = other.info.backend_pid
        if not waiting:
            other.execute(lock.encode())
            yield pid
            return
        reader.execute(f"lock table {table} in access share mode".encode())
        other.execute("select 1")
        other.pgconn.send_query(lock.encode())
        while not reader.execute(waits, (pid,)).fetchone():
            time.sleep(0.01)
        yield pid
        other.cancel()
        other.close()


@pytest.fixture(scope="module")
def deparsed(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """A project with objects of a table that have to be deparsed."""
    scripts = {"010_kept.sql": KEPT, "020_deparsed.sql": "\n".join(DEPARSED.values())}
    folder = write_project(tmp_path_factory.mktemp("deparsed"), scripts)
    with server.database() as dsn:
        called("apply", "--dsn", dsn, folder=folder)
        called("lock", "--dsn", dsn, folder=folder)
        yield Locked(folder, dsn)


@pytest.mark.parametrize("held", ["held", "waited for"])
@pytest.mark.parametrize("lock", ["lock", "no lock"])
def test_verify_does_not_wait_for_a_locked_table(deparsed: Locked, tmp_path: Path, held: str, lock: str) -> None:
    """What cannot be read is a finding that names the session; everything else is compared, within seconds."""
    copied(deparsed.folder, tmp_path)
    if lock == "no lock":
        (tmp_path / FILE).unlink()
    with locking(deparsed.dsn, "item", waiting=held == "waited for") as pid:
        begin = time.monotonic()
        result = call("verify", "--json", "--dsn", deparsed.dsn, folder=tmp_path)
        shown = call("verify", "--dsn", deparsed.dsn, folder=tmp_path)
        seconds = time.monotonic() - begin
    found = {finding["object"]: (finding["kind"], finding["actual"]) for finding in result.json["findings"]}
    assert found == {name: ("not compared", f"locked by pid {pid}") for name in DEPARSED if name not in NOT_LOCKED}
    assert (result.code, shown.code, result.err) == (1, 1, "")
    assert f"not compared: index item_some_idx: locked by pid {pid}" in [
        line.strip() for line in shown.out.splitlines()
    ]
    assert seconds < FEW_SECONDS


def test_a_difference_of_a_locked_table_is_found(server: Server, deparsed: Locked) -> None:
    """A locked table hides nothing that can be read: its columns, and what is missing."""
    damage = ("alter table item alter column name type varchar(10)", "drop index item_some_idx")
    with server.database(deparsed.database) as dsn:
        execute(dsn, *damage)
        with locking(dsn, "item", waiting=False):
            result = call("verify", "--json", "--dsn", dsn, folder=deparsed.folder)
    found = {finding["object"]: finding["kind"] for finding in result.json["findings"]}
    assert (found["column item.name"], found["index item_some_idx"]) == ("different", "missing")
    assert found["index item_lower_idx"] == "not compared"


@pytest.fixture(scope="module")
def kept(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Locked]:
    """A project with a table of which nothing has to be deparsed, and one of which something has to."""
    folder = write_project(tmp_path_factory.mktemp("kept"), {"010_kept.sql": KEPT})
    with server.database() as dsn:
        called("apply", "--dsn", dsn, folder=folder)
        called("lock", "--dsn", dsn, folder=folder)
        yield Locked(folder, dsn)


def test_a_locked_table_is_verified_all_the_same(kept: Locked) -> None:
    """A locked table of which the catalog tells everything verifies without a finding."""
    with locking(kept.dsn, "item", waiting=False):
        begin = time.monotonic()
        result = call("verify", "--json", "--dsn", kept.dsn, folder=kept.folder)
        assert time.monotonic() - begin < FEW_SECONDS
    assert result.json["findings"] == []
    assert result.code == 0


def test_apply_warns_of_a_locked_table(kept: Locked) -> None:
    """What could not be compared is a warning of a run that had nothing to do there, and its exit code is 0."""
    with locking(kept.dsn, "part", waiting=False) as pid:
        begin = time.monotonic()
        result = call("apply", "--json", "--dsn", kept.dsn, folder=kept.folder)
        shown = call("apply", "--dsn", kept.dsn, folder=kept.folder)
        assert time.monotonic() - begin < 2 * FEW_SECONDS
    verified: Any = result.json["verify"]
    assert verified["findings"] == []
    warned = {finding["object"]: (finding["kind"], finding["actual"]) for finding in verified["warnings"]}
    names = ("constraint part.part_id_check", "index part_id_idx")
    assert warned == dict.fromkeys(names, ("not compared", f"locked by pid {pid}"))
    assert (result.code, shown.code) == (0, 0)
    assert f"warning: not compared: index part_id_idx: locked by pid {pid}" in shown.out.splitlines()


def test_the_lock_of_another_database_is_no_matter(server: Server, deparsed: Locked) -> None:
    """A table that is locked in another database, where it may have the same number, is none of ours."""
    with server.database(deparsed.database) as other, locking(other, "item", waiting=False):
        called("verify", "--dsn", deparsed.dsn, folder=deparsed.folder)
