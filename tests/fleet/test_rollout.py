"""A rollout with canaries and a limit of failures: what it begins, what it leaves, and what the next one does."""

from __future__ import annotations

import json
import signal
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from threading import Lock
from typing import Any

import psycopg
import pytest
from msgspec import Struct
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.errors import DatabaseError
from runner.fleet.pool import Pool
from runner.fleet.targets import Limits
from runner.fleet.work import Member, MemberOutcome
from runner.postgres.cancellation import Cancellation
from runner.postgres.target import Target
from runner.project.loading import Project, load
from runner.report.fleet_text import FleetProgress
from tests.conftest import MakeProject, Run
from tests.fleet.test_fleet import ITEM, by_target, documents, write_targets
from tests.support.screen import on_terminal
from tests.support.servers import Server

CANARIES: dict[str, tuple[str, Limits, str]] = {
    "all go well": ("++++", Limits(2, canary=2), "++++"),
    "more canaries than members": ("++", Limits(2, canary=5), "++"),
    "the only canary fails": ("-+++", Limits(4, canary=1), "-..."),
    "the last canary fails": ("++-++", Limits(1, canary=3), "++-.."),
    "a canary fails before the last one begins": ("-++++", Limits(1, canary=3), "-...."),
    "a canary whose result is not ok": ("!+++", Limits(4, canary=1), "!..."),
    "one after the canaries fails": ("+-+++", Limits(1, canary=1), "+-+++"),
    "no limit": ("--+-", Limits(2), "--+-"),
    "as many as may fail": ("+-+!+-++", Limits(1, max_failures=3), "+-+!+-.."),
    "the first failure ends it": ("+-+++", Limits(1, max_failures=1), "+-..."),
    "fewer than may fail": ("--+", Limits(1, max_failures=3), "--+"),
    "canaries, then failures": ("+--+", Limits(1, canary=1, max_failures=1), "+-.."),
}
"""The members: + goes well, - fails, ! ends and is not ok; and which of them are begun."""


class Worked(Struct, frozen=True):
    ok: bool


@pytest.fixture
def loaded(project: MakeProject) -> Project:
    return load(project(ITEM) / "manifest.toml")


def carry(member: Member, _stop: Cancellation) -> MemberOutcome[Worked]:
    """Do as the name of the member says."""
    kind = member.name[-1]
    if kind == "-":
        return MemberOutcome(member, "failed", error=DatabaseError("no"))
    return MemberOutcome(member, "ended", result=Worked(kind == "+"))


