"""Scripts as statements: PostgreSQL's own grammar splits them, and each one knows its place in the template."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import InputError
from runner.project.input_files import read_text
from runner.project.templates import render
from runner.sql import parser, tokens
from runner.sql.excerpts import excerpt
from runner.sql.objects import Effect, Object
from runner.sql.parser import parse
from runner.sql.quoting import literal
from runner.sql.statements import UNREAD, Script

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def parsed(template: str, **variables: object) -> Script:
    return parse(render("a.sql", template, variables), schema="public")


def split(template: str, **variables: object) -> list[str]:
    """Return the statements of a script, each one where it says that it is."""
    result = parsed(template, **variables)
    text = result.rendered.text
    assert [text[item.offset :][: len(item.sql)] for item in result.statements] == [
        item.sql for item in result.statements
    ]
    return [item.sql for item in result.statements]


def message(template: str, **variables: object) -> str:
    with pytest.raises(InputError) as caught:
        parsed(template, **variables)
    assert caught.value.exit_code == 2
    return str(caught.value)


ATOMIC = "create function f() returns int begin atomic select 1; select case when true then 2 end; end"
DOLLARS = "create procedure p() as $p$ begin execute $q$ select ';'; $q$; end; $p$ language plpgsql"
RULE = "create rule r as on insert to t do also (select 1; select 2)"

SPLITS: list[tuple[str, list[str]]] = [
    ("select 1;", ["select 1"]),
    ("select 1", ["select 1"]),
    ("select 1;\nselect 2;\n", ["select 1", "select 2"]),
    ("select 1;select 2", ["select 1", "select 2"]),
    ("", []),
    (" \n\t\n", []),
    ("-- only a comment", []),
    ("/* only /* nested */ comments */\n-- here\n", []),
    (";", []),
    (";;\n;", []),
    (";select 1;;;select 2;;", ["select 1", "select 2"]),
    ("-- before\nselect 1 -- after\n; -- behind\n/* ; */ select 2 /* ; */", ["select 1", "select 2"]),
    ("select /* ; */ 1 -- ;\n + 2;", ["select /* ; */ 1 -- ;\n + 2"]),
    ("select /* a /* ; */ ; */ 1; select 2", ["select /* a /* ; */ ; */ 1", "select 2"]),
    ("select ';'; select E'\\';'; select U&'\\003b;'", ["select ';'", "select E'\\';'", "select U&'\\003b;'"]),
    ("select 'it''s;'; select ';\n--\n;'", ["select 'it''s;'", "select ';\n--\n;'"]),
    ("select 'a;'\n';b'; select 2", ["select 'a;'\n';b'", "select 2"]),
    ('select 1 as ";"; select 2 as "a"";"', ['select 1 as ";"', 'select 2 as "a"";"']),
    ("select $$;$$; select $a$ $$;$$ ; $a$", ["select $$;$$", "select $a$ $$;$$ ; $a$"]),
    ("do $$ begin perform 1; end $$; select 1", ["do $$ begin perform 1; end $$", "select 1"]),
    (f"{DOLLARS};\nselect 1", [DOLLARS, "select 1"]),
    (f"{ATOMIC}; select 3", [ATOMIC, "select 3"]),
    (f"{RULE}; select 3", [RULE, "select 3"]),
    ("select 1;\r\nselect\r\n2;\r\n", ["select 1", "select\r\n2"]),
    ("select 'ä📦;'; select 'ü'", ["select 'ä📦;'", "select 'ü'"]),
    ("-- ä📦\nselect 1; /* ü */ select 2 -- ß\n;", ["select 1", "select 2"]),
    ("copy t from '/tmp/x'; copy t from program 'ls;'", ["copy t from '/tmp/x'", "copy t from program 'ls;'"]),
]


@pytest.mark.parametrize(("script", "expected"), SPLITS)
def test_split(script: str, expected: list[str]) -> None:
    """A script is split where PostgreSQL would, and the comments around a statement are no part of it."""
    assert split(script) == expected


# A template, with the line of each statement in it.
LINES: dict[str, tuple[str, list[int]]] = {
    "one on each line": ("select 1;\nselect 2;\n\nselect 3", [1, 2, 4]),
    "many on a line": ("select 1; select 2;\nselect 3; select 4", [1, 1, 2, 2]),
    "comments before": ("-- one\n/* two\n three */\nselect 1;\n-- five\n\nselect 2", [4, 7]),
    "comments on the same line": ("/* a */ select 1; -- b\n/* c\n */ select 2;", [1, 3]),
    "wide characters": ("-- ä📦\nselect 'ä📦'; select 2;\n/* ü */ select 3;", [2, 2, 3]),
    "line ends of other systems": ("select 1;\r\nselect\r\n2;\r\nselect 3", [1, 2, 4]),
    "separators that end no line": ("select '\u2028\x0b\x0c\x85';\x0c\nselect 2", [1, 2]),
    "loop": ("select 1;\n{% for i in [1, 2] %}\n\n  select {{ i }};\n{% endfor %}\nselect 2;", [1, 4, 4, 6]),
    "macro": ("{% macro m() %}\nselect 1;\n{% endmacro %}\n{{ m() }}\nselect 2;\n{{ m() }}", [2, 5, 2]),
    "values of many lines": ("select {{ text }}; select 1;\nselect {{ text }};\nselect 2;", [1, 1, 2, 3]),
    "tags before": ("{% set a = 1 %}\n{# two\nthree #}\n\nselect {{ a }};\n", [5]),
    "statement that is an output": (
        "select 1;\n{% for s in ['select 2', 'select 3'] %}\n{{ s | sql }};\n{% endfor %}",
        [1, 3, 3],
    ),
}


@pytest.mark.parametrize(("template", "lines"), LINES.values(), ids=LINES)
def test_lines(template: str, lines: list[int]) -> None:
    """A statement has the line of the template that it begins on, comments before it left out."""
    split(template, text="a\n\nä📦")
    result = parsed(template, text="a\n\nä📦")
    assert [item.line for item in result.statements] == lines
    assert {item.script for item in result.statements} == {"a.sql"}


@settings(deadline=None)
@given(st.lists(TEXT, min_size=1, max_size=5))
def test_places_after_any_text(texts: list[str]) -> None:
    """Whatever text stands before a statement, its place is right."""
    expected = [f"select {literal(text)}" for text in texts]
    assert split("{% for x in xs %}select {{ x }}; {% endfor %}", xs=texts) == expected


def test_kinds() -> None:
    """Statements that read or write rows are told from those that change objects."""
    data = "select 1; values (1); table t; insert into t select 1; update t set a = 1; delete from t"
    data += "; merge into t using u on true when matched then delete; with x as (delete from t returning *) select 1"
    others = "create table t (); do $$ $$; truncate t; grant select on t to u; set a = 1; comment on table t is 'x'"
    assert {item.is_data for item in parsed(data).statements} == {True}
    assert {item.is_data for item in parsed(others).statements} == {False}


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbfselect 1;\nselect 2;\n", b"select 1;\r\nselect 2;\r\n", b"select 1;\rselect 2;"]
)
def test_files_of_other_systems(tmp_path: Path, data: bytes) -> None:
    """A byte order mark and other line ends in a file change no statement, no line and no checksum."""
    (tmp_path / "a.sql").write_bytes(data)
    result = parsed(read_text(tmp_path / "a.sql", "a.sql"))
    assert [(item.line, item.sql) for item in result.statements] == [(1, "select 1"), (2, "select 2")]
    assert result.checksum == parsed("select 1;\nselect 2;").checksum


SCRIPT = "create table t (a int default 1, b text); select 'x', $$y$$;"
SAME = [
    "  create table t (a int default 1, b text);\n\n\nselect 'x', $$y$$;\n",
    "create table t(a int default 1,b text);select'x',$$y$$;",
    "create\ttable\r\nt (\r\n  a int default 1,\r\n  b text\r\n);\r\nselect 'x', $$y$$;\r\n",
    "-- one\ncreate table t ( -- a\n a int default 1, /* b /* c */ */ b text); select 'x', $$y$$; -- ä",
    "create table t (a int default {{ 1 }}, b text); {% if true %}select {{ 'x' }}, $$y$$;{% endif %}",
]
DIFFERENT = [
    "create table t (a int default 2, b text); select 'x', $$y$$;",
    "create table t (b text, a int default 1); select 'x', $$y$$;",
    "create table u (a int default 1, b text); select 'x', $$y$$;",
    "CREATE TABLE t (a int default 1, b text); select 'x', $$y$$;",
    "create table t (a int default 1, b text); select ' x', $$y$$;",
    "create table t (a int default 1, b text); select 'x', $$ y$$;",
    "create table t (a int default 1, b text); select 'x', $$-- c\ny$$;",
    "create table t (a int default 1, b text); select 'x', $q$y$q$;",
    "create table t (a int default 1, b text); select 'x', 'y';",
    'create table t (a int default 1, b text); select "x", $$y$$;',
    "create table t (a int default 1, b text); select 'X', $$y$$;",
    "create table t (a int default 1); select 'x', $$y$$;",
    "create table t (a int default 1, b text);",
    "",
]


@pytest.mark.parametrize("script", SAME)
def test_same_checksum(script: str) -> None:
    """Comments, white space, line ends, and how a template is written do not count in the checksum."""
    assert parsed(script).checksum == parsed(SCRIPT).checksum


def test_different_checksum() -> None:
    """Everything else does."""
    checksums = {parsed(script).checksum for script in [SCRIPT, *DIFFERENT]}
    assert len(checksums) == 1 + len(DIFFERENT)


def test_checksum_keeps_tokens_apart() -> None:
    """Tokens cannot move into each other."""
    scripts = ["select a b", "select ab", "select 'a b'", "select 'a' b", 'select "a b"', "select a.b", "select a . b"]
    checksums = [parsed(script).checksum for script in scripts]
    assert checksums[-1] == checksums[-2]
    assert len(set(checksums)) == len(scripts) - 1


NESTED = {
    "parentheses": ("(", "1", ")"),
    "conditions": ("case when true then ", "1", " end"),
    "arrays": ("array[", "1", "]"),
    "calls": ("f(1, ", "1", ")"),
    "queries": ("(select ", "1", ")"),
    "negations": ("not ", "true", ""),
}


@pytest.mark.parametrize(("begin", "inner", "end"), NESTED.values(), ids=NESTED)
def test_nested(begin: str, inner: str, end: str) -> None:
    """What is nested too deeply for the parser is an error with its line; nothing overflows a stack."""
    assert len(parsed(f"select {begin * 1_000}{inner}{end * 1_000};").statements) == 1
    told = message(f"\nselect {begin * 15_000}{inner}{end * 15_000};")
    assert told.startswith(("a.sql:2: nested too deeply", "a.sql:2: an expression of more than 16,000 words"))


def test_depth_of_comments() -> None:
    """Comments in comments are counted, and have no depth that is too much."""
    assert split("/* " * 100_000 + "*/ " * 100_000 + "select 1;") == ["select 1"]
    assert message("/* " * 100_000).startswith("a.sql:1: unterminated /* comment")


HINT = "hint: join text in the template, as in {{ 'prefix ' ~ name }}; the quotes come by themselves"
MISPLACED: dict[str, list[str]] = {
    "stands inside a string": [
        "'{{ x }}'",
        "'a {{ x }} b'",
        "E'{{ x }}'",
        "U&'{{ x }}'",
        "'a''{{ x }}'",
        "E{{ x }}",
        "U&{{ x }}",
        "'{{ n }}'",
        "$${{ x }}$$",
        "$$ {{ n }} $$",
        "$a$ $$ {{ x }} $$ $a$",
        "'{{ x | identifier }}'",
        "'{{ 'x' | sql }}'",
        "{{ x }}{{ x }}",
        "'{{ '' | sql }}'",
        "'a'\n{{ x }}",
        "'{% for i in [1, 2] %}{{ i }}{% endfor %}'",
        "{{ inner(x) }}",
        "{{ captured }}",
    ],
    "stands inside a quoted name": [
        '"{{ x }}"',
        '"{{ n }}"',
        'a."b {{ n }} c"',
        '"{{ x | identifier }}"',
        "{{ 'A' | identifier }}{{ 'B' | identifier }}",
    ],
    "stands inside a comment": [
        "1 -- {{ x }}",
        "1 --{{ n }}",
        "1 /* {{ x }} */",
        "1 /* a /* {{ n }} */ b */",
        "-{{ negative }}",
    ],
    "is glued to the text beside it": [
        "a{{ n }}",
        "{{ n }}e5",
        "{{ n }}.5",
        "{{ n }}{{ n }}",
        "a{{ 'b' | identifier }}",
        "{{ 'b' | identifier }}a",
        "{{ 'b' | identifier }}{{ n }}",
        "${{ n }}",
        "@{{ negative }}",
        "a{{ none }}",
        "x{{ x }}",
        "a{{ '' | sql }}b",
    ],
}
MACROS = "{% macro inner(a) %}'{{ a }}'{% endmacro %}"
CAPTURED = "{% set captured %}'{{ x }}'{% endset %}"


@pytest.mark.parametrize(
    ("problem", "output"), [(problem, output) for problem, outputs in MISPLACED.items() for output in outputs]
)
def test_misplaced_output(problem: str, output: str) -> None:
    """An output that is not whole tokens of its own is an error with its line, whatever the value is."""
    line = 1 if "inner" in output or "captured" in output else 3 + output.count("\n")
    found = message(f"{MACROS}{CAPTURED}select 1;\n\nselect {output}\n", x="v", n=1, negative=-1)
    assert found == f"a.sql:{line}: an output {problem}; a value must be whole SQL tokens of its own\n  {HINT}"


PLACED = [
    "{{ x }}, {{ x }}",
    "({{ x }},{{ n }})",
    "{{ x }}::text",
    "f({{ x }})",
    "- {{ negative }}",
    "1 - {{ negative }}",
    "t.{{ 'B' | identifier }}",
    "{{ 'B' | identifier }}.{{ 'c' | identifier }}",
    "{{ 'B' | identifier }}.*",
    "a {{ '' | sql }} b",
    "{{ 'now()' | sql }}",
    "1 {{ '-- a comment' | sql }}\n",
    "array[{{ n }},{{ n }}]",
    "{{ n }}+{{ n }}",
]


@pytest.mark.parametrize("output", PLACED)
def test_placed_output(output: str) -> None:
    """An output that is whole tokens is none, even without white space around it."""
    assert len(split(f"select {output}", x="it's", n=1, negative=-1)) == 1


ATTACK = "; drop table users; --"
ROUTES = {
    "plain": "select '{{ x }}'",
    "macro": "{% macro m(a) %}select '{{ a }}'{% endmacro %}{{ m(x) }}",
    "macro, quotes outside": "{% macro m(a) %}{{ a }}{% endmacro %}select '{{ m(x) }}'",
    "set": "{% set a = x %}select '{{ a }}'",
    "block set": "{% set a %}select '{{ x }}'{% endset %}{{ a }}",
    "block": "{% block b %}select '{{ x }}'{% endblock %}",
    "loop": "{% for a in [x] %}select '{{ a }}'{% endfor %}",
    "recursive loop": "{% for a in [x] recursive %}select '{{ a }}'{% endfor %}",
    "call": "{% macro m() %}select {{ caller() }}{% endmacro %}{% call m() %}'{{ x }}'{% endcall %}",
    "call, quotes outside": "{% macro m() %}select '{{ caller() }}'{% endmacro %}{% call m() %}{{ x }}{% endcall %}",
    "call with a value": "{% macro m(a) %}select '{{ a }}'{{ caller() }}{% endmacro %}{% call m(x) %}{% endcall %}",
    "with": "{% with a = x %}select '{{ a }}'{% endwith %}",
    "condition": "select '{% if true %}{{ x }}{% endif %}'",
    "dollar quotes": "select $${{ x }}$$",
    "quoted name": 'select "{{ x }}"',
}


@pytest.mark.parametrize("template", ROUTES.values(), ids=ROUTES)
def test_no_route_into_quotes(template: str) -> None:
    """There is no way through Jinja by which a value gets into quotes, where its own quotes would end them."""
    assert "; a value must be whole SQL tokens of its own" in message(template, x=ATTACK)


PIECES = ["'", '"', "$$", "$a$", "--", "/*", "*/", "\n", " ", ";", "E", "U&", "a", "1", "(", ")", "||", "\\"]
AROUND = st.lists(st.sampled_from(PIECES), max_size=6)


@settings(deadline=None, max_examples=300)
@given(AROUND, AROUND, TEXT)
def test_no_text_changes_the_statements(before: list[str], after: list[str], text: str) -> None:
    """Whatever stands around an output, a value changes nothing but itself."""
    template = "select " + "".join(before) + "{{ x }}" + "".join(after)
    try:
        found = parsed(template, x=text)
    except InputError:
        return
    assert [item.node for item in found.statements] == [item.node for item in parsed(template, x="v").statements]
    (output,) = found.rendered.outputs
    places = [(item.offset, item.offset + len(item.sql)) for item in found.statements]
    assert [place for place in places if place[0] <= output.start and output.end <= place[1]]


@pytest.mark.parametrize(
    "text", ["'; DROP TABLE x; --", "\\'; DROP TABLE x; --", "it's", "$$; drop table x", "*/ -- \n;", "📦"]
)
def test_description(text: str) -> None:
    """A description ends as one literal, whatever it says."""
    (statement,) = parsed("comment on table t is {{ x }};", x=text).statements
    assert statement.declaration.effects == (Effect("set", Object("comment on table", "t"), text),)


TRANSACTIONS = """
begin | begin work | begin isolation level serializable | start transaction | start transaction read only | commit
commit and chain | end | rollback | rollback and chain | abort | prepare transaction 'a' | commit prepared 'a'
rollback prepared 'a'
"""


@pytest.mark.parametrize("sql", [sql.strip() for line in TRANSACTIONS.strip().splitlines() for sql in line.split("|")])
def test_transaction_statement(sql: str) -> None:
    """A statement that begins or ends a transaction is refused: the runner does that."""
    assert message(f"select 1;\n\n{sql};") == (
        "a.sql:3: a script is one transaction by itself; remove this statement "
        "(transaction = false in the manifest runs a script without one)"
    )


def test_savepoints() -> None:
    """Savepoints stay within the transaction, and are a script's own business."""
    script = ["savepoint a", "rollback to savepoint a", "rollback to a", "release savepoint a", "release a"]
    assert split("; ".join(script)) == script


