"""The JSON documents of the commands; `docs/output.md` specifies them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.errors import without_passwords
from runner.report.status_text import pending

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.execution.results import LateResult, ScriptResult
    from runner.lint.diagnostics import Diagnostic
    from runner.lint.linter import Checked
    from runner.pipeline.apply import ApplyResult
    from runner.pipeline.plan import Planned
    from runner.pipeline.upgraded import Outcome, Proof
    from runner.planning.model import LateRepair, Plan
    from runner.sql.uncompared import Uncompared
    from runner.verification.finding import Finding, Remedy
    from runner.verification.findings import Verification


def error_json(error: RunnerError) -> dict[str, Any]:
    """Return an error as a JSON object."""
    document: dict[str, Any] = {
        "place": error.place,
        "line": error.line,
        "column": error.column,
        "message": error.message,
        "notes": list(error.notes),
    }
    server = getattr(error, "server", None)
    if server is not None:
        said = {name: getattr(server, name) for name in ("sqlstate", "detail", "hint", "context")}
        document |= {name: masked(text) for name, text in said.items()}
    return document


def masked(text: str | None) -> str | None:
    """Return a text without passwords."""
    return None if text is None else without_passwords(text)


def apply_json(result: ApplyResult) -> dict[str, Any]:
    """Return the JSON document of `apply`."""
    return {
        "ok": result.verification.ok,
        "run": result.plan.run,
        "older": older_json(result.plan),
        "scripts": [script_json(script) for script in result.scripts],
        "late": [late_json(late) for late in result.late],
        "verify": verify_json(result.verification),
    }


def script_json(result: ScriptResult) -> dict[str, Any]:
    """Return how a script ended as a JSON object."""
    return {
        "path": result.plan.script.path,
        "status": result.status,
        "statements": result.plan.parsed.total,
        "sent": result.sent,
        "rows": result.rows,
        "seconds": round(result.seconds, 6),
        "returned": [
            dict(zip(returned.columns, row, strict=True)) for returned in result.returned for row in returned.rows
        ],
        "error": error_json(result.error) if result.error else None,
    }


def late_json(result: LateResult) -> dict[str, Any]:
    """Return how a late repair ended as a JSON object."""
    return {
        **place_json(result.repair),
        "status": result.status,
        "seconds": round(result.seconds, 6),
        "error": error_json(result.error) if result.error else None,
    }


def place_json(repair: LateRepair) -> dict[str, Any]:
    """Return where the objects of a late repair are declared, and these."""
    return {"script": repair.place.file, "line": repair.place.line, "objects": [str(item) for item in repair.objects]}


def older_json(plan: Plan) -> dict[str, Any] | None:
    """Return what makes the files older than the database as a JSON object."""
    if (older := plan.older) is None:
        return None
    return {
        "run": older.newest.run,
        "identity": older.newest.checksum,
        "lacks": [str(difference.object) for difference in older.lacks],
        "other_data": older.has_other_data,
    }


def release_json(plan: Plan) -> dict[str, Any] | None:
    """Return the release that a run writes down as a JSON object."""
    return {"identity": plan.release.release.identity, "number": plan.release.release.number} if plan.release else None


def verify_json(verification: Verification) -> dict[str, Any]:
    """Return the JSON document of `verify`."""
    return {
        "ok": verification.ok,
        "tables": len(verification.tables),
        "indexes": sum(table.indexes for table in verification.tables),
        "findings": [finding_json(finding) for finding in verification.findings],
        "warnings": [finding_json(finding) for finding in verification.warnings],
        "unmanaged": [finding_json(finding) for finding in verification.unmanaged],
        "accepted": [{**finding_json(finding), "because": finding.because} for finding in verification.accepted],
        "not_compared": uncompared_json(verification.uncompared),
        "other_kinds": dict(sorted(verification.other_kinds.items())),
    }


def uncompared_json(uncompared: Sequence[Uncompared]) -> list[dict[str, Any]]:
    """Return what is declared and was not compared as JSON objects."""
    return [
        {"script": item.script, "objects": list(item.objects), "reason": without_passwords(item.reason)}
        for item in uncompared
    ]


def finding_json(finding: Finding) -> dict[str, Any]:
    """Return a finding as a JSON object."""
    return {
        "kind": finding.kind,
        "object": str(finding.object),
        "declared": masked(finding.declared),
        "actual": masked(finding.actual),
        "repair": _remedy_json(finding.repair) if finding.repair else None,
    }


def _remedy_json(remedy: Remedy) -> dict[str, Any]:
    return {"sql": without_passwords(remedy.sql), "why": remedy.why, "rows": list(remedy.rows)}


def check_json(checked: Checked) -> dict[str, Any]:
    """Return the JSON document of `check`."""
    mappings = checked.field_mappings
    return {
        "ok": checked.ok,
        "scripts": len(checked.scripts),
        "left_out": checked.left_out,
        "statements": sum(script.total for script in checked.scripts),
        "checks": len(checked.checks),
        "tables": sum(item.kind == "table" for item in checked.names),
        "indexes": sum(item.kind == "index" for item in checked.names),
        "mapped_columns": len(mappings.columns) if mappings else 0,
        "squawk": checked.has_squawk,
        "findings": [diagnostic_json(flaw) for flaw in checked.flaws],
    }


def status_json(planned: Planned) -> dict[str, Any]:
    """Return the JSON document of `status`."""
    return {
        "pending": [
            {"script": path, "statements": statements, "reason": reason}
            for path, statements, reason in pending(planned.plan)
        ],
        "left": left_json(planned),
        "data_statements": planned.plan.data_statements,
        "not_compared": uncompared_json(planned.declared.uncompared),
        "older": older_json(planned.plan),
        "releases": [
            {
                "identity": row.identity,
                "number": row.number,
                "profiles": row.profiles.split(",") if row.profiles else [],
                "run": row.run,
                "status": row.status,
                "started": row.started.isoformat(),
                "role": row.role,
            }
            for row in planned.releases
        ],
        "history": [
            {
                "run": entry.run,
                "script": entry.script,
                "status": entry.status,
                "checksum": entry.checksum,
                "statements": entry.statements,
                "started": entry.started.isoformat(),
                "seconds": entry.seconds,
                "role": entry.role,
                "runner_version": entry.runner_version,
                "error": masked(entry.error),
            }
            for entry in planned.entries
        ],
    }


def left_json(planned: Planned) -> list[dict[str, Any]]:
    """Return the differences that the plan does not repair."""
    texts = (
        {"kind": item.kind, "object": str(item.object), "declared": item.declared, "actual": item.instead}
        for item in planned.left
    )
    return [{key: masked(text) for key, text in each.items()} for each in texts]


def upgrade_test_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Return the JSON document of `upgrade-test`."""
    return {
        "ok": all(outcome.ok for outcome in outcomes),
        "tested": sum(outcome.is_tested for outcome in outcomes),
        "releases": [_outcome_json(outcome) for outcome in outcomes],
    }