def members_of(loaded: Project, kinds: str, databases: int = 1_000) -> list[Member]:
    return [
        Member(f"{number} {kind}", Target(f"dbname={number % databases}", "--dsn"), loaded)
        for number, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize("databases", [1_000, 2, 1], ids=["databases", "two databases", "schemas of one"])
@pytest.mark.parametrize("case", CANARIES)
def test_which_are_begun(loaded: Project, case: str, databases: int) -> None:
    """The canaries are the first; after a failure of one, and after as many failures as may be, no more are begun."""
    kinds, limits, begun = CANARIES[case]
    pool = Pool(members_of(loaded, kinds, databases), carry, limits, Cancellation())
    found = {outcome.member.name: outcome for outcome in pool.outcomes()}
    statuses = ["." if found[f"{n} {kind}"].status == "not begun" else kind for n, kind in enumerate(kinds)]
    assert "".join(statuses) == begun
    assert (pool.halt is not None) == ("." in begun)


@pytest.mark.parametrize("kinds", ["++++++++++", "+++-++++++"])
def test_the_others_begin_when_all_canaries_have_ended(loaded: Project, kinds: str) -> None:
    """However many are worked on at a time, no other is begun while a canary runs; many are at a time after it."""
    running: set[str] = set()
    together: list[frozenset[str]] = []
    lock = Lock()

    def slow(member: Member, stop: Cancellation) -> MemberOutcome[Worked]:
        with lock:
            running.add(member.name)
            together.append(frozenset(running))
        time.sleep(0.02)
        with lock:
            running.remove(member.name)
        return carry(member, stop)

    canaries = {f"{number} +" for number in range(3)}
    list(Pool(members_of(loaded, kinds), slow, Limits(8, canary=3), Cancellation()).outcomes())
    assert all(each <= canaries or not each & canaries for each in together)
    assert max(map(len, together)) > 3


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_no_more_fail_than_may_and_run_at_the_time(loaded: Project, jobs: int) -> None:
    """Of those that are begun, only what already ran may fail after the limit."""
    pool = Pool(members_of(loaded, "-" * 40), carry, Limits(jobs, max_failures=5), Cancellation())
    statuses = Counter(outcome.status for outcome in pool.outcomes())
    assert 5 <= statuses["failed"] < 5 + jobs
    assert statuses["not begun"] == 40 - statuses["failed"]


@pytest.fixture
def databases(server: Server) -> Iterator[list[str]]:
    """Five empty databases."""
    with ExitStack() as stack:
        yield [stack.enter_context(server.database()) for _ in range(5)]


def name_of(dsn: str) -> str:
    return str(conninfo_to_dict(dsn)["dbname"])


def have_item(dsns: list[str]) -> list[bool]:
    """Return in which databases the table is."""
    found = []
    for dsn in dsns:
        with psycopg.connect(dsn) as connection:
            (is_there,) = connection.execute("select to_regclass('item') is not null").fetchone() or (False,)
            found.append(bool(is_there))
    return found


def test_a_canary_that_fails(project: MakeProject, run: Run, databases: list[str]) -> None:
    """The others are not begun, which is told with its name; when it is repaired, the next run does all."""
    folder = project(ITEM)
    with psycopg.connect(databases[1], autocommit=True) as connection:
        connection.execute("create table item (id integer primary key, name integer)")
    targets = write_targets(folder, *databases)
    arguments = ("apply", "--targets", targets, "--canary", "2", "--jobs", "4")
    result = run(*arguments)
    assert result.code == 1, result
    *_, summary, failed, left, stopped = result.out.splitlines()
    assert summary.endswith(" s: 1 ok, 1 failed, 3 not begun")
    assert failed == f"failed: {failed.removeprefix('failed: ')}"
    assert failed.endswith(name_of(databases[1]))
    assert left.startswith("not begun: ")
    assert stopped.startswith("stopped: canary ")
    assert stopped.endswith(f"/{name_of(databases[1])} failed; 3 targets not begun")
    assert have_item(databases) == [True, True, False, False, False]
    found = documents(run(*arguments, "--json").out)
    assert found[-1]["stopped"]["by"] == "canary"
    assert [name.rpartition("/")[2] for name in found[-1]["stopped"]["failed"]] == [name_of(databases[1])]
    quiet = run(*arguments, "--quiet")
    assert "stopped: canary " in quiet.out
    events = [json.loads(line) for line in run(*arguments, "--log-format", "json").err.splitlines()]
    assert events[-1]["stopped"] == found[-1]["stopped"]
    assert [event["level"] for event in events if event["message"].startswith("stopped: canary ")] == ["error"]
    with psycopg.connect(databases[1], autocommit=True) as connection:
        connection.execute("drop table item")
    again = run(*arguments)
    assert again.code == 0, again
    assert again.out.splitlines()[-1].endswith(": 5 ok")
    assert have_item(databases) == [True] * 5


def test_as_many_failures_as_may_be(project: MakeProject, run: Run, databases: list[str]) -> None:
    """After them nothing is begun; the next run passes those that are done, and does the rest."""
    folder = project(ITEM)
    absent = [make_conninfo(databases[0], dbname=f"absent_{number}") for number in range(2)]
    targets = write_targets(folder, databases[0], absent[0], databases[1], absent[1], *databases[2:])
    arguments = ("apply", "--jobs", "1", "--max-failures", "2", "--wait", "0")
    result = run(*arguments, "--targets", targets)
    assert result.code == 1, result
    assert " s: 2 ok, 2 failed, 3 not begun" in result.out
    assert result.out.splitlines()[-1] == (
        "stopped: 2 targets failed, the limit of --max-failures; 3 targets not begun"
    )
    again = run(*arguments, "--json", "--targets", write_targets(folder, *databases))
    assert again.code == 0, again
    found = by_target(documents(again.out))
    statuses = {name.rpartition("/")[2]: document["result"]["scripts"] for name, document in found.items()}
    assert [statuses[name_of(dsn)][0]["status"] for dsn in databases] == ["unchanged"] * 2 + ["applied"] * 3
    assert documents(again.out)[-1]["stopped"] is None


def test_a_canary_whose_schemas_are_not_known(project: MakeProject, run: Run, databases: list[str]) -> None:
    """A database in which no schema matches is a target that has failed, in its place in the file."""
    folder = project(ITEM)
    with psycopg.connect(databases[1], autocommit=True) as connection:
        connection.execute("create schema tenant_a; create schema tenant_b")
    for dsns, code, begun in ((databases[:2], 1, 0), (databases[1::-1], 1, 2)):
        targets = write_targets(folder, *dsns)
        result = run("apply", "--json", "--targets", targets, "--schemas-matching", "tenant_*", "--canary", "1")
        assert result.code == code, result
        found = documents(result.out)
        assert Counter(document["status"] == "ended" for document in found[:-1])[True] == begun
        assert (found[-1]["stopped"] is None) == bool(begun)


def test_progress_in_words() -> None:
    """It tells how many have ended and failed, how fast, and how long the rest takes, in less than 80 columns."""
    progress = FleetProgress(10_000, 2_500, 12, 8.333, 900)
    assert progress.ended == "2500 of 10000 targets have ended"
    assert progress.state == "12 failed, 8.3 a second, 15 min 00 s left"
    assert FleetProgress(2, 1, 0, 4, 0.25).state == "4.0 a second, 1 s left"
    assert len(f"⠋ 15 min 00 s {progress.ended}  {progress.state}") < 90


def test_progress_on_a_terminal(project: MakeProject, databases: list[str]) -> None:
    """One line of at most 80 columns shows it while targets are worked on, and is gone in the end."""
    folder = project(ITEM)
    with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
        hangs = f"host=127.0.0.1 port={silent.getsockname()[1]} user=nobody dbname=hangs"
        dsns = [argument for dsn in (hangs, *databases[:2]) for argument in ("--dsn", dsn)]
        variables = {"NO_COLOR": "1"}
        with on_terminal("apply", *dsns, "--wait", "60", folder=folder, variables=variables) as session:
            line = session.until(r"2 of 3 targets have ended  [0-9.]+ a second, ([0-9]+ min )?[0-9]+ s left")
            assert len(line) < 80
            session.running.send_signal(signal.SIGINT)
    assert session.running.returncode == 130
    assert not [line for line in session.screen.lines if "have ended" in line]
    assert not session.screen.is_cursor_hidden
    assert not session.screen.has_colours


@pytest.mark.parametrize("arguments", [("--canary", "0"), ("--max-failures", "0"), ("--canary", "x")])
def test_wrong_numbers(project: MakeProject, run: Run, arguments: tuple[Any, ...]) -> None:
    """None is not a number of canaries or failures."""
    project(ITEM)
    result = run("apply", "--dsn", "dbname=a", "--dsn", "dbname=b", *arguments)
    assert result.code == 2, result
    assert arguments[0] in result.err
