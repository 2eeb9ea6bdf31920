"""What is in a script but is no SQL: the markers and placeholders of other tools, psql's own lines, and COPY's data.

Markers are comments to PostgreSQL, so that all parts of such a file would run, the one that undoes the others too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import postgast
from postgast import pg_query_pb2 as pg

from runner.sql.positions import Positions
from runner.wording import PROGRAM

_COPY = "COPY from or to the client is not possible; use INSERT"
_COPY_CURE = "pg_dump --inserts writes the rows so; --schema-only leaves them out"


class Foreign(NamedTuple):
    """Something that is no SQL: where it begins, in characters, what is wrong, and what to do."""

    offset: int
    message: str
    hint: str = ""


class _Format(NamedTuple):
    """The format of a tool: how its markers go on after the dashes of a comment, and which part to keep."""

    tool: str
    marker: str
    cure: str


_NO_TRANSACTION = "; for the option about transactions, set transaction = false in the manifest"


def _all(tool: str) -> str:
    return f"; in an empty folder, '{PROGRAM} import {tool} PATH' does that for all of them"


def _halves(tool: str, marker: str, up: str, down: str, more: str = "") -> _Format:
    return _Format(tool, marker, f"keep the part below {up!r}; remove the markers and the part below {down!r}{more}")


_FORMATS = (
    _halves(
        "dbmate", r"migrate:(?:up|down)(?!\S)", "-- migrate:up", "-- migrate:down", _NO_TRANSACTION + _all("dbmate")
    ),
    _halves("goose", r"\+goose[ \t]+\w", "-- +goose Up", "-- +goose Down", _NO_TRANSACTION + _all("goose")),
    _halves("sql-migrate", r"\+migrate[ \t]+\w", "-- +migrate Up", "-- +migrate Down", _NO_TRANSACTION),
    _halves("rockhopper", r"\+(?:up|down)[ \t]*$", "-- +up", "-- +down"),
    _halves("rambler", r"rambler[ \t]+(?:up|down)[ \t]*$", "-- rambler up", "-- rambler down"),
    _halves(
        "node-pg-migrate",
        r"[- \t]*(?:up|down)[ \t]+migration[- \t:]*$",
        "-- Up Migration",
        "-- Down Migration",
        _all("node-pg-migrate"),
    ),
    _halves("Play", r"[- \t]*!(?:Ups|Downs)[ \t]*$", "!Ups", "!Downs"),
    _halves("shmig", r"=+[ \t]*(?:UP|DOWN)[ \t]*=+[ \t]*$", "-- ==== UP ====", "-- ==== DOWN ===="),
    _Format(
        "tern",
        r"[- \t]*create above[ \t]*/[ \t]*drop below",
        "keep the part above this line; remove the line and the part below it",
    ),
    _Format(
        "MyBatis Migrations",
        r"//[ \t]*@UNDO(?!\w)",
        "keep the part above this line; remove the line and the part below it",
    ),
    _Format(
        "Atlas",
        r"atlas:(?:txtar|txmode|delimiter)(?!\w)",
        "keep the part below '-- migration.sql --'; remove the markers and the other parts" + _NO_TRANSACTION,
    ),
    _Format(
        "Liquibase",
        # An author that begins with a digit is a revision of Mercurial.
        r'liquibase[ \t]+formatted(?!\w)|changeset[ \t]+(?:"[^"\n]+"|[^\W\d][^\s:]*):\S+(?:[ \t]+\w+:\S.*)?$',
        "keep the SQL of the changesets; remove the lines of Liquibase, and list what has a context, a label or a"
        " precondition as a script of its own",
    ),
    _Format(
        "graphile-migrate",
        r"![ \t]*include[ \t]+\S",
        "list the file that it includes as a script of its own, before this one, and remove the line",
    ),
)
_MARKER = re.compile(
    r"^[ \t#]*(?P<comment>--[ \t]*(?:" + "|".join(f"({format_.marker})" for format_ in _FORMATS) + r")[^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_PSQL_COMMAND = re.compile(r"\\([a-z]+|[^\s\w]|)", re.IGNORECASE)
_PSQL_VARIABLE = re.compile(r"(?<![^\s(,=.])(:(?:\w+|'\w+'|\"\w+\"|\{\?\w+\}))")
_PLACEHOLDER = re.compile(r"[\w$]*(\$\{[^{}\s]*\})")
_AS_VARIABLE = "put the value in the manifest under [variables], and write {{ name }}, or {{ name | identifier }}"
_PSQL_CURES = {
    ("i", "ir", "include", "include_relative"): "list the file in the manifest as a script of its own",
    ("c", "connect"): "remove the line; --dsn or DATABASE_URL chooses the database",
    ("copy",): "write the rows as INSERT",
    ("set", "unset", "getenv", "prompt"): _AS_VARIABLE,
    ("if", "elif", "else", "endif"): "write {% if … %} … {% endif %}, with a variable of the manifest",
    ("restrict", "unrestrict"): "remove the line, which pg_dump writes for psql alone",
    ("g", "gx", "gset", "gdesc", "gexec", "crosstabview", "watch"): "end the statement with a semicolon instead",
}


def copy_at(offset: int, *, is_from: bool = True) -> Foreign:
    """Return what is said of a COPY whose rows would come from the client, or go there."""
    return Foreign(offset, _COPY, _COPY_CURE if is_from else "")


def marker_in(text: str, tokens: Sequence[pg.ScanToken], positions: Positions) -> Foreign | None:
    """Return the first comment of a text that is a marker of another tool's format."""
    for found in _MARKER.finditer(text):
        begin = positions.to_byte(found.start("comment"))
        index = bisect_left(tokens, begin, key=lambda token: token.start)
        is_comment = index < len(tokens) and tokens[index].token == pg.SQL_COMMENT and tokens[index].start == begin
        format_ = next(each for each, part in zip(_FORMATS, found.groups()[1:], strict=True) if part)
        if is_comment:
            shown = " ".join(found["comment"].split())
            message = f"'{shown}' is a marker of {format_.tool}; a script is plain SQL and runs whole"
            return Foreign(found.start("comment"), message, format_.cure)
    return None


