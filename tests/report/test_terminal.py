"""What people see on a terminal, in pipes and in a log: snapshots, and what changes while they look."""

from __future__ import annotations

import json
import math
import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from runner.postgres.monitor import Progress
from runner.postgres.settings import run_lock_key
from runner.project.manifest import load_manifest
from runner.report.reporter import Reporter
from runner.report.terminal import wrapped
from tests.conftest import MakeProject, Run
from tests.support.projects import CASES, run_runner
from tests.support.screen import Screen, on_terminal, shown_on_terminal
from tests.support.servers import Server

Case = Mapping[str, Any]
SNAPSHOTS = CASES / "terminal"
PROJECT = SNAPSHOTS / "project"
FOUND: dict[str, Case] = tomllib.loads((CASES / "terminal.toml").read_text(encoding="utf-8"))
WIDTHS = (80, 120)
VOLATILE = {
    r"database \w+ at [\s\S]*?PostgreSQL\s+[0-9.]+": "database DATABASE at SERVER as ROLE, PostgreSQL VERSION",
    r"pid [0-9]+[\s\S]*?since\s+[0-9-]+\s+[0-9:]+": "pid PID (runner other), role ROLE, from HOST, since TIME",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9]{2}:[0-9]{2}": "TIME",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}(?=  )": "YYYY-MM-DD HH:MM",
    r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2} by \w+": "YYYY-MM-DD HH:MM by ROLE",
    r" +[0-9]+\.[0-9]{3}$": "    0.000",
    r"run ([0-9]+) in [0-9.]+ s": r"run \1 in 0.00 s",
    r'"seconds": [0-9.e-]+': '"seconds": 0.0',
    r"\b[0-9a-f]{64}\b": "HASH",
}
"""What is another each time, and what a snapshot has in its place."""


def snapshot_of(name: str) -> Path:
    """Return the file of a case."""
    return SNAPSHOTS / f"{re.sub(r'[^0-9A-Za-z_]+', '-', name)}.txt"


@pytest.fixture(scope="module")
def template(server: Server) -> Iterator[str]:
    """The name of a database that the project of the snapshots was applied to."""
    with server.database() as dsn:
        result = run_runner("apply", "--dsn", dsn, folder=PROJECT)
        assert result.code == 0, result
        yield str(conninfo_to_dict(dsn)["dbname"])


@contextmanager
def prepared(server: Server, template: str, case: Case) -> Iterator[str]:
    """Make the database of a case, and yield its connection string."""
    with ExitStack() as stack:
        dsn = stack.enter_context(server.database(*([template] if case.get("applied") else [])))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute(case.get("sql", "").encode())
        if case.get("held"):
            holder = stack.enter_context(psycopg.connect(dsn, autocommit=True, application_name="runner other"))
            key = run_lock_key(load_manifest(PROJECT / "manifest.toml", ()).manifest)
            holder.execute(f"select pg_advisory_lock({key})".encode())
        yield dsn


def constant(text: str, dsn: str) -> str:
    """Return a text without what is another each time."""
    for pattern, replacement in VOLATILE.items():
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    role = str(conninfo_to_dict(dsn).get("user"))
    return re.sub(rf'(?<=  ){role}$|(?<="role": "){role}(?=")', "ROLE", text, flags=re.MULTILINE)


def on_terminals(case: Case, folder: Path, server: Server, template: str) -> Iterator[str]:
    """Return what a case shows on terminals, one after the other."""
    for columns in case.get("columns", WIDTHS):
        with prepared(server, template, case) as dsn:
            variables = {"DATABASE_URL": dsn, **case.get("variables", {})}
            session = shown_on_terminal(*case["command"], folder=folder, columns=columns, variables=variables)
            screen = session.screen
            codes = [name for name in ("has_colours", "moves_cursor") if getattr(screen, name)]
            yield f"--- {columns} columns, exit code {session.running.returncode}, codes: {', '.join(codes) or 'none'}"
            yield constant("\n".join(screen.lines).rstrip("\n"), dsn)


def in_pipes(case: Case, folder: Path, server: Server, template: str) -> Iterator[str]:
    """Return what a case writes to pipes."""
    with prepared(server, template, case) as dsn:
        result = run_runner(*case["command"], folder=folder, variables={"DATABASE_URL": dsn}, with_times=True)
        yield f"--- exit code {result.code}, stdout"
        yield constant(result.out.rstrip("\n"), dsn)
        yield "--- stderr"
        yield constant(result.err.rstrip("\n"), dsn)


