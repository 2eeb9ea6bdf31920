"""A difference, and the SQL that mends it: run as a step of the plan where that is safe, else told with the reason.

Nothing here drops a table or a column, narrows a type, or touches a row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from runner.catalog.column_definitions import column_type
from runner.catalog.diff import Difference
from runner.catalog.index_definitions import is_plain_index
from runner.repair import (
    access,
    columns,
    constraints,
    definitions,
    domains,
    event_triggers,
    extensions,
    foreign_servers,
    functions,
    indexes,
    policies,
    publications,
    rules,
    sequences,
    statistics,
    subscriptions,
    tables,
    tablespaces,
    triggers,
    types,
    views,
)
from runner.repair.context import Context
from runner.repair.proposal import Proposal, alter, owner, proposal
from runner.sql.objects import DEFINED, FOREIGN, PRESENT, Object, qualified_name, stands_in
from runner.sql.quoting import identifier
from runner.sql.respelling import words

Proposals = Mapping[Object, tuple[Proposal, ...]]
_Repair = Callable[[Context, Difference, Object], Iterator[Proposal]]
_REPAIRS: Mapping[tuple[str, str], _Repair] = {
    (kind, what): getattr(module, what)
    for kind, module in (("column", columns), ("constraint", constraints), ("index", indexes))
    for what in ("missing", "different", "extra")
} | {
    ("type", "different"): types.different,
    ("domain", "different"): domains.different,
    ("sequence", "different"): sequences.different,
    ("table", "different"): tables.different,
    ("view", "different"): views.different,
    ("materialized view", "different"): views.computed,
    ("function", "different"): functions.different,
    ("trigger", "different"): triggers.different,
    ("rule", "different"): rules.different,
    ("policy", "different"): policies.different,
    ("extension", "different"): extensions.different,
    ("event trigger", "different"): event_triggers.different,
    ("statistics", "different"): statistics.different,
    **{(kind, "different"): definitions.different for kind in DEFINED},
    **{(kind, "different"): foreign_servers.different for kind in FOREIGN},
    ("publication", "different"): publications.changed,
    ("subscription", "different"): subscriptions.different,
    ("publication table", "missing"): publications.missing,
    ("publication table", "different"): publications.different,
    ("publication schema", "missing"): publications.missing,
}
_WORDS = {"missing": "missing", "different": "different", "invalid": "different", "rejecting": "extra"}


def propose(context: Context, differences: Sequence[Difference]) -> Proposals:
    """Return what mends each difference of a column, a constraint or an index; rows are looked at where they count.

    Raise psycopg.Error when the connection is lost.
    """
    undeclared = [item for item in differences if item.declared is None]
    undeclared.sort(key=lambda item: stands_in(item.object))
    found = {item.object: tuple(_of(context, item)) for item in differences if item.declared is not None}
    used = dict(use for proposals in found.values() for made in proposals for use in made.uses)
    found |= {item.object: tuple(_of_undeclared(context, item, used)) for item in undeclared}
    stays = {item.object: item for item in differences if _keeps_its_type(item, found.get(item.object, ()))}
    return {item: _consistent(item, proposals, stays) for item, proposals in found.items() if proposals}


def _keeps_its_type(item: Difference, proposals: Sequence[Proposal]) -> bool:
    """Return whether a column has another type than declared, and keeps it."""
    if item.object.kind != "column" or item.declared is None or item.actual is None:
        return False
    return column_type(item.declared) != column_type(item.actual) and any(proposal.blocked_by for proposal in proposals)


def _consistent(item: Object, proposals: Sequence[Proposal], stays: Collection[Object]) -> tuple[Proposal, ...]:
    """Return the proposals, not to be run where a column that keeps its type makes them futile.

    PostgreSQL's words for a constraint or an index follow the type, and so may what an index can be made with.
    """
    columns = [column for column in stays if (column.schema, column.table) == (item.schema, item.table)]
    if item.kind not in ("constraint", "index"):
        return tuple(proposals)
    return tuple(_checked(made, columns) for made in proposals)


def _checked(made: Proposal, columns: Sequence[Object]) -> Proposal:
    mentioned = words(made.becomes or "")
    column = next((column for column in columns if identifier(column.name) in mentioned), None)
    follows = made.problem == "differs" or (made.object.kind == "index" and not is_plain_index(made.becomes or ""))
    if column is None or not follows or (made.blocked_by and not made.late):
        return made
    blocked_by = made.blocked_by or f"{column} keeps its type"
    return replace(made, blocked_by=blocked_by, late=None, is_script_statement=False)


def _of(context: Context, item: Difference) -> Iterator[Proposal]:
    repair = _REPAIRS.get((item.object.kind, _WORDS.get(item.kind, "")))
    if item.kind == "missing" and context.is_left(owner(item.object)):
        return  # it has it as a part of the other one's, and keeps it
    repair = access.brought if item.object.is_access else repair
    if item.object.is_tablespace and item.kind == "different":
        repair = tablespaces.different
    if repair and item.declared != PRESENT:
        yield from map(context.judged, repair(context, item, owner(item.object)))


def _of_undeclared(context: Context, item: Difference, used: Mapping[Object, str]) -> Iterable[Proposal]:
    """Return what removes an object that nobody declares, unless the repair of a declared one goes on with it."""
    if stands_in(item.object):
        return () if item.object in used else (context.judged(_leftover(item)),)
    if item.kind != "rejecting" or item.object not in used:
        return _of(context, item)
    return (proposal(item, "used", now=(used[item.object],), blocked_by="the repair of another object uses it"),)


def _leftover(item: Difference) -> Proposal:
    """Remove what a run that was cut off has left."""
    detail = "left by a run that was cut off"
    if item.object.kind == "index":
        return proposal(item, "not declared", detail, becomes=None, now=(f"drop index {qualified_name(item.object)}",))
    drops = alter(owner(item.object), [f"drop constraint if exists {identifier(item.object.name)}"])
    return proposal(item, "not declared", detail, becomes=None, first=((drops,),))
