"""A large fleet in several processes: whatever becomes of them, each target is told once, and nothing is left over."""

from __future__ import annotations

import json
import os
import pickle
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import psycopg
import pytest
import tomli_w
from msgspec import Struct

from runner.errors import (
    ConnectionLostError,
    DatabaseError,
    Hint,
    InterruptError,
    Place,
    RunnerError,
    ServerMessage,
    StatementError,
)
from runner.fleet import processes
from runner.fleet.pool import Pool
from runner.fleet.processes import carrying
from runner.fleet.targets import Limits
from runner.fleet.work import Member
from runner.postgres.cancellation import Cancellation
from runner.postgres.settings import run_lock_key
from runner.postgres.target import Say, Target
from runner.project.loading import load
from tests.conftest import MakeProject
from tests.fleet.test_fleet import ITEM
from tests.support.projects import runner_environment, until
from tests.support.runs import runner_command
from tests.support.servers import Server


class Worked(Struct, frozen=True):
    """What these works return."""

    process: int
    ok: bool = True
    what: Any = None


def work(member: Member, stop: Cancellation, say: Say) -> Worked:
    """Do what the name of the member says."""
    say(member.name)
    match member.name.split()[0]:
        case "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "refused":
            raise StatementError(ServerMessage("no", "42501"), place=Place("sql/010.sql", 3))
        case "defect":
            raise ValueError("a defect")
        case "cannot":
            return Worked(os.getpid(), what=lambda: None)
        case "waits":
            while not stop.asked:
                time.sleep(0.01)
            stop.raise_if_asked()
    return Worked(os.getpid())


def members_of(project: MakeProject, *names: str) -> list[Member]:
    loaded = load(project(ITEM) / "manifest.toml")
    return [Member(name, Target(f"dbname={number}", "--dsn"), loaded) for number, name in enumerate(names)]


def test_what_becomes_of_a_process(project: MakeProject, capfd: pytest.CaptureFixture[str]) -> None:
    """A process that is killed fails what it worked on, and nothing else; each error arrives as it was raised."""
    names = ("killed", "refused", "defect", "cannot", *(f"good {number}" for number in range(8)))
    said: list[str] = []
    members = members_of(project, *names)
    with carrying(members, work, 2, said.append, processes=2) as carry:
        ended = {each.member.name: each for each in Pool(members, carry, Limits(2), Cancellation()).outcomes()}
    assert sorted(said) == sorted(names)
    assert {name for name, outcome in ended.items() if outcome.status == "failed"} == set(names[:4])
    assert str(ended["killed"].error).split("\n") == [
        "the process that worked on it was killed by signal 9",
        "  hint: what was not committed is rolled back; run the command again",
    ]
    assert str(ended["refused"].error) == "sql/010.sql:3: no [42501]"
    assert str(ended["defect"].error).startswith("internal error: ValueError: a defect")
    assert str(ended["cannot"].error).startswith("internal error: ")
    worked = [outcome.result for outcome in ended.values() if outcome.result]
    assert len(worked) == 8
    assert os.getpid() not in {result.process for result in worked}
    assert capfd.readouterr() == ("", "")


def test_where_no_process_can_be_started(project: MakeProject) -> None:
    """The work is done in this process, where there may be as many connections, and no more open files."""
    members = members_of(project, "good 1", "good 2")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").is_dir() else 100
    resource.setrlimit(resource.RLIMIT_NOFILE, (taken + 4, hard))
    try:
        with carrying(members, work, 64, print, processes=2) as carry:
            outcomes = list(Pool(members, carry, Limits(2), Cancellation()).outcomes())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [outcome.result.process for outcome in outcomes if outcome.result] == [os.getpid()] * 2


def test_processes_that_are_asked_to_stop(project: MakeProject) -> None:
    """What runs in them is asked to stop, and what has not begun is told; nothing is waited for."""
    said: list[str] = []
    stop = Cancellation()
    members = members_of(project, *(f"waits {number}" for number in range(4)))

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            stop.ask(signal.SIGTERM)

    begin = time.monotonic()
    with carrying(members, work, 2, say, processes=2) as carry:
        ended = [outcome.status for outcome in Pool(members, carry, Limits(2), stop).outcomes()]
    assert sorted(ended) == ["interrupted", "interrupted", "not begun", "not begun"]
    assert time.monotonic() - begin < 30