@pytest.mark.parametrize("body", ["begin; end;", "declare begin commit; end;"])
def test_transaction_words_in_a_body(body: str) -> None:
    """Words of a function's body are none of the runner's business."""
    assert split(f"do $$ {body} $$; select 'commit'") == [f"do $$ {body} $$", "select 'commit'"]


COPY = "COPY from or to the client is not possible; use INSERT"


@pytest.mark.parametrize(
    "sql",
    [
        "copy t from stdin",
        "copy t (a, b) from stdin with (format csv)",
        "copy t to stdout",
        "copy (select 1) to stdout",
    ],
)
def test_copy_through_the_client(sql: str) -> None:
    """COPY that needs a client's data is refused."""
    hint = "\n  hint: pg_dump --inserts writes the rows so; --schema-only leaves them out" if "stdin" in sql else ""
    assert message(f"select 1;\n{sql};") == f"a.sql:2: {COPY}\n  select 1;\n  {sql};\n  ^{hint}"


@pytest.mark.parametrize("string", ["E'\\u0000'", "E'a\\u00zz'", "U&'\\zzz'", 'U&"\\zzz"'])
def test_backslash_that_is_no_psql(string: str) -> None:
    """A wrong escape in a string is not taken for a command of psql."""
    assert message(f"select 1;\nselect {string};").startswith("a.sql:2: invalid Unicode escape")


