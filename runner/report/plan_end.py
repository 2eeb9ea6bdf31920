"""The last line of all that shows a plan: what is known only after a run, and what is not compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runner.report.data_rows import data_rows_end
from runner.report.line import Line
from runner.wording import count

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from runner.pipeline.plan import Planned
    from runner.sql.objects import Object

_MOST_LEFT = 20


def left_words(planned: Planned) -> str:
    """Return how many differences the plan does not repair; empty when it repairs all."""
    return f"{count(len(planned.left), 'difference')} left unchanged: apply will exit 1" if planned.left else ""


def left_lines(planned: Planned, shown: Collection[Object] = ()) -> Iterator[Line]:
    """Return the differences that are left unchanged, but for those shown already."""
    for difference in [each for each in planned.left if each.object not in shown][:_MOST_LEFT]:
        definitions = f": declared {difference.declared!r}, actual {difference.actual!r}"
        why = f": {difference.namesake} has its name" if difference.namesake else ""
        more = definitions if difference.kind == "different" else why
        yield Line(f"left unchanged: {difference.kind}: {difference.object}{more}", "red")


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
