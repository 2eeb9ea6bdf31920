"""The identifiers in a statement: those that PostgreSQL truncates, and where one is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.quoting import NAME_BYTES

_MAY_BE_LONG = re.compile(rf'[\w$]{{{NAME_BYTES + 1}}}|"(?:[^"]|""){{{NAME_BYTES + 1}}}')
_ESCAPED = re.compile(r"\\(?:\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")


def long_names(sql: str) -> Iterator[tuple[str, int]]:
    """Return each name that is longer than PostgreSQL keeps names, and where it stands, in characters."""
    if sql.isascii() and not _MAY_BE_LONG.search(sql):
        return
    data = sql.encode()
    tokens = postgast.scan(sql).tokens
    has_own_escape = any(token.token == pg.UESCAPE for token in tokens)
    kinds = (pg.IDENT,) if has_own_escape else (pg.IDENT, pg.UIDENT)
    for token in tokens:
        if token.token in kinds and token.end - token.start > NAME_BYTES:
            name = _written(data[token.start : token.end].decode())
            if len(name.encode()) > NAME_BYTES:
                yield name, len(data[: token.start].decode())


def truncated(name: str) -> str:
    """Return what PostgreSQL keeps of a name."""
    return name.encode()[:NAME_BYTES].decode(errors="ignore")


def place_of(sql: str, word: str) -> int:
    """Return where a name, as PostgreSQL keeps it, is in a statement for the first time, in characters; else 0."""
    data = sql.encode()
    for token in postgast.scan(sql).tokens:
        if truncated(_written(data[token.start : token.end].decode())) == word:
            return len(data[: token.start].decode())
    return 0


def _written(token: str) -> str:
    """Return the name that a token stands for."""
    if token[:1] == '"':
        return token[1:-1].replace('""', '"')
    if token[:3].lower() == 'u&"':
        text = _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), token[3:-1].replace('""', '"'))
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two halves are one character
    return token.encode().lower().decode()  # as PostgreSQL does it: A to Z and no other letter
