"""What roles that are not trusted have a part in, as findings."""

from __future__ import annotations

from collections.abc import Iterator

from runner.catalog.snapshot import Snapshot
from runner.catalog.untrusted import Untrusted
from runner.sql.objects import PRESENT, Facts, Object
from runner.sql.privileges import owner_of
from runner.verification.finding import Finding, Remedy

_LOOK = "no run takes away what somebody may do, or owns"
_UNKNOWN = "no script and no extension declares it: somebody has made it there, and it is found before PostgreSQL's own"


def find_untrusted(declared: Facts, actual: Snapshot) -> Iterator[Finding]:
    """Return who else may create objects where scripts look for names, and which declared objects are not trusted."""
    if not actual.untrusted:
        return
    own = dict(_declared_objects(declared, actual))
    for one in actual.untrusted:
        if one.problem == "creates":
            yield _finding(one, f"role {one.what} may create objects in it", _LOOK)
        elif one.problem == "owns" and one.object in own and owner_of(one.object) not in declared:
            yield _finding(one, f"it belongs to role {one.what}", _LOOK)
        elif one.problem == "uses" and _is_hijacked(one, own, declared):
            yield _finding(one, f"it uses {one.what}", _UNKNOWN)


def _is_hijacked(one: Untrusted, own: Facts, declared: Facts) -> bool:
    """Return whether something of a declared table is bound to what a stranger has made, or to what is not declared.

    What is declared by its name alone may be bound to anything of roles that are trusted, and everything to what has
    a name that neither the scripts nor PostgreSQL have.
    """
    item = one.object
    if one.is_strange:
        return Object("table", item.table, "", item.schema) in own
    if own.get(item, PRESENT) == PRESENT or one.used in declared:
        return False
    word = one.used.name.partition("(")[0] if one.used else ""
    return one.may_hide or any(
        other.kind == "function"
        and other.name.partition("(")[0] == word
        and one.used
        and other.schema == one.used.schema
        for other in declared
    )


def _declared_objects(declared: Facts, actual: Snapshot) -> Iterator[tuple[Object, str]]:
    """Return the declared objects under the names that they have in the database."""
    for item, definition in declared.items():
        for there in (item,) if item in actual.facts else actual.unnamed.get(item, ()):
            yield there, definition


def _finding(one: Untrusted, text: str, why: str) -> Finding:
    item = one.object
    table = item.name if item.kind == "table" else item.table
    full = f"{item.schema}.{table}" if item.schema and table else table
    return Finding("untrusted", item, None, text, full, Remedy(one.cure or f"-- look at {item}", why))