# A template, and the message of the grammar with the place, the line and the caret.
SYNTAX_ERRORS = [
    ("selec 1;", ['a.sql:1: syntax error at or near "selec"', "selec 1;", "^"]),
    (
        "select 1;\n\nselect\n  from from t;",
        ['a.sql:4: syntax error at or near "from"', "select", "  from from t;", "       ^"],
    ),
    ("select 'ä📦'; selec 2;", ['a.sql:1: syntax error at or near "selec"', "select 'ä📦'; selec 2;", " " * 13 + "^"]),
    (
        "-- ä\nselect 'ü',\n 'ß' from from t",
        ['a.sql:3: syntax error at or near "from"', "-- ä", "select 'ü',", " 'ß' from from t", " " * 10 + "^"],
    ),
    ("\tselect\t1 1", ['a.sql:1: syntax error at or near "1"', " select 1 1", " " * 10 + "^"]),
    ("select 1 +", ["a.sql:1: syntax error at end of input", "select 1 +", " " * 10 + "^"]),
    ("select (1;", ['a.sql:1: syntax error at or near ";"', "select (1;", " " * 9 + "^"]),
    (
        "select 1;\nselect 'a",
        ['a.sql:2: unterminated quoted string at or near "\'a"', "select 1;", "select 'a", " " * 7 + "^"],
    ),
    (
        'select 1;\nselect "a',
        ['a.sql:2: unterminated quoted identifier at or near ""a"', "select 1;", 'select "a', " " * 7 + "^"],
    ),
    ("select $$a", ['a.sql:1: unterminated dollar-quoted string at or near "$$a"', "select $$a", " " * 7 + "^"]),
    ("select 1 /* a", ['a.sql:1: unterminated /* comment at or near "/* a"', "select 1 /* a", " " * 9 + "^"]),
    ("select 1a", ['a.sql:1: trailing junk after numeric literal at or near "1a"', "select 1a", " " * 7 + "^"]),
    ('select 1 as ""', ['a.sql:1: zero-length delimited identifier at or near """"', 'select 1 as ""', " " * 12 + "^"]),
    (
        "select {{ 'ä' }} {{ 1 }}",
        ['a.sql:1: syntax error at or near "1"', "select {{ 'ä' }} {{ 1 }}", " " * 17 + "^", "rendered: select 'ä' 1"],
    ),
    (
        "select 1;\n{% for i in [1, 2] %}\n\n  select {{ i }} fro t;\n{% endfor %}",
        [
            'a.sql:4: syntax error at or near "t"',
            "{% for i in [1, 2] %}",
            "  select {{ i }} fro t;",
            " " * 21 + "^",
            "rendered: select 1 fro t;",
        ],
    ),
    (
        "{% macro m(a) %}\nselect {{ a }} 1;\n{% endmacro %}\n\n{{ m('x\ny') }}",
        [
            'a.sql:2: syntax error at or near "1"',
            "{% macro m(a) %}",
            "select {{ a }} 1;",
            " " * 15 + "^",
            "rendered: y' 1;",
        ],
    ),
]


