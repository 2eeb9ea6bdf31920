"""The last line of all that shows a plan: what is known only after a run, and what is not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.data_rows import data_rows_end
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.plan import Planned


def plan_end(planned: Planned, start: str = "") -> str:
    """Return how much the plan does not say, after the start of the line; empty when nothing is to be said."""
    data, uncompared = planned.plan.data_statements, len(planned.declared.uncompared)
    effect = "; the effect is known after apply" if planned.rows is None else f": {data_rows_end(planned.rows)}"
    parts = [
        start,
        f"{count(data, 'data statement')} will run{effect}" if data else "",
        f"{uncompared} not compared" if uncompared else "",
    ]
    return "; ".join(part for part in parts if part)
