"""Another form of one statement: with CONCURRENTLY, with some of its clauses, or safe for psql to read."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.objects import Object
from runner.sql.tokens import COMMA, COMMENTS, DEPTH
from runner.sql.trees import strings, tree_of

_COLON_AND_MORE = re.compile(r"""(?<!:):[\w'"{]""")
_ENDS_NAME = (pg.ASCII_46, pg.ASCII_42, pg.ASCII_41)
"""What can follow a word of the table's name: `.`, `*` and `)`."""
_MAKES_OR_DROPS_INDEX = re.compile(r"(?:create|drop)\b.*\bindex\b", re.IGNORECASE | re.DOTALL)
_LIKE_A_PARTITION = " ".join(
    f"including {what}" for what in ("compression", "constraints", "defaults", "generated", "storage")
)


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
    """Return CREATE INDEX or DROP INDEX with the word CONCURRENTLY; None when it is another statement."""
    if not _MAKES_OR_DROPS_INDEX.match(sql):
        return None
    tokens = [token for token in postgast.scan(sql).tokens if token.token not in COMMENTS][:4]
    at = 2 if tokens[1].token == pg.UNIQUE else 1
    if tokens[at].token != pg.INDEX or tokens[at + 1].token == pg.CONCURRENTLY:
        return sql if tokens[at].token == pg.INDEX else None
    data, end = sql.encode(), tokens[at].end
    return (data[:end] + b" concurrently" + data[end:]).decode()


def index_named_by(sql: str) -> Object:
    """Return the index of CREATE INDEX, or of DROP INDEX, without its table, as it is written.

    Its name is empty when PostgreSQL chooses it, or the statement is nested too deeply.
    """
    tree = tree_of(sql)
    if tree is None:
        return Object("index", "")
    if isinstance(tree, pg.DropStmt):
        *schema, name = strings(tree.objects[0].list.items)
        return Object("index", name, "", "".join(schema))
    return Object("index", tree.idxname, tree.relation.relname, tree.relation.schemaname)


def attached_apart(sql: str) -> tuple[str, str] | None:
    """Return CREATE TABLE … PARTITION OF as what makes an empty table, and what attaches it; None for another one.

    A partition that has columns or constraints of its own is another one. Identity columns come with the attaching.
    """
    tree = tree_of(sql)
    if not isinstance(tree, pg.CreateStmt) or not tree.HasField("partbound") or tree.table_elts:
        return None
    data = sql.encode()
    tokens = [token for token in postgast.scan(sql).tokens if token.token not in COMMENTS]
    words = [token.token for token in tokens]
    at = next(at for at, pair in enumerate(pairwise(words)) if pair == (pg.PARTITION, pg.OF))
    bound = next(place for place in range(at, len(words)) if words[place] in (pg.FOR, pg.DEFAULT))
    end, left = bound, 0 if words[bound] == pg.DEFAULT else 1 + (words[bound + 2] == pg.FROM)
    depth = 0
    while left:
        end += 1
        depth += DEPTH.get(words[end], 0)
        left -= words[end] == pg.ASCII_41 and not depth

    def text(first: int, last: int) -> str:
        return data[tokens[first].start : tokens[last].end].decode()

    name = data[tree.relation.location : tokens[at - 1].end].decode()
    parent = text(at + 2, bound - 1)
    start, rest = data[: tokens[at].start].decode(), data[tokens[end].end :].decode()
    return (
        f"{start}(like {parent} {_LIKE_A_PARTITION}){rest}",
        f"alter table {parent} attach partition {name} {text(bound, end)}",
    )


def finalized(sql: str) -> str:
    """Return ALTER TABLE … DETACH PARTITION as what ends a DETACH CONCURRENTLY that was cut off."""
    tokens = [token for token in postgast.scan(sql).tokens if token.token not in COMMENTS]
    last = tokens[-1 - (tokens[-1].token == pg.CONCURRENTLY)]
    return f"{sql.encode()[: last.end].decode()} finalize"


def with_clauses(sql: str, kept: Collection[int]) -> str:
    """Return ALTER TABLE with some of its clauses, all as it is written."""
    data = sql.encode()
    tokens = [token for token in postgast.scan(sql).tokens if token.token not in COMMENTS]
    name = tree_of(sql).relation.location
    first = next(at for at, token in enumerate(tokens) if token.start == name) + 1
    while tokens[first].token in _ENDS_NAME:
        first += 1 + (tokens[first].token == pg.ASCII_46)
    clauses, begin, depth = [], first, 0
    for at, token in enumerate([*tokens[first:], None], start=first):
        if token is None or (depth == 0 and token.token == COMMA):
            clauses.append(data[tokens[begin].start : tokens[at - 1].end].decode())
            begin = at + 1
        else:
            depth += DEPTH.get(token.token, 0)
    return data[: tokens[first].start].decode() + ",\n    ".join(clauses[number] for number in kept)
