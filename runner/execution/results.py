"""How scripts ended, and the rows that they returned, as values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from runner.errors import RunnerError
from runner.execution.sender import Answer
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


def ended_well(script: ScriptPlan, answers: Sequence[Answer], seconds: float) -> ScriptResult:
    """Return the result of a script; it is unchanged when the history got no row for it."""
    rows, returned = _results(
        [(send.step, reply) for send, reply in answers if send.step and not send.step.transaction]
    )
    is_recorded = any(send.label == "row" and reply.count > 0 for send, reply in answers)
    status: ScriptStatus = "applied" if is_recorded else "unchanged"
    return ScriptResult(script, status, len(script.to_send), rows, seconds, returned)


def _results(answers: Sequence[tuple[Step, Reply]]) -> tuple[int, tuple[Returned, ...]]:
    written, returned = 0, []
    for step, reply in answers:
        command = (reply.status or "").split(" ")[0]
        if command in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            written += max(reply.count, 0)
        if reply.columns is not None:
            returned.append(Returned(step.statement.line, reply.columns, reply.rows))
    return written, tuple(returned)
