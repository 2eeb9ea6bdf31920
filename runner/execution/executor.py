"""Run a plan: each script in one transaction and one round trip, with its history row inside."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import chain
from typing import Any

import psycopg
from psycopg import Connection

from runner.errors import Place, StatementError
from runner.execution.hints import notes_on, stuck_error
from runner.execution.listener import Listener
from runner.execution.plpgsql_trace import made_by, traced
from runner.execution.results import ScriptResult, ended_well
from runner.execution.sender import Failure, Sender
from runner.planning import history
from runner.planning.model import Plan, ScriptPlan, Step
from runner.planning.releases import begin_release, end_release
from runner.postgres.cancellation import Cancellation
from runner.postgres.errors import server_error, statement_error
from runner.postgres.monitor import Monitor
from runner.postgres.replies import Reply
from runner.postgres.session import cancel, session_sql
from runner.postgres.settings import RESET, build_settings, own_role, session_settings, tag
from runner.project.manifest import Manifest
from runner.sql.objects import qualified_name
from runner.sql.quoting import literal
from runner.sql.statements import Statement


def execute(
    connection: Connection[Any], plan: Plan, manifest: Manifest, listener: Listener, stop: Cancellation
) -> Iterator[ScriptResult]:
    """Run the plan and yield each script's result as it ends.

    With `on_error = "stop"` the scripts after a failed one are skipped. Raise StatementError when the setup fails,
    ConnectionLostError when the connection is lost.
    """
    with closing(Monitor(connection, manifest, listener.progressed)) as watch:
        sender = Sender(connection, manifest, watch, stop, listener.say)
        run = _Run(sender, plan, manifest)
        with stop.cancels(lambda: cancel(connection)):
            yield from run.all_at_once(listener.started) if plan.single else run.one_by_one(listener.started)


class _Run:
    """One run of a plan."""

    def __init__(self, sender: Sender, plan: Plan, manifest: Manifest) -> None:
        self.sender = sender
        self.plan = plan
        self.manifest = manifest
        self.begin = ("begin", *session_settings(manifest, local=True))
        self.opening = (*plan.setup, *begin_release(manifest, plan.release))

    def one_by_one(self, started: Callable[[ScriptPlan], None]) -> Iterator[ScriptResult]:
        """Run each script in a transaction of its own."""
        if self.opening:
            where = "making the history table" if self.plan.setup else "recording the release"
            self.keep([*self.begin, *self.opening, "commit"], where)
        failed = False
        for script in self.plan.scripts:
            if self.sender.stop.asked or (failed and self.manifest.run.on_error == "stop"):
                yield ScriptResult(script, "skipped")
            elif script.stuck:
                failed = True
                yield ScriptResult(script, "failed", error=stuck_error(self.manifest, script))
            elif not script.is_run:
                yield ScriptResult(script, "unchanged")
            else:
                started(script)
                result = self.script(script)
                failed = failed or result.status == "failed"
                yield result
        closing = end_release(self.manifest, self.plan.release)
        if closing and not failed and not self.sender.stop.asked:
            self.keep([*self.begin, *closing, "commit"], "recording the release")

    def script(self, script: ScriptPlan) -> ScriptResult:
        """Run one script, and record how it ended."""
        begin = time.monotonic()
        send = self.own_transaction if script.script.transaction else self.alone
        answers, failed = send(script)
        is_committed = failed is None
        for steps in script.later_steps:
            failed = failed or self.later(script, steps)
        seconds = time.monotonic() - begin
        if failed:
            # a once script whose rows may be there must not be run from its beginning by itself
            is_cut_off = is_committed if script.script.transaction else self.sender.stop.asked
            self.record(script, seconds, failed, is_cut_off=is_cut_off and script.script.run != "always")
            return ScriptResult(script, "failed", len(script.to_send), 0, seconds, (), failed)
        if script.is_recorded_apart:
            self.record(script, seconds)
        return self.ended_well(script, answers, seconds)

    def ended_well(self, script: ScriptPlan, answers: Sequence[Reply], seconds: float) -> ScriptResult:
        """Return the result of a script; `answers` begin with those of its own steps, and go on as `recorded` does."""
        row = len(script.own_steps) + len(own_role(self.manifest))
        is_recorded = script.is_recorded_apart or answers[row].count > 0
        return ended_well(script, answers, seconds, is_recorded=is_recorded)

    def own_transaction(self, script: ScriptPlan) -> tuple[list[Reply], StatementError | None]:
        """Send the statements of a script in one transaction; return its answers, from the first statement on."""
        steps = script.own_steps

        def statements() -> Iterator[str]:
            return chain(self.begin, map(_tagged, steps), self.recorded(script), ("commit",))

        answers, failure = self.sender.together(statements, lambda index: self.place(script, steps, index))
        return answers[len(self.begin) :], self.error(script, steps, failure) if failure else None

    def recorded(self, script: ScriptPlan) -> Iterator[str]:
        """Return what ends a script within its transaction, its history row in between."""
        record = history.record_started if script.is_recorded_apart else history.record_applied
        yield from own_role(self.manifest)
        yield record(self.manifest, self.plan.run, script)
        yield from (RESET, session_sql())

    def alone(self, script: ScriptPlan) -> tuple[list[Reply], StatementError | None]:
        """Send the statements of a script without a transaction, one by one."""
        steps, path = script.own_steps, script.script.path
        self.keep([*self.begin, history.record_started(self.manifest, self.plan.run, script), "commit"], path)
        self.keep(session_settings(self.manifest, local=False), path)
        answers: list[Reply] = []
        failed = None
        for step in steps:
            if failed is None and not step.concurrently:
                place = Place(path, step.statement.line)
                answer, failure = self.sender.alone(_tagged(step), lambda _, place=place: place)  # type: ignore[misc]
                failed = self.error(script, [step], failure, begin=0) if failure else None
            elif failed is None:
                answer, failed = self.build(script, step)
            if failed is None and answer:
                answers.append(answer)
        self.keep([*own_role(self.manifest), RESET, session_sql()], path)
        return answers, failed

    def later(self, script: ScriptPlan, steps: Sequence[Step]) -> StatementError | None:
        """Run steps after the script's own transaction: an index CONCURRENTLY, or a transaction of their own."""
        if steps[0].concurrently:
            failed = self.build(script, steps[0])[1]
            self.keep([RESET, session_sql()], script.script.path)
            return failed
        statements = [*self.begin, *map(_tagged, steps), "commit"]
        _, failure = self.sender.together(lambda: statements, lambda index: self.place(script, steps, index))
        return self.error(script, steps, failure) if failure else None

    def build(self, script: ScriptPlan, step: Step) -> tuple[Reply | None, StatementError | None]:
        """Build an index CONCURRENTLY, and drop what a failure has left of it; the session's settings change."""
        place = Place(script.script.path, step.statement.line)
        answers: list[Reply] = []

        def send() -> Failure | None:
            self.keep(build_settings(self.manifest), place)
            with self.sender.stop.cancellable():
                failure = self.sender.once(_tagged(step), answers, lambda _: place)
            if failure and not isinstance(failure.error, psycopg.errors.DuplicateTable):
                self.drop_leftover(step, place)
            return failure

        failure = self.sender.again(send, lambda _: place)
        failed = self.error(script, [step], failure, begin=0) if failure else None
        return (answers[-1] if answers else None), failed

    def drop_leftover(self, step: Step, place: str) -> None:
        """Drop the index when it is invalid; when that fails too, the next run finds it."""
        index = step.objects[0] if step.objects else None
        if index is None:
            return
        name = qualified_name(index._replace(schema=index.schema or self.manifest.project.schema))
        self.keep([f"set statement_timeout = '{'5s' if self.sender.stop.asked else '1min'}'"], place)
        invalid = f"select from pg_index where indexrelid = to_regclass({literal(name)}) and not indisvalid"
        found: list[Reply] = []
        if self.sender.once(invalid, found, lambda _: place) is None and found[0].count:
            failure = self.sender.once(f"drop index concurrently if exists {name}", [], lambda _: place)
            if failure:
                self.sender.say(f"{place}: the invalid index {name} is left; the next run builds it anew")

    def all_at_once(self, started: Callable[[ScriptPlan], None]) -> Iterator[ScriptResult]:
        """Run all scripts in one transaction."""
        begin = time.monotonic()
        if stuck := next((script for script in self.plan.scripts if script.stuck), None):
            yield from self.none_but(stuck, ScriptResult(stuck, "failed", error=stuck_error(self.manifest, stuck)))
            return
        scripts = [script for script in self.plan.scripts if script.is_run]
        statements: list[str] = [*self.begin, *self.opening]
        starts: list[int] = []
        for script in scripts:
            started(script)
            statements += self.begin[1:]
            starts.append(len(statements))
            statements += [*map(_tagged, script.own_steps), *self.recorded(script)]
        statements += [*end_release(self.manifest, self.plan.release), "commit"]
        answers, failure = self.sender.together(lambda: statements, lambda index: self.name(scripts, starts, index))
        seconds = time.monotonic() - begin
        if failure is None:
            for script in self.plan.scripts:
                own = answers[starts[scripts.index(script)] :] if script in scripts else []
                yield self.ended_well(script, own, seconds) if own else ScriptResult(script, "unchanged")
            return
        place = _range(starts, failure.place)
        if place is None:
            raise self.fatal(failure, statements, "before the scripts")
        failed, error = scripts[place], self.error(scripts[place], scripts[place].own_steps, failure, starts[place])
        if not self.plan.setup:
            self.record(failed, seconds, error)
        yield from self.none_but(failed, ScriptResult(failed, "failed", len(failed.to_send), 0, seconds, (), error))

    def none_but(self, failed: ScriptPlan, result: ScriptResult) -> Iterator[ScriptResult]:
        """Return the results of a transaction of which nothing is left."""
        for script in self.plan.scripts:
            yield result if script is failed else ScriptResult(script, "skipped")

    def name(self, scripts: Sequence[ScriptPlan], starts: Sequence[int], index: int) -> str:
        """Return which of several scripts a statement is of."""
        place = _range(starts, index)
        if place is None:
            return "before the scripts"
        return self.place(scripts[place], scripts[place].own_steps, index, starts[place])

    def keep(self, statements: Sequence[str], place: str) -> None:
        """Send what is not a part of any script; a failure ends the run."""
        failure = self.sender.keep(statements, place)
        if failure:
            raise self.fatal(failure, statements, place)

    def fatal(self, failure: Failure, statements: Sequence[str], place: str) -> StatementError:
        """Return the error of what is not a part of any script."""
        sql, notes = statements[failure.place], notes_on(failure, self.role, "")
        return server_error(failure.error, place=place, sql=sql, notes=notes)

    @property
    def role(self) -> str:
        """The role that the statements are sent by."""
        return self.manifest.run.role or self.sender.connection.info.user

    def record(
        self, script: ScriptPlan, seconds: float, error: StatementError | None = None, *, is_cut_off: bool = False
    ) -> None:
        """Write the history row of a script that has ended, in a transaction of its own.

        One that is cut off has not: what it committed stays, and the next run has to know.
        """
        text, took = str(error) if error else None, literal(round(seconds, 6))
        status: history.HistoryStatus = "started" if is_cut_off else "failed" if error else "applied"
        record = history.record_ended(self.manifest, self.plan.run, script, status, seconds=took, error=text)
        statements = [*self.begin, record, "commit"]
        place = f"history row of {script.script.path}"
        failure = self.sender.keep(statements, place)
        if failure and self.sender.stop.asked:  # the cancel of a signal came late, and met this
            failure = self.sender.keep(statements, place)
        if failure:
            raise error or server_error(failure.error, place=place, sql=record) from failure.error

    def place(self, script: ScriptPlan, steps: Sequence[Step], index: int, begin: int | None = None) -> str:
        """Return where the statement of a transaction stands; `begin` is the index of the first step."""
        number = index - (len(self.begin) if begin is None else begin)
        line = f":{steps[number].statement.line}" if 0 <= number < len(steps) else ""
        return f"{script.script.path}{line}"

    def error(
        self, script: ScriptPlan, steps: Sequence[Step], failure: Failure, begin: int | None = None
    ) -> StatementError:
        """Return what the server said, with its place; `begin` is the index of the first step."""
        index = failure.place - (len(self.begin) if begin is None else begin)
        path = script.script.path
        notes = notes_on(failure, self.role, steps[index].sql if 0 <= index < len(steps) else "")
        notes += tuple(self.places(failure.error, steps[index].statement if 0 <= index < len(steps) else None))
        if not 0 <= index < len(steps):
            when = "before the first" if index < 0 else "after the last"
            sql = f"({when} statement{', at the history row or the commit' if index >= 0 else ''})"
            return server_error(failure.error, place=path, sql=sql, notes=notes)
        step = steps[index]
        prefix = tag(path, step.statement.line)
        if step.sql == step.statement.sql:
            return statement_error(failure.error, script.parsed, step.statement, prefix, notes)
        place = Place(path, step.statement.line)
        return server_error(failure.error, place=place, sql=step.sql, prefix=prefix, notes=notes)

    def places(self, error: psycopg.Error, statement: Statement | None) -> Iterator[str]:
        """Return where in the scripts the lines of PL/pgSQL are that an error came through, or what it did not find."""
        scripts = [script.parsed for script in self.plan.scripts]
        yield from traced(error.diag.context or "", statement, scripts)
        if error.sqlstate == "42P01":  # undefined_table
            yield from made_by(error.diag.message_primary or "", scripts)


def _tagged(step: Step) -> str:
    return tag(step.statement.script, step.statement.line) + step.sql


def _range(starts: Sequence[int], index: int) -> int | None:
    """Return in which of some ranges, told by their starts, an index is; None when it is before the first."""
    return max((place for place, start in enumerate(starts) if start <= index), default=None)
