"""Results as events of the log: what `--log-format json` writes; `docs/output.md` specifies their fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from runner import documents
from runner.lines import finding_text, progress_text
from runner.log import Event, Level
from runner.summary import run_line, verified_line

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.fleet_report import Told
    from runner.results import ScriptResult, Status
    from runner.stages import ApplyResult
    from runner.verification import Finding, Verification
    from runner.waits import Progress


def error_event(error: RunnerError) -> Event:
    """Return what ended a command."""
    message = f"{error.place}: {error.message}" if error.place else error.message
    return Event("error", message, {"error": documents.error_json(error)})


def script_event(result: ScriptResult) -> Event:
    """Return how a script ended."""
    document = documents.script_json(result)
    path = document.pop("path")
    levels: dict[Status, Level] = {"failed": "error", "skipped": "error"}
    return Event(levels.get(result.status, "info"), f"{path}: {result.status}", {"script": path, **document})


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


def fleet_event(told: Told, document: Mapping[str, Any]) -> Event:
    """Return how the work on a target ended, without the document of its result."""
    fields = {name: value for name, value in document.items() if name != "result"}
    findings = [finding_text(finding) for finding in told.findings if finding.kind != "script"]
    return Event("info" if told.ok else "error", f"{told.name}: {told.words}", fields | {"findings": findings})


def verification_events(verification: Verification, *, verbose: bool) -> Iterator[Event]:
    """Return each finding and each warning, and whether the database is as declared."""
    for finding in verification.findings:
        if finding.kind != "script":  # its script has an event of its own
            yield _finding_event("error", finding)
    for finding in verification.warnings:
        yield _finding_event("warning", finding)
    for finding in verification.unmanaged if verbose else ():
        yield _finding_event("info", finding)
    document = documents.verify_json(verification)
    fields = {"ok": verification.ok, "tables": document["tables"], "indexes": document["indexes"]}
    fields |= {"checks": len(verification.checks), "findings": len(verification.findings)}
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
    return Event(level, message, {"finding": documents.finding_json(finding)})
