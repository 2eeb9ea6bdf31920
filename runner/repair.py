"""A difference, and the SQL that mends it: run as a step of the plan where that is safe, else told with the reason.

Nothing here drops a table or a column, narrows a type, or touches a row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from runner import column_repairs, constraint_repairs, index_repairs
from runner.catalog import Difference
from runner.objects import PRESENT, Object
from runner.proposals import RESERVED, Context, Proposal, name_of, proposal
from runner.quote import identifier

Proposals = Mapping[Object, tuple[Proposal, ...]]
_Repair = Callable[[Context, Difference, Object], Iterator[Proposal]]
_REPAIRS: Mapping[tuple[str, str], _Repair] = {
    (kind, what): getattr(module, what)
    for kind, module in (("column", column_repairs), ("constraint", constraint_repairs), ("index", index_repairs))
    for what in ("missing", "different", "extra")
}
_WORDS = {"missing": "missing", "different": "different", "invalid": "different", "rejecting": "extra"}


def propose(context: Context, differences: Sequence[Difference]) -> Proposals:
    """Return what mends each difference of a column, a constraint or an index; rows are looked at where they count.

    Raise psycopg.Error when the connection is lost.
    """
    found = {item.object: tuple(_of(context, item)) for item in differences if not _is_helper(item)}
    for item in differences:
        if _is_helper(item) and item.object not in context.used:
            found[item.object] = (context.judged(_leftover(item)),)
    return {item: proposals for item, proposals in found.items() if proposals}


def _of(context: Context, item: Difference) -> Iterator[Proposal]:
    repair = _REPAIRS.get((item.object.kind, _WORDS.get(item.kind, "")))
    if repair and item.declared != PRESENT:
        table = Object("table", item.object.table, "", item.object.schema)
        yield from map(context.judged, repair(context, item, table))


def _is_helper(item: Difference) -> bool:
    return (
        item.declared is None and item.object.name.startswith(RESERVED) and item.object.kind in ("index", "constraint")
    )


def _leftover(item: Difference) -> Proposal:
    """Remove what a run that was cut off has left."""
    detail = "left by a run that was cut off"
    if item.object.kind == "index":
        return proposal(item, "not declared", detail, becomes=None, now=(f"drop index {name_of(item.object)}",))
    clauses = (f"drop constraint {identifier(item.object.name)}",)
    return proposal(item, "not declared", detail, becomes=None, clauses=clauses)
