"""Another form of one statement: with CONCURRENTLY, or safe for psql to read."""

from __future__ import annotations

import re
from itertools import pairwise

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.tokens import COMMENTS

_COLON_AND_MORE = re.compile(r"""(?<!:):[\w'"{]""")
_MAKES_INDEX = re.compile(r"create\b.*\bindex\b", re.IGNORECASE | re.DOTALL)


def with_free_colons(sql: str) -> str:
    """Return the statement with a space after each colon of its own, which psql would take for a variable's."""
    if not _COLON_AND_MORE.search(sql):
        return sql
    data = sql.encode()
    tokens = postgast.scan(sql).tokens
    ends = [token.end for token in tokens if token.token == pg.ASCII_58]
    pieces = [data[start:end] for start, end in pairwise([0, *ends, len(data)])]
    return b" ".join(pieces).decode()


def concurrently(sql: str) -> str | None:
    """Return CREATE INDEX with the word CONCURRENTLY; None when it is another statement, or unique."""
    if not _MAKES_INDEX.match(sql):
        return None
    tokens = [token for token in postgast.scan(sql).tokens if token.token not in COMMENTS][:3]
    if tokens[1].token != pg.INDEX or tokens[2].token == pg.CONCURRENTLY:
        return sql if tokens[1].token == pg.INDEX else None
    data, end = sql.encode(), tokens[1].end
    return (data[:end] + b" concurrently" + data[end:]).decode()
