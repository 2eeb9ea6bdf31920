"""Where in the scripts a difference is repaired: at the statement that declares the object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from runner.catalog.constraint_definitions import check_expression, is_foreign_key
from runner.catalog.definitions import words
from runner.repair.proposal import Proposal
from runner.repair.propose import Proposals
from runner.sql.objects import Object
from runner.sql.quoting import identifier
from runner.sql.simulation import resolved
from runner.sql.statements import Script, Statement, effects_in


def places(proposals: Proposals, scripts: Sequence[Script]) -> Mapping[tuple[str, int], Sequence[Proposal]]:
    """Return the proposals by the key of the statement at which they are made, in the order of their dependence.

    That is the first that makes the object when it is missing, or an index, else the last that changes it. What no
    statement names has its place where its table is made: an undeclared constraint, or a CHECK without a name, which
    waits for the columns in it.
    """
    if not proposals:
        return {}
    makers, changers = _makers(scripts)
    found: dict[tuple[str, int], list[Proposal]] = {}
    for item, several in proposals.items():
        table = Object("table", item.table, "", item.schema)
        first, second = (makers, changers) if several[0].problem == "missing" else (changers, makers)
        statement = first.get(item) or second.get(item) or _below(item, makers) or makers.get(table)
        if statement is not None:
            found.setdefault(statement.key, []).extend(several)
    return {place: sorted(several, key=_rank) for place, several in found.items()}


def _makers(scripts: Sequence[Script]) -> tuple[dict[Object, Statement], dict[Object, Statement]]:
    makers: dict[Object, Statement] = {}
    changers: dict[Object, Statement] = {}
    for statement, effect in effects_in(scripts):
        if effect.action == "create":
            makers.setdefault(effect.object, statement)
        elif effect.action in ("set", "change") and (item := resolved(effect, makers).object).kind != "index":
            changers[item] = statement
    return makers, changers


def _below(item: Object, makers: Mapping[Object, Statement]) -> Statement | None:
    """Return the last statement that makes a column which an unnamed CHECK mentions."""
    if item.kind != "constraint" or not check_expression(item.name):
        return None
    named = words(item.name)
    mentioned = [
        statement
        for column, statement in makers.items()
        if column.kind == "column"
        and (column.schema, column.table) == (item.schema, item.table)
        and identifier(column.name) in named
    ]
    return max(mentioned, key=lambda statement: statement.key, default=None)


def _rank(proposal: Proposal) -> tuple[bool, int]:
    """Rank what is removed first, then columns, then what is about columns; keys before what refers to them."""
    stays = proposal.becomes is not None
    order = {"column": 0, "index": 1, "constraint": 2}
    refers = proposal.object.kind == "constraint" and is_foreign_key(proposal.becomes or "")
    return stays, order[proposal.object.kind] + refers
