"""SQL that people read and paste: all of it can be seen, and it means what it meant."""

from __future__ import annotations

import postgast
from postgast import pg_query_pb2 as pg

from runner.wording import shown

_QUOTES = {pg.IDENT: '"', pg.SCONST: "'"}


def printable(sql: str) -> str:
    """Return SQL whose names and strings have escapes for what ends a line, controls a terminal or hides.

    The bodies of functions and what the parser cannot read stay as they are.
    """
    if sql.isprintable():
        return sql
    try:
        tokens = postgast.scan(sql).tokens
    except postgast.PgQueryError:
        return sql
    data, end, parts = sql.encode(), 0, []
    for token in tokens:
        written = data[token.start : token.end].decode()
        parts += [data[end : token.start].decode(), _token(written, _QUOTES.get(token.token))]
        end = token.end
    return "".join((*parts, data[end:].decode()))


def _token(written: str, quote: str | None) -> str:
    if quote is None or written[0] != quote or shown(written) == written:
        return written
    return f"U&{''.join(map(_escaped, written))}"


def _escaped(character: str) -> str:
    """Return a character as a name or a string with `U&` has it."""
    if character == "\\":
        return character * 2
    return character if shown(character) == character else f"\\+{ord(character):06x}"
