"""What gives its declaration to what says how values are compared, converted, collected and searched.

Where PostgreSQL can change it in place, it is changed; else it would have to go, with all that uses it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from runner.catalog.diff import Difference
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.repair.views import replacing
from runner.sql.objects import Object
from runner.sql.quoting import identifier
from runner.sql.spelling import comment_of, spelled

_NOT_IN_PLACE = "PostgreSQL cannot change it in place, and refuses to drop what something uses"
_REPLACED = ("aggregate", "language", "transform")
_RESULT = re.compile(r".* returns .*?(?= sfunc )", re.DOTALL)
_MAPPING = re.compile(r" ([\w-]+): ([^,]+)(?:,|\Z)")
_OPTION = re.compile(r"(?:\A|, )([\w\"]+) = ('(?:[^']|'')*'|E'(?:[^'\\]|''|\\.)*'|[^,']+)")
_ESTIMATORS = re.compile(r" (restrict|join) (\S+?)\([^)]*\)")
_PART = re.compile(r"(operator (\d+) \S+?\((.*?)\)|function (\d+) \((.*?)\) \S+\(.*?\))( for order by \S+)?(?:, |\Z)")


def different(context: Context, item: Difference, made: Object) -> Iterator[Proposal]:
    """Replace or alter what can be; else offer the SQL that drops it and makes it again."""
    written = context.written(made)
    if not written:
        return
    detail = f"{item.actual}, declared {item.declared}"
    if made.kind in _REPLACED and _head(made, item.actual) == _head(made, item.declared):
        if not written[0].declaration.replaces:
            yield proposal(item, "differs", detail, now=replacing(written))
        return
    alter = _ALTERED.get(made.kind)
    if alter and (changes := tuple(alter(f"alter {spelled(made)}", item.actual or "", item.declared or ""))):
        yield proposal(item, "differs", detail, now=changes)
        return
    again = (*(one.sql for one in written), *_classes(context, made), *comment_of(made, context.actual.facts))
    sql = dict.fromkeys((f"drop {spelled(made)}", *again))
    yield proposal(item, "differs", detail, now=tuple(sql), instead=True, blocked_by=_NOT_IN_PLACE)


def _head(made: Object, definition: str | None) -> str:
    """Return what OR REPLACE does not change: the arguments and the result of an aggregate."""
    match = _RESULT.match(definition or "") if made.kind == "aggregate" else None
    return match[0] if match else ""


def _classes(context: Context, family: Object) -> Iterator[str]:
    """Return the statements that make the operator classes which go with their family."""
    if family.kind != "operator family":
        return
    name = identifier(family.name.rpartition(" using ")[0])
    for item, text in context.declared.items():
        of_family = text.removeprefix("default ").startswith(f"family {name} for type ")
        if item.kind == "operator class" and item.schema == family.schema and of_family:
            yield from (one.sql for one in context.written(item))


def _configuration(alter: str, actual: str, declared: str) -> Iterator[str]:
    """Yield what maps the tokens as declared; nothing where the parser is another one."""
    (parser, old), (other, new) = _mappings(actual), _mappings(declared)
    if parser != other or any(token.isdigit() for token in (*old, *new)):  # nobody knows the names of its tokens
        return
    for token in old:
        if token not in new:
            yield f"{alter} drop mapping for {identifier(token)}"
    for token, dictionaries in new.items():
        if old.get(token) != dictionaries:
            word = "alter" if token in old else "add"
            yield f"{alter} {word} mapping for {identifier(token)} with {', '.join(dictionaries.split(' '))}"


def _mappings(definition: str) -> tuple[str, Mapping[str, str]]:
    """Return the parser, and the dictionaries of each kind of token."""
    found = list(_MAPPING.finditer(definition))
    parser = definition[: found[0].start()] if found else definition
    return parser, {match[1]: match[2] for match in found}


def _dictionary(alter: str, actual: str, declared: str) -> Iterator[str]:
    """Yield what gives a dictionary its options; nothing where the template is another one."""
    (template, _, old), (other, _, new) = (text.removesuffix(")").partition(" (") for text in (actual, declared))
    if template != other:
        return
    before, after = (dict(_OPTION.findall(text)) for text in (old, new))
    gone = [name for name in before if name not in after]
    changed = [f"{name} = {value}" for name, value in after.items() if before.get(name) != value]
    yield f"{alter} ({', '.join((*gone, *changed))})"


def _operator(alter: str, actual: str, declared: str) -> Iterator[str]:
    """Yield what sets the estimators of an operator; nothing where more than these differs."""
    if _ESTIMATORS.sub("", actual) != _ESTIMATORS.sub("", declared):
        return
    old, new = (dict(_ESTIMATORS.findall(text)) for text in (actual, declared))
    options = [f"{name} = {new.get(name, 'none')}" for name in ("restrict", "join") if old.get(name) != new.get(name)]
    yield f"{alter} set ({', '.join(options)})"


def _family(alter: str, actual: str, declared: str) -> Iterator[str]:
    """Yield what takes from a family what it has too much, and adds what it lacks."""
    old, new = _parts(actual), _parts(declared)
    if gone := [slot for slot, text in old.items() if new.get(slot) != text]:
        yield f"{alter} drop {', '.join(gone)}"
    if added := [text for slot, text in new.items() if old.get(slot) != text]:
        yield f"{alter} add {', '.join(added)}"


def _parts(definition: str) -> Mapping[str, str]:
    """Return the operators and functions of a family, by what DROP calls them."""
    found: dict[str, str] = {}
    for match in _PART.finditer(definition.removeprefix("family").removeprefix(" as ")):
        slot = f"operator {match[2]} ({match[3]})" if match[2] else f"function {match[4]} ({match[5]})"
        found[slot] = match[1] + (match[6] or "")
    return found


_ALTERED = {
    "text search configuration": _configuration,
    "text search dictionary": _dictionary,
    "operator": _operator,
    "operator family": _family,
}
