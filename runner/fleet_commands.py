"""The commands for many databases and schemas: what is done for each, and how it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from runner import documents, stages
from runner.errors import InterruptError
from runner.execute import Listener
from runner.fleet import Member, Outcome, Work, run_all
from runner.fleet_members import connected, found_members, said_of
from runner.fleet_report import Told
from runner.lines import count
from runner.run import Request, run
from runner.stop import Stop
from runner.targets import Where

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.loaded import Loaded
    from runner.plans import Plan
    from runner.report import Reporter
    from runner.stages import ApplyResult
    from runner.verification import Verification

Result = TypeVar("Result")


def apply_to_many(where: Where, loaded: Loaded, request: Request, reporter: Reporter) -> int:
    """Apply all scripts to each member; return the exit code."""

    def work(member: Member, stop: Stop) -> ApplyResult:
        def connect() -> AbstractContextManager[Connection[Any]]:
            return connected(member, where, stop, reporter.say)

        return run(connect, member.loaded, request, Listener(say=said_of(member, reporter.say)), stop)

    def told(outcome: Outcome[ApplyResult], result: ApplyResult) -> Told:
        verification = result.verification
        is_quiet = all(script.status == "unchanged" for script in result.scripts)
        words = "unchanged" if is_quiet else "applied"
        if not verification.ok:
            words = count(len(verification.findings), "finding")
        return Told(outcome, verification.ok, words, documents.apply_json(result), verification.findings)

    return _run(where, loaded, reporter, work, told)


def plan_for_many(where: Where, loaded: Loaded, reporter: Reporter, *, check: bool) -> int:
    """Plan for each member; return the exit code, which tells with `check` whether something is pending."""

    def work(member: Member, stop: Stop) -> Plan:
        with connected(member, where, stop, reporter.say) as connection:
            return stages.plan(connection, member.loaded, said_of(member, reporter.say)).plan

    def told(outcome: Outcome[Plan], plan: Plan) -> Told:
        words = f"{plan.pending} pending" if plan.pending else "nothing pending"
        is_pending = check and plan.pending > 0
        return Told(outcome, not is_pending, words, documents.plan_json(plan), is_pending=is_pending)

    return _run(where, loaded, reporter, work, told)


def verify_many(where: Where, loaded: Loaded, reporter: Reporter) -> int:
    """Verify each member; return the exit code."""

    def work(member: Member, stop: Stop) -> Verification:
        with connected(member, where, stop, reporter.say) as connection:
            return stages.verify(connection, member.loaded, said_of(member, reporter.say))

    def told(outcome: Outcome[Verification], result: Verification) -> Told:
        words = "as declared" if result.ok else count(len(result.findings), "finding")
        return Told(outcome, result.ok, words, documents.verify_json(result), result.findings)

    return _run(where, loaded, reporter, work, told)


def _run(
    where: Where,
    loaded: Loaded,
    reporter: Reporter,
    work: Work[Result],
    tell: Callable[[Outcome[Result], Result], Told],
) -> int:
    """Do the work for all members, tell how each ended, as it ends, and return the exit code."""
    begin, stop = time.monotonic(), Stop()
    all_told: list[Told] = []
    with stop.on_signals(), reporter.progress(), found_members(where, loaded, stop, reporter.say) as (members, failed):
        names = [*(outcome.member.name for outcome in failed), *(member.name for member in members)]
        width = max(map(len, names))
        reporter.fleet_begins(loaded, names, width)
        for outcome in chain(failed, run_all(members, work, where.jobs, stop)):
            all_told.append(_told(outcome, tell))
            reporter.fleet_member(all_told[-1], width)
            reporter.fleet_stands(all_told, len(names), begin)
    reporter.fleet_ended(all_told, time.monotonic() - begin)
    if stop.signal is not None:
        return InterruptError(stop.signal).exit_code
    return 0 if all(told.ok for told in all_told) else 1


def _told(outcome: Outcome[Result], tell: Callable[[Outcome[Result], Result], Told]) -> Told:
    if outcome.result is None:
        return Told(outcome, ok=False, words=outcome.status)
    return tell(outcome, outcome.result)
