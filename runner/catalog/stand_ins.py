"""Stand-ins in scratch schemas for what the scripts refer to and do not make; the real objects stay untouched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from runner.catalog.questions import ask
from runner.catalog.relocation_guards import SYSTEM_SCHEMAS, RelocationContext, home, is_system, leaves_subject
from runner.catalog.untrusted import trusted_roles_sql
from runner.resources import read_sql
from runner.sql.names import Name, Sort
from runner.sql.references import References
from runner.sql.statements import Statement

if TYPE_CHECKING:
    from runner.catalog.scratch_session import ScratchSession

_SORTS = ("relation", "type", "function", "operator", "opclass", "collation", "ts_configuration", "ts_dictionary")
_OVERLOADED = ("function", "operator")


class StandIn(NamedTuple):
    """What stands for an object; `name` is that of a function with its arguments."""

    oid: int
    schema: str
    name: str
    scratch: str
    sql: str
    afterwards: str | None
    """What takes away columns that are not the real one's."""

    @property
    def statements(self) -> tuple[str, ...]:
        """What makes it."""
        return (self.sql, self.afterwards) if self.afterwards else (self.sql,)


def read_stand_ins(
    session: ScratchSession,
    movables: Sequence[tuple[References, Statement]],
    known: RelocationContext,
    others: Sequence[References],
) -> list[StandIn]:
    """Return what has to stand in the scratch schemas for the scripts and others, in the order in which it is made."""
    own = _own(movables, known)
    referring = (*(movable for movable, _ in movables), *others)
    wanted = sorted({name for movable in referring for name in _outside(movable, own, known)})
    if not wanted:
        return []
    sorts, schemas, words = zip(*wanted, strict=True)
    made = [name for name in own if name.sort == "relation"]
    parameters = {
        "sorts": list(sorts),
        "schemas": list(schemas),
        "words": list(words),
        "own_schemas": [name.schema for name in made],
        "own_words": [name.word for name in made],
        "path": list(dict.fromkeys(known.path)),
        "names": list(known.scratch),
        "scratch": list(known.scratch.values()),
        "prefix": session.prefix,
        "modern": session.is_modern,
        "trusted": list(session.manifest.project.trusted_creators),
    }
    sql = read_sql("catalog/stand_ins.sql").format(trusted_roles=trusted_roles_sql())
    found = (StandIn(*row) for row in ask(session.connection, sql, parameters, known.path, ()))
    return [item for item in found if item.sql and not _is_made(item, own, known)]


def _own(movables: Sequence[tuple[References, Statement]], known: RelocationContext) -> frozenset[Name]:
    """Return what scripts make at any place; `relation` stands for types too."""
    names = [home(name, known) for movable, _ in movables for name in movable.made]
    for movable, _ in movables:  # of what has no effects of its own
        word, schema = getattr(movable.tree, "newname", ""), getattr(movable.tree, "newschema", "")
        old = [home(name, known) for name in movable.subjects if word or schema]
        names += [name._replace(word=word or name.word, schema=schema or name.schema) for name in old]
    for _, statement in movables:
        for effect in statement.declaration.effects:
            item = effect.becomes if effect.action in ("rename", "move") else effect.object
            if effect.action in ("create", "rename", "move") and not item.table:
                sort: Sort = "function" if item.kind == "function" else "relation"
                names.append(Name(sort, item.schema or known.target, item.name.partition("(")[0]))
    return frozenset(map(_of_one_sort, names))


def _of_one_sort(name: Name) -> Name:
    """Return a name in which a type and a relation, whose row type it may be, are one."""
    return name._replace(sort="relation") if name.sort == "type" else name


def _outside(movable: References, own: frozenset[Name], known: RelocationContext) -> Iterator[Name]:
    """Return what a statement refers to that no script makes."""
    subjects = movable.subjects if leaves_subject(movable) else []
    for name in (*movable.references, *subjects):
        key = name.sort, name.word
        if name.sort not in _SORTS or name.schema in SYSTEM_SCHEMAS or key in known.members:
            continue
        is_own = home(_of_one_sort(name), known) in own
        has_others = bool(known.strangers.get(key, frozenset()) - known.scripted)
        if (name.sort in _OVERLOADED and (has_others or name.schema)) or not (is_own or is_system(name, known)):
            yield name


def _is_made(item: StandIn, own: frozenset[Name], known: RelocationContext) -> bool:
    """Return whether scripts make a function, or give one another name, which then is taken."""
    name = Name("function", item.schema, item.name)
    renamed = name._replace(word=item.name.partition("(")[0])
    is_renamed = renamed in own and not any(
        other.schema == name.schema and other.word.partition("(")[0] == renamed.word for other in known.scripted
    )
    is_scripted = name in known.scripted or name._replace(sort="operator") in known.scripted
    return "(" in item.name and (is_scripted or is_renamed)
