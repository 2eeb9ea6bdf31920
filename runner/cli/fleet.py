"""The commands for many databases and schemas: what is done for each, and how it is told."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from runner.errors import InterruptError
from runner.execution.listener import Listener
from runner.fleet.members import found_members, member_opener, said_of
from runner.fleet.pool import Member, MemberOutcome, Work, run_all
from runner.fleet.targets import Where
from runner.pipeline.apply import Request
from runner.pipeline.plan import plan_database
from runner.pipeline.run import run
from runner.pipeline.verify import verify_database
from runner.planning.model import Options
from runner.postgres.cancellation import Cancellation
from runner.report import json_documents
from runner.report.fleet_reporter import FleetReporter
from runner.report.fleet_text import MemberReport
from runner.report.plan_json import plan_json
from runner.verification.older_files import ROLLBACK
from runner.wording import count, with_uncompared

if TYPE_CHECKING:
    from runner.pipeline.apply import ApplyResult
    from runner.pipeline.plan import Planned
    from runner.project.loading import Project
    from runner.report.reporter import Reporter
    from runner.verification.findings import Verification


Result = TypeVar("Result")


def apply_to_many(where: Where, loaded: Project, request: Request, reporter: Reporter) -> int:
    """Apply all scripts to each member; return the exit code."""

    def work(member: Member, stop: Cancellation) -> ApplyResult:
        connect = member_opener(member, where, stop, reporter.say).connect
        return run(connect, member.loaded, request, Listener(say=said_of(member, reporter.say)), stop)

    def told(outcome: MemberOutcome[ApplyResult], result: ApplyResult) -> MemberReport:
        verification = result.verification
        document, findings = json_documents.apply_json(result), verification.findings
        is_quiet = all(script.status == "unchanged" for script in result.scripts)
        is_quiet = is_quiet and not any(late.status == "applied" for late in result.late)
        words = "ahead" if result.plan.older else "unchanged" if is_quiet else "applied"
        hint = ""
        if not verification.ok:
            words = count(len(findings), "finding")
        if not verification.ok and result.plan.older:
            words, hint = f"ahead, {words}", ROLLBACK
        words = with_uncompared(words, verification.not_compared)
        return MemberReport(outcome, verification.ok, words, document, findings, hint)

    return _run(where, loaded, reporter, work, told)


def plan_for_many(where: Where, loaded: Project, asked: Options, reporter: Reporter, *, check: bool) -> int:
    """Plan for each member; return the exit code, which tells with `check` whether something is pending."""

    def work(member: Member, stop: Cancellation) -> Planned:
        with member_opener(member, where, stop, reporter.say).connect() as connection:
            return plan_database(connection, member.loaded, said_of(member, reporter.say), asked)

    def told(outcome: MemberOutcome[Planned], planned: Planned) -> MemberReport:
        plan, left = planned.plan, len(planned.left)
        words = f"{plan.pending} pending" if plan.pending else "nothing pending"
        if plan.older:
            words = f"older than run {plan.older.newest.run}"
        words += f", {left} left unchanged" if left else ""
        words = with_uncompared(words, len(planned.declared.uncompared))
        is_pending = check and not planned.is_done
        return MemberReport(outcome, not is_pending, words, plan_json(planned), is_pending=is_pending)

    return _run(where, loaded, reporter, work, told)


def verify_many(where: Where, loaded: Project, reporter: Reporter, *, strict: bool) -> int:
    """Verify each member; return the exit code."""

    def work(member: Member, stop: Cancellation) -> Verification:
        with member_opener(member, where, stop, reporter.say).connect() as connection:
            return verify_database(connection, member.loaded, said_of(member, reporter.say), strict=strict)

    def told(outcome: MemberOutcome[Verification], result: Verification) -> MemberReport:
        words = "as declared" if result.ok else count(len(result.findings), "finding")
        words = with_uncompared(words, result.not_compared)
        return MemberReport(outcome, result.ok, words, json_documents.verify_json(result), result.findings)

    return _run(where, loaded, reporter, work, told)


def _run(
    where: Where,
    loaded: Project,
    reporter: Reporter,
    work: Work[Result],
    tell: Callable[[MemberOutcome[Result], Result], MemberReport],
) -> int:
    """Do the work for all members, tell how each ended, as it ends, and return the exit code."""
    begin, stop = time.monotonic(), Cancellation()
    all_told: list[MemberReport] = []
    with stop.on_signals(), reporter.progress(), found_members(where, loaded, stop, reporter.say) as (members, failed):
        names = [*(outcome.member.name for outcome in failed), *(member.name for member in members)]
        fleet = FleetReporter(reporter, names)
        fleet.begins(loaded)
        for outcome in chain(failed, run_all(members, work, where.jobs, stop)):
            all_told.append(_told(outcome, tell))
            fleet.member(all_told[-1])
            fleet.stands(all_told, begin)
    fleet.ended(all_told, time.monotonic() - begin)
    if stop.signal is not None:
        return InterruptError(stop.signal).exit_code
    return 0 if all(told.ok for told in all_told) else 1


def _told(
    outcome: MemberOutcome[Result], tell: Callable[[MemberOutcome[Result], Result], MemberReport]
) -> MemberReport:
    if outcome.result is None:
        return MemberReport(outcome, ok=False, words=outcome.status)
    return tell(outcome, outcome.result)
