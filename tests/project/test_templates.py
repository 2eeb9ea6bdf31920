"""Templates: values are SQL by themselves, captured SQL stays SQL, and each character knows its line."""

from __future__ import annotations

import datetime
import os
import resource
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.errors import InputError
from runner.project import template_limits
from runner.project.field_mappings import FieldMappings, mapped_variables
from runner.project.manifest import load_manifest
from runner.project.templates import Template, render, render_each, template_variables
from runner.sql.quoting import literal
from runner.sql.source_map import Rendered
from tests.support.projects import ROOT, run_runner

TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


def rendered(template: str, **variables: object) -> Rendered:
    return render("a.sql", template, variables)


def message(template: str, **variables: object) -> str:
    """Return the message without the lines of the template in it."""
    with pytest.raises(InputError) as caught:
        rendered(template, **variables)
    error = caught.value
    assert error.exit_code == 2
    if error.line:
        shown = template.split("\n")[max(error.line - 3, 0) : error.line]
        kept = [line.rstrip() for line in shown[:-1] if line.strip()] + [shown[-1].rstrip()]
        assert [line[:120] for line in kept] == list(error.notes[: len(kept)])
        error.notes = error.notes[len(kept) :]
    return str(error)


VALUES: list[tuple[object, str]] = [
    (None, "null"),
    (True, "true"),
    (14, "14"),
    (0.1, "0.1"),
    ("it's", "'it''s'"),
    ('<b> & "x" {{ y }} {% z %} {# c #}', "'<b> & \"x\" {{ y }} {% z %} {# c #}'"),
    ("a\nb", "'a\nb'"),
    ("\\", "E'\\\\'"),
    ([1, "it's"], "'[1, \"it''s\"]'::jsonb"),
    ({"a": None}, "'{\"a\": null}'::jsonb"),
    (datetime.date(2024, 5, 27), "'2024-05-27'::date"),
]


@pytest.mark.parametrize(("value", "sql"), VALUES)
def test_value(value: object, sql: str) -> None:
    """A value is put out as a literal, without a filter to remember."""
    assert rendered("select {{ x }};\n", x=value).text == f"select {sql};\n"


@settings(deadline=None)
@given(TEXT)
def test_any_text(text: str) -> None:
    """Any text is put out as its literal, however it gets there."""
    template = "{{ x }}, {% set y = x %}{{ y }}, {% for z in [x] %}{{ z }}{% endfor %}, {{ {'k': x}.k }}, {{ x ~ '' }}"
    assert rendered(template, x=text).text == ", ".join([literal(text)] * 5)


