"""The order of what a run sends: the executor sends exactly this, and a psql script has exactly this."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Literal

from msgspec import Struct

from runner.errors import Place
from runner.planning import history
from runner.planning.model import Plan, ScriptPlan, Step
from runner.postgres.session import session_sql
from runner.postgres.settings import RESET, build_settings, own_role, session_settings, tag
from runner.project.manifest import Manifest
from runner.sql.objects import qualified_name
from runner.sql.quoting import literal

Label = Literal["single", "setup", "begin", "settings", "limits", "step", "role", "row", "end", "ended", "commit"]
"""`single` opens a single transaction and `commit` ends it; `limits` are those of an index that is built CONCURRENTLY;
`row` is a history row that is sent with its script, `ended` the one after it."""


class Send(Struct, frozen=True, gc=False):
    """A statement, and what it belongs to: a step, or else a script, or else the run; `owner` names that."""

    label: Label
    sql: str
    owner: str
    script: ScriptPlan | None = None
    step: Step | None = None
    is_runners: bool = False
    """A psql script does without it: psql commits by itself, and its session is not the runner's."""

    @property
    def place(self) -> str:
        """Where it is, for people."""
        return Place(self.owner, self.step.statement.line) if self.step else self.owner

    @property
    def prefix(self) -> str:
        """The comment that the runner sends before it."""
        return tag(self.owner, self.step.statement.line) if self.step else ""


class Transaction(Struct, frozen=True):
    """The steps of a transaction, and what is around them."""

    sends: tuple[Send, ...]


class Autocommit(Struct, frozen=True):
    """A step in no transaction."""

    sends: tuple[Send, ...]


class Upkeep(Struct, frozen=True):
    """What is sent after a failure too, and no signal cancels; its own failure ends the run."""

    sends: tuple[Send, ...]


class ConcurrentIndex(Struct, frozen=True):
    """The build of an index CONCURRENTLY, with its limits, and what ends these."""

    limits: tuple[Send, ...]
    build: Send
    after: tuple[Send, ...]
    index: str | None
    """Its name, as SQL."""

    @property
    def sends(self) -> tuple[Send, ...]:
        """What is sent when nothing fails."""
        return (*self.limits, self.build, *self.after)

    def cleanup(self, timeout: str) -> tuple[Send, ...]:
        """Return what a failed build needs: a limit, the question whether the index is there and invalid, its drop."""
        invalid = f"select from pg_index where indexrelid = to_regclass({literal(self.index)}) and not indisvalid"
        drop = f"drop index concurrently if exists {self.index}"
        return _sends("limits", (f"set statement_timeout = {literal(timeout)}", invalid, drop), self.build.place)


Part = Transaction | Autocommit | Upkeep | ConcurrentIndex


class Turn(Struct, frozen=True):
    """What is sent for a script, nothing when it is not run, or without one before all of them, or for all at once.

    When `is_recorded_apart`, what `ended` returns comes last.
    """

    script: ScriptPlan | None
    parts: tuple[Part, ...]
    is_recorded_apart: bool = False

    @property
    def sends(self) -> Iterator[Send]:
        """What is sent when nothing fails."""
        return (send for part in self.parts for send in part.sends)


def schedule(plan: Plan, manifest: Manifest) -> Iterator[Turn]:
    """Yield what is sent, in order."""
    opening = ("begin", *session_settings(manifest, local=True))
    if plan.single:
        yield Turn(None, (Transaction(tuple(_single(plan, manifest, opening))),))
        return
    if plan.setup:
        yield Turn(None, (Upkeep(_sends("setup", (*opening, *plan.setup, "commit"), "making the history table")),))
    for script in plan.scripts:
        parts = tuple(_Script(plan, manifest, script).parts()) if script.is_run else ()
        yield Turn(script, parts, bool(parts) and script.is_recorded_apart)


