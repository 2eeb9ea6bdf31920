"""What statements may have done that nobody can read off their text."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec.structs import replace

from runner.errors import Place
from runner.repair.proposal import Proposal
from runner.repair.propose import Proposals
from runner.sql.inventory import automatic_name
from runner.sql.objects import Object
from runner.sql.respelling import names_in
from runner.sql.statements import Script


def without_guesses(proposals: Proposals, scripts: Sequence[Script], applied: Collection[str]) -> Proposals:
    """Return the repairs; what an applied script may have dropped or renamed on purpose is not made again.

    That is a part of a table which an opaque statement names together with its table.
    """
    opaque = list(_opaque(scripts, applied))
    if not opaque:
        return proposals
    return {item: tuple(_checked(made, opaque) for made in several) for item, several in proposals.items()}


def _opaque(scripts: Sequence[Script], applied: Collection[str]) -> Iterator[tuple[Place, set[str]]]:
    for script in scripts:
        for statement in script.statements if script.rendered.path in applied else ():
            if statement.declaration.opaque:
                yield Place(statement.script, statement.line), names_in(statement.sql)


def _checked(made: Proposal, opaque: Sequence[tuple[Place, set[str]]]) -> Proposal:
    if made.problem != "missing" or (made.blocked_by and not made.late):
        return made
    names = {made.table.name, _name(made.object)}
    place = next((place for place, words in opaque if names <= words), None)
    if place is None:
        return made
    blocked_by = made.blocked_by or f"{place} was applied, and may have dropped or renamed it"
    return replace(made, blocked_by=blocked_by, late=None, is_script_statement=False)


def _name(item: Object) -> str:
    return automatic_name(item) or item.name
