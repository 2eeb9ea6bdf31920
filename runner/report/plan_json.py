"""The JSON document of the command `plan`; `docs/output.md` specifies it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from runner.errors import without_passwords
from runner.report.data_rows import data_rows_json
from runner.report.json_documents import left_json, older_json, place_json, release_json, uncompared_json

if TYPE_CHECKING:
    from runner.pipeline.plan import Planned
    from runner.planning.model import LateRepair, ScriptPlan, Step


def plan_json(planned: Planned) -> dict[str, Any]:
    """Return the JSON document of `plan`."""
    plan = planned.plan
    return {
        "hash": plan.hash,
        "pending": plan.pending,
        "refused": len(plan.refused),
        "allowed": list(plan.allowed),
        "data_statements": plan.data_statements,
        "rows": data_rows_json(planned.rows),
        "left": left_json(planned),
        "not_compared": uncompared_json(planned.declared.uncompared),
        "older": older_json(plan),
        "release": release_json(plan),
        "setup": list(plan.setup),
        "steps": _steps_json(plan.scripts),
        "late": [_late_json(repair) for repair in plan.late],
        "forecast": _steps_json(plan.all_scripts[len(plan.scripts) :]) if plan.forecast else None,
    }


def _late_json(repair: LateRepair) -> dict[str, Any]:
    steps = [
        {
            "sql": without_passwords(step.sql),
            "transaction": step.transaction,
            "locks": locks_json(step),
            "hazards": hazards_json(step),
        }
        for step in repair.steps
    ]
    return {
        **place_json(repair),
        "reason": str(repair.reason),
        "is_blocked": repair.is_blocked,
        "steps": steps,
    }


def _steps_json(scripts: Sequence[ScriptPlan]) -> list[dict[str, Any]]:
    return [
        {
            "script": script.script.path,
            "line": step.statement.line,
            "action": step.action,
            "objects": [str(item) for item in step.objects],
            "reason": str(step.reason),
            "sql": without_passwords(step.sql),
            "transaction": step.transaction,
            "locks": locks_json(step),
            "hazards": hazards_json(step),
        }
        for script in scripts
        for step in script.steps
    ]


def locks_json(step: Step) -> list[dict[str, Any]]:
    """Return what a step locks as JSON objects."""
    return [
        {"lock": lock.level, "relation": str(lock.relation), "rows": lock.rows or None, "size": lock.size}
        for lock in step.locks
    ]


def hazards_json(step: Step) -> list[dict[str, Any]]:
    """Return the hazards of a step as JSON objects."""
    return [
        {
            "type": hazard.kind,
            "object": str(hazard.item) if hazard.item else None,
            "message": str(hazard),
            "rows": hazard.rows,
            "size": hazard.size,
            "refused": hazard.is_refused,
        }
        for hazard in step.hazards
    ]