def ended(
    plan: Plan,
    manifest: Manifest,
    script: ScriptPlan,
    seconds: str,
    status: history.HistoryStatus = "applied",
    error: str | None = None,
) -> tuple[Send, ...]:
    """Return the transaction of the history row of a script that has ended; `seconds` is SQL."""
    row = history.record_ended(manifest, plan.run, script, status, seconds=seconds, error=error)
    owner = f"history row of {script.script.path}"
    return _Script(plan, manifest, script).apart(Send("ended", row, owner, script))


def _single(plan: Plan, manifest: Manifest, opening: tuple[str, ...]) -> Iterator[Send]:
    last = Send("commit", "commit", "before the scripts")
    yield from (*_sends("single", opening, last.owner), *_sends("setup", plan.setup, last.owner))
    for script in (_Script(plan, manifest, script) for script in plan.scripts if script.is_run):
        yield from (*script.all("settings", opening[1:]), *script.own(history.record_applied))
        (last,) = script.all("commit", ("commit",))
    yield last


class _Script(Struct, frozen=True):
    """Makes the sends of a script."""

    plan: Plan
    manifest: Manifest
    script: ScriptPlan

    def parts(self) -> Iterator[Part]:
        if self.script.script.transaction:
            record = history.record_started if self.script.is_recorded_apart else history.record_applied
            yield self.transaction(self.own(record))
        else:
            yield from self.alone()
        for steps in self.script.later_steps:
            sends = tuple(self.steps(steps))
            yield self.build(steps[0], self.reset()) if steps[0].concurrently else self.transaction(sends)

    def alone(self) -> Iterator[Part]:
        row = history.record_started(self.manifest, self.plan.run, self.script)
        settings = self.all("settings", session_settings(self.manifest, local=False))
        yield Upkeep(self.apart(*self.all("row", (row,))))
        yield Upkeep(settings)
        for step in self.script.own_steps:
            yield self.build(step, settings) if step.concurrently else Autocommit((*self.steps([step]),))
        yield Upkeep((*self.all("role", own_role(self.manifest)), *self.reset()))

    def own(self, record: Callable[[Manifest, int, ScriptPlan], str]) -> tuple[Send, ...]:
        """Return the steps of a script's own transaction, its history row, and the end of what it has set."""
        role = self.all("role", own_role(self.manifest))
        row = self.all("row", (record(self.manifest, self.plan.run, self.script),))
        return (*self.steps(self.script.own_steps), *role, *row, *self.reset())

    def transaction(self, sends: tuple[Send, ...]) -> Transaction:
        settings = self.all("settings", session_settings(self.manifest, local=True))
        return Transaction((*self.all("begin", ("begin",)), *settings, *sends, *self.all("end", ("commit",))))

    def build(self, step: Step, after: tuple[Send, ...]) -> ConcurrentIndex:
        (build,) = self.steps([step])
        limits = _sends("limits", build_settings(self.manifest), build.place, self.script)
        index = next(iter(step.objects), None)
        name = index and qualified_name(index._replace(schema=index.schema or self.manifest.project.schema))
        return ConcurrentIndex(limits, build, after, name)

    def apart(self, row: Send) -> tuple[Send, ...]:
        """Return a history row in a transaction of its own."""
        begin, *settings, end = ("begin", *session_settings(self.manifest, local=True), "commit")
        before = _sends("settings", (begin, *settings), row.owner, self.script, is_runners=True)
        return (*before, row, Send("end", end, row.owner, self.script, is_runners=True))

    def reset(self) -> tuple[Send, ...]:
        session = Send("end", session_sql(), self.script.script.path, self.script, is_runners=True)
        return (*self.all("end", (RESET,)), session)

    def steps(self, steps: Iterable[Step]) -> Iterator[Send]:
        return (Send("step", step.sql, step.statement.script, self.script, step) for step in steps)

    def all(self, label: Label, statements: Iterable[str]) -> tuple[Send, ...]:
        return _sends(label, statements, self.script.script.path, self.script)


def _sends(
    label: Label, statements: Iterable[str], owner: str, script: ScriptPlan | None = None, *, is_runners: bool = False
) -> tuple[Send, ...]:
    return tuple(Send(label, sql, owner, script, None, is_runners) for sql in statements)