@pytest.mark.parametrize(("template", "expected"), SYNTAX_ERRORS)
def test_syntax_error(template: str, expected: list[str]) -> None:
    """A syntax error says what PostgreSQL says, with lines of the template, and a caret below the place."""
    assert message(template) == "\n  ".join(expected)


LONG = {
    "operators": "select 1" + " + 1" * 25_000,
    "casts": "select 1" + "::int" * 25_000,
    "joins": "select * from a" + " join b on f(1, 2)" * 25_000,
    "unions": "select 1, 2" + " union select 1, 2" * 25_000,
    "operators within rows": "select 1, (2, (3, (4" + " + 1" * 25_000 + ")))",
}


@pytest.mark.parametrize("sql", LONG.values(), ids=LONG)
def test_too_long_an_expression(sql: str) -> None:
    """An expression that the parser's stack could not hold is told; it would end the whole program."""
    expected = "an expression of more than 16,000 words without a comma; write it as a list"
    assert message(f"select 1;\n{sql};") == f"a.sql:2: {expected}"


def test_long_lists() -> None:
    """A list may be long: of values, of columns, of conditions in a function, of statements."""
    values = ", ".join(f"({i}, 'a' || 'b', (select 1))" for i in range(20_000))
    assert len(split(f"insert into t values {values}; select 1 in ({'1, ' * 20_000}1);" + "select 1;" * 9)) == 11


