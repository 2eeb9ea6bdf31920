"""Facts and messages of scratch schemas, under the names of the schemas that these stand for."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from runner.catalog.column_definitions import column_definition, without_not_null_name
from runner.catalog.definitions import unquoted
from runner.catalog.moved_text import restore_body
from runner.catalog.snapshot import Snapshot
from runner.catalog.view_definitions import with_data
from runner.sql.objects import DATABASE_WIDE, DETACHED, Facts, Object
from runner.sql.quoting import identifier
from runner.sql.statements import Statement

_OF_THE_DATABASE = ("extension", *DATABASE_WIDE)
_STRING = re.compile(r"'(?:[^']|'')*'")


class ScratchNames:
    """The scratch schemas, by the schemas that they stand for; what extensions make there is in one of its own."""

    def __init__(self, scratch: Mapping[str, str], extension_schema: str, for_extensions: str) -> None:
        self.names = {for_extensions: extension_schema} | {scratch: name for name, scratch in scratch.items()}
        self.quoted = {scratch: identifier(name) for scratch, name in self.names.items()}
        self.pattern = re.compile("|".join(sorted(self.names, key=len, reverse=True)))
        self.has_quote = any("'" in name for name in self.names.values())

    def declared(self, text: str) -> str:
        """Return a name or a text with the schemas that scratch schemas stand for."""
        if text in self.names:
            return self.names[text]
        if self.has_quote:
            text = _STRING.sub(lambda string: self._in_text(string[0], "''"), text)
        return self._in_text(text, "'")

    def _in_text(self, text: str, quote: str) -> str:
        return self.pattern.sub(lambda found: self.quoted[found[0]].replace("'", quote), text)


def declared_facts(
    snapshot: Snapshot, before: Facts, statements: Iterable[Statement], bodies: Sequence[str], names: ScratchNames
) -> Facts:
    """Return the facts of a snapshot, but for those of `before`, which are of stand-ins."""
    signatures = {item: known_by for known_by, items in snapshot.unnamed.items() for item in items}
    named = set(_named_constraints(statements))
    facts = {}
    for item, definition in snapshot.facts.items():
        if item.kind == "schema" or item.subject.kind in _OF_THE_DATABASE or item in before:
            continue
        is_known = item.kind != "constraint" or item.name in named or item.name == DETACHED
        known_by = item if is_known else signatures[item]
        text = restore_body(definition, bodies) if item.kind == "function" else definition
        declared = known_by._replace(name=names.declared(known_by.name))
        facts[item if declared in facts else declared] = names.declared(text)
    return facts


def as_written(facts: Facts, named: Collection[str]) -> Iterator[tuple[Object, str]]:
    """Yield facts, in which a NOT NULL has no name but one of those that scripts give, and views are filled."""
    for item, definition in facts.items():
        if item.kind == "materialized view":
            yield item, with_data(definition)
            continue
        is_named = item.kind == "column" and " named " in definition
        name = unquoted(column_definition(definition).not_null_name) if is_named else ""
        yield item, definition if name in named else without_not_null_name(definition)


def _named_constraints(statements: Iterable[Statement]) -> Iterator[str]:
    """Return the names that scripts give to constraints."""
    for statement in statements:
        for effect in statement.declaration.effects:
            if effect.object.kind == "constraint":
                yield effect.value if effect.action == "rename" else effect.object.name
