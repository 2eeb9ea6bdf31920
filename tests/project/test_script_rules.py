"""What scripts may hold: what is refused before anything runs, with its place and its cure, and what is accepted."""

from __future__ import annotations

import re
import socket
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.errors import InputError
from runner.project.loading import load
from tests.conftest import MakeProject
from tests.support.in_process import call
from tests.support.projects import CASES, Result, run_together
from tests.support.servers import Server, dump

RULES = tomllib.loads((CASES / "rules.toml").read_text(encoding="utf-8"))
BEFORE = "-- A comment.\ncreate table if not exists first (id integer);\n\n"
"""Stands before the statement of a case, which so is in line 4."""
PLACE = "script/010_script.sql:4"
Options = dict[str, object]
ALWAYS: Options = {}
ONCE: Options = {"run": "once"}
ON_CHANGE: Options = {"run": "on_change"}
ALLOWED: Options = {"allow_destructive": True}
ALONE: Options = {"transaction": False}

OBJECTS = """
    create table item (id integer, name text);
    create index item_name on item (name);
    create table part (id integer) partition by list (id);
    create table part_1 partition of part for values in (1);
    create type mood as enum ('sad');
    create materialized view items as select 1 as id;
    create unique index items_id on items (id);
    create procedure lend() language sql as '';
"""


def flat(table: Mapping[str, Sequence[str]]) -> list[tuple[str, str]]:
    """Return each statement with the words that it stands under."""
    return [(words, sql) for words, statements in table.items() for sql in statements]


def refusal(folder: Path) -> str:
    """Return the message that a project gets before a server is asked."""
    with pytest.raises(InputError) as caught:
        load(folder / "manifest.toml")
    assert caught.value.exit_code == 2
    return str(caught.value)


def refused(project: MakeProject, sql: str, options: Options) -> str:
    return refusal(project({"010_script.sql": f"{BEFORE}{sql};"}, options={"010_script.sql": options}))


def accepted(project: MakeProject, sql: str, *options: Options) -> None:
    for chosen in options:
        folder = project({"010_script.sql": f"{BEFORE}{sql};"}, options={"010_script.sql": chosen})
        load(folder / "manifest.toml")


def test_what_is_nested_too_deeply(project: MakeProject) -> None:
    """A statement whose tree cannot be read is not compared, and so not run always, unless it reads or writes rows."""
    chain = " || ".join(["'x'"] * 70)
    sql = f"create or replace view deep as select {chain} as a"
    assert refused(project, sql, ALWAYS) == (
        f"{PLACE}: nested too deeply to be compared with the database, about 45 levels,"
        " and would be sent with each run\n"
        "  hint: split the expression, or move it to a script that has"
        ' run = "on_change" or run = "once" in the manifest'
    )
    accepted(project, sql, ONCE, ON_CHANGE)
    accepted(project, f"(select {chain})", ALWAYS)


def test_objects_within_create_schema(project: MakeProject) -> None:
    """What CREATE SCHEMA makes in the schema is not compared: it is not run always, and told with its cure."""
    sql = "create schema app create table t (a int) create view v as select a from t"
    assert "CREATE SCHEMA cannot be compared with the database" in refused(project, sql, ALWAYS)
    accepted(project, sql, ONCE, ON_CHANGE)
    accepted(project, "create schema if not exists app", ALWAYS)


# What cannot run in a transaction

OUTSIDE = flat(RULES["outside"])


@pytest.mark.parametrize(("words", "sql"), OUTSIDE, ids=[sql for _, sql in OUTSIDE])
def test_outside_of_transactions(project: MakeProject, words: str, sql: str) -> None:
    """A statement that cannot run in a transaction is refused in a script that is one, and else accepted."""
    message = (
        f"{PLACE}: {words} cannot run in a transaction, and a script is one\n"
        "  hint: move it to a script of its own that has transaction = false in the manifest"
    )
    assert refused(project, sql, ALWAYS) == refused(project, sql, ONCE) == refused(project, sql, ON_CHANGE) == message
    accepted(project, sql, ONCE | ALONE, ON_CHANGE | ALONE)


@pytest.mark.parametrize("sql", RULES["inside"]["statements"])
def test_inside_of_transactions(project: MakeProject, sql: str) -> None:
    """A statement of the same kind that can is accepted in a script that is one."""
    accepted(project, sql, ONCE, ON_CHANGE)