TEMPLATES = [
    # constants and expressions
    ("{{ 1 }} {{ 'a' }} {{ none }} {{ true }} {{ 1.5 }} {{ [1] }}", "1 'a' null true 1.5 '[1]'::jsonb"),
    ("{{ 1 + 2 }} {{ 'a' ~ 1 }} {{ 'a' 'b' }} {{ 'it' ~ \"'s\" }}", "3 'a1' 'ab' 'it''s'"),
    ("{{ 'a' | upper }} {{ [3, 1] | sort }} {{ ['a', 'b'] | join(', ') }}", "'A' '[1, 3]'::jsonb 'a, b'"),
    ("{{ 1 if true else 'b' }} {{ x is defined }} {{ x | default('k') }}", "1 false 'k'"),
    # names and raw SQL
    ("{{ 'issues' | identifier }} {{ 'Order' | identifier }} {{ 'a\"b' | identifier }}", 'issues "Order" "a""b"'),
    ("{{ 'now()' | sql }} {{ '' | sql }}{{ \"it's\" | sql }}", "now() it's"),
    ("{{ 'a' | identifier | sql }} {{ 'A' | sql | identifier }}", 'a "A"'),
    ("{{ ['a', 'B'] | map('identifier') | join(', ') | sql }}", 'a, "B"'),
    # set
    ("{% set a = 'x' %}{{ a }}", "'x'"),
    ("{% set a, b = 1, 'x' %}{{ a }}{{ b }}", "1'x'"),
    ("{% set ns = namespace(a=1) %}{% for i in [5] %}{% set ns.a = i %}{% endfor %}{{ ns.a }}", "5"),
    # captured text is SQL: a block set, a macro, a call block
    ("{% set a %}f({{ 'x' }}){% endset %}{{ a }}", "f('x')"),
    ("{% set a %}it's{% endset %}{{ a }}", "it's"),
    ("{% set a %}{{ 'x' }}{% endset %}{% set b %}g({{ a }}){% endset %}{{ b }}", "g('x')"),
    ("{% macro m(a) %}f({{ a }}){% endmacro %}{{ m('x') }} {{ m(none) }}", "f('x') f(null)"),
    ('{% macro m(a) %}f({{ a }}){% endmacro %}{{ m(m("it\'s")) }}', "f(f('it''s'))"),
    ("{% macro m(a='d') %}{{ a }}{% endmacro %}{{ m() }}", "'d'"),
    ("{% macro m() %}[{{ caller() }}]{% endmacro %}{% call m() %}{{ 'q' }}{% endcall %}", "['q']"),
    (
        "{% macro m() %}{{ caller(1) }}|{{ caller('a') }}{% endmacro %}{% call(x) m() %}f({{ x }}){% endcall %}",
        "f(1)|f('a')",
    ),
    (
        "{% set a %}x{% endset %}{{ a if true else 1 }} {{ a | default('y') }} {{ [a] | first }} {{ a | sql }}",
        "x x x x",
    ),
    ("{% set a %}A b{% endset %}{{ a | identifier }} {{ a | length }} {{ a == 'A b' }}", '"A b" 3 true'),
    # loops and conditions
    ("{% for i in [1, 2] %}{{ i }}{% if not loop.last %}, {% endif %}{% endfor %}", "1, 2"),
    ("{% for i in [1, 2] %}{{ i }}{{ ', ' | sql if not loop.last else '' | sql }}{% endfor %}", "1, 2"),
    ("{% for k, v in {'a': 'b'}.items() %}{{ k | identifier }} = {{ v }}{% endfor %}", "a = 'b'"),
    ("{% for i in [] %}{{ i }}{% else %}none{% endfor %}", "none"),
    ("{% if false %}a{% elif true %}b{% else %}c{% endif %}", "b"),
    ("{% with a = 'x' %}{{ a }}{% endwith %}{% block b %}{{ 1 }}{% endblock %}", "'x'1"),
    # white space
    ("a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "a\n  b\nc\n"),
    ("a  {{- 1 -}}  b", "a1b"),
    ("a\n{# a\ncomment #}\nb", "a\nb"),
    ("{% raw %}{{ x }} {% y %} {# z #}{% endraw %}{{ 1 }}", "{{ x }} {% y %} {# z #}1"),
]


@pytest.mark.parametrize(("template", "sql"), TEMPLATES)
def test_template(template: str, sql: str) -> None:
    """Captured text is SQL, and is not quoted twice; everything else is a value, and is quoted once."""
    assert rendered(template).text == sql


CAPTURED = '{% set a %}f({{ "it\'s" }}){% endset %}{% macro m() %}f({{ "it\'s" }}){% endmacro %}'
TEXT_OF_CAPTURED = "f('it''s')"
MIXTURES = [
    ("{{ a ~ x }}", TEXT_OF_CAPTURED + "'; --"),
    ("{{ x ~ a }}", "'; --" + TEXT_OF_CAPTURED),
    ("{{ a ~ '' }}", TEXT_OF_CAPTURED),
    ("{{ m() ~ m() }}", TEXT_OF_CAPTURED * 2),
    ("{{ a + x }}", TEXT_OF_CAPTURED + "'; --"),
    ("{{ x + a }}", "'; --" + TEXT_OF_CAPTURED),
    ("{{ a * 2 }}", TEXT_OF_CAPTURED * 2),
    ("{{ [a, x] | join(', ') }}", TEXT_OF_CAPTURED + ", '; --"),
    ("{{ [a] | join }}", TEXT_OF_CAPTURED),
    ("{{ [x, x] | join(a) }}", "'; --" + TEXT_OF_CAPTURED + "'; --"),
    ("{{ a.join([x, x]) }}", "'; --" + TEXT_OF_CAPTURED + "'; --"),
    ("{{ a | replace('f', x) }}", TEXT_OF_CAPTURED.replace("f", "'; --")),
    ("{{ x | replace(';', a) }}", "'; --".replace(";", TEXT_OF_CAPTURED)),
    ("{{ a.replace('f', x) }}", TEXT_OF_CAPTURED.replace("f", "'; --")),
    ("{{ '%s%s' | format(a, x) }}", TEXT_OF_CAPTURED + "'; --"),
    ("{{ '{}{}'.format(a, x) }}", TEXT_OF_CAPTURED + "'; --"),
    ("{{ a | upper }}", TEXT_OF_CAPTURED.upper()),
    ("{{ a[:1] }}", "f"),
    ("{{ a | first }}", "f"),
    ("{{ a | list | join }}", TEXT_OF_CAPTURED),
    ("{% set b = a ~ x %}{{ b }}", TEXT_OF_CAPTURED + "'; --"),
]


@pytest.mark.parametrize(("template", "value"), MIXTURES)
def test_mixture(template: str, value: str) -> None:
    """What string operations make of captured SQL is a plain value again, so that a value cannot slip in unquoted."""
    assert rendered(CAPTURED + template, x="'; --").text == literal(value)


def test_captured_inside_a_list() -> None:
    """Captured SQL inside of a list or dict is text of the document."""
    assert rendered(CAPTURED + "{{ [a] }} {{ {'k': m()} }}").text == (
        f"{literal([TEXT_OF_CAPTURED])} {literal({'k': TEXT_OF_CAPTURED})}"
    )


JINJA = "hint: {{, {% and {# are Jinja's; for SQL that needs them write {% raw %} … {% endraw %}"
UNDEFINED = "hint: variables stand in the manifest under [variables]"
ERRORS: list[tuple[str, str]] = [
    ("{{ nme }}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{{ nme.key }}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{{ nme ~ 'a' }}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{{ nme | upper }}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{% if nme %}{% endif %}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{% for i in nme %}{% endfor %}", f"'nme' is undefined\n  {UNDEFINED}"),
    ("{{ lipsum() }}", f"'lipsum' is undefined\n  {UNDEFINED}"),
    ("{{ d.key }}", "'dict object' has no attribute 'key'"),
    ("{{ d['key'] }}", "'dict object' has no attribute 'key'"),
    ("{{ n.key }}", "'int object' has no attribute 'key'"),
    ("{{ [1][5] }}", "list object has no element 5"),
    ("{{ 'a' if false }}", "an inline if without else has no value; add one"),
    ("{{ 1 / 0 }}", "division by zero"),
    ("{{ n / (n - n) }}", "division by zero"),
    ("{{ 1 + 'a' }}", "unsupported operand type(s) for +: 'int' and 'str'"),
    ("{{ n() }}", "'int' object is not callable"),
    ("{{ range(200000) }}", "range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)"),
    ("{{ 'a'.__class__ }}", "access to attribute '__class__' of 'str' object is unsafe"),
    ("{{ '{0.__class__}'.format(1) }}", "access to attribute '__class__' of 'int' object is unsafe"),
    ("{{ [].append(1) }}", "access to attribute 'append' of 'list' object is unsafe"),
    ("{{ (1, 2) }}", f"a tuple has no SQL literal\n  {JINJA}"),
    ("{{ [1] | map('string') }}", f"a generator has no SQL literal\n  {JINJA}"),
    ("{{ namespace() }}", f"a Namespace has no SQL literal\n  {JINJA}"),
    ("{% macro m() %}{% endmacro %}{{ m }}", f"a Macro has no SQL literal\n  {JINJA}"),
    ("{% macro m(a) %}{{ a }}{% endmacro %}{{ m() }}", "parameter 'a' was not provided"),
    ("{{ x }}", "PostgreSQL cannot store a NUL character"),
    ("{{ [x] }}", "PostgreSQL cannot store a NUL character"),
    ("{{ x | identifier }}", "PostgreSQL cannot store a NUL character"),
    ("{{ x | sql }}", "PostgreSQL cannot store a NUL character"),
    ("{{ '\\ud800' }}", "half of a surrogate pair cannot be stored: '\\ud800'"),
    ("{{ '' | identifier }}", "an identifier has 1 to 63 bytes, not ''"),
    ("{{ n | identifier }}", "an identifier is a string, not 1"),
    ("{{ none | identifier }}", "an identifier is a string, not None"),
    ("{{ n | sql }}", "the filter sql takes a string, not 1"),
    ("{{ none | sql }}", "the filter sql takes a string, not None"),
    ("{{ d | sql }}", "the filter sql takes a string, not {}"),
]
NO_FILTER = "hint: values are SQL literals by themselves; `| identifier` makes a name, `| sql` raw SQL"
REMOVED = "e escape forceescape random safe striptags tojson urlize xmlattr".split()
ERRORS += [(f"{{{{ 'a' | {name} }}}}", f"no filter named '{name}'\n  {NO_FILTER}") for name in [*REMOVED, "sqll"]]
FORBIDDEN = {
    "extends": "{% extends 'b.sql' %}",
    "include": "{%- include 'b.sql' %}",
    "import": "{% import 'b.sql' as b %}",
    "from": "{% from 'b.sql' import c %}",
    "filter": "{%+ filter upper %}a{% endfilter %}",
    "autoescape": "{% autoescape false %}{{ n }}{% endautoescape %}",
}
ERRORS += [(tag, f"{{% {name} %}} is not available here") for name, tag in FORBIDDEN.items()]
ERRORS += [
    ("{{", f"unexpected 'end of template'\n  {JINJA}"),
    ("{{ x", f"unexpected end of template, expected 'end of print statement'\n  {JINJA}"),
    ("{{ x y }}", f"expected token 'end of print statement', got 'y'\n  {JINJA}"),
    ("{{ 'a }}", f'unexpected char "\'" at 21\n  {JINJA}'),
    ("{{ f( }}", f"unexpected '}}', expected ')'\n  {JINJA}"),
    ("{{ }}", f"expected an expression, got 'end of print statement'\n  {JINJA}"),
    ("{% if %}", f"expected an expression, got 'end of statement block'\n  {JINJA}"),
    ("{% endif %}", f"encountered unknown tag 'endif'\n  {JINJA}"),
    ("{% do x %}", f"encountered unknown tag 'do'\n  {JINJA}"),
    ("{# never closed", f"missing end of comment tag\n  {JINJA}"),
    ('\'{{"a","b"}}\'', f"a tuple has no SQL literal\n  {JINJA}"),
    ("{% raw %} never closed", f"missing end of raw directive\n  {JINJA}"),
]


@pytest.mark.parametrize(("template", "expected"), ERRORS)
def test_error(template: str, expected: str) -> None:
    """Whatever is wrong in a template gets one message, with the file and the line of the template."""
    assert message(f"select 1;\n\nselect {template}", x="a\0", n=1, d={}) == f"a.sql:3: {expected}"


@pytest.mark.parametrize(
    "template", ["{{ nme | identifier }}", "{{ nme | sql }}", "{{ [nme] }}", "{{ {'k': nme} }}", "{{ [[1, nme]] }}"]
)
def test_undefined_name_is_named(template: str) -> None:
    """An undefined name is called by its name, wherever it is used."""
    assert message(f"select\n{template}") == f"a.sql:2: 'nme' is undefined\n  {UNDEFINED}"


@pytest.mark.parametrize(
    "template",
    [
        "{% set all = {'k': nme} %}\nselect {{ all }}",
        "{% set all = [nme] %}\n{% for one in all %}\nselect {{ one }};\n{% endfor %}",
        "{% macro put(x) %}select {{ x }}{% endmacro %}select {{ put(nme) }}",
    ],
)
def test_undefined_name_is_shown_where_it_stands(template: str) -> None:
    """An undefined name is shown in the line that names it, not where its value is put out."""
    assert message(f"select 1;\n{template}").partition("\n")[0] == "a.sql:2: 'nme' is undefined"


SURPRISES = {
    "a float that is too large": "{{ 1e400 }}",
    "a whole number that is too long": "{{ 10 ** 5000 }}",
    "an assertion inside of a filter": "{{ 'a' | truncate(1) }}",
    "an attribute that a filter wants": "{{ 1 | dictsort }}",
    "a helper called without arguments": "{{ cycler() }}",
    "an endless macro": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "half of a surrogate pair as SQL": "{{ '\\ud800' | sql }}",
}


@pytest.mark.parametrize("template", SURPRISES.values(), ids=SURPRISES)
def test_surprise(template: str) -> None:
    """Whatever a template does, the answer is a message with its line, never a traceback."""
    assert message(f"select 1;\n\n{template}").startswith("a.sql:3: ")


def test_too_many_loops_in_each_other() -> None:
    """So it is when Python itself cannot take what a template becomes."""
    assert message("{% for i in [1] %}" * 25 + "{{ i }}" + "{% endfor %}" * 25).startswith("a.sql")


MINUTES, MEMORY = "more than 0.3 seconds of computing", "megabytes of memory"
MACRO = "{% macro m(n) %}{% if n %}{% set a = m(n - 1) %}{% set b = m(n - 1) %}{% endif %}{% endmacro %}{{ m(40) }}"
ENDLESS = {
    "a long range": ("{% for i in range(10**9) %}{{ i }}{% endfor %}", "range too big"),
    "loops in each other": (f"{'{% for i in range(9999) %}' * 3}{'{% endfor %}' * 3}", MINUTES),
    "calls that double": (MACRO, MINUTES),
    "one operator": ("{{ ('a' * 9**7 ~ 'x') in ['a' * 9**7 ~ 'y'] * 9**6 }}", MINUTES),
    "a long sort": ("{{ (['a' * 9**7 ~ 'x', 'a' * 9**7 ~ 'y'] * 9**5) | sort(case_sensitive=true) }}", MINUTES),
    "a long power": ("{{ 3 ** (10**9) }}", MINUTES),
    "a rounding to many digits": ("{{ 1 | round(10**9, 'ceil') }}", MINUTES),
    "a long text": ("{{ 'a' * 10**10 }}", MEMORY),
    "a long list": ("{{ 10**10 * [1] }}", MEMORY),
    "lists in each other": ("{{ (([[0] * 9**3] * 9**3) | map('list') | list) * 9**9 }}", MEMORY),
    "a filled text": ("{{ 'a'.ljust(10**10) }}", MEMORY),
    "a filled number": ("{{ '1'.zfill(10**10) }}", MEMORY),
    "a filter that fills": ("{{ 'a' | center(10**10) }}", MEMORY),
    "a width": ("{{ '%9999999999d' | format(1) }}", MEMORY),
    "a width of format": ("{{ '{:>9999999999}'.format(1) }}", MEMORY),
    "an indentation": ("{{ ('a\\n' * 9**6) | indent(9**5) }}", MEMORY),
    "a replacement": ("{{ ('a' * 9**6) | replace('a', 'b' * 9**6) }}", MEMORY),
    "a translation": ("{{ ('a' * 9**6).translate({97: 'b' * 9**5}) }}", MEMORY),
    "a joint": ("{{ (['a'] * 9**6) | join('b' * 9**5) }}", MEMORY),
    "a text that doubles": (
        "{% set n = namespace(t='a') %}{% for i in range(99) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
        MEMORY,
    ),
    "a number that cannot be written": ("{{ 10**5000 }}", "a number of more digits than can be written"),
    "parentheses in each other": (f"{{{{ {'(' * 999}1{')' * 999} }}}}", "nested too deeply"),
}


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that are soon reached."""
    monkeypatch.setattr(template_limits, "MOST_SECONDS", 0.3)
    monkeypatch.setattr(template_limits, "MOST_MEGABYTES", 100)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize(("template", "expected"), ENDLESS.values(), ids=ENDLESS)
def test_what_would_not_end(template: str, expected: str) -> None:
    """A template that computes too long, or takes too much memory, is an error with its line; nothing waits for it."""
    told = message(f"select 1;\n\n{template}")
    assert expected in told
    assert told.startswith("a.sql:3: ") or expected == "nested too deeply"


@pytest.mark.usefixtures("small_limits")
def test_limits_are_those_of_one_template() -> None:
    """What is wrong with a template is no matter of the others, and no limit is left in this process or its threads."""
    limits = resource.getrlimit(resource.RLIMIT_AS), signal.getitimer(signal.ITIMER_PROF)
    templates = [
        Template(f"{number}.sql", text) for number, text in enumerate(("{{ 1 }}", MACRO, "{{ x }}", "{{ 2 }}", "3"))
    ]
    with ThreadPoolExecutor(2) as pool:
        twice = list(pool.map(lambda _: list(render_each(templates, {})), range(2)))
    for results in twice:
        texts = [result.text if isinstance(result, Rendered) else result.message for result in results]
        assert texts == ["1", MINUTES, "'x' is undefined", "2", "3"]
    assert (resource.getrlimit(resource.RLIMIT_AS), signal.getitimer(signal.ITIMER_PROF)) == limits
    with suppress(ChildProcessError):  # where there is no other child either
        assert os.waitpid(-1, os.WNOHANG) == (0, 0)


def test_many_turns() -> None:
    """What takes a while is none too long."""
    loops = "{% for i in range(1000) %}{% for j in range(1000) %}{% endfor %}{% endfor %}"
    assert rendered(f"{loops}select 1;").text == "select 1;"


def test_a_script_that_is_too_long() -> None:
    """A script that the parser would need gigabytes for is told, with a template in it and without."""
    assert "more than 67,108,864 characters" in message("-" * 67_200_000)


def test_error_in_a_macro() -> None:
    """An error within a macro has the line within the macro."""
    assert message("{% macro m(a) %}\n\n{{ a.b }}\n{% endmacro %}\n\n{{ m(1) }}").startswith("a.sql:3: ")


def test_error_in_a_loop() -> None:
    """An error in a later round of a loop has the line within the loop."""
    assert message("{% for i in [1, 0] %}\n\n{{ 1 / i }}\n{% endfor %}") == "a.sql:3: division by zero"


# A template, and words of what it renders to with the line of the template that each comes from.
LINES: dict[str, tuple[str, list[tuple[str, int]]]] = {
    "plain": ("one\ntwo\n\nfour", [("one", 1), ("two", 2), ("four", 4)]),
    "plain with outputs": ("one\n{{ 2 }} two\n\nfour {{ 'x' }}\nfive", [("2", 2), ("two", 2), ("'x'", 4), ("five", 5)]),
    "loop": (
        "one\n{% for i in ['x', 'y'] %}\n  three {{ i }}\n  four{{ i }}\n{% endfor %}\nsix",
        [
            ("one", 1),
            ("three 'x'", 3),
            ("four'x'", 4),
            ("three 'y'", 3),
            ("'y'\n  four", 3),
            ("four'y'", 4),
            ("six", 6),
        ],
    ),
    "loop that begins with an output": (
        "one\n{% for i in ['x', 'y'] %}\n{{ i }} three\n{% endfor %}\nfive",
        [("one", 1), ("'x'", 3), ("'y'", 3), ("five", 5)],
    ),
    "condition that begins with an output": (
        "{% set a = 1 %}\n\n{% if a %}\n{{ 'x' }}\n{% endif %}\nsix",
        [("'x'", 4), ("six", 6)],
    ),
    "output after a comment": ("{# one\ntwo\nthree #}\n{{ 'x' }}\nfive", [("'x'", 4), ("five", 5)]),
    "macro": (
        "{% macro m(x) %}\ntwo {{ x }}\nthree\n{% endmacro %}\nfive\n{{ m('x') }}six\n\neight {{ m('y') }}nine",
        [("five", 5), ("two 'x'", 2), ("three\nsix", 3), ("six", 6), ("eight", 8), ("two 'y'", 2), ("nine", 8)],
    ),
    "call block": (
        "{% macro m() %}\ntwo\n{{ caller() }}four\n{% endmacro %}\n{% call m() %}\nsix\n{% endcall %}\neight",
        [("two", 2), ("six", 6), ("eight", 8)],
    ),
    "recursive loop": (
        "one\n{% for i in [[1], []] recursive %}\n  three {{ i | length }}\n  {{ loop([]) }}four\n{% endfor %}\nsix",
        [("one", 1), ("three 1", 3), ("four", 4), ("three 0", 3), ("six", 6)],
    ),
    "block set": ("{% set a %}\ntwo\n{% endset %}\nfour\n{{ a }}\nsix", [("four", 4), ("two", 2), ("six", 6)]),
    "values of many lines": (
        "one {{ text }} end\ntwo\nthree {{ text }},\nfour",
        [("one", 1), ("LAST", 1), ("end", 1), ("two", 2), ("three", 3), ("four", 4)],
    ),
    "outputs of many lines": (
        "one {{\n'x'\n~ 'y' }} three\nfour",
        [("one", 1), ("'xy'", 1), ("three", 3), ("four", 4)],
    ),
    "white space control": (
        "one\n\n  {%- if true %} three\n  {%- endif -%}\n\n\nseven\n   {% if true %}\n   nine\n   {% endif %}\neleven",
        [("one", 1), ("three", 3), ("seven", 7), ("nine", 9), ("eleven", 11)],
    ),
    "raw": (
        "{% raw %}\ntwo\n{{ three }}\n{% endraw %}\nfive {{ 'x' }}",
        [("two", 2), ("three", 3), ("five", 5), ("'x'", 5)],
    ),
    "other line ends": (
        "one\r\n{{ 2 }}\r\n{% if true %}\r\nfour\r\n{% endif %}\r\nsix",
        [("2", 2), ("four", 4), ("six", 6)],
    ),
    "separators that end no line": ("one\u2028\x0b\x0cone\ntwo {{ 1 }}", [("one\n", 1), ("two", 2)]),
    "wide characters": ("ä 📦\n{{ '📦ä' }} two\nthree", [("'📦ä'", 2), ("two", 2), ("three", 3)]),
}


@pytest.mark.parametrize(("template", "words"), LINES.values(), ids=LINES)
def test_line_at(template: str, words: list[tuple[str, int]]) -> None:
    """Each character of the rendered text knows the line of the template that it comes from."""
    result = rendered(template, text="first\n\nLAST")
    assert [(word, result.line_at(result.text.index(word))) for word, _ in words] == words


def test_line_at_the_end() -> None:
    """The place after the last character is on the last line, and an empty script has a first line."""
    assert rendered("one\ntwo").line_at(7) == 2
    assert rendered("").line_at(0) == 1
    assert rendered("{# nothing #}").line_at(0) == 1


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", " ", "\n", "\n\n", "é", "{{ x }}", "{% set y = 1 %}", "{# c\n#}", "'📦'"])))
def test_lines_follow_each_other(pieces: list[str]) -> None:
    """Without loops and macros the lines only ever increase, and none is beyond the end of the template."""
    template = "".join(pieces)
    result = rendered(template, x="a\nb")
    lines = [result.line_at(offset) for offset in range(len(result.text) + 1)]
    assert lines == sorted(lines)
    assert lines[-1] <= template.count("\n") + 1


@pytest.mark.parametrize(
    "template", ["select {{ x }};", "{{ x }}{{ x }}", "{% for i in [1, 2] %}\n {{ x }}\n{% endfor %}"]
)
def test_outputs(template: str) -> None:
    """Where each output stands in the text is known."""
    result = rendered(template, x="it's\n📦")
    found = [result.text[output.start : output.end] for output in result.outputs]
    assert found == ["'it''s\n📦'"] * len(found)
    assert "".join(found).count("📦") == result.text.count("📦")


def test_outputs_in_captured_text() -> None:
    """Outputs within captured text are known too, beside the one that puts it out."""
    result = rendered("{% set a %}f({{ 'x' }}){% endset %}-{{ a }}-")
    assert sorted(result.text[output.start : output.end] for output in result.outputs) == ["'x'", "f('x')"]


PLAIN = [
    "",
    "\n",
    "select 1;",
    "select '%', ':x', $$ \\ $$, \"a\" -- { } }} %} #} {\n",
    "a\r\nb\rc\n\n\n",
    "  \t trailing  \n\t",
    "\ufeffselect\u2028'ä📦'",
]


@pytest.mark.parametrize("text", PLAIN)
def test_plain_text(text: str) -> None:
    """A script without Jinja comes through as it is, byte for byte."""
    result = rendered(text)
    assert (result.text, result.outputs) == (text, ())


@settings(deadline=None)
@given(TEXT.filter(lambda text: not any(mark in text for mark in ("{{", "{%", "{#"))))
def test_any_plain_text(text: str) -> None:
    """So does any text without Jinja's marks."""
    assert rendered(text).text == text


@pytest.mark.parametrize("path", sorted((ROOT / "sql").rglob("*.sql")), ids=lambda path: path.name)
def test_scripts_of_the_project(path: Path) -> None:
    """The SQL of this repository that is no template is sent as it was reviewed."""
    text = path.read_text(encoding="utf-8")
    if "{{" not in text and "{%" not in text and "{#" not in text:
        assert rendered(text).text == text
    else:
        assert message(text).startswith("a.sql:")  # without its variables


def test_rendering_is_reproducible() -> None:
    """The same project renders to the same bytes, in every process."""
    first, second = (run_runner("render", variables={"PYTHONHASHSEED": seed}) for seed in ("1", "2"))
    assert (first.code, first.out) == (0, second.out)
    assert first.out.count("insert into field_mappings (\n") == 54


def test_template_variables() -> None:
    """A template sees the variables of the manifest, the names of the schemas, and the field mappings."""
    project = load_manifest(ROOT / "manifest.toml", ("max_workers=3",))
    mappings = FieldMappings("issues", (), (), {})
    variables: dict[str, Any] = template_variables(project, mapped_variables(mappings))
    assert (variables["schema"], variables["extension_schema"]) == ("public", "public")
    assert (variables["max_workers"], variables["field_mappings"]) == (3, mappings)
    assert "field_mappings" not in template_variables(project, mapped_variables(None))
