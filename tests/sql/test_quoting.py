"""How a value becomes SQL: each one is what PostgreSQL's own grammar reads back, and nothing around it is touched."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any

import postgast
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from postgast import pg_query_pb2 as pg

from runner.sql.quoting import KEYWORDS, identifier, literal

UTC = datetime.UTC
HALF_HOUR_WEST = datetime.timezone(-datetime.timedelta(hours=3, minutes=30))

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
"""What PostgreSQL can store."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner),
    max_leaves=20,
)

LITERALS: list[tuple[object, str]] = [
    (None, "null"),
    (True, "true"),
    (False, "false"),
    (0, "0"),
    (14, "14"),
    (-1, "-1"),
    (10**30, "1" + "0" * 30),
    (0.1, "0.1"),
    (-2.5, "-2.5"),
    (300.0, "300.0"),
    (1e300, "1e+300"),
    (5e-324, "5e-324"),
    ("", "''"),
    ("plain", "'plain'"),
    ("it's", "'it''s'"),
    ("''", "''''''"),
    ('say "x"', "'say \"x\"'"),
    ("a\\b", "E'a\\\\b'"),
    ("\\", "E'\\\\'"),
    ("\\'", "E'\\\\'''"),
    ("a\nb\tc\rd", "'a\nb\tc\rd'"),
    ("100 %", "'100 %'"),
    ("%s %(name)s", "'%s %(name)s'"),
    (":name :'name' :\"name\"", "':name :''name'' :\"name\"'"),
    ("$1 $$ $tag$", "'$1 $$ $tag$'"),
    ("-- no /* comment */ ;", "'-- no /* comment */ ;'"),
    ("'; DROP TABLE x; --", "'''; DROP TABLE x; --'"),
    ("\\'; DROP TABLE x; --", "E'\\\\''; DROP TABLE x; --'"),
    ("größe 📦 \u2028\ufeff", "'größe 📦 \u2028\ufeff'"),
    ("<b>&amp;</b>", "'<b>&amp;</b>'"),
    ("{{ x }}", "'{{ x }}'"),
    ([], "'[]'::jsonb"),
    ({}, "'{}'::jsonb"),
    ([1, "a", None, True, 2.5], "'[1, \"a\", null, true, 2.5]'::jsonb"),
    ({"a": {"b": [{"c": "it's"}]}}, '\'{"a": {"b": [{"c": "it\'\'s"}]}}\'::jsonb'),
    (['a"b', "c\\d", "e\nf"], 'E\'["a\\\\"b", "c\\\\\\\\d", "e\\\\nf"]\'::jsonb'),
    (["größe 📦"], "'[\"größe 📦\"]'::jsonb"),
    (["\\u0000"], "E'[\"\\\\\\\\u0000\"]'::jsonb"),
    (datetime.date(2024, 2, 29), "'2024-02-29'::date"),
    (datetime.date(1, 1, 1), "'0001-01-01'::date"),
    (datetime.datetime(2024, 2, 29, 23, 59, 58), "'2024-02-29 23:59:58'::timestamp"),  # noqa: DTZ001
    (datetime.datetime(2024, 2, 29, 1, 2, 3, 4, UTC), "'2024-02-29 01:02:03.000004+00:00'::timestamptz"),
    (datetime.datetime(2024, 2, 29, tzinfo=HALF_HOUR_WEST), "'2024-02-29 00:00:00-03:30'::timestamptz"),
    (datetime.time(7, 32), "'07:32:00'::time"),
    (datetime.time(7, 32, 0, 5), "'07:32:00.000005'::time"),
    (datetime.time(7, 32, tzinfo=UTC), "'07:32:00+00:00'::timetz"),
]


@pytest.mark.parametrize(("value", "sql"), LITERALS)
def test_literal(value: object, sql: str) -> None:
    """Each type that a manifest or a mapping file can hold has its literal."""
    assert literal(value) == sql


