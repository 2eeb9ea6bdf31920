"""A piece of a rendered script with its tokens and trees, by PostgreSQL's own grammar: where its statements are."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from functools import partial
from itertools import pairwise
from sys import intern
from typing import TYPE_CHECKING

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from runner.errors import Hint, InputError, Place
from runner.sql.effects import declaration_of
from runner.sql.excerpts import point
from runner.sql.foreign_formats import Foreign, copy_at, foreign_at, marker_in
from runner.sql.objects import NOTHING, Declaration
from runner.sql.placement import acts_in_comment, misplaced
from runner.sql.positions import Positions
from runner.sql.restrictions import traits_of
from runner.sql.source_map import OUTPUT_BEGINS, OUTPUT_ENDS, RAW, Edge, Rendered
from runner.sql.statements import DATA_NODES, NO_STRINGS, UNREAD, Statement, Traits, data_node
from runner.sql.trees import makes_table, strings_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


COMMENTS = (pg.SQL_COMMENT, pg.C_COMMENT)
LARGE = 1 << 20
"""From how many bytes on a tree is made for each statement by itself: one takes forty times as many."""
COMMA, _SEMICOLON, _CLOSE = pg.ASCII_44, pg.ASCII_59, pg.ASCII_41
DEPTH = {pg.ASCII_40: 1, _CLOSE: -1, pg.ASCII_91: 1, pg.ASCII_93: -1}  # ( ) [ ]
_SET_OPERATIONS = (pg.UNION, pg.INTERSECT, pg.EXCEPT)
_MOST_LINKS = 16_000
"""Where the parser's stack, of 8 MB, is half full."""
_INSIDE = {pg.SCONST: "a string", pg.USCONST: "a string", pg.SQL_COMMENT: "a comment", pg.C_COMMENT: "a comment"}
_LONGEST_MESSAGE = 120
_SAVEPOINTS = ("TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO")