def test_what_is_not_ended_is_not_cited_whole() -> None:
    """A string or a comment that is not ended is cited by its beginning, though it goes on to the end of the file."""
    told = message("select 1;\nselect 'it''s" + " and so on\n" * 1_000)
    assert told.splitlines()[0] == "a.sql:2: unterminated quoted string at or near \"'it''s and so on"
    assert len(message("/* " + "x" * 10_000)) < 400


def test_error_without_a_place() -> None:
    """An error whose place the grammar does not know is not blamed on the first line."""
    found = message("select 1;\n\n\nselect E'\\xff';")
    assert 'invalid byte sequence for encoding "UTF8": 0xff' in found
    assert not found.startswith("a.sql:1:")
    assert "select 1;" not in found


EXCERPTS = [
    ("one", 0, ("one", "^")),
    ("one\ntwo\nthree", 5, ("two", " ^")),
    ("one\ntwo", 3, ("one", "   ^")),
    ("one\ntwo", 7, ("two", "   ^")),
    ("\tä📦x", 3, (" ä📦x", "   ^")),
    ("", 0, ("", "^")),
]


@pytest.mark.parametrize(("text", "offset", "expected"), EXCERPTS)
def test_excerpt(text: str, offset: int, expected: tuple[str, str]) -> None:
    """The caret stands below the character that is meant, counted in characters; a tab is one of them."""
    assert excerpt(text, offset) == expected