def foreign_at(text: str, offset: int) -> Foreign | None:
    """Return what is no SQL where the grammar met the first error in a text, or before it."""
    before = text[:offset]
    try:
        tokens = postgast.scan(before).tokens
    except postgast.PgQueryError:
        return None
    positions = Positions(before)
    if marker := marker_in(before, tokens, positions):
        return marker
    for start in _copies(tokens):
        return copy_at(positions.to_character(start))
    if command := _PSQL_COMMAND.match(text, offset):
        cure = next((cure for names, cure in _PSQL_CURES.items() if command[1] in names), "remove the line")
        return Foreign(offset, f"{command[0]} is a command of psql, not SQL", cure)
    if variable := _PSQL_VARIABLE.match(text, offset):
        return Foreign(offset, f"{variable[1]} is a variable of psql, not SQL", _AS_VARIABLE)
    for begin in (offset, max(offset - 1, 0)):  # at the dollar sign, or behind one that ends a name
        if placeholder := _PLACEHOLDER.match(text, begin):
            what = f"{placeholder[1]} is a placeholder of another tool, such as Flyway, not SQL"
            return Foreign(placeholder.start(1), what, _AS_VARIABLE)
    return None


def _copies(tokens: Sequence[pg.ScanToken]) -> Iterator[int]:
    """Return where each statement begins that has rows of the client below it: COPY … FROM STDIN."""
    begin, kinds = 0, list[int]()
    for token in tokens:
        if token.token == pg.ASCII_59:
            if kinds[:1] == [pg.COPY] and (pg.FROM, pg.STDIN) in pairwise(kinds):
                yield begin
            kinds.clear()
        elif token.token not in (pg.SQL_COMMENT, pg.C_COMMENT):
            begin = begin if kinds else token.start
            kinds.append(token.token)
