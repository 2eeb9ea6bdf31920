"""Foreign-data wrappers, servers and user mappings: their definitions, and what changes them.

All of it is known from the text alone. A server is `foreign data wrapper post version '1' options (host 'x')`, a user
mapping `user mapping options (password '***5f2a')`: of a value no more is known than whether it is another one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from runner.sql.inventory import Inventory
from runner.sql.objects import FOREIGN, PRESENT, Effect
from runner.sql.option_list import OPTIONS, changed, listed_options, options_in, options_text

WRAPPER, SERVER, MAPPING = FOREIGN
_NAME, _TEXT = r'(?:"(?:[^"]|"")*"|[^\s"]+)', r"'(?:[^']|'')*'"
_FUNCTION = r"(?:\"(?:[^\"]|\"\")*\"|[^\s\"()])+"
_OPTIONS = r"(?: options \((?P<options>.*)\))?"
_DEFINITIONS = {
    WRAPPER: re.compile(
        rf"foreign-data wrapper(?: handler (?P<handler>{_FUNCTION}\(\)))?"
        rf"(?: validator (?P<validator>{_FUNCTION}\([^()]*\)))?{_OPTIONS}",
        re.DOTALL,
    ),
    SERVER: re.compile(
        rf"foreign data wrapper (?P<wrapper>{_NAME})(?: type (?P<type>{_TEXT}))?(?: version (?P<version>{_TEXT}))?"
        rf"{_OPTIONS}",
        re.DOTALL,
    ),
    MAPPING: re.compile(rf"user mapping{_OPTIONS}", re.DOTALL),
}
_HEADS = {WRAPPER: "foreign-data wrapper", SERVER: "", MAPPING: "user mapping"}
_WORDS = {"wrapper": "foreign data wrapper"}
_MASKED_CHARACTERS = 4


def foreign_definition(kind: str, clauses: Mapping[str, str], options: Mapping[str, str]) -> str:
    """Return the definition of an object of a kind: its clauses by their words, as SQL writes them, and its options."""
    parts = (f"{_WORDS.get(word, word)} {text}" for word, text in clauses.items())
    return listed_options(" ".join(filter(None, (_HEADS[kind], *parts))), OPTIONS, options)


def foreign_parts(kind: str, definition: str) -> tuple[dict[str, str], dict[str, str]]:
    """Return the clauses of a definition by their words, and its options."""
    match = _DEFINITIONS[kind].fullmatch(definition)
    parts = match.groupdict() if match else {}
    options = options_in(parts.pop(OPTIONS, None) or "")
    return {word: text for word, text in parts.items() if text is not None}, options


def changes_text(clauses: Mapping[str, str | None], options: Mapping[str, str | None]) -> str:
    """Return what a statement changes as the value of its effect; None stands for what it drops."""
    return f"{options_text(clauses)} {OPTIONS} ({options_text(options)})"


def follow(effect: Effect, state: Inventory) -> Effect:
    """Return the effect of a statement that changes such an object with the definition that it has then.

    What no statement makes is known by its name alone.
    """
    item = effect.object
    if item.kind not in FOREIGN or effect.action != "change":
        return effect
    before = state.get(item, PRESENT)
    if before == PRESENT:
        return effect._replace(value=PRESENT)
    clauses, options = foreign_parts(item.kind, before)
    head, _, tail = effect.value.partition(f" {OPTIONS} (")
    known = changed(clauses, head)
    in_order = {word: known[word] for word in _DEFINITIONS[item.kind].groupindex if word in known}
    value = foreign_definition(item.kind, in_order, changed(options, tail))
    return effect._replace(action="set", value=value)


def masked(role: str, option: str, value: str) -> str:
    """Return what stands for the value of a user mapping's option, as `defined_facts.sql` has it."""
    digest = hashlib.sha256(f"{role}\1{option}\1{value}".encode()).hexdigest()
    return f"***{digest[:_MASKED_CHARACTERS]}"
