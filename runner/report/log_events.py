"""Results as events of the log: what `--log-format json` writes; `docs/output.md` specifies their fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import without_passwords
from runner.report import json_documents
from runner.report.log import Event, Level
from runner.report.progress_text import progress_text
from runner.report.run_text import run_line
from runner.report.verification_text import other_kinds_lines, verified_line
from runner.verification.finding import finding_text

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.execution.results import LateResult, ScriptResult, ScriptStatus
    from runner.pipeline.apply import ApplyResult
    from runner.postgres.monitor import Progress
    from runner.report.fleet_text import MemberReport
    from runner.verification.finding import Finding
    from runner.verification.findings import Verification


def error_event(error: RunnerError) -> Event:
    """Return what ended a command."""
    message = f"{error.place}: {error.message}" if error.place else error.message
    return Event("error", message, {"error": json_documents.error_json(error)})


def script_event(result: ScriptResult) -> Event:
    """Return how a script ended."""
    document = json_documents.script_json(result)
    path = document.pop("path")
    levels: dict[ScriptStatus, Level] = {"failed": "error", "skipped": "error"}
    return Event(levels.get(result.status, "info"), f"{path}: {result.status}", {"script": path, **document})


def late_event(result: LateResult) -> Event:
    """Return how a late repair ended."""
    fields = json_documents.late_json(result)
    level: Level = "error" if result.status in ("failed", "skipped") else "info"
    return Event(level, f"{result.repair.place}: {result.status} after the scripts", fields)


def progress_event(progress: Progress) -> Event:
    """Return how far a statement is."""
    fields = {
        "script": progress.script,
        "line": progress.line,
        "seconds": round(progress.seconds, 3),
        "phase": progress.phase,
        "percent": progress.percent,
        "waits_for": [str(blocker) for blocker in progress.blockers],
    }
    return Event("info", progress_text(progress), fields)


def fleet_event(told: MemberReport, document: Mapping[str, Any]) -> Event:
    """Return how the work on a target ended, without the document of its result."""
    fields = {name: value for name, value in document.items() if name != "result"}
    findings = [
        without_passwords(finding_text(finding)) for finding in told.result.findings if finding.kind != "script"
    ]
    return Event(
        "info" if told.result.ok else "error", f"{told.name}: {told.result.words}", fields | {"findings": findings}
    )


def verification_events(verification: Verification, *, verbose: bool) -> Iterator[Event]:
    """Return each finding and each warning, and whether the database is as declared."""
    for finding in verification.findings:
        if finding.kind != "script":  # its script has an event of its own
            yield _finding_event("error", finding)
    for finding in verification.warnings:
        yield _finding_event("warning", finding)
    for finding in verification.accepted:
        yield Event("info", f"accepted: {finding_text(finding)}", {"accepted": json_documents.finding_json(finding)})
    for item, document in zip(
        verification.uncompared, json_documents.uncompared_json(verification.uncompared), strict=True
    ):
        yield Event("warning", str(item), {"not_compared": document})
    for line in other_kinds_lines(verification.other_kinds):
        yield Event("warning", line.text, {"other_kinds": dict(verification.other_kinds)})
    for finding in verification.unmanaged if verbose else ():
        yield _finding_event("info", finding)
    document = json_documents.verify_json(verification)
    fields = {"ok": verification.ok, "tables": document["tables"], "indexes": document["indexes"]}
    fields |= {"checks": len(verification.checks), "findings": len(verification.findings)}
    fields |= {"not_compared": verification.not_compared}
    yield Event("info" if verification.ok else "error", verified_line(verification).text, fields)


def run_event(result: ApplyResult, seconds: float) -> Event:
    """Return what a run did."""
    counts = Counter(script.status for script in result.scripts)
    fields: dict[str, object] = {"run": result.plan.run, "seconds": round(seconds, 3)}
    fields |= {status: counts[status] for status in ("applied", "unchanged", "failed", "skipped")}
    sent = sum(script.sent for script in result.scripts)
    return Event("info", run_line(result, seconds).text, fields | {"sent": sent})


def _finding_event(level: Level, finding: Finding) -> Event:
    is_row = finding.kind == "check" and finding.declared
    message = f"check: {finding.declared}: {finding.actual}" if is_row else finding_text(finding)
    return Event(level, message, {"finding": json_documents.finding_json(finding)})
