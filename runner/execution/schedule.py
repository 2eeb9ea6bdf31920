"""The order of what a run sends: the executor sends exactly this, and a psql script has exactly this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Literal

from msgspec import Struct

from runner.errors import Place
from runner.planning import history
from runner.planning.history import HistoryStatus
from runner.planning.model import LateRepair, Plan, ScriptPlan, Step, in_transactions
from runner.planning.releases import begin_release, end_release
from runner.postgres.settings import (
    ALL_ROWS,
    ON_OWN_PATH,
    OWN_PATH,
    RESET,
    build_settings,
    own_role,
    own_settings,
    session_settings,
    session_start,
    tag,
)
from runner.project.manifest import Manifest
from runner.sql.quoting import literal

Label = Literal[
    "single",
    "setup",
    "release",
    "begin",
    "settings",
    "limits",
    "step",
    "role",
    "row",
    "end",
    "ended",
    "question",
    "released",
    "commit",
]
"""`single` opens a single transaction and `commit` ends it; `setup` includes the beginning of a release, which is
`release` when there is nothing else to set up, and `released` its end; `limits` are those of an index that is built
CONCURRENTLY; `row` is a history row that is sent with its script, `ended` the one after it; a `question` is whether a
late repair is blocked."""


_RELEASE = "recording the release"
BLOCKED = "runner_is_blocked"
"""The column in the answer to a question; a psql variable, too."""


class Send(Struct, frozen=True, gc=False):
    """A statement, and what it belongs to: a step, or else a script, or else the run; `owner` names that."""

    label: Label
    sql: str
    owner: str
    script: ScriptPlan | None = None
    step: Step | None = None
    is_runners: bool = False
    """A psql script does without it: psql's session is not the runner's."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return Place(self.owner, self.step.statement.line) if self.step else self.owner

    @property
    def prefix(self) -> str:
        """The comment that the runner sends before it."""
        return tag(self.owner, self.step.statement.line) if self.step else ""


class Part(Struct, frozen=True):
    """Sends that go together.

    A transaction; a step alone, in autocommit; the build of an index CONCURRENTLY, between its limits and what ends
    them; upkeep, which is sent after a failure too, which no signal cancels, and whose own failure ends the run; and
    the ending of a script that is recorded apart: each writer calls `ended` for it, and says how long the script took.
    """

    kind: Literal["transaction", "autocommit", "build", "upkeep", "ending"]
    sends: tuple[Send, ...] = ()


class Attempt(Struct, frozen=True):
    """A late repair: a question in a transaction of its own, and what is sent when the answer is false."""

    repair: LateRepair
    question: Part
    parts: tuple[Part, ...]


class Turn(Struct, frozen=True):
    """What is sent for a script, nothing when it is not run; without one, before or after them, or for all at once.

    What `is_last` comes after the scripts, and only when all of them have ended well. With `attempts`, it is what comes
    after the scripts for one that has ended well: these, and its parts when none of them fails.
    """

    script: ScriptPlan | None
    parts: tuple[Part, ...]
    is_last: bool = False
    attempts: tuple[Attempt, ...] = ()


def schedule(plan: Plan, manifest: Manifest) -> Iterator[Turn]:
    """Yield what is sent, in order."""
    opening = ("begin", *own_settings(manifest))
    if plan.single:
        yield Turn(None, (Part("transaction", tuple(_single(plan, manifest, opening))),))
        return
    if before := (*plan.setup, *begin_release(manifest, plan.release)):
        owner = "making the history table" if plan.setup else _RELEASE
        yield Turn(None, (Part("upkeep", _sends(_label(plan), (*opening, *before, "commit"), owner)),))
    for script in plan.scripts:
        yield Turn(script, tuple(_Script(plan, manifest, script).parts()) if script.is_run else ())
    for script, repairs in groupby(plan.late, lambda repair: repair.script):
        yield _Script(plan, manifest, script).late(tuple(repairs))
    if after := _end_of_release(plan, manifest):
        yield Turn(None, (Part("upkeep", _sends("released", (*opening, *after, "commit"), _RELEASE)),), is_last=True)


def ended(
    plan: Plan,
    manifest: Manifest,
    script: ScriptPlan,
    seconds: str,
    how: HistoryStatus | None = None,
    error: str = "",
) -> tuple[Send, ...]:
    """Return the transaction of the history row of a script that has ended; `seconds` is SQL."""
    row = history.record_ended(manifest, plan.run, script, how or script.ends, seconds=seconds, error=error or None)
    send = Send("ended", row, f"history row of {script.script.path}", script)
    return _Script(plan, manifest, script).apart(send)


def repaired(plan: Plan, manifest: Manifest, repair: LateRepair, seconds: str) -> tuple[Send, ...]:
    """Return the transaction that adds a late repair to the history; `seconds` is SQL."""
    script = repair.script
    row = history.record_late(manifest, plan.run, repair, seconds=seconds)
    return _Script(plan, manifest, script).apart(Send("ended", row, f"history row of {script.script.path}", script))


def cleanup(build: Send, index: str, timeout: str) -> tuple[Send, ...]:
    """Return what a failed build of an index needs: settings, the question whether it is there, invalid, its drop."""
    invalid = f"select from pg_index where indexrelid = to_regclass({literal(index)}) and not indisvalid"
    limits = (f"set search_path = {OWN_PATH}", f"set statement_timeout = {literal(timeout)}")
    drop = f"drop index concurrently if exists {index}"
    return _sends("limits", (*limits, invalid, drop), build.place)