def _outcome_json(outcome: Outcome) -> dict[str, Any]:
    proofs: tuple[Proof, ...] = ("upgrade", "new", "rows", "again", "older")
    return {
        "release": outcome.earlier.name,
        "commit": outcome.earlier.commit or None,
        "status": "not tested" if not outcome.is_tested else "passed" if outcome.ok else "failed",
        "reason": outcome.reason or None,
        "rows": outcome.rows,
        "seconds": round(outcome.seconds, 6),
        "proofs": {proof: outcome.passed(proof) for proof in proofs},
        "differences": [
            {
                "proof": found.proof,
                "kind": found.kind,
                "object": found.object,
                "expected": found.expected,
                "actual": found.actual,
                "rows": found.rows,
            }
            for found in outcome.deviations
        ],
        "notes": [
            {"kind": note.kind, "object": note.object, "detail": note.detail, "rows": note.rows}
            for note in outcome.notes
        ],
    }


def diagnostic_json(flaw: Diagnostic) -> dict[str, Any]:
    """Return the object of the JSON document."""
    return {
        "rule": flaw.rule,
        "severity": flaw.severity,
        "file": flaw.file,
        "line": flaw.line,
        "column": flaw.column,
        "message": flaw.message,
        "notes": list(flaw.notes),
        "hint": flaw.hint or None,
    }