@pytest.mark.parametrize("name", FOUND)
def test_people_see_what_the_snapshot_has(
    server: Server, template: str, tmp_path: Path, name: str, pytestconfig: pytest.Config
) -> None:
    """Each word, at its place, at 80 and at 120 columns, in pipes and in JSON."""
    case = FOUND[name]
    folder = Path(shutil.copytree(PROJECT, tmp_path / "project"))
    for path, text in case.get("files", {}).items():
        (folder / path).write_text(text.lstrip("\n"), encoding="utf-8")
    show = on_terminals if case["to"] == "terminal" else in_pipes
    shown = "\n".join((f"$ runner {' '.join(case['command'])}", *show(case, folder, server, template), ""))
    snapshot = snapshot_of(name)
    if pytestconfig.option.rewrite:
        snapshot.write_text(shown, encoding="utf-8")
    assert shown == snapshot.read_text(encoding="utf-8")


def test_each_snapshot_has_its_case() -> None:
    """No snapshot is left of a case that is gone."""
    assert set(SNAPSHOTS.glob("*.txt")) == set(map(snapshot_of, FOUND))


# While it runs

WAITS = "select pg_advisory_xact_lock(42) is null as waited;"
INDEX = """
create or replace function slowly(number integer) returns integer language plpgsql immutable as $$
begin
    perform pg_advisory_xact_lock_shared(42);
    return number;
end;
$$;
"""


@contextmanager
def holding(dsn: str) -> Iterator[Connection[Any]]:
    """Hold the advisory lock that the statements of these tests wait for, until it is unlocked."""
    with psycopg.connect(dsn, autocommit=True, application_name="holder") as holder:
        holder.execute("select pg_advisory_lock(42)")
        yield holder


def test_the_statement_that_runs_is_shown(project: MakeProject, database: str) -> None:
    """Its place, its first words and whom it waits for are drawn in one line, and gone in the end."""
    folder = project({"010_first.sql": "select 1;", "020_waits.sql": f"select 2;\n\n{WAITS}"})
    with holding(database) as holder, on_terminal("apply", "--dsn", database, folder=folder, columns=120) as session:
        line = session.until(r"020_waits.sql:3 select pg_adv.*  waits for pid [0-9]+ \(holder, role ")
        assert len(line) < 120
        holder.execute("select pg_advisory_unlock(42)")
    assert session.running.returncode == 0
    assert not [line for line in session.screen.lines if "waits for" in line or "planning" in line]
    assert not session.screen.is_cursor_hidden


def test_the_percentage_of_an_index_is_shown(project: MakeProject, database: str, connection: Connection) -> None:
    """While an index is built, its phase and how much of that is done are drawn."""
    connection.execute("create table item (id integer)")
    connection.execute("insert into item select generate_series(1, 1000)")
    connection.execute(INDEX.encode())
    scripts = {
        "010_item.sql": "create table if not exists item (id integer);",
        "020_function.sql": INDEX,
        "030_index.sql": "create index if not exists item_slowly_idx on item (slowly(id));",
    }
    options = {"020_function.sql": {"run": "on_change"}, "030_index.sql": {"run": "once"}}
    folder = project(scripts, options=options, run={"lock_timeout": "2s", "concurrent_index_above": "1GB"})
    with holding(database) as holder, on_terminal("apply", "--dsn", database, folder=folder, columns=200) as session:
        session.until(r"030_index.sql:1 create index if not exists item_slowly_idx .*  scanning table, [0-9]+ %")
        holder.execute("select pg_advisory_unlock(42)")
    assert session.running.returncode == 0, session.screen.lines


@pytest.mark.parametrize("command", ["apply", "verify"])
def test_the_verification_is_shown(project: MakeProject, database: str, command: str) -> None:
    """Checks may take long: people see that the scripts are done, and what takes the time."""
    check = "select 1 where (select pg_advisory_xact_lock_shared(42)) is null;"
    folder = project({"010_first.sql": "select 1;"}, checks={"010_waits.sql": check}, run={"lock_timeout": "30s"})
    with holding(database) as holder, on_terminal(command, "--dsn", database, folder=folder) as session:
        session.until(r"^. ([0-9]+ s )?verifying$")
        holder.execute("select pg_advisory_unlock(42)")
    assert session.running.returncode == 0, session.screen.lines


