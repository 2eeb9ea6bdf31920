"""Where the statements of a text are, those that begin and end transactions among them."""

from __future__ import annotations

from bisect import bisect_left
from typing import Literal, NamedTuple

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from runner.errors import InputError
from runner.sql.parser import parse
from runner.sql.positions import Positions
from runner.sql.source_map import as_written

_COMMENTS = (pg.SQL_COMMENT, pg.C_COMMENT)
_Kind = Literal["begin", "commit", ""]
_KINDS: dict[str, _Kind] = {
    "TRANS_STMT_BEGIN": "begin",
    "TRANS_STMT_START": "begin",
    "TRANS_STMT_COMMIT": "commit",
}


class Span(NamedTuple):
    """A statement with its semicolon, from one character up to another, and whether it begins or ends a transaction."""

    begin: int
    end: int
    transaction: _Kind


def statement_spans(path: str, text: str) -> list[Span]:
    """Return where the statements of a text are. Raise InputError where it cannot be read."""
    try:
        statements, tokens = postgast.parse(text).stmts, postgast.scan(text).tokens
    except postgast.PgQueryError as error:
        parse(as_written(path, text), schema="public")  # which says why, and where
        raise InputError(str(error), place=path) from None
    except DecodeError:
        raise InputError("nested too deeply to be read", place=path) from None
    positions, starts = Positions(text), [token.start for token in tokens]
    spans = []
    for raw in statements:
        first = bisect_left(starts, raw.stmt_location)
        while tokens[first].token in _COMMENTS:
            first += 1
        after = bisect_left(starts, raw.stmt_location + raw.stmt_len) if raw.stmt_len else len(tokens) - 1
        begin, end = positions.to_character(tokens[first].start), positions.to_character(tokens[after].end)
        body = raw.stmt.transaction_stmt if raw.stmt.WhichOneof("node") == "transaction_stmt" else None
        kind: _Kind = _KINDS.get(pg.TransactionStmtKind.Name(body.kind), "") if body is not None else ""
        spans.append(Span(begin, end, kind))
    return spans