REFUSED: list[tuple[object, str]] = [
    (float("nan"), "nan is no SQL number"),
    (float("inf"), "inf is no SQL number"),
    (float("-inf"), "-inf is no SQL number"),
    ("a\0b", "PostgreSQL cannot store a NUL character"),
    (["a\0b"], "PostgreSQL cannot store a NUL character"),
    ({"\0": 1}, "PostgreSQL cannot store a NUL character"),
    ({"a": [{"b": "\\\0"}]}, "PostgreSQL cannot store a NUL character"),
    (["\\u0000", "\0"], "PostgreSQL cannot store a NUL character"),
    ("\ud800", "half of a surrogate pair cannot be stored: '\\ud800'"),
    ([datetime.date(2024, 1, 1)], "not a JSON value: 2024-01-01 is a date"),
    ({"a": {1}}, "not a JSON value: {1} is a set"),
    ({(1, 2): 3}, "not a JSON value: keys must be str, int, float, bool or None, not tuple"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_no_literal(value: object, message: str) -> None:
    """What SQL cannot hold is refused, however deep it is."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        literal(value)
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [[float("nan")], {"a": float("inf")}, {"a": [{"b": float("-inf")}]}])
def test_numbers_inside(value: object) -> None:
    """A number that is none is refused inside of lists and dicts too."""
    with pytest.raises(ValueError, match=r"^not a JSON value: "):
        literal(value)


@pytest.mark.parametrize("value", [["\udc80"], {"\udfff": 1}, {"a": [{"b": "x\ud800"}]}])
def test_surrogates_inside(value: object) -> None:
    """Half of a surrogate pair is refused inside of lists and dicts too."""
    with pytest.raises(ValueError, match="half of a surrogate pair cannot be stored"):
        literal(value)


UNSUPPORTED = [b"bytes", (1, 2), {1}, frozenset({1}), 1j, decimal.Decimal(1), datetime.timedelta(1), range(2), int]


@pytest.mark.parametrize("value", [*UNSUPPORTED, object(), literal, iter([1])], ids=lambda value: type(value).__name__)
def test_unsupported_type(value: object) -> None:
    """A value of any other type is refused by the name of its type, never put out as text."""
    with pytest.raises(ValueError, match=rf"^an? {type(value).__name__} has no SQL literal$"):
        literal(value)


def test_endless_list() -> None:
    """A list that holds itself is refused."""
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="not a JSON value"):
        literal(value)


def tokens(sql: str) -> list[tuple[int, str]]:
    """Return the tokens of some SQL: each one's kind and text."""
    data = sql.encode()
    return [(token.token, data[token.start : token.end].decode()) for token in postgast.scan(sql).tokens]


def selected(sql: str) -> Any:
    """Return the one thing that a SELECT selects, as PostgreSQL's grammar reads it."""
    (statement,) = postgast.parse(f"select {sql}").stmts
    (target,) = statement.stmt.select_stmt.target_list
    return target.res_target


@settings(deadline=None)
@given(TEXT)
def test_any_text_is_one_string(text: str) -> None:
    """Any text is one string token of PostgreSQL's grammar, which reads it as that very text."""
    assert tokens(literal(text)) == [(pg.SCONST, literal(text))]
    assert selected(literal(text)).val.a_const.sval.sval == text


@settings(deadline=None)
@given(TEXT, TEXT, TEXT)
def test_texts_stay_apart(first: str, second: str, third: str) -> None:
    """Between other tokens a text changes none of them, whatever it holds."""
    sql = f"f({literal(first)},{literal(second)})||{literal(third)}--c"
    assert [text for _, text in tokens(sql)] == [
        *("f", "(", literal(first), ",", literal(second), ")", "||", literal(third), "--c")
    ]


@settings(deadline=None)
@given(JSON.filter(lambda value: isinstance(value, list | dict)))
def test_any_document_is_one_string(value: object) -> None:
    """Any list or dict is one string cast to jsonb, and the string is the JSON of that very value."""
    cast = selected(literal(value)).val.type_cast
    assert [name.string.sval for name in cast.type_name.names] == ["jsonb"]
    assert json.loads(cast.arg.a_const.sval.sval) == value


@settings(deadline=None)
@given(st.integers())
def test_any_whole_number(number: int) -> None:
    """A whole number is at most a sign and one number token."""
    assert [text for _, text in tokens(literal(number))] == (["-"] if number < 0 else []) + [str(abs(number))]


@settings(deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_float(number: float) -> None:
    """A float is at most a sign and one number token, and keeps every digit."""
    found = [text for _, text in tokens(literal(number))]
    assert found[:-1] in ([], ["-"])
    assert float("".join(found)) == number
    assert tokens(literal(number))[-1][0] == pg.FCONST


@settings(deadline=None)
@given(st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.dates() | st.times())
def test_any_moment(moment: datetime.date | datetime.time) -> None:
    """A date or time is a string cast to its type, and keeps every digit."""
    cast = selected(literal(moment)).val.type_cast
    assert type(moment).fromisoformat(cast.arg.a_const.sval.sval) == moment


IDENTIFIERS = [
    ("jira_issues_v2", "jira_issues_v2"),
    ("_x", "_x"),
    ("a" * 63, "a" * 63),
    ("é" * 31, '"' + "é" * 31 + '"'),
    ("A", '"A"'),
    ("issueKey", '"issueKey"'),
    ("1st", '"1st"'),
    ("a b", '"a b"'),
    ("a$b", '"a$b"'),
    ("a.b", '"a.b"'),
    ('a"b', '"a""b"'),
    ('"', '""""'),
    ("it's", '"it\'s"'),
    ("a\nb", '"a\nb"'),
    ("a\n", '"a\n"'),
    ("a\\b", '"a\\b"'),
    ('x"; drop table y; --', '"x""; drop table y; --"'),
    ("$$", '"$$"'),
    ("%s", '"%s"'),
    (":name", '":name"'),
    ("größe", '"größe"'),
    ("📦", '"📦"'),
    ("select", '"select"'),
    ("user", '"user"'),
    ("order", '"order"'),
    ("integer", '"integer"'),
    ("left", '"left"'),
    ("name", "name"),
    ("type", "type"),
    ("value", "value"),
    ("Select", '"Select"'),
]


@pytest.mark.parametrize(("name", "sql"), IDENTIFIERS)
def test_identifier(name: str, sql: str) -> None:
    """A name is in quotes when it needs them, and only then."""
    assert identifier(name) == sql


NO_NAMES: list[tuple[object, str]] = [
    ("", "an identifier has 1 to 63 bytes, not ''"),
    ("a" * 64, f"an identifier has 1 to 63 bytes, not '{'a' * 64}'"),
    ("é" * 32, f"an identifier has 1 to 63 bytes, not '{'é' * 32}'"),
    ("a\0", "PostgreSQL cannot store a NUL character"),
    ("\ud800", "half of a surrogate pair cannot be stored: '\\ud800'"),
    (None, "an identifier is a string, not None"),
    (1, "an identifier is a string, not 1"),
    (True, "an identifier is a string, not True"),
    (["a"], "an identifier is a string, not ['a']"),
    (b"a", "an identifier is a string, not b'a'"),
]


@pytest.mark.parametrize(("name", "message"), NO_NAMES)
def test_no_identifier(name: object, message: str) -> None:
    """What cannot be a name is refused, and never shortened to one."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        identifier(name)
    assert str(caught.value) == message


@settings(deadline=None)
@given(TEXT.filter(lambda name: 0 < len(name.encode()) <= 63))
def test_any_name_is_one_identifier(name: str) -> None:
    """Any name that fits is one token of PostgreSQL's grammar, which reads it as that very name."""
    assert len(tokens(identifier(name))) == 1
    column = selected(f"{identifier(name)}.{identifier(name)}").val.column_ref
    assert [field.string.sval for field in column.fields] == [name, name]


def keywords() -> dict[str, str]:
    """Return every word of PostgreSQL's grammar that means something to it, and the kind of keyword that it is."""
    names, found = pg.Token.keys(), {}
    for name in names:
        word = name.lower().removesuffix("_p")
        scanned = postgast.scan(word).tokens
        if len(scanned) == 1 and scanned[0].keyword_kind != pg.NO_KEYWORD:
            found[word] = pg.KeywordKind.Name(scanned[0].keyword_kind)
    return found


def test_keywords() -> None:
    """A word needs quotes exactly if PostgreSQL's grammar reserves it, in part or in full."""
    words = keywords()
    assert len(words) > 480  # the walk over the grammar finds them all
    assert {word for word, kind in words.items() if kind != "UNRESERVED_KEYWORD"} == KEYWORDS


def test_keywords_as_names() -> None:
    """Every keyword can be the name of a table, of a column, and of a type."""
    for word in keywords():
        name = identifier(word)
        (statement,) = postgast.parse(f"create table {name} ({name} {name}, check ({name} > 0))").stmts
        table = statement.stmt.create_stmt
        assert (table.relation.relname, table.table_elts[0].column_def.colname) == (word, word)