@pytest.fixture(scope="module")
def objects(server: Server) -> Iterator[Connection]:
    """A connection to a database with the objects that the cases are about, each statement a transaction."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(OBJECTS)
        yield connection


def state_in_transaction(connection: Connection, *statements: str) -> str | None:
    """Return the code of the error that statements get in a transaction, which is rolled back."""
    try:
        with connection.transaction(force_rollback=True):
            for statement in statements:
                connection.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


@pytest.mark.parametrize(("words", "sql"), OUTSIDE, ids=[sql for _, sql in OUTSIDE])
def test_the_server_refuses_it_too(objects: Connection, words: str, sql: str) -> None:
    """What is refused for the sake of the transaction is what PostgreSQL refuses in one."""
    assert words
    assert state_in_transaction(objects, sql) == "25001"


@pytest.mark.parametrize("sql", RULES["inside"]["statements"])
def test_the_server_accepts_it_too(objects: Connection, sql: str) -> None:
    """What is accepted is what PostgreSQL accepts in a transaction."""
    assert state_in_transaction(objects, sql) is None


# New values of enum types

USES = RULES["enum"]["refused"]
SPARES = RULES["enum"]["accepted"]


@pytest.mark.parametrize("case", USES)
def test_a_new_value_in_its_own_transaction(project: MakeProject, case: str) -> None:
    """A value that the same transaction adds to an enum type cannot be used: the statement that does is told."""
    use = USES[case]
    folder = project({"010_script.sql": use["sql"]}, options={"010_script.sql": ONCE})
    assert refusal(folder) == (
        f"script/010_script.sql:{use['line']}: {use['value']!r} is added to an enum type by the same transaction, "
        "which therefore cannot use it\n  hint: move the statement to a later script"
    )


@pytest.mark.parametrize("case", USES)
def test_a_new_value_in_a_later_transaction(project: MakeProject, case: str) -> None:
    """Without a transaction, and in a later script, it can."""
    sql, line = USES[case]["sql"], USES[case]["line"]
    folder = project({"010_script.sql": sql}, options={"010_script.sql": ONCE | ALONE})
    load(folder / "manifest.toml")
    lines = sql.split("\n")
    scripts = {"010_value.sql": "\n".join(lines[: line - 1]), "020_use.sql": "\n".join(lines[line - 1 :])}
    folder = project(scripts, options=dict.fromkeys(scripts, ONCE))
    load(folder / "manifest.toml")


@pytest.mark.parametrize("case", SPARES)
def test_a_new_value_that_is_not_used(project: MakeProject, case: str) -> None:
    """What only looks like a use, or is one that PostgreSQL allows, is accepted."""
    folder = project({"010_script.sql": SPARES[case]}, options={"010_script.sql": ONCE})
    load(folder / "manifest.toml")


@pytest.mark.parametrize("case", USES)
def test_the_server_refuses_the_use(objects: Connection, case: str) -> None:
    """PostgreSQL refuses the statement that is told, and no other."""
    lines = USES[case]["sql"].split("\n")
    before, use = lines[: USES[case]["line"] - 1], lines[USES[case]["line"] - 1]
    assert state_in_transaction(objects, *before) is None
    assert state_in_transaction(objects, *before, use) == "55P04"


@pytest.mark.parametrize("case", SPARES)
def test_the_server_accepts_the_script(objects: Connection, case: str) -> None:
    """PostgreSQL accepts what is accepted."""
    assert state_in_transaction(objects, SPARES[case]) is None


# What removes something

DESTROYS = flat(RULES["destroys"])


@pytest.mark.parametrize(("words", "sql"), DESTROYS, ids=[sql for _, sql in DESTROYS])
def test_what_removes_something(project: MakeProject, words: str, sql: str) -> None:
    """A statement that removes rows or objects is refused in a script that is run always, unless that is allowed."""
    assert refused(project, sql, ALWAYS) == (
        f"{PLACE}: {words} in a script that is run always\n"
        '  hint: move it to a script that has run = "once" in the manifest,'
        " or set allow_destructive = true for each run"
    )
    accepted(project, sql, ALLOWED, ONCE, ON_CHANGE)


def test_a_removal_that_is_nested_deeply(project: MakeProject) -> None:
    """So is one that is nested too deeply to be read as a tree."""
    condition = f"{'abs(' * 60}id{')' * 60} > 0"
    for deep in (
        f"delete from item where {condition}",
        f"with gone as (delete from item where {condition} returning id) select id from gone",
    ):
        assert refused(project, deep, ALWAYS).startswith(f"{PLACE}: DELETE in a script that is run always\n")
        accepted(project, deep, ALLOWED, ONCE)
    accepted(project, f"select 'delete' as \"delete\" from item where {condition}", ALWAYS)


@pytest.mark.parametrize("sql", RULES["keeps"]["statements"])
def test_what_removes_nothing(project: MakeProject, sql: str) -> None:
    """One that only talks of it is accepted."""
    accepted(project, sql, ALWAYS)


# What cannot be compared

WITHOUT_OBJECT = flat(RULES["without_object"])


@pytest.mark.parametrize(("words", "sql"), WITHOUT_OBJECT, ids=[sql for _, sql in WITHOUT_OBJECT])
def test_what_cannot_be_compared(project: MakeProject, words: str, sql: str) -> None:
    """A statement that each run would send again is refused in a script that is run always, whatever is allowed."""
    message = refused(project, sql, ALWAYS)
    named, _, rest = message.removeprefix(f"{PLACE}: ").partition(" cannot be compared")
    assert rest == (
        " with the database, and would be sent with each run\n"
        '  hint: move it to a script that has run = "on_change" or run = "once" in the manifest'
    )
    assert named == words
    assert refused(project, sql, ALLOWED) == message
    accepted(project, sql, ONCE, ON_CHANGE)


@pytest.mark.parametrize("sql", RULES["nameless"]["statements"])
def test_what_has_no_name(project: MakeProject, sql: str) -> None:
    """An object without a name is refused in a script that is run always: each run would make another one."""
    assert refused(project, sql, ALLOWED | ALONE) == (
        f"{PLACE}: each run would make one more of an object without a name\n"
        '  hint: name it, or set run = "once" for this script in the manifest'
    )
    accepted(project, sql, ONCE | ALONE, ON_CHANGE | ALONE)


@pytest.mark.parametrize("sql", RULES["harmless"]["statements"])
def test_what_may_be_sent_each_time(project: MakeProject, sql: str) -> None:
    """Settings, savepoints, data, and what is compared are accepted everywhere."""
    accepted(project, sql, ALWAYS, ALLOWED, ONCE, ON_CHANGE)


# When it is told

BAD = {"010_item.sql": "create table item (id integer);", "020_bad.sql": "\nselect 1;\n\n  vacuum item;\n"}
SAID = (
    "error: script/020_bad.sql:4: VACUUM cannot run in a transaction, and a script is one\n"
    "  hint: move it to a script of its own that has transaction = false in the manifest"
)


@contextmanager
def unvisited() -> Iterator[str]:
    """Yield a connection string whose server must not be visited."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"host=127.0.0.1 port={listener.getsockname()[1]} user=nobody dbname=none connect_timeout=1"
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


