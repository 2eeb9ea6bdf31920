"""Where in the program a difference is repaired: at the statement that declares the object."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from runner.catalog.constraint_definitions import check_expression, is_foreign_key, key_definition
from runner.catalog.definitions import names, unquoted
from runner.catalog.index_definitions import unique_index_definition
from runner.planning.aims import Aim, Place
from runner.planning.translation import Translation
from runner.repair.proposal import Proposal
from runner.repair.propose import Proposals
from runner.sql.objects import DEFINED, Facts, Object
from runner.sql.quoting import identifier
from runner.sql.respelling import words

Position = int


def places_of_repairs(
    proposals: Proposals, places: Sequence[Place], goal: Facts
) -> Mapping[tuple[str, int], Sequence[Proposal]]:
    """Return the proposals by the key of the statement at which they are made, in the order of their dependence.

    That is the first that makes the object when it is missing or made again, an index, or repaired before its script,
    else the last that changes it; a column's NOT NULL comes no later than the primary key that needs it. What no
    statement names has its place where its table is made: an undeclared constraint, or a CHECK without a name, which
    waits for the columns in it. Privileges are taken where all that are given on the object have been given.
    """
    if not proposals:
        return {}
    makers, changers = _makers(places, goal)
    positions: dict[Object, Position] = {}
    for item, several in proposals.items():
        table = Object("table", item.table, "", item.schema)
        subject = item.subject
        is_early = several[0].problem == "missing" or several[0].instead or (several[0].first and item.kind == "type")
        first, second = (makers, changers) if is_early else (changers, makers)
        candidates = (first.get(item), second.get(item), _below(item, makers), makers.get(subject), makers.get(table))
        position = next((position for position in candidates if position is not None), None)
        if position is None and item.is_access:
            position = max((place for place, one in enumerate(places) if one.flow.runs), default=None)
        if position is not None:
            positions[item] = max(position, _last_given(several, changers, position))
    for column, position in (*_needed_by_keys(proposals, positions), *_needed_by_taken(proposals, places, goal)):
        positions[column] = min(position, positions.get(column, position))
    found: dict[Position, list[Proposal]] = {}
    for item, position in positions.items():
        found.setdefault(position, []).extend(proposals[item])
    return {places[position].flow.statement.key: sorted(several, key=_rank) for position, several in found.items()}


def _last_given(several: Sequence[Proposal], changers: Mapping[Object, Position], otherwise: Position) -> Position:
    """Return where the last privilege on an object, or on its columns, is given: nothing is taken before."""
    item = several[0].object
    if not item.is_access or all(made.problem != "not declared" for made in several):
        return otherwise
    name = (item.schema, item.table or item.name)
    own = (
        at for other, at in changers.items() if other.is_access and (other.schema, other.table or other.name) == name
    )
    return max(own, default=otherwise)


def _needed_by_keys(proposals: Proposals, positions: Mapping[Object, Position]) -> Iterator[tuple[Object, Position]]:
    """Yield the columns whose NOT NULL a primary key needs to be added without a scan, and where it is added."""
    for item, position in positions.items():
        key = key_definition(proposals[item][0].becomes or "") if item.kind == "constraint" else None
        for name in key.names if key and key.primary else ():
            column = item._replace(kind="column", name=unquoted(name))
            if column in positions and not any(made.analyze for made in proposals[column]):
                yield column, position


def _needed_by_taken(proposals: Proposals, places: Sequence[Place], goal: Facts) -> Iterator[tuple[Object, Position]]:
    """Yield the columns whose NOT NULL a key needs that a statement makes of an index, and where that is."""
    for position, place in enumerate(places):
        for index in (aim.effect.object for aim in place.aims if place.takes and aim.effect.action == "take"):
            shape = unique_index_definition(goal.get(index, "")) if index.kind == "index" else None
            for name in names(shape.keys) if shape else ():
                column = index._replace(kind="column", name=unquoted(name))
                if any(made.first for made in proposals.get(column, ())):
                    yield column, position


def altered_in_place(repairs: Mapping[tuple[str, int], Sequence[Proposal]]) -> frozenset[Object]:
    """Return what gets its whole definition in its place: no other statement changes a part of that before."""
    made = (made for proposals in repairs.values() for made in proposals)
    return frozenset(m.object for m in made if m.object.kind in DEFINED and m.problem == "differs" and not m.blocked_by)


def _has_names_of_now(aim: Aim, goal: Facts, now: Translation) -> bool:
    """Return whether nothing is renamed before that a repair of the object names."""
    item = aim.effect.object
    return now.of(item) == item and aim.definition in (None, goal.get(item))


def _makers(places: Sequence[Place], goal: Facts) -> tuple[dict[Object, Position], dict[Object, Position]]:
    """Return where each object is made first and changed last, as far as it has the name of now there."""
    makers: dict[Object, Position] = {}
    changers: dict[Object, Position] = {}
    now = Translation()
    for position, place in enumerate(places):
        for aim in place.aims:
            effect = aim.effect
            if effect.action in ("rename", "move"):
                if aim.is_due:
                    now.add(effect.becomes, effect.object)
            elif not place.flow.runs or not _has_names_of_now(aim, goal, now):
                continue
            elif effect.action == "create":
                makers.setdefault(effect.object, position)
            elif effect.action in ("set", "change", "grant", "revoke") and effect.object.kind != "index":
                changers[effect.object] = position
    return makers, changers


def _below(item: Object, makers: Mapping[Object, Position]) -> Position | None:
    """Return where the last column is made that an unnamed CHECK mentions."""
    if item.kind != "constraint" or not check_expression(item.name):
        return None
    named = words(item.name)
    mentioned = [
        position
        for column, position in makers.items()
        if column.kind == "column"
        and (column.schema, column.table) == (item.schema, item.table)
        and identifier(column.name) in named
    ]
    return max(mentioned, default=None)


def _rank(proposal: Proposal) -> tuple[bool, int]:
    """Rank what is removed first, then columns, then what is about columns; keys before what refers to them."""
    stays = proposal.becomes is not None
    order = {"index": 1, "constraint": 2, "table": 4, "publication schema": 5}
    refers = proposal.object.kind == "constraint" and is_foreign_key(proposal.becomes or "")
    return stays, order.get(proposal.object.kind, 0) + refers