class Source:
    """A piece of a script, which begins where a statement does; its tokens count bytes of the piece."""

    def __init__(self, rendered: Rendered, begin: int, end: int) -> None:
        self.rendered = rendered
        self.begin = begin
        self.text = rendered.text[begin:end]
        self.data = self.text.encode()
        self.positions = Positions(self.text)
        self.ends_early = False
        """Whether an error may come from where the piece ends."""
        try:
            self.tokens = postgast.scan(self.text).tokens
            self.scan_error = None
        except postgast.PgQueryError as error:
            self.tokens = []
            self.scan_error = error
        self.starts = array("L", [token.start for token in self.tokens])
        self.deletes = [token.start for token in self.tokens if token.token == pg.DELETE_P]

    @property
    def ends_with_semicolon(self) -> bool:
        """Whether its last token, which may be a comment, is the end of a statement."""
        return bool(self.tokens) and self.tokens[-1].token == _SEMICOLON

    def check_edges(self, edges: Iterable[Edge]) -> None:
        """Raise InputError where an output begins or ends inside a token, else where a tag is in one."""
        known = list(edges)
        for are_outputs in (True, False):
            for edge in known:
                if (edge.kind in (OUTPUT_BEGINS, OUTPUT_ENDS)) == are_outputs:
                    self._check_edge(edge)

    def _check_edge(self, edge: Edge) -> None:
        position = self.positions.to_byte(edge.offset - self.begin)
        index = bisect_left(self.starts, position) - 1
        if index < 0:
            return
        token = self.tokens[index]
        where = "a quoted name" if self.data[token.start : token.start + 1] == b'"' else _INSIDE.get(token.token)
        if position < token.end and not (where and edge.kind == RAW):
            raise misplaced(edge, where, self.rendered.path)
        if position == token.end and token.token == pg.SQL_COMMENT and acts_in_comment(edge, self.rendered):
            raise misplaced(edge, where, self.rendered.path)

    def statements(self, schema: str, managed: Sequence[str] | None = None, *, adds_value: bool) -> Iterator[Statement]:
        """Yield its statements; `adds_value` tells whether one before it adds a value to an enum. Raise InputError."""
        if self.scan_error:
            raise self._foreign_before() or self._syntax_error(self.scan_error)
        if marker := marker_in(self.text, self.tokens, self.positions):
            raise self._foreign(marker)
        self._check_depth()
        try:
            trees = self._trees()
        except postgast.PgQueryError as error:
            raise self._syntax_error(error) from None
        for location, length, shift, tree in trees:
            start, end = self._extent(location, length)
            offset = self.begin + self.positions.to_character(start)
            line = self.rendered.line_at(offset)
            sql = self.data[start:end].decode()
            if tree is None:
                node = self._node_by_words(start, end, sql)
                traits = Traits(destroys="DELETE" if node in DATA_NODES and self._has_delete(start, end) else "")
                declaration = NOTHING if node in DATA_NODES else Declaration(opaque=True)
                yield Statement(self.rendered.path, line, offset, sql, node, declaration, traits)
                continue
            node = intern(str(tree.WhichOneof("node")))
            body = getattr(tree, node)
            self._check_allowed(body, offset)
            declaration = declaration_of(node, body, schema, partial(self._element, shift=shift), managed)
            traits = traits_of(node, body, may_delete=self._has_delete(start, end))
            strings = strings_in(body) if adds_value else NO_STRINGS
            adds_value = adds_value or bool(traits.new_value)
            node = "select_into_stmt" if makes_table(body) else node
            yield Statement(self.rendered.path, line, offset, sql, node, declaration, traits, strings)

    def _check_depth(self) -> None:
        """Raise InputError for a chain of operators, joins or unions so long that the parser's stack has no end.

        A tree is as deep as the tokens between two commas are many, those in parentheses included.
        """
        if len(self.tokens) <= _MOST_LINKS:
            return
        own = longest = unions = 0
        outer: list[tuple[int, int]] = []
        for token in self.tokens:
            kind = token.token
            change = DEPTH.get(kind, 0)
            if kind in (COMMA, _SEMICOLON):
                own, longest = 0, max(own, longest)
                unions = 0 if kind == _SEMICOLON else unions
            elif change > 0:
                outer.append((own, longest))
                own = longest = 0
            elif change < 0 and outer:
                inner = max(own, longest)
                own, longest = outer.pop()
                own += inner
            else:
                own += 1
                unions += kind in _SET_OPERATIONS
            if max(own, unions) > _MOST_LINKS:
                line = self.rendered.line_at(self.begin + self.positions.to_character(token.start))
                raise InputError(
                    f"an expression of more than {_MOST_LINKS:,} words without a comma; write it as a list",
                    place=Place(self.rendered.path, line),
                )

    def _trees(self) -> Iterable[tuple[int, int, int, pg.Node | None]]:
        """Return the place, length and parse tree of each statement, and where the bytes of its tree begin to count.

        A tree of more than about fifty levels cannot be read: its statement comes without one.
        """
        if len(self.data) < LARGE:
            try:
                return [(raw.stmt_location, raw.stmt_len, 0, raw.stmt) for raw in postgast.parse(self.text).stmts]
            except DecodeError:
                pass
        return self._trees_one_by_one(postgast.split(self.text))

    def _trees_one_by_one(self, pieces: Sequence[str]) -> Iterator[tuple[int, int, int, pg.Node | None]]:
        index = 0
        for piece in pieces:
            while self.tokens[index].token in (*COMMENTS, _SEMICOLON):  # which the parser leaves out before a statement
                index += 1
            size, location = len(piece.encode()), self.tokens[index].start
            try:
                tree = postgast.parse(piece).stmts[0].stmt
            except DecodeError:
                tree = None
            yield location, size, location, tree
            index = bisect_left(self.starts, location + size)

    def _extent(self, location: int, length: int) -> tuple[int, int]:
        """Return the bytes of a statement, without the comments and white space around it."""
        end = location + length if length else len(self.data)
        first, last = bisect_left(self.starts, location), bisect_left(self.starts, end) - 1
        while self.tokens[first].token in COMMENTS:
            first += 1
        while self.tokens[last].token in (*COMMENTS, _SEMICOLON):
            last -= 1
        return self.tokens[first].start, self.tokens[last].end

    def _node_by_words(self, start: int, end: int, sql: str) -> str:
        """Return the node of a statement without a tree."""
        tokens = self.tokens[bisect_left(self.starts, start) : bisect_left(self.starts, end)]
        kinds = [token.token for token in tokens if token.token not in COMMENTS]
        makes_table = any(after == pg.INTO and word not in (pg.INSERT, pg.MERGE) for word, after in pairwise(kinds))
        return UNREAD if makes_table else data_node(sql) or UNREAD

    def _has_delete(self, start: int, end: int) -> bool:
        """Return whether there is the word DELETE, neither quoted nor in a string, between two bytes."""
        return bisect_left(self.deletes, start) < bisect_left(self.deletes, end)

    def _check_allowed(self, body: object, offset: int) -> None:
        if isinstance(body, pg.TransactionStmt) and pg.TransactionStmtKind.Name(body.kind) not in _SAVEPOINTS:
            raise InputError(
                "a script is one transaction by itself; remove this statement "
                "(transaction = false in the manifest runs a script without one)",
                place=Place(self.rendered.path, self.rendered.line_at(offset)),
            )
        if isinstance(body, pg.CopyStmt) and not body.filename and not body.is_program:
            raise self._foreign(copy_at(offset - self.begin, is_from=body.is_from))

    def _foreign_before(self) -> InputError | None:
        """Return what is no SQL before that which has no end, and may be why."""
        try:
            postgast.parse(self.text)
        except postgast.PgQueryError as error:
            foreign = foreign_at(self.text, error.cursorpos - 1) if error.cursorpos else None
            return self._foreign(foreign) if foreign else None
        return None

    def _foreign(self, foreign: Foreign) -> InputError:
        found = point(self.rendered, self.begin + foreign.offset)
        notes = (*found.excerpt, *([Hint(foreign.hint)] if foreign.hint else []))
        return InputError(
            foreign.message, place=Place(self.rendered.path, found.line), notes=notes, column=found.column
        )

    def _syntax_error(self, error: postgast.PgQueryError) -> InputError:
        path = self.rendered.path
        if not error.cursorpos:
            return InputError(error.message, place=path)
        offset = error.cursorpos - 1
        if foreign := foreign_at(self.text, offset):
            return self._foreign(foreign)
        message = error.message.split("\n")[0]
        if message.startswith("memory exhausted"):  # the stack of the grammar, which holds 10,000 symbols
            message = "nested too deeply; make several statements of it"
        if len(message) > _LONGEST_MESSAGE:  # what is not ended is cited to the end of the file
            message = f"{message[:_LONGEST_MESSAGE]}…"
        self.ends_early = message.startswith("unterminated ") or message.endswith("at end of input")
        found = point(self.rendered, self.begin + offset)
        return InputError(message, place=Place(path, found.line), notes=found.excerpt, column=found.column)

    def words(self) -> list[bytes]:
        """Return its tokens as they are written, without comments."""
        return self._words(self.tokens)

    def words_of_objects(self, statements: Iterable[Statement]) -> list[bytes]:
        """Return the tokens of those statements that make or change objects, without comments."""
        words: list[bytes] = []
        for statement in statements:
            if statement.is_declarative:
                begin = self.positions.to_byte(statement.offset - self.begin)
                first = bisect_left(self.starts, begin)
                end = bisect_left(self.starts, begin + len(statement.sql.encode()))
                words += self._words(self.tokens[first:end])
        return words

    def _words(self, tokens: Iterable[pg.ScanToken]) -> list[bytes]:
        return [self.data[token.start : token.end] for token in tokens if token.token not in COMMENTS]

    def _element(self, location: int, shift: int) -> str:
        """Return the source of a list element that begins at a byte, up to its comma or closing parenthesis."""
        location += shift
        index = bisect_right(self.starts, location) - 1
        depth, end = 0, location
        for place in range(index, len(self.tokens)):
            token = self.tokens[place]
            kind = token.token
            if depth == 0 and kind in (COMMA, _CLOSE, _SEMICOLON):
                break
            depth += DEPTH.get(kind, 0)
            if kind not in COMMENTS:
                end = token.end
        return self.data[location:end].decode()