def test_progress_is_drawn_beside_a_document(project: MakeProject, database: str, tmp_path: Path) -> None:
    """Nothing but the document is on stdout, and people see on the terminal of stderr what goes on."""
    folder = project({"010_waits.sql": WAITS})
    output = tmp_path / "document.json"
    with (
        output.open("wb") as file,
        holding(database) as holder,
        on_terminal("apply", "--json", "--dsn", database, folder=folder, columns=120, stdout=file) as session,
    ):
        session.until(r"010_waits.sql:1 select pg_adv")
        holder.execute("select pg_advisory_unlock(42)")
    assert json.loads(output.read_text(encoding="utf-8"))["ok"] is True
    assert [line for line in session.screen.lines if line] == []


PROGRESS = Progress("sql/010_item.sql", 14, "create index on item (name)", 75.2, "building index: scanning table", 42)


def test_without_a_terminal_progress_is_a_line_now_and_then(capsys: pytest.CaptureFixture[str]) -> None:
    """A collector of lines gets one with its time, and the next one later."""
    reporter = Reporter()
    reporter.told = -math.inf
    for _ in range(3):
        reporter.progressed(PROGRESS)
    line = capsys.readouterr().err
    expected = "sql/010_item.sql:14: for 75 s, scanning table, 42 %: create index on item (name)\n"
    assert re.fullmatch(rf"[0-9-]+T[0-9:]+[+-][0-9:]+ {re.escape(expected)}", line)


def test_progress_in_a_log_of_json_has_fields(capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers are numbers there."""
    reporter = Reporter(log_format="json")
    reporter.told = -math.inf
    reporter.progressed(PROGRESS)
    fields = json.loads(capsys.readouterr().err)
    assert (fields["script"], fields["line"], fields["percent"], fields["seconds"]) == (
        "sql/010_item.sql",
        14,
        42,
        75.2,
    )


@pytest.mark.parametrize("command", ["apply", "plan", "verify", "status", "lock", "docs"])
def test_every_line_of_a_log_of_json_is_json(run: Run, project: MakeProject, database: str, command: str) -> None:
    """Whatever happens, each line is an object with time, level and message, and stdout has nothing."""
    project({"010_item.sql": "create table if not exists item (id integer);", "020_fails.sql": "select 1 / 0;"})
    log = ("--log-format", "json")
    results = [
        run(command, *log, "--dsn", database, with_times=True),
        run(command, *log, "--wait", "0", "--dsn", "host=/nowhere", with_times=True),
        run(command, *log, "--nope", with_times=True),
    ]
    assert [result.out for result in results] == ["", "", ""]
    for result in results[command == "docs" :]:
        for line in map(json.loads, result.err.splitlines()):
            assert {"time", "level", "message"} <= set(line)
    assert json.loads(results[2].err)["error"]["message"].startswith("no such option")


# Lines that fit


def test_a_caret_stays_below_its_character() -> None:
    """In a line that is folded, and where characters are as wide as two."""
    line = f"  {'a' * 30} 漢字 b"
    assert [*wrapped(f"{line}\n{' ' * line.index('b')}^", 20)] == [
        "  aaaaaaaaaaaaaaaaaa",
        "    aaaaaaaaaaaa 漢",
        "    字 b",
        "       ^",
    ]


def test_a_line_that_does_not_fit_is_broken_between_words() -> None:
    """The rest of it is indented, and a word that fits in no line is folded."""
    assert [*wrapped("  one two three four five\nsmall", 24)] == ["  one two three four", "    five", "small"]
    assert [*wrapped("^\n^\n^", 24)] == ["^", "^", "^"]
    assert [*wrapped("x" * 25, 10)] == ["xxxxxxxx", "  xxxxxxxx", "  xxxxxxxx", "  x"]


def test_what_a_row_holds_does_not_control_the_terminal(project: MakeProject, database: str) -> None:
    """Codes in values of the database are shown, not sent."""
    folder = project({"010_show.sql": r"select e'a\x1b[2J\rb\x07c' as text;"})
    session = shown_on_terminal("apply", "--dsn", database, folder=folder)
    assert r"    a\x1b[2J\rb\x07c" in session.screen.lines


# The screen of these tests


def test_the_screen_shows_what_is_left() -> None:
    """A line that is drawn over and erased leaves nothing, wherever its pieces end."""
    screen = Screen()
    for piece in (
        "\x1b[?25lone\r\n⠋ planning",
        "\r\x1b[2",
        "K\x1b[1A\x1b[2Ktwo ✅ x\r\n",
        "three\r\x1b[2K\x1b[31mfour\x1b[0m",
    ):
        screen.feed(piece)
    assert screen.lines == ["two ✅ x", "four"]
    assert (screen.has_colours, screen.moves_cursor, screen.is_cursor_hidden) == (True, True, True)
