"""How scripts ended, and the rows that they returned, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from runner.errors import RunnerError
from runner.planning.model import ScriptPlan, Step
from runner.postgres.replies import Reply

ScriptStatus = Literal["applied", "unchanged", "failed", "skipped"]


class Returned(Struct, frozen=True):
    """The rows that a statement of a script returned, for people: column names, and values as text."""

    line: int
    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]


class ScriptResult(Struct, frozen=True):
    """How a script ended; `sent` counts statements, `rows` the rows written, `seconds` the whole script."""

    plan: ScriptPlan
    status: ScriptStatus
    sent: int = 0
    rows: int = 0
    seconds: float = 0.0
    returned: tuple[Returned, ...] = ()
    error: RunnerError | None = None


def ended_well(script: ScriptPlan, answers: Sequence[Reply], seconds: float, *, is_recorded: bool) -> ScriptResult:
    """Return the result of a script; `answers` begin with those to its own steps.

    `is_recorded` tells whether the history has a row for it.
    """
    own = script.own_steps
    rows, returned = _results(own, answers[: len(own)])
    status: ScriptStatus = "applied" if is_recorded else "unchanged"
    return ScriptResult(script, status, len(script.to_send), rows, seconds, returned)


def _results(steps: Sequence[Step], answers: Sequence[Reply]) -> tuple[int, tuple[Returned, ...]]:
    written, returned = 0, []
    for step, answer in zip(steps, answers, strict=True):
        command = (answer.status or "").split(" ")[0]
        if command in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            written += max(answer.count, 0)
        if answer.columns is not None:
            returned.append(Returned(step.statement.line, answer.columns, answer.rows))
    return written, tuple(returned)
