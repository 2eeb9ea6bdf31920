"""The command line as people and programs meet it: usage, output, terminals, pipes and signals."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.version import __version__
from tests.conftest import MakeProject, Run
from tests.support.processes import assert_stopped, process
from tests.support.projects import ROOT, TIME, copy_project, run_runner, run_together, runner_environment, until
from tests.support.runs import LONGEST
from tests.support.screen import shown_on_terminal
from tests.support.servers import temporary_folder

if TYPE_CHECKING:
    from psycopg import Connection


COMMANDS = ("apply", "verify", "render", "check", "status", "shell")
ITEM = {"010_item.sql": "create table if not exists item (id integer);"}


# Usage

USAGE = {
    "an unknown command": ("aply",),
    "an unknown option": ("apply", "--nope"),
    "an option of another command": ("check", "--dsn", "host=x"),
    "an option without its value": ("apply", "--dsn"),
    "an argument too much": ("apply", "now"),
    "a wait that is no number": ("apply", "--wait", "soon"),
    "a manifest that is not there": ("check", "--manifest", "none.toml"),
    "a manifest that is a folder": ("check", "--manifest", "script"),
    "a variable without a value": ("check", "--var", "text"),
    "an unknown variable": ("check", "--var", "txet=1"),
    "a variable of another type": ("check", "--var", "number=one"),
    "an output that is a file": ("render", "--output", "manifest.toml"),
}


@pytest.mark.parametrize("case", USAGE)
def test_wrong_usage_is_one_message(run: Run, project: MakeProject, case: str) -> None:
    """Exit code 2, one message on stderr, nothing on stdout, no traceback."""
    project(ITEM, variables={"text": "a", "number": 1})
    result = run(*USAGE[case])
    assert result.code == 2
    assert result.out == ""
    first, *others = result.err.splitlines()
    assert first.startswith("error: ")
    assert all(line.startswith("  ") for line in others)
    assert "Traceback" not in result.err


MISPLACED = (
    ("check", "postgresql://ann:sesame@host/none"),
    ("new", "postgresql://ann:sesame@host/none"),
    ("check", "--manifest", "postgresql://ann:sesame@host/none"),
    ("check", "--var", "postgresql://ann:sesame@host/none?password=sesame"),
    ("check", "--var", "number=postgresql://ann:sesame@host/a_database_with_a_long_name"),
    ("apply", "--wait", "host=localhost password=sesame"),
    ("apply", "host=localhost password='open sesame'", "--json"),
    ("apply", "ann:sesame@host", "--json"),
)


@pytest.mark.parametrize("arguments", MISPLACED)
def test_a_password_in_the_wrong_place_is_not_told(run: Run, project: MakeProject, arguments: tuple[str, ...]) -> None:
    """A connection string where none is expected is shown as the wrong value, without its password."""
    project(ITEM, variables={"number": 1})
    result = run(*arguments)
    assert result.code == 2
    assert "***" in result.err
    assert "sesame" not in result.said


def test_a_manifest_that_never_ends_is_not_read(run: Run, project: MakeProject) -> None:
    """A pipe and a device are no files; a lock file of that kind is not waited for either."""
    folder = project(ITEM)
    os.mkfifo(folder / "pipe.toml")
    for path in ("pipe.toml", "/dev/zero"):
        result = run("check", "--manifest", path)
        assert (result.code, result.err) == (2, f"error: {path}: not a file\n")
    (folder / "pipe.toml").rename(folder / "schema.lock.toml")
    assert run("check").out.startswith("error: schema.lock.toml: not a file\n  hint: ")


def test_wrong_usage_names_what_is_wrong(run: Run, project: MakeProject) -> None:
    """The message shows the word that is not understood, and what is."""
    project(ITEM, variables={"text": "a"})
    for arguments, words in {
        ("aply",): ("aply",),
        ("apply", "--nope"): ("--nope",),
        ("check", "--var", "txet=1"): ("--var", "'txet'", "text"),
        ("check", "--manifest", "none.toml"): ("none.toml", "not found"),
    }.items():
        assert [word for word in words if word not in run(*arguments).err.splitlines()[0]] == []


def test_an_unknown_command_is_told_what_was_meant(run: Run) -> None:
    """A command with nearly the name is named, though no command was loaded."""
    assert run("aply").err == (
        "error: no such command 'aply'; did you mean 'apply'?\n  hint: see python -m runner --help\n"
    )


def test_wrong_usage_with_json_is_a_document(run: Run, project: MakeProject) -> None:
    """A program that asks for JSON gets a document for a wrong option too."""
    project(ITEM)
    result = run("apply", "--json", "--nope")
    assert result.code == 2
    assert result.json["ok"] is False
    assert "--nope" in result.json["error"]["message"]


def test_an_option_before_its_command(run: Run) -> None:
    """An option that its command has is told to stand after it; one that nobody has is not."""
    misplaced, unknown = run("--manifest", "m.toml", "apply"), run("--nope", "apply")
    assert misplaced.err == (
        "error: no such option '--manifest'\n"
        "  hint: options stand after the command: python -m runner apply --manifest …\n"
    )
    assert unknown.err == "error: no such option '--nope'\n  hint: see python -m runner --help\n"
    assert (misplaced.code, unknown.code) == (2, 2)


def test_the_version_is_told(run: Run) -> None:
    """--version prints one line, wherever it is called."""
    result = run("--version")
    assert (result.code, result.out, result.err) == (0, f"runner {__version__}\n", "")


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_help_explains_a_command(command: str) -> None:
    """-h and --help print the same: the usage and every option."""
    words = command.split()
    short, long = run_together((*words, "-h"), (*words, "--help"))
    assert (short.code, short.err) == (0, "")
    assert short.out == long.out
    assert short.out.startswith(f"Usage: python -m runner {command}".rstrip())


def test_no_arguments_are_a_question_for_help(run: Run) -> None:
    """The program alone shows its help, and is no error."""
    assert run() == run("--help")
    assert run().code == 0


@pytest.mark.parametrize("command", ["new", "check", "render", "docs", "lock", "completion"])
def test_help_promises_no_history_where_none_is_shown(run: Run, command: str) -> None:
    """What --verbose shows more of is said for each command."""
    assert "history" not in run(command, "--help").out


def test_help_lists_the_commands(run: Run) -> None:
    """The help of the whole names every command."""
    assert set(COMMANDS) <= set(re.findall(r"^  (\w+)", run("-h").out, flags=re.MULTILINE))


def test_every_command_takes_the_common_options() -> None:
    """Each command works on another manifest and with other values."""
    results = run_together(*((command, "-h") for command in COMMANDS))
    assert [
        command
        for command, result in zip(COMMANDS, results, strict=True)
        if not {"--manifest", "--var"} <= set(re.findall(r"--\w+", result.out))
    ] == []


def test_a_manifest_may_be_elsewhere(run: Run, project: MakeProject, tmp_path: Path) -> None:
    """Paths of a manifest are relative to it, not to the current folder."""
    folder = project(ITEM)
    (tmp_path / "else").mkdir()
    result = run("render", "--manifest", folder / "manifest.toml", folder=tmp_path / "else")
    assert result.code == 0
    assert "create table if not exists item" in result.out


def test_shell_gives_its_arguments_to_psql(run: Run, project: MakeProject, database: str) -> None:
    """What follows -- is psql's, its exit code is the command's."""
    project(ITEM)
    result = run("shell", "--dsn", database, "--", "-At", "-c", "select 1", "-c", "select '--json'")
    assert (result.code, result.out) == (0, "1\n--json\n")
    failed = run("shell", "--dsn", database, "--", "-X", "-v", "ON_ERROR_STOP=1", "-c", "select 1 / 0")
    assert failed.code == 1
    assert "division by zero" in failed.err


def test_shell_reads_from_a_pipe(run: Run, project: MakeProject, database: str) -> None:
    """SQL can be piped into it."""
    project(ITEM)
    assert run("shell", "--dsn", database, "--", "-At", text="select 6 * 7;\n").out == "42\n"


# What is printed


def test_quiet_prints_nothing_when_all_is_well(run: Run, project: MakeProject, database: str) -> None:
    """A quiet run that succeeds is silent, whatever rows its scripts return."""
    project({**ITEM, "020_show.sql": "select 'here';"}, checks={"010_none.sql": "select 1 where false;"})
    for command in ("apply", "verify", "status", "check"):
        arguments = ("--dsn", database) if command != "check" else ()
        result = run(command, "--quiet", *arguments)
        assert (result.code, result.said) == (0, ""), command


def test_quiet_prints_what_failed(run: Run, project: MakeProject, database: str) -> None:
    """A quiet run that fails tells what failed, and nothing else."""
    project(
        {**ITEM, "020_fails.sql": "select 1 / 0;"},
        checks={"010_good.sql": "select 1 where false;", "020_bad.sql": "select 'wrong' as problem;"},
        run={"on_error": "continue"},
    )
    result = run("apply", "--quiet", "--dsn", database)
    assert result.code == 1
    assert "script/020_fails.sql:1: division by zero [22012]" in result.out
    assert "problem: wrong" in result.out
    assert "010_item" not in result.out
    assert "010_good" not in result.out


def test_output_in_a_pipe_is_plain(run: Run, project: MakeProject, database: str) -> None:
    """Without a terminal there are no escape codes, in success and in failure."""
    project({**ITEM, "020_fails.sql": "select 1 / 0;"})
    for command in (("apply", "--dsn", database), ("status", "--dsn", database), ("check",), ("aply",)):
        assert "\x1b" not in run(*command, variables={"TERM": "xterm-256color"}).said


@pytest.mark.parametrize(
    "variables",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}],
)
def test_output_may_be_ascii_only(run: Run, project: MakeProject, database: str, variables: dict[str, str]) -> None:
    """Where the output cannot hold a character, its code stands there, and nothing crashes."""
    project({**ITEM, "020_show.sql": "select 'größe';"})
    result = run("apply", "--dsn", database, variables=variables)
    assert result.code == 0, result
    assert result.said.isascii()
    assert r"\u2705 item" in result.out
    assert r"gr\xf6\xdfe" in result.out
    rendered = run("render", variables=variables)
    assert rendered.code == 0


# Terminals


def test_a_terminal_gets_colours_within_its_width() -> None:
    """At 80 columns no line is wider than the terminal, and what matters is coloured."""
    with temporary_folder() as folder:
        copy_project(folder)
        session = shown_on_terminal("apply", folder=folder)
    assert session.running.returncode == 0, session.written
    assert session.screen.has_colours
    assert sum(line.startswith("✅ ") for line in session.screen.lines) >= 16


@pytest.mark.parametrize("columns", [80, 40])
def test_a_narrow_terminal_loses_nothing(project: MakeProject, database: str, columns: int) -> None:
    """Long lines are wrapped, never cut."""
    word = "x" * 150
    folder = project({**ITEM, "020_show.sql": f"select '{word}';", "030_fails.sql": f"select {word[:60]};"})
    session = shown_on_terminal("apply", "--dsn", database, folder=folder, columns=columns)
    assert session.running.returncode == 1
    shown = "".join(line.strip() for line in session.screen.lines)
    assert word in shown
    assert f'column"{word[:60]}"doesnotexist' in shown.replace(" ", "")


# Pipes and signals


def test_a_closed_pipe_is_no_traceback() -> None:
    """`render | head -1` ends quietly."""
    with process("render", folder=ROOT) as rendering:
        assert rendering.stdout
        assert rendering.stderr
        assert rendering.stdout.readline()
        rendering.stdout.close()
        rendering.wait(timeout=LONGEST)
        assert rendering.stderr.read() == ""


@pytest.mark.parametrize("closed", ["1", "2"])
def test_a_stream_that_is_closed_is_no_traceback(project: MakeProject, database: str, closed: str) -> None:
    """Nobody can be told, and the run is done all the same."""
    folder = project(ITEM)
    command = f'exec "$0" -m runner apply --dsn "$1" {closed}>&-'
    ended = sh(command, sys.executable, database, folder=folder)
    assert (ended.returncode, "Traceback" in ended.stdout + ended.stderr) == (0, False)
    assert run_runner("plan", "--check", "--dsn", database, folder=folder).code == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full is one of Linux")
@pytest.mark.parametrize("options", ["", "--json"])
@pytest.mark.parametrize("manifest", ["manifest.toml", "other.toml"])
def test_a_full_disk_is_told(project: MakeProject, database: str, options: str, manifest: str) -> None:
    """What was to be written to stdout is lost, and stderr says so; what is done stays done."""
    command = f'exec "$0" -m runner apply --dsn "$1" --manifest {manifest} {options} >/dev/full'
    ended = sh(command, sys.executable, database, folder=project(ITEM))
    lost = "error: stdout: No space left on device; what is done stays done"
    missing = manifest == "other.toml" and not options
    assert ended.returncode == (2 if missing else 1)
    assert (lost in ended.stderr) != missing
    assert "Traceback" not in ended.stderr
    assert "internal" not in ended.stderr


def sh(command: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", command, *arguments],
        check=False,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=runner_environment(),
        timeout=LONGEST,
    )


@contextmanager
def interruptible(*arguments: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the runner so that SIGINT reaches it, also when the tests themselves ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        running = process(*arguments, folder=folder)
    finally:
        signal.signal(signal.SIGINT, before)
    with running:
        yield running


SIGNALS = {signal.SIGINT: 130, signal.SIGTERM: 143}
SESSIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and application_name like 'runner %'"
)


@pytest.mark.parametrize("number", SIGNALS)
@pytest.mark.parametrize("transaction", [True, False])
def test_a_signal_ends_a_run_cleanly(
    project: MakeProject, database: str, connection: Connection, number: signal.Signals, *, transaction: bool
) -> None:
    """Interrupted in a long statement: it is cancelled on the server, recorded, and what was done and not is told."""
    text = "create table if not exists item (id integer);\nselect pg_sleep(300);"
    others = {
        name: f"create table if not exists {name[4:-4]} (id integer);" for name in ("005_before.sql", "020_after.sql")
    }
    scripts = dict(sorted({"010_sleep.sql": text, **others}.items()))
    folder = project(scripts, options={"010_sleep.sql": {"transaction": transaction}}, run={"on_error": "continue"})

    def count(query: str) -> int:
        row = connection.execute(query.encode()).fetchone()
        return int(row[0]) if row else 0

    with interruptible("apply", "--dsn", database, folder=folder) as running:
        until(lambda: count(f"{SESSIONS} and wait_event = 'PgSleep'") == 1, running)
        running.send_signal(number)
        out, err = running.communicate(timeout=LONGEST)
    assert running.returncode == SIGNALS[number], out + err
    assert "Traceback" not in err
    word = "terminated" if number == signal.SIGTERM else "interrupted"
    assert err.splitlines() == [
        f"error: {word}; the open transaction is rolled back",
        "  done: script/005_before.sql",
        "  failed: script/010_sleep.sql",
        "  not begun: script/020_after.sql",
    ]
    assert "canceling statement due to user request [57014]" in out
    until(lambda: count(SESSIONS) == 0)
    assert count("select count(*) from pg_tables where tablename = 'item'") == (0 if transaction else 1)
    rows = connection.execute("select script, status from runner_history order by script").fetchall()
    assert rows == [("script/005_before.sql", "applied"), ("script/010_sleep.sql", "failed")]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_wait_for_a_server(project: MakeProject, number: signal.Signals) -> None:
    """A run that waits for its server can be interrupted."""
    arguments = ("apply", "--wait", "300", "--dsn", "host=/nowhere")
    with interruptible(*arguments, folder=project(ITEM)) as running:
        assert running.stderr
        assert TIME.sub("", running.stderr.readline()).startswith("waiting up to 300 s")
        running.send_signal(number)
        assert running.wait(timeout=LONGEST) == SIGNALS[number]
        assert "Traceback" not in running.stderr.read()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_stops_the_embedded_server(number: signal.Signals) -> None:
    """The embedded PostgreSQL does not outlive an interrupted run."""
    with temporary_folder() as folder:
        copy_project(folder)
        (folder / "sql" / "010_extensions.sql").write_text("select pg_sleep(300);")
        with interruptible("apply", folder=folder) as running:
            assert running.stdout
            assert "embedded" in running.stdout.readline()
            running.send_signal(number)
            assert running.wait(timeout=LONGEST) == SIGNALS[number]
        assert_stopped(folder)
