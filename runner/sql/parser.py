"""Split a rendered script by PostgreSQL's own grammar into statements that know their place and what they declare."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from runner.errors import InputError
from runner.sql.source_map import Rendered
from runner.sql.statements import Script, Statement
from runner.sql.tokens import LARGE, Source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


PIECE = 1 << 15
"""How many characters of a large script are parsed at a time: tokens and trees take many times as much memory."""
_END_OF_LINE = re.compile(r";[^\S\n]*\n")
_BEFORE_SCHEMA = (b"create schema", b"create schema if not exists", b" on schema", b" in schema")


def parse(rendered: Rendered, *, schema: str, managed: Sequence[str] | None = None) -> Script:
    """Parse a rendered script; `schema` is the one that unqualified names mean. Raise InputError with the place.

    Privileges count of `managed` roles alone, and of PUBLIC; without such a list of nobody.
    """
    words, words_of_objects = _Checksum(), _Checksum(schema)
    statements: list[Statement] = []
    for source, own in _pieces(rendered, schema, managed):
        words.add(source.words())
        words_of_objects.add(source.words_of_objects(own))
        statements += own
    ddl_checksum = "" if words_of_objects.is_empty else words_of_objects.text
    return Script(rendered, tuple(statements), words.text, ddl_checksum, len(statements))


def _pieces(rendered: Rendered, schema: str, managed: Sequence[str] | None) -> Iterator[tuple[Source, list[Statement]]]:
    """Yield a script in pieces of whole statements. Raise InputError.

    Where a piece ends inside a string, a comment or the body of a function, a longer one is tried.
    """
    text, begin, adds_value = rendered.text, 0, False
    size = PIECE if len(text) >= LARGE else len(text)
    while begin < len(text):
        found = _END_OF_LINE.search(text, begin + size)
        end = found.end() if found else len(text)
        source = Source(rendered, begin, end)
        is_last = end == len(text)
        is_whole = is_last or source.ends_with_semicolon
        try:
            source.check_edges(rendered.edges.between(begin, end + is_last))
            own = list(source.statements(schema, managed, adds_value=adds_value))
        except InputError:
            if is_last or not source.ends_early:
                raise
            is_whole = False
        if not is_whole:
            size *= 2
            continue
        yield source, own
        adds_value = adds_value or any(statement.traits.new_value for statement in own)
        begin, size = end, PIECE


class _Checksum:
    """The checksum of words that are added little by little; the name of the `target` schema counts as such."""

    def __init__(self, target: str | None = None) -> None:
        self.hash = hashlib.sha256()
        self.target = target
        self.is_empty = True

    def add(self, words: list[bytes]) -> None:
        if not words:
            return
        joined = b"\0".join(words if self.target is None else self.without_target(words, self.target))
        self.hash.update(joined if self.is_empty else b"\0" + joined)
        self.is_empty = False

    def without_target(self, words: Sequence[bytes], target: str) -> list[bytes]:
        plain, quoted = target.encode(), '"{}"'.format(target.replace('"', '""')).encode()
        named = (at for at, word in enumerate(words) if word == quoted or word.lower() == plain)
        places = {at for at in named if _is_schema(words, at)}
        return [b"\1" if at in places else word for at, word in enumerate(words)]

    @property
    def text(self) -> str:
        return self.hash.hexdigest()


def _is_schema(words: Sequence[bytes], at: int) -> bool:
    """Return whether the name at a place is that of a schema: elsewhere PostgreSQL keeps it as it is written."""
    before = b" ".join(words[max(at - 5, 0) : at]).lower()
    return words[at + 1 : at + 2] == [b"."] or before.endswith(_BEFORE_SCHEMA)