ERRORS: tuple[RunnerError, ...] = (
    RunnerError("wrong", place=Place("f.toml", key="a.b"), notes=(Hint("do this"), "and that"), column=3),
    DatabaseError("wrong"),
    ConnectionLostError("it was cut", place="sql/010.sql:3"),
    InterruptError(signal.SIGTERM, notes=("done: nothing",)),
    StatementError(ServerMessage("no", "42501", "why", "how", "where"), place=Place("sql/010.sql", 3), column=4),
)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_errors_arrive_as_they_were(error: RunnerError) -> None:
    """An error that another process sends says the same, and has the same exit code."""
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301  its own
    assert type(arrived) is type(error)
    assert (arrived.lines, arrived.exit_code, arrived.place.line) == (error.lines, error.exit_code, error.place.line)
    assert vars(arrived).keys() == vars(error).keys()


@pytest.mark.parametrize(
    ("cores", "members", "jobs", "number"), [(1, 200, 16, 1), (2, 200, 16, 2), (8, 40, 16, 2), (8, 200, 4, 2)]
)
def test_the_number_of_processes(
    monkeypatch: pytest.MonkeyPatch, cores: int, members: int, jobs: int, number: int
) -> None:
    """Each has a core, enough to do, and two connections or more."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)), raising=False)
    assert processes.number_of_processes(members, jobs) == number


@contextmanager
def started_in_a_group(*arguments: str | Path, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the runner as a shell does: a terminal sends its signals to all processes of the group."""
    with subprocess.Popen(
        runner_command(*arguments),
        cwd=folder,
        env=runner_environment(),
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def children(process: int) -> set[int]:
    """Return the processes that one has started."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(stat[1]) == process and stat[0] != "Z":
            found.add(int(folder.name))
    return found


@pytest.fixture
def asleep(project: MakeProject, server: Server) -> Iterator[tuple[Path, Callable[[], int]]]:
    """A project of a check that takes a minute, 34 targets in two databases, and how many checks run."""
    folder = project(ITEM, checks={"010_slow.sql": "select pg_sleep(61);"})
    query = "select count(*) from pg_stat_activity where query like '%pg_sleep(61)%' and state = 'active'"
    with server.database() as one, server.database() as two, psycopg.connect(one, autocommit=True) as connection:
        targets = [{"dsn": dsn, "schema": f"s{number}"} for dsn in (one, two) for number in range(17)]
        (folder / "t.toml").write_text(tomli_w.dumps({"target": targets}), encoding="utf-8")

        def sleepers() -> int:
            row = connection.execute(f"{query} and pid <> pg_backend_pid()").fetchone()
            return int(row[0]) if row else 0

        yield folder, sleepers


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="there is no /proc, which lists processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_whole_group(asleep: tuple[Path, Callable[[], int]], number: signal.Signals) -> None:
    """What runs is cancelled, each target is told, no process is left, and none of them says anything by itself."""
    folder, sleepers = asleep
    with started_in_a_group("verify", "--json", "--targets", "t.toml", folder=folder) as running:
        until(lambda: sleepers() == 2, running)
        others = children(running.pid)
        expected = processes.number_of_processes(34, 4)
        assert len(others) >= expected or expected == 1
        begin = time.monotonic()
        if number == signal.SIGKILL:
            running.kill()
        else:
            os.killpg(running.pid, number)
        out, _ = running.communicate(timeout=30)
    assert time.monotonic() - begin < 10, out
    until(lambda: sleepers() == 0)
    until(lambda: not any(Path(f"/proc/{process}").exists() for process in others))
    if number == signal.SIGKILL:
        assert out == ""
        return
    assert running.returncode == 128 + number, out
    statuses = [json.loads(line)["status"] for line in out.splitlines()[:-1]]
    assert sorted(statuses) == ["interrupted"] * 2 + ["not begun"] * 32


def test_targets_that_hang_hold_their_own_slot(project: MakeProject, server: Server) -> None:
    """Servers that never answer, and a lock that is never given, keep nothing waiting but what is asked of them."""
    folder = project(ITEM)
    with server.database() as locked, server.database() as good, psycopg.connect(locked, autocommit=True) as connection:
        key = run_lock_key(load(folder / "manifest.toml").project.manifest)
        connection.execute(f"select pg_advisory_lock({key})")
        with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
            hangs = f"host=127.0.0.1 port={silent.getsockname()[1]} user=nobody dbname=hangs_"
            targets = [*({"dsn": f"{hangs}{number}"} for number in range(29)), {"dsn": locked}]
            targets += [{"dsn": good, "schema": f"s{number}"} for number in range(3)]
            (folder / "t.toml").write_text(tomli_w.dumps({"target": targets}), encoding="utf-8")
            arguments = ("apply", "--json", "--targets", "t.toml", "--jobs", "31")
            with started_in_a_group(*arguments, folder=folder) as running:
                assert running.stdout is not None
                found = [json.loads(line) for line in islice((x for x in running.stdout if x[0] == "{"), 3)]
    assert [document["schema"] for document in found] == ["s0", "s1", "s2"]
    assert [document["status"] for document in found] == ["ended"] * 3
