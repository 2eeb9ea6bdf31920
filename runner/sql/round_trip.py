"""Definitions as PostgreSQL writes them, in a form that is the same before and after a dump is restored.

PostgreSQL reads some of its own words as another tree than the one that it has written. A cast of `ARRAY[…]` becomes
one of each element, AND within AND one list of conditions, `ON TRUE` a constant; parentheses come and go with them.
A result without a name that has got a type has the name of the type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import postgast
from google.protobuf.message import DecodeError
from postgast import pg_query_pb2 as pg

from runner.sql.tokens import COMMA, DEPTH
from runner.sql.trees import nodes

Form = tuple[str | bytes, ...]
"""Words, and trees in the place of those that make one."""
_OPEN, _SEMICOLON = pg.ASCII_40, pg.ASCII_59
_STATEMENTS = (pg.SELECT, pg.WITH, pg.VALUES, pg.INSERT, pg.UPDATE, pg.DELETE_P, pg.MERGE)
_BEFORE_EXPRESSION = (pg.DEFAULT, pg.WHERE, pg.RETURN)
_BODIES = ("BEGIN ATOMIC", "RETURN ")
_QUALIFIED = 2
"""How many names a column has that is written with its table."""
_OF_ITEMS = 1
"""What marks, in the place of a location, the type that items of an array are cast to, if they are no arrays."""
_PLACES = (
    "location",
    "name_location",
    "list_start",
    "list_end",
    "rexpr_list_start",
    "rexpr_list_end",
    "stmt_location",
    "stmt_len",
)


class _Word(NamedTuple):
    token: int
    text: str


def is_same(kind: str, one: str, other: str) -> bool:
    """Return whether two definitions of an object of a kind are one, but for what a round trip changes."""
    return any(form == same for form, same in zip(_forms_of(kind, one), _forms_of(kind, other), strict=True))


@lru_cache(maxsize=1 << 12)
def _forms_of(kind: str, definition: str) -> tuple[Form, Form]:
    """Return the form of a definition, and the one that it has when items of an `ARRAY[…]` are arrays themselves."""
    head, separator, body = definition.partition(" as ") if kind == "function" else (definition, "", "")
    is_sql = " language sql" in head and body.startswith(_BODIES)
    first, second = _forms(head)
    if not is_sql:
        return (*first, separator, body), (*second, separator, body)
    one, other = _forms(body)
    return (*first, separator, *one), (*second, separator, *other)


def _forms(definition: str) -> tuple[Form, Form]:
    data = definition.encode()
    try:
        tokens = postgast.scan(definition).tokens
    except postgast.PgQueryError:
        return (definition,), (definition,)
    words = [_Word(token.token, data[token.start : token.end].decode()) for token in tokens]
    pieces = list(_pieces(words, _ends(words)))
    return tuple(piece[0] for piece in pieces), tuple(piece[1] for piece in pieces)


def _ends(words: Sequence[_Word]) -> Mapping[int, int]:
    """Return where each parenthesis and bracket is closed, by where it is opened."""
    ends, opened = {}, []
    for place, word in enumerate(words):
        depth = DEPTH.get(word.token, 0)
        if depth > 0:
            opened.append(place)
        elif depth < 0 and opened:
            ends[opened.pop()] = place
    return ends


def _pieces(words: Sequence[_Word], ends: Mapping[int, int]) -> Iterator[tuple[str, str] | tuple[bytes, bytes]]:
    """Yield the words and trees of both forms."""
    place = 0
    while place < len(words):
        tried = ((end, _trees(words[place:end], begin)) for begin, end in _candidates(words, place, ends))
        end, trees = next((one for one in tried if one[1]), (place + 1, None))
        yield trees or (words[place].text, words[place].text)
        place = end


def _candidates(words: Sequence[_Word], place: int, ends: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    """Yield where a statement, or an expression that `SELECT` makes one of, may end that begins at a place."""
    if words[place].token in _STATEMENTS:
        yield "", _end_of_list(words, place, ends, _SEMICOLON)
    if place and words[place - 1].token in _BEFORE_EXPRESSION:
        yield "SELECT", _end_of_list(words, place, ends, COMMA)
    if words[place].token == _OPEN and place in ends:
        yield "SELECT", ends[place] + 1


def _end_of_list(words: Sequence[_Word], place: int, ends: Mapping[int, int], separator: int) -> int:
    """Return where a separator follows that is in no parentheses, or where those around it are closed, or the end."""
    while place < len(words) and words[place].token != separator and DEPTH.get(words[place].token, 0) >= 0:
        place = ends.get(place, place) + 1
    return place


def _trees(words: Sequence[_Word], begin: str) -> tuple[bytes, bytes] | None:
    """Return the tree of words in both forms; None when they are no statement."""
    try:
        tree = postgast.parse(" ".join([begin, *(word.text for word in words)]))
    except (postgast.PgQueryError, DecodeError):
        return None
    for node in reversed(list(nodes(tree))):
        for field in _PLACES:
            if field in node.DESCRIPTOR.fields_by_name:
                node.ClearField(field)
        if isinstance(node, pg.Node):
            _simplify(node)
    for statement in tree.stmts:
        _unqualify(statement.stmt.select_stmt)
    types = [node for node in nodes(tree) if isinstance(node, pg.TypeName) and node.location == _OF_ITEMS]
    for node in types:
        node.ClearField("location")
    one = tree.SerializeToString(deterministic=True)
    for node in types:
        node.array_bounds.add().integer.ival = -1
    return one, tree.SerializeToString(deterministic=True)


def _simplify(node: Any) -> None:
    """Give a node, whose children are as PostgreSQL reads them again, the form that itself has then."""
    if node.HasField("bool_expr"):
        condition = node.bool_expr
        merged = pg.BoolExpr(boolop=condition.boolop, args=list(_conditions(condition)))
        node.bool_expr.CopyFrom(merged)
    elif node.HasField("type_cast") and node.type_cast.type_name.array_bounds and _is_filled(node.type_cast.arg):
        cast = pg.TypeCast()
        cast.CopyFrom(node.type_cast)
        _push_down(cast.arg.a_array_expr, cast.type_name)
        node.CopyFrom(cast.arg)
    elif node.HasField("select_stmt"):
        for result in (item.res_target for item in node.select_stmt.target_list):
            type_names = result.val.type_cast.type_name.names
            if type_names and result.name == type_names[-1].string.sval:
                result.ClearField("name")


def _unqualify(query: Any) -> None:
    """Take the table from the columns of a query that reads one alone: before 16, PostgreSQL writes it in views.

    A name that a result has, too, keeps it: sorted rows are looked up there first. Queries within keep theirs.
    """
    if len(query.from_clause) != 1 or not query.from_clause[0].HasField("range_var"):
        return
    relation = query.from_clause[0].range_var
    name = relation.alias.aliasname or relation.relname
    results = {item.res_target.name for item in query.target_list}
    for fields in [node.fields for node in _outer_nodes(query) if isinstance(node, pg.ColumnRef)]:
        own = [field.string.sval for field in fields]
        if len(own) == _QUALIFIED and own[0] == name and own[1] and own[1] not in results:
            del fields[0]


def _outer_nodes(node: Any) -> Iterator[Any]:
    """Yield a node and those below it, without the queries among them."""
    yield node
    for _, value in node.ListFields():
        for below in value if isinstance(value, Sequence) or hasattr(value, "add") else (value,):
            if hasattr(below, "ListFields") and not isinstance(below, pg.SelectStmt):
                yield from _outer_nodes(below)


def _conditions(condition: Any) -> Iterator[Any]:
    for part in condition.args:
        if condition.boolop != pg.NOT_EXPR and part.bool_expr.boolop == condition.boolop:
            yield from part.bool_expr.args
        else:
            yield part


def _is_filled(node: Any) -> bool:
    """Return whether it is an array with elements, and so is each array in it."""
    elements = node.a_array_expr.elements
    return bool(elements) and all(_is_filled(each) for each in elements if each.HasField("a_array_expr"))


def _push_down(array: Any, type_name: Any) -> None:
    """Cast the elements of an array, and those of the arrays in it, to a type of arrays."""
    for element in array.elements:
        if element.HasField("a_array_expr"):
            _push_down(element.a_array_expr, type_name)
            continue
        cast = pg.TypeCast(arg=element, type_name=type_name)
        if not element.type_cast.type_name.array_bounds:
            del cast.type_name.array_bounds[:]
            cast.type_name.location = _OF_ITEMS
        element.CopyFrom(pg.Node(type_cast=cast))
