"""Operator classes of scratch schemas, with what they do not have there: DEFAULT, and families that others made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from runner.catalog.relocation_guards import SYSTEM_SCHEMAS, RelocationContext, home
from runner.sql.names import name_in
from runner.sql.objects import Facts, Object, qualified_name
from runner.sql.references import References
from runner.sql.statements import Statement

_FOR_TYPE = " for type "


def with_families(
    facts: Facts, movables: Sequence[tuple[References, Statement]], known: RelocationContext
) -> dict[Object, str]:
    """Return facts in which an operator class is as its statement says, and comes with no family that it has not."""
    found = dict(facts)
    classes = [pair for pair in movables if pair[1].node == "create_op_class_stmt"]
    made = _made(statement for _, statement in movables) if classes else frozenset()
    for movable, statement in classes:
        item = statement.declaration.effects[-1].object
        if item not in found:
            continue
        head, _, rest = found[item].partition(_FOR_TYPE)
        family = _family(movable.tree, known, made)
        head = f"family {family}" if family else head.removeprefix("default ")
        found[item] = f"{'default ' if movable.tree.is_default else ''}{head}{_FOR_TYPE}{rest}"
        own = item._replace(kind="operator family")
        if family and own not in made:
            found.pop(own, None)
    return found


def _made(statements: Iterable[Statement]) -> frozenset[Object]:
    effects = (effect for statement in statements for effect in statement.declaration.effects)
    return frozenset(effect.object for effect in effects if effect.action == "create")


def _family(tree: Any, known: RelocationContext, made: frozenset[Object]) -> str:
    """Return the family of others that a class is in, as PostgreSQL writes it; empty when it is in none.

    One that the scripts make is theirs, though it may get another name later.
    """
    name = name_in("opfamily", tree.opfamilyname)
    schema = "" if name.schema in (*SYSTEM_SCHEMAS, *known.path) else name.schema
    is_own = any(each.kind == "operator family" and (each.schema, each.word) == (schema, name.word) for each in made)
    if not name.word or is_own or home(name, known) in known.own:
        return ""
    return qualified_name(Object("operator family", name.word, "", schema))
