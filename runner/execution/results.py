"""How scripts ended, and the rows that they returned, as values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct

from runner.errors import RunnerError
from runner.execution.schedule import Send
from runner.planning.model import LateRepair, ScriptPlan
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


class LateResult(Struct, frozen=True):
    """How a late repair ended: `left` is one that rows still block."""

    repair: LateRepair
    status: Literal["applied", "left", "failed", "skipped"]
    seconds: float = 0.0
    error: RunnerError | None = None


Result: TypeAlias = ScriptResult | LateResult
Answer = tuple[Send, Reply]


def ended_well(script: ScriptPlan, answers: Iterable[Answer], seconds: float) -> ScriptResult:
    """Return the result of a script; it is unchanged when the history got no row for it."""
    written, returned, is_recorded = 0, [], False
    for send, reply in answers:
        if send.step and not send.step.transaction:
            written += _written(reply)
            if reply.columns is not None:
                returned.append(Returned(send.step.statement.line, reply.columns, reply.rows))
        is_recorded = is_recorded or (send.label == "row" and reply.count > 0)
    status: ScriptStatus = "applied" if is_recorded else "unchanged"
    return ScriptResult(script, status, len(script.to_send), written, seconds, tuple(returned))


def _written(reply: Reply) -> int:
    """Return how many rows a statement has written."""
    command = (reply.status or "").split(" ")[0]
    return max(reply.count, 0) if command in ("INSERT", "UPDATE", "DELETE", "MERGE") else 0
