"""Run a plan: each script in one transaction and one round trip, with its history row inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import chain, groupby
from typing import Any

import psycopg
from psycopg import Connection

from runner.errors import StatementError
from runner.execution.hints import notes_on, stuck_error
from runner.execution.listener import Listener
from runner.execution.plpgsql_trace import made_by, traced
from runner.execution.results import Answer, LateResult, Result, ScriptResult, ended_well
from runner.execution.schedule import Attempt, Part, Send, Turn, cleanup, ended, repaired, schedule
from runner.execution.sender import Failure, Sender
from runner.planning.history import HistoryStatus
from runner.planning.model import Plan, ScriptPlan
from runner.postgres.cancellation import Cancellation
from runner.postgres.errors import server_error, statement_error
from runner.postgres.monitor import Monitor
from runner.postgres.replies import Reply
from runner.postgres.session import cancel, current_role
from runner.project.manifest import Manifest
from runner.sql.objects import qualified_name
from runner.sql.quoting import literal
from runner.sql.statements import Statement


def execute(
    connection: Connection[Any], plan: Plan, manifest: Manifest, listener: Listener, stop: Cancellation
) -> Iterator[Result]:
    """Run the plan and yield each script's result as it ends, and then those of late repairs.

    With `on_error = "stop"` the scripts after a failed one are skipped. Raise StatementError when the setup fails,
    ConnectionLostError when the connection is lost.
    """
    with closing(Monitor(connection, manifest, listener.progressed)) as watch:
        sender = Sender(connection, manifest, watch, stop, listener.say)
        run = _Run(sender, plan, manifest, listener.started)
        with stop.cancels(lambda: cancel(connection)):
            yield from run.all_at_once() if plan.single else run.one_by_one()


class _Run:
    """One run of a plan."""

    def __init__(self, sender: Sender, plan: Plan, manifest: Manifest, started: Callable[[ScriptPlan], None]) -> None:
        self.sender = sender
        self.plan = plan
        self.manifest = manifest
        self.started = started

    def one_by_one(self) -> Iterator[Result]:
        """Run each script in its turn."""
        failed: set[str] = set()
        for turn in schedule(self.plan, self.manifest):
            script = turn.script
            if script is None:
                if not turn.is_last or not (failed or self.sender.stop.asked):
                    self.keep(turn.parts[0].sends)
                continue
            if turn.attempts:
                if script.script.path not in failed:
                    yield from self.late(script, turn, failed)
                continue
            if self.is_over(failed):
                result = ScriptResult(script, "skipped")
            elif script.stuck:
                result = ScriptResult(script, "failed", error=stuck_error(self.manifest, script))
            elif not turn.parts:
                result = ScriptResult(script, "unchanged")
            else:
                self.started(script)
                result = self.run(script, turn.parts)
            if result.status in ("failed", "skipped"):
                failed.add(script.script.path)
            yield result

    def is_over(self, failed: Collection[str]) -> bool:
        """Return whether nothing more is sent, because of a signal or of what has failed."""
        return self.sender.stop.asked or (bool(failed) and self.manifest.run.on_error == "stop")

    def late(self, script: ScriptPlan, turn: Turn, failed: set[str]) -> Iterator[LateResult]:
        """Try the late repairs of a script, and record its end unless one of them fails."""
        path = script.script.path
        self.started(script)
        for attempt in turn.attempts:
            result = LateResult(attempt.repair, "skipped") if self.is_over(failed) else self.attempt(attempt)
            if result.status in ("failed", "skipped"):
                failed.add(path)
            yield result
        for part in turn.parts if path not in failed else ():
            self.keep(part.sends)

    def attempt(self, attempt: Attempt) -> LateResult:
        """Make a late repair, unless rows still block it."""
        begin, repair = time.monotonic(), attempt.repair
        replies, failure = self.sender.together(attempt.question.sends)
        if _is_blocked(replies, failure):
            return LateResult(repair, "left", time.monotonic() - begin)
        for part in attempt.parts:
            if failure is None and part.sends:
                _, failure = self.send(part)
        seconds = time.monotonic() - begin
        if failure:
            error = self.error(repair.script, failure)
            self.record(repair.script, seconds, error, is_cut_off=repair.script.goes_on)
            return LateResult(repair, "failed", seconds, error)
        self.keep(repaired(self.plan, self.manifest, repair, literal(round(seconds, 6))))
        return LateResult(repair, "applied", seconds)

    def run(self, script: ScriptPlan, parts: Sequence[Part]) -> ScriptResult:
        """Run one script, and record how it ended."""
        begin = time.monotonic()
        answers: list[Iterable[Answer]] = []
        failure: Failure | None = None
        is_committed = False
        for part in parts:
            if part.kind == "upkeep":
                answers.append(zip(part.sends, self.keep(part.sends), strict=True))
            elif failure is None and part.sends:
                own, failure = self.send(part)
                answers += () if failure else (own,)
                is_committed |= failure is None and any(send.label == "row" for send in part.sends)
        seconds = time.monotonic() - begin
        if failure:
            error = self.error(script, failure)
            # a once script whose rows may be there must not be run from its beginning by itself
            is_cut_off = is_committed if script.script.transaction else self.sender.stop.asked
            self.record(script, seconds, error, is_cut_off=is_cut_off and script.script.run != "always")
            return ScriptResult(script, "failed", len(script.to_send), 0, seconds, (), error)
        if parts[-1].kind == "ending":
            self.record(script, seconds)
        return ended_well(script, chain.from_iterable(answers), seconds)

    def send(self, part: Part) -> tuple[Iterable[Answer], Failure | None]:
        """Send a part of a script."""
        if part.kind == "build":
            return self.build(part.sends)
        is_alone = part.kind == "autocommit"
        replies, failure = self.sender.alone(*part.sends) if is_alone else self.sender.together(part.sends)
        return zip(part.sends, replies, strict=False), failure

    def build(self, sends: Sequence[Send]) -> tuple[Iterable[Answer], Failure | None]:
        """Build an index CONCURRENTLY, and drop what a failure has left of it."""
        limits, (build,), after = (list(group) for _, group in groupby(sends, lambda send: send.label))
        replies: list[Reply] = []

        def attempt() -> Failure | None:
            self.keep(limits)
            with self.sender.stop.cancellable():
                failure = self.sender.once(build, replies)
            if failure and not isinstance(failure.error, psycopg.errors.DuplicateTable):
                self.drop_leftover(build)
            return failure

        failure = self.sender.again(attempt)
        self.keep(after)
        return zip([build], replies, strict=False), failure

    def drop_leftover(self, build: Send) -> None:
        """Drop the index when it is invalid; when that fails too, the next run finds it.

        A repair builds it under a name of its own, beside the one that it is about.
        """
        from runner.sql.rewriting import index_named_by

        is_made = build.step and not build.sql.startswith("drop ")
        for index in build.step.objects[:1] if build.step and is_made else ():
            made, about = index_named_by(build.sql), bool(build.step and build.step.about)
            schema = made.schema or ("" if about else index.schema) or self.manifest.project.schema
            name = qualified_name(made._replace(schema=schema, name=made.name or index.name))
            *settings, invalid, drop = cleanup(build, name, "5s" if self.sender.stop.asked else "1min")
            self.keep(settings)
            found: list[Reply] = []
            if self.sender.once(invalid, found) is None and found[0].count and self.sender.once(drop, []):
                self.sender.say(f"{drop.place}: the invalid index {name} is left; the next run builds it anew")

    def all_at_once(self) -> Iterator[ScriptResult]:
        """Run all scripts in one transaction."""
        begin = time.monotonic()
        if stuck := next((script for script in self.plan.scripts if script.stuck), None):
            yield from self.none_but(ScriptResult(stuck, "failed", error=stuck_error(self.manifest, stuck)))
            return
        for script in self.plan.scripts:
            if script.is_run:
                self.started(script)
        (turn,) = schedule(self.plan, self.manifest)
        sends = turn.parts[0].sends
        replies, failure = self.sender.together(sends)
        seconds = time.monotonic() - begin
        if failure is None:
            answers = zip(sends, replies, strict=True)
            own = {owner: list(group) for owner, group in groupby(answers, lambda answer: answer[0].owner)}
            for script in self.plan.scripts:
                answered = own.get(script.script.path)
                yield ended_well(script, answered, seconds) if answered else ScriptResult(script, "unchanged")
            return
        failed = failure.send.script
        if failed is None:
            raise self.fatal(failure)
        error = self.error(failed, failure)
        if not self.plan.setup:
            self.record(failed, seconds, error)
        yield from self.none_but(ScriptResult(failed, "failed", len(failed.to_send), 0, seconds, (), error))

    def none_but(self, result: ScriptResult) -> Iterator[ScriptResult]:
        """Return the results of a transaction of which nothing is left."""
        for script in self.plan.scripts:
            yield result if script is result.plan else ScriptResult(script, "skipped")

    def keep(self, sends: Sequence[Send]) -> list[Reply]:
        """Send what is not a part of any script; a failure ends the run."""
        replies, failure = self.sender.keep(sends)
        if failure:
            raise self.fatal(failure)
        return replies

    def fatal(self, failure: Failure) -> StatementError:
        """Return the error of what is not a part of any script."""
        notes = notes_on(failure, self.role, "")
        return server_error(failure.error, place=failure.send.place, sql=failure.send.sql, notes=notes)

    @property
    def role(self) -> str:
        """The role that the statements are sent by."""
        return current_role(self.sender.connection)

    def record(
        self, script: ScriptPlan, seconds: float, error: StatementError | None = None, *, is_cut_off: bool = False
    ) -> None:
        """Write the history row of a script that has ended, in a transaction of its own.

        One that is cut off has not: what it committed stays, and the next run has to know.
        """
        status: HistoryStatus = "started" if is_cut_off else "failed" if error else script.ends
        sends = ended(self.plan, self.manifest, script, literal(round(seconds, 6)), status, str(error or ""))
        _, failure = self.sender.keep(sends)
        if failure and self.sender.stop.asked:  # the cancel of a signal came late, and met this
            _, failure = self.sender.keep(sends)
        if failure:
            place, sql = failure.send.place, failure.send.sql
            raise error or server_error(failure.error, place=place, sql=sql) from failure.error

    def error(self, script: ScriptPlan, failure: Failure) -> StatementError:
        """Return what the server said, with its place."""
        send, step = failure.send, failure.send.step
        in_transaction = self.plan.single or script.script.transaction
        notes = notes_on(failure, self.role, step.sql if step else "", in_transaction=in_transaction)
        notes += tuple(self.places(failure.error, step.statement if step else None))
        if step and step.sql == step.statement.sql:
            return statement_error(failure.error, script.parsed, step.statement, send.prefix, notes)
        end = "after the last statement, at the history row or the commit"
        where = "before the first statement" if send.label in ("begin", "settings") else end
        sql = step.sql if step else send.sql if send.label == "question" else f"({where})"
        return server_error(failure.error, place=send.place, sql=sql, prefix=send.prefix, notes=notes)

    def places(self, error: psycopg.Error, statement: Statement | None) -> Iterator[str]:
        """Return where in the scripts the lines of PL/pgSQL are that an error came through, or what it did not find."""
        scripts = [script.parsed for script in self.plan.scripts]
        yield from traced(error.diag.context or "", statement, scripts)
        if error.sqlstate == "42P01":  # undefined_table
            yield from made_by(error.diag.message_primary or "", scripts)


def _is_blocked(replies: Sequence[Reply], failure: Failure | None) -> bool:
    """Return whether a question was answered with yes, or is about what is not there: another script has failed."""
    if failure:
        return isinstance(failure.error, (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn))
    return any(reply.rows == (("t",),) for reply in replies)