@pytest.mark.parametrize("command", ["apply", "apply --dry-run", "plan", "verify", "status", "lock"])
def test_no_connection_is_made(project: MakeProject, command: str) -> None:
    """The message comes before a server is asked for anything, from each command."""
    folder = project(BAD)
    with unvisited() as dsn:
        result = call(*command.split(), "--dsn", dsn, folder=folder)
    assert (result.code, result.out, result.err.strip()) == (2, "", SAID)


def test_no_database_is_needed(project: MakeProject) -> None:
    """The commands that need no server say the same; `check` says it among what else it finds."""
    rendering, checking = (call(command, folder=project(BAD)) for command in ("render", "check"))
    assert (rendering.code, rendering.out, rendering.err.strip()) == (2, "", SAID)
    assert (checking.code, checking.err) == (2, "")
    assert f"{SAID}\n" in checking.out


def test_the_program_says_it(project: MakeProject, tmp_path: Path) -> None:
    """The program ends with exit code 2, and with --json says the same in a document."""
    project(BAD)
    with unvisited() as dsn:
        plain, document = run_together(("apply", "--dsn", dsn), ("render", "--json"), folder=tmp_path)
    assert (plain.code, plain.out, plain.err.strip()) == (2, "", SAID)
    assert document.code == 2
    assert json_error(document)["message"] == "VACUUM cannot run in a transaction, and a script is one"


def json_error(result: Result) -> Any:
    return result.json["error"]


def test_nothing_is_run(project: MakeProject, database: str) -> None:
    """A script before the one that is refused is not run either, and a database stays as it is."""
    before = dump(database)
    assert call("apply", "--dsn", database, folder=project(BAD)).code == 2
    assert dump(database) == before


def test_only_the_first_is_told(project: MakeProject) -> None:
    """Of several statements that are refused, the first is told, in the order of the scripts."""
    scripts = {"010_first.sql": "select 1;\ndrop table item;\nvacuum;", "020_second.sql": "vacuum;"}
    assert re.match(r"script/010_first\.sql:2: DROP in ", refusal(project(scripts)))
