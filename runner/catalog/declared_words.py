"""The facts of a database in the words of the declared ones, where PostgreSQL or a file has two ways to say the same.

A restored dump has other words than what it was dumped from: `ARRAY['a'::character varying]::text[]` is
`ARRAY['a'::character varying::text]` there. Carriage returns do not count in files, so what psql has made of a file
that has them is as it is declared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from runner.catalog.access import access_facts
from runner.catalog.definitions import as_valid
from runner.catalog.said_only import unsaid
from runner.catalog.snapshot import Snapshot
from runner.project.input_files import without_returns
from runner.sql.objects import PRESENT, Object

_BETWEEN_WORDS = str.maketrans(dict.fromkeys("()[]:,;.", " "))
_NOT_WRITTEN = ("schema", "extension")


def in_declared_words(actual: Snapshot, declared: Mapping[Object, str]) -> Snapshot:
    """Return the facts, in which what is declared in other words alone has the declared definition."""
    if actual.access:
        actual = replace(actual, facts={**actual.facts, **dict(access_facts(actual.access, declared))})
    if more := dict(unsaid(actual.facts, declared)):
        actual = replace(actual, facts={**actual.facts, **more})
    changed = dict(_other_words(actual, declared))
    if not changed:
        return actual
    unnamed: dict[Object, tuple[Object, ...]] = {}
    for known_by, items in actual.unnamed.items():
        for item in items:
            is_definition = item in changed and known_by.name == as_valid(item, actual.facts[item])
            key = known_by._replace(name=as_valid(item, changed[item])) if is_definition else known_by
            unnamed[key] = (*unnamed.get(key, ()), item)
    return replace(actual, facts={**actual.facts, **changed}, unnamed=unnamed)


def with_access_of(actual: Snapshot, goal: Mapping[Object, str]) -> Snapshot:
    """Return the facts with what roles may do as far as a goal is about it, which may know objects by other names."""
    if not actual.access:
        return actual
    facts = {item: text for item, text in actual.facts.items() if not item.is_access}
    return replace(actual, facts={**facts, **dict(access_facts(actual.access, goal))})


def _other_words(actual: Snapshot, declared: Mapping[Object, str]) -> Iterator[tuple[Object, str]]:
    """Yield the objects whose definition is a declared one in other words, with the declared one."""
    wanted = [item for item in _unlike(declared, actual.facts) if item not in actual.unnamed]
    there = list(_unlike(actual.facts, declared)) if wanted else []
    kinds = {item.kind for item in there}
    candidates: dict[tuple[str, frozenset[str]], dict[str, None]] = {}
    for item in wanted:
        if item.kind in kinds and declared[item] != PRESENT:
            definition = as_valid(item, declared[item])
            candidates.setdefault(_key(item, definition), {})[definition] = None
    for item in there if candidates else ():
        definition = as_valid(item, actual.facts[item])
        if known := candidates.get(_key(item, definition)):
            own = as_valid(item, declared.get(item, ""))
            same = _same(item, definition, sorted(known, key=own.__ne__))
            if same and same != definition:
                yield item, same + actual.facts[item][len(definition) :]


def _unlike(facts: Mapping[Object, str], others: Mapping[Object, str]) -> Iterator[Object]:
    """Yield what has another definition on the other side, or is not there."""
    for item, text in facts.items():
        if others.get(item) != text and item.subject.kind not in _NOT_WRITTEN:
            yield item


def _same(item: Object, definition: str, known: Iterable[str]) -> str | None:
    """Return the first of the known definitions that is the same, in other words or not."""
    text = without_returns(definition)
    for other in known:
        if other == text:
            return other
        if not item.is_attached:
            from runner.sql.round_trip import is_same  # a quiet start loads no parser

            if is_same(item.kind, text, other):
                return other
    return None


def _key(item: Object, definition: str) -> tuple[str, frozenset[str]]:
    """Return what two definitions in other words have in common: the kind of the object, and which words there are."""
    return item.kind, frozenset(definition.lower().translate(_BETWEEN_WORDS).split())