def _single(plan: Plan, manifest: Manifest, opening: tuple[str, ...]) -> Iterator[Send]:
    owner, before = "before the scripts", (*plan.setup, *begin_release(manifest, plan.release))
    after = _end_of_release(plan, manifest)
    end = (ON_OWN_PATH, *after, "commit") if after else ("commit",)
    settings = session_settings(manifest, local=True)
    last = _sends("commit", end, owner)
    yield from (*_sends("single", opening, owner), *_sends(_label(plan), before, owner))
    for script in (_Script(plan, manifest, script) for script in plan.scripts if script.is_run):
        yield from (*script.all("settings", settings), *script.own(history.record_applied))
        last = script.all("commit", end)
    yield from last


def _label(plan: Plan) -> Label:
    """Return what the sends before the scripts belong to."""
    return "setup" if plan.setup else "release"


def _end_of_release(plan: Plan, manifest: Manifest) -> tuple[str, ...]:
    """Return what ends the release of a plan, which is not at its end when something comes after it or fails."""
    is_ended = not plan.forecast and not any(script.stuck for script in plan.scripts)
    return end_release(manifest, plan.release) if is_ended else ()


class _Script(Struct, frozen=True):
    """Makes the sends of a script."""

    plan: Plan
    manifest: Manifest
    script: ScriptPlan

    def parts(self) -> Iterator[Part]:
        row = self.row(history.record_unfinished, "ended")
        for number, steps in enumerate(self.script.earlier_steps):
            yield self.transaction((*self.steps(steps), *(row if number == 0 else ())))
        if self.script.script.transaction:
            record = history.record_started if self.script.is_recorded_apart else history.record_applied
            yield self.transaction(self.own(record))
        else:
            yield from self.alone()
        for steps in self.script.later_steps:
            yield self.later(steps)
        if self.script.is_recorded_apart:
            yield Part("ending")

    def later(self, steps: tuple[Step, ...]) -> Part:
        """Return what comes after the script's own transaction: one of its own, or the build of an index."""
        is_build = steps[0].concurrently
        return self.build(steps[0], self.reset()) if is_build else self.transaction(self.steps(steps))

    def late(self, repairs: tuple[LateRepair, ...]) -> Turn:
        """Return what comes after all scripts for this one."""
        row = history.record_whole(self.manifest, self.plan.run, self.script)
        send = Send("ended", row, f"history row of {self.script.script.path}", self.script)
        end = (Part("upkeep", self.apart(send)),) if self.script.goes_on else ()
        return Turn(self.script, end, attempts=tuple(map(self.attempt, repairs)))

    def attempt(self, repair: LateRepair) -> Attempt:
        question = Send("question", f"select {repair.is_blocked} as {BLOCKED}", repair.place, self.script)
        parts = map(self.later, in_transactions(repair.steps))
        asked = self.transaction((*self.all("settings", (ALL_ROWS,)), question))
        return Attempt(repair, asked, (*parts, Part("ending")))

    def alone(self) -> Iterator[Part]:
        row = history.record_started(self.manifest, self.plan.run, self.script)
        settings = self.all("settings", session_settings(self.manifest, local=False))
        yield Part("upkeep", self.apart(*self.all("row", (row,))))
        yield Part("upkeep", settings)
        for step in self.script.own_steps:
            yield self.build(step, settings) if step.concurrently else Part("autocommit", self.steps([step]))
        yield Part("upkeep", (*self.all("role", own_role(self.manifest)), *self.reset()))

    def own(self, record: Callable[[Manifest, int, ScriptPlan], str]) -> tuple[Send, ...]:
        """Return the steps of a script's own transaction, its history row, and the end of what it has set."""
        return (*self.steps(self.script.own_steps), *self.row(record), *self.reset())

    def row(self, record: Callable[[Manifest, int, ScriptPlan], str], label: Label = "row") -> tuple[Send, ...]:
        role = self.all("role", (*own_role(self.manifest), ON_OWN_PATH))
        return (*role, *self.all(label, (record(self.manifest, self.plan.run, self.script),)))

    def transaction(self, sends: tuple[Send, ...]) -> Part:
        settings = self.all("settings", session_settings(self.manifest, local=True))
        return Part("transaction", (*self.all("begin", ("begin",)), *settings, *sends, *self.all("end", ("commit",))))

    def build(self, step: Step, after: tuple[Send, ...]) -> Part:
        (send,) = self.steps([step])
        return Part("build", (*_sends("limits", build_settings(self.manifest), send.place, self.script), send, *after))

    def apart(self, row: Send) -> tuple[Send, ...]:
        """Return a history row in a transaction of its own."""
        begin = _sends("begin", ("begin",), row.owner, self.script)
        settings = _sends("settings", own_settings(self.manifest), row.owner, self.script)
        return (*begin, *settings, row, *_sends("end", ("commit",), row.owner, self.script))

    def reset(self) -> tuple[Send, ...]:
        path = self.script.script.path
        start = (Send("end", sql, path, self.script, is_runners=True) for sql in session_start(self.manifest))
        return (*self.all("end", (RESET,)), *start)

    def steps(self, steps: Iterable[Step]) -> tuple[Send, ...]:
        return tuple(Send("step", step.sql, step.statement.script, self.script, step) for step in steps)

    def all(self, label: Label, statements: Iterable[str]) -> tuple[Send, ...]:
        return _sends(label, statements, self.script.script.path, self.script)


def _sends(label: Label, statements: Iterable[str], owner: str, script: ScriptPlan | None = None) -> tuple[Send, ...]:
    return tuple(Send(label, sql, owner, script) for sql in statements)
