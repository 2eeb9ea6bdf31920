"""The differences of a database that the manifest may accept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

from runner.catalog.diff import compare
from runner.errors import DatabaseError, Hint
from runner.pipeline.declare import declare_on, read_with_problems
from runner.pipeline.releases import is_as_mapped
from runner.project.agreements import AcceptedKind, AcceptEntry, found_text
from runner.project.loading import Project

if TYPE_CHECKING:
    from psycopg import Connection

_MOST_NAMED = 10


def accepting(
    connection: Connection[Any], loaded: Project, name: str, because: str, say: Callable[[str], None]
) -> list[AcceptEntry]:
    """Return the entries that accept what differs of an object, called as findings call it. Raise DatabaseError."""
    declared = declare_on(connection, loaded, say)
    actual = read_with_problems(connection, loaded, declared.facts)
    differences = [
        difference
        for difference in compare(declared.facts, actual)
        if difference.kind in get_args(AcceptedKind) and not is_as_mapped(loaded, difference)
    ]
    entries = [
        AcceptEntry(name, difference.kind, because, found_text(difference.instead))  # type: ignore[arg-type]
        for difference in differences
        if str(difference.object) == name
    ]
    if entries:
        return entries
    names = list(dict.fromkeys(str(difference.object) for difference in differences))[:_MOST_NAMED]
    hint = Hint(f"what differs: {', '.join(names)}" if names else "nothing differs that is not accepted")
    raise DatabaseError(f"{name!r} does not differ", notes=(hint,))
