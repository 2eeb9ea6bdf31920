"""The commands for many databases and schemas: what is done for each, and how it is told."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from runner.errors import InterruptError
from runner.execution.listener import Listener
from runner.fleet.members import found_members, member_opener, said_of
from runner.fleet.pool import Pool
from runner.fleet.processes import carrying, number_of_processes
from runner.fleet.targets import Where
from runner.fleet.work import Member, Work
from runner.pipeline.apply import Request
from runner.pipeline.plan import plan_database
from runner.pipeline.run import run
from runner.pipeline.verify import verify_database
from runner.planning.model import Options
from runner.postgres.cancellation import Cancellation
from runner.postgres.target import Say
from runner.report import json_documents
from runner.report.fleet_reporter import FleetReporter
from runner.report.fleet_text import MemberReport, MemberResult
from runner.report.plan_json import plan_json
from runner.verification.older_files import ROLLBACK
from runner.wording import count, with_uncompared

if TYPE_CHECKING:
    from runner.pipeline.apply import ApplyResult
    from runner.project.loading import Project
    from runner.report.reporter import Reporter


def apply_to_many(where: Where, loaded: Project, request: Request, reporter: Reporter) -> int:
    """Apply all scripts to each member; return the exit code."""
    return _run(where, loaded, reporter, partial(_apply, where.wait, request))


def plan_for_many(where: Where, loaded: Project, asked: Options, reporter: Reporter, *, check: bool) -> int:
    """Plan for each member; return the exit code, which tells with `check` whether something is pending."""
    return _run(where, loaded, reporter, partial(_plan, where.wait, asked, check))


def verify_many(where: Where, loaded: Project, reporter: Reporter, *, strict: bool) -> int:
    """Verify each member; return the exit code."""
    return _run(where, loaded, reporter, partial(_verify, where.wait, strict))


def _apply(wait: float, request: Request, member: Member, stop: Cancellation, say: Say) -> MemberResult:
    connect = member_opener(member, wait, stop, say).connect
    result = run(connect, member.loaded, request, Listener(say=said_of(member, say)), stop)
    verification = result.verification
    words, hint = "ahead" if result.plan.older else "unchanged" if _is_quiet(result) else "applied", ""
    if not verification.ok:
        words = count(len(verification.findings), "finding")
    if not verification.ok and result.plan.older:
        words, hint = f"ahead, {words}", ROLLBACK
    words = with_uncompared(words, verification.not_compared)
    return MemberResult(verification.ok, words, json_documents.apply_json(result), verification.findings, hint)


def _is_quiet(result: ApplyResult) -> bool:
    """Return whether a run has changed nothing."""
    is_quiet = all(script.status == "unchanged" for script in result.scripts)
    return is_quiet and not any(late.status == "applied" for late in result.late)


def _plan(
    wait: float,
    asked: Options,
    check: bool,  # noqa: FBT001
    member: Member,
    stop: Cancellation,
    say: Say,
) -> MemberResult:
    with member_opener(member, wait, stop, say).connect() as connection:
        planned = plan_database(connection, member.loaded, said_of(member, say), asked)
    plan, left = planned.plan, len(planned.left)
    words = f"{plan.pending} pending" if plan.pending else "nothing pending"
    if plan.older:
        words = f"older than run {plan.older.newest.run}"
    words += f", {left} left unchanged" if left else ""
    words = with_uncompared(words, len(planned.declared.uncompared))
    is_pending = check and not planned.is_done
    return MemberResult(not is_pending, words, plan_json(planned), is_pending=is_pending)


def _verify(wait: float, strict: bool, member: Member, stop: Cancellation, say: Say) -> MemberResult:  # noqa: FBT001
    with member_opener(member, wait, stop, say).connect() as connection:
        result = verify_database(connection, member.loaded, said_of(member, say), strict=strict)
    words = "as declared" if result.ok else count(len(result.findings), "finding")
    words = with_uncompared(words, result.not_compared)
    return MemberResult(result.ok, words, json_documents.verify_json(result), result.findings)


def _run(where: Where, loaded: Project, reporter: Reporter, work: Work[MemberResult]) -> int:
    """Do the work for all members, tell how each ended, as it ends, and return the exit code."""
    begin, stop = time.monotonic(), Cancellation()
    all_told: list[MemberReport] = []
    with stop.on_signals(), reporter.progress(), found_members(where, loaded, stop, reporter.say) as (members, failed):
        fleet = FleetReporter(reporter, [member.name for member in members])
        fleet.begins(loaded)
        processes = number_of_processes(len(members), where.jobs)
        with carrying(members, work, where.jobs, reporter.say, processes) as carry:
            pool = Pool(members, carry, where.limits, stop, failed)
            for outcome in pool.outcomes():
                all_told.append(MemberReport(outcome))
                fleet.member(all_told[-1])
                fleet.stands(all_told, begin)
    fleet.ended(all_told, time.monotonic() - begin, pool.halt)
    if stop.signal is not None:
        return InterruptError(stop.signal).exit_code
    return 0 if all(told.result.ok for told in all_told) else 1
