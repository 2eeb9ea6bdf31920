"""What the names that statements use mean outside of the scratch schemas."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.catalog.questions import ask
from runner.catalog.relocation_guards import RelocationContext
from runner.resources import read_sql
from runner.sql.defined_names import signature
from runner.sql.names import Name, Sort
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

    from runner.project.manifest import ProjectSection
    from runner.sql.references import References
    from runner.sql.statements import Statement


class FoundNames(Struct, frozen=True):
    """Rows of the answer: name space, name, schema, the name with the arguments of a function, and whose it is."""

    path: tuple[str, ...]
    scripted: frozenset[Name]
    apart: frozenset[Name]
    rows: Sequence[tuple[Sort, str, str, str, str]]

    def context(
        self,
        scratch: Mapping[str, str],
        own: AbstractSet[Name],
        left_out: AbstractSet[Name],
        bodies: Sequence[str],
    ) -> RelocationContext:
        """Return what statements may refer to, together with what is in the scratch schemas."""
        strangers: dict[tuple[Sort, str], frozenset[Name]] = {}
        for sort, name, schema, exact, whose in self.rows:
            if whose == "nobody":
                strangers[sort, name] = strangers.get((sort, name), frozenset()) | {Name(sort, schema, exact)}
        return RelocationContext(
            scratch=scratch,
            path=self.path,
            members={(sort, name): schema for sort, name, schema, _, whose in self.rows if whose == "extension"},
            system=frozenset((sort, name) for sort, name, *_, whose in self.rows if whose == "system"),
            strangers=strangers,
            scripted=self.scripted,
            apart=self.apart,
            harmless=frozenset(name for _, name, *_, whose in self.rows if whose == "harmless"),
            own=own,
            left_out=left_out,
            bodies=bodies,
        )


def find_names(
    connection: Connection[Any],
    project: ProjectSection,
    movables: Sequence[tuple[References, Statement]],
    extensions: Sequence[str],
    path: Sequence[str],
    others: Sequence[References],
) -> FoundNames:
    """Find out which names belong to PostgreSQL, which to extensions, and which, on a path, to nobody known.

    `others` are statements that no script has.
    """
    words = sorted({word for movable in (*(each for each, _ in movables), *others) for word in movable.words})
    parameters = {"names": words, "path": list(path), "extensions": list(extensions)}
    own_path = (project.schema, project.extension_schema)
    rows = ask(connection, read_sql("catalog/scratch_names.sql"), parameters, own_path, ())
    scripted = frozenset(_scripted(movables, project.schema))
    apart = frozenset(_apart(scripted, movables, project.schema))
    return FoundNames(own_path, scripted, apart, [(row[0], row[1], row[2], row[3], row[4]) for row in rows])


def _scripted(movables: Sequence[tuple[References, Statement]], target: str) -> Iterator[Name]:
    """Return the functions and operators that scripts make, with their arguments."""
    for movable, statement in movables:
        if name := signature(movable.tree, target):
            yield name
        for effect in statement.declaration.effects:
            if effect.action == "create" and effect.object.kind == "function":
                yield Name("function", effect.object.schema or target, effect.object.name)


def _apart(scripted: Iterable[Name], movables: Sequence[tuple[References, Statement]], target: str) -> Iterator[Name]:
    """Return those of which an argument is of a type that scripts make."""
    made = [name for movable, _ in movables for name in movable.made if name.sort in ("relation", "type")]
    types = {
        ".".join(identifier(part) for part in (name.schema, name.word) if part and part != target) for name in made
    }
    for name in scripted:
        arguments = name.word.partition("(")[2].removesuffix(")").split(", ")
        if types.intersection(argument.removesuffix("[]") for argument in arguments):
            yield name