DEEP = {
    "many terms": "select " + " || ".join(["'a'"] * 200),
    "many unions": " union all ".join(["select 1"] * 200),
    "many calls": "select " + "abs(" * 100 + "1" + ")" * 100,
}


@pytest.mark.parametrize("sql", DEEP.values(), ids=DEEP)
def test_deep_statement(sql: str) -> None:
    """A statement of any depth is split and placed, and those around it keep what they declare."""
    found = parsed(f"create table t (a int, b int);\n\n{sql};\n-- é\ncreate index i on t (a);\n").statements
    assert [(item.line, item.node) for item in found] == [(1, "create_stmt"), (3, "select_stmt"), (5, "index_stmt")]
    assert [item.sql for item in found[0].declaration.elements] == [
        "add column if not exists a int",
        "add column if not exists b int",
    ]
    assert found[1].sql == sql


def test_a_large_script_is_parsed_by_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether a script is parsed at once or statement by statement, it is the same to all that follows."""
    texts = (
        "-- first; one\ncreate table if not exists ä (id integer, b text default ';');\n",
        "/* two */ comment on table ä is 'größe';;\n",
        "create or replace function one() returns integer begin atomic select 1; select 2; end;\n",
        "insert into ä values (1, $q$;$q$) -- last\n;",
    )
    whole = parsed("".join(texts * 3))
    monkeypatch.setattr(tokens, "LARGE", 0)
    assert parsed("".join(texts * 3)) == whole
    assert message("select 1;\nselect from from;").startswith("a.sql:2: syntax error")


TOO_DEEP = " || ".join(["'x'"] * 70)
COMMENTED = f"""-- insert into t values (1);
/* insert into t values (1); */ insert into t values (1); -- select {TOO_DEEP};
select {TOO_DEEP};
-- insert into t values (1)
insert into t values (1);"""


def test_a_commented_copy_is_not_taken_for_the_statement() -> None:
    """Beside a statement whose tree cannot be read, each is found where it is and not where its words were before."""
    assert split(COMMENTED) == ["insert into t values (1)", f"select {TOO_DEEP}", "insert into t values (1)"]
    assert [item.line for item in parsed(COMMENTED).statements] == [2, 3, 5]


@pytest.mark.parametrize(
    ("sql", "node"),
    [
        (f"select({TOO_DEEP})", "select_stmt"),
        (f"(select {TOO_DEEP})", "select_stmt"),
        (f"values({TOO_DEEP})", "select_stmt"),
        (f"with a as (select {TOO_DEEP}) insert into t select * from a", "select_stmt"),
        (f"insert into t select {TOO_DEEP}", "insert_stmt"),
        (f"select {TOO_DEEP} as a into t", UNREAD),
        (f"create or replace view v as select {TOO_DEEP} as a", UNREAD),
    ],
)
def test_what_a_statement_without_a_tree_is(sql: str, node: str) -> None:
    """What reads and writes rows is known by its first word; what may make an object is not."""
    (found,) = parsed(sql).statements
    assert (found.node, found.declaration.opaque) == (node, node == UNREAD)


SEVERAL_PIECES = (
    "-- first; one;\ncreate table if not exists ä (id integer, b text default ';\n');\n",
    "/* two;\n */ comment on table ä is 'größe';;\n;\n",
    "create or replace function one() returns integer begin atomic select 1;\nselect 2;\nend;\n",
    "select 1 -- not the end;\n + 2;\n",
    "insert into ä values (1, $q$;\n$q$), ({{ 1 }}, {{ text }}) -- last;\n;\n",
    "{{ many | sql }}; select 'ß';\n",
    "alter type mood add value 'new;\n';\nselect 'new;\n'::mood;\n",
)
TWO_STATEMENTS = "select 1;\n/* ä;\n*/ select 2"


@pytest.mark.parametrize("size", [1, 20])
@pytest.mark.parametrize("piece", [*SEVERAL_PIECES, "".join(SEVERAL_PIECES * 2)])
def test_a_large_script_is_parsed_in_pieces(monkeypatch: pytest.MonkeyPatch, piece: str, size: int) -> None:
    """Wherever the pieces of a script end, it is the same to all that follows."""
    template, given = f"select 'ä';\n{piece}select 9;\n", {"text": "a;\nb", "many": TWO_STATEMENTS}
    whole = parsed(template, **given)
    monkeypatch.setattr(parser, "LARGE", 0)
    monkeypatch.setattr(parser, "PIECE", size)
    assert parsed(template, **given) == whole


@pytest.mark.parametrize(
    "wrong",
    [
        "select 1;\nselect from from;\n",
        "select 'ä';\nselect 'not ended;\n",
        "select 1;\nbegin;\n",
        "select 1;\nselect '{{ text }}';\n",
        "{{ 'select 1;\nselect 2' | sql }}3;\n",
        "copy t from stdin;\n1\n\\.\nselect 1;\n",
        "select 1;\n\\d\n",
    ],
)
def test_a_piece_tells_what_is_wrong_as_the_whole_does(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """An error of a large script has the words, the line and the column that it has in a small one."""
    template, given = (
        "".join(SEVERAL_PIECES) + wrong + "".join(SEVERAL_PIECES),
        {"text": "a;\nb", "many": TWO_STATEMENTS},
    )
    whole = message(template, **given)
    monkeypatch.setattr(parser, "LARGE", 0)
    monkeypatch.setattr(parser, "PIECE", 1)
    assert message(template, **given) == whole
