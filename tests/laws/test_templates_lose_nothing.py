"""Templates lose nothing: with tags anywhere, the tokens of the rendered text are those of the SQL, or it is an error.

The SQL is that of the corpus of the grammar, between comments, strings and bodies of functions.
"""

from __future__ import annotations

from random import Random

import postgast
import pytest

from runner.errors import InputError
from runner.project.templates import Template, render_each
from runner.sql.parser import parse
from runner.sql.source_map import Rendered
from tests.sql.test_grammar import CORPUS

TAGS = (
    "{# note #}",
    "{# two\nlines #}",
    "{#- note -#}",
    "{% set x = 1 %}",
    "{%- set x = 1 -%}",
    "{%+ set x = 1 +%}",
    "{% if true %}{% endif %}",
    "{% raw %}{% endraw %}",
    "{%- raw -%}{% endraw %}",
    "{% set y %}select 'lost';{% endset %}",
    "{% for i in [1, 2] %}{% endfor %}",
)
"""What puts out nothing."""
SOURCES = (
    *(f"-- it's\n{sql};\n\n-- done\n" for sql, _ in CORPUS),
    "create table t (a text default 'it''s', -- the a\n \"b c\" int, /* d /* e */ */ f numeric default 1.5e3);\n",
    "do $a$\nbegin\n\n    perform $$ x -- y\n $$;\nend\n$a$;\nselect e'\\'', u&'\\0041', 1 - -1, a <= b, x::int;\n",
)


def words(sql: str) -> list[str]:
    """Return the tokens of SQL, without comments."""
    data = sql.encode()
    tokens = [data[token.start : token.end].decode() for token in postgast.scan(sql).tokens]
    return [token for token in tokens if not token.startswith(("--", "/*"))]


def with_tags(sql: str, random: Random) -> str:
    for _ in range(random.randint(1, 3)):
        place = random.randint(0, len(sql))
        sql = sql[:place] + random.choice(TAGS) + sql[place:]
    return sql


def outcome(rendered: Rendered | InputError) -> list[str] | None:
    """Return the tokens of a template that is accepted."""
    if isinstance(rendered, InputError):
        return None
    try:
        parse(rendered, schema="public")
    except InputError:
        return None
    return words(rendered.text)


@pytest.mark.parametrize("seed", range(3))
def test_tags_at_random_places_lose_no_token(seed: int) -> None:
    """Whatever is accepted has the tokens of the SQL."""
    random = Random(seed)  # noqa: S311
    pairs = [(sql, with_tags(sql, random)) for sql in SOURCES]
    rendered = render_each([Template("a.sql", text) for _, text in pairs], {})
    lost = []
    accepted = 0
    for (sql, template), result in zip(pairs, rendered, strict=True):
        found = outcome(result)
        accepted += found is not None
        if found is not None and found != words(sql):
            lost.append(template)
    assert lost == []
    assert accepted > len(pairs) / 10


TAG_LINES = ("{# note #}\n", "  {% set x = 1 %}  \n", "{% if true %}\n{% endif %}\n")


@pytest.mark.parametrize("tag", TAG_LINES)
def test_tags_on_lines_of_their_own_are_accepted(tag: str) -> None:
    """Between statements they leave neither a trace nor an empty line."""
    templates = [Template("a.sql", f"-- it's\n{tag}{sql};\n{tag}") for sql, _ in CORPUS]
    for (sql, _), result in zip(CORPUS, render_each(templates, {}), strict=True):
        assert isinstance(result, Rendered)
        assert result.text == f"-- it's\n{sql};\n"


KEPT = {
    "raw text in a comment": (
        "-- {% raw %}{{ name }}{% endraw %}\ncreate table x (id int);",
        "-- {{ name }}\ncreate table x (id int);",
    ),
    "a note at the end of a comment": ("select 1, -- a {# note #}\n 2", "select 1, -- a \n 2"),
    "a tag at the end of a line": ("select 1{% if true %},{% endif %}\n 2", "select 1,\n 2"),
    "a tag with minus signs": ("-- c\n{%- set x = 1 %}\nselect 1", "-- c\nselect 1"),
    "raw text in a body": ("select $$\n{% raw %}\n{{ x }}\n{% endraw %}\n$$", "select $$\n\n{{ x }}\n\n$$"),
}


@pytest.mark.parametrize("case", KEPT)
def test_line_ends_stay(case: str) -> None:
    """The line end after a tag goes only where the line holds nothing else."""
    template, text = KEPT[case]
    (result,) = render_each([Template("a.sql", template)], {})
    assert isinstance(result, Rendered)
    assert result.text == text
    assert len(parse(result, schema="public").statements) == 1


LOST = {
    "create table g (a text default '{#tag', b text default 'x#}')": "a comment of Jinja stands inside a string",
    "select 'a{% if true %}b{% endif %}'": "a tag of Jinja stands inside a string",
    'select 1 as "a{# #}b"': "a comment of Jinja stands inside a quoted name",
    "do $$ begin {% if true %}null;{% endif %} end $$": "a tag of Jinja stands inside a string",
    "-- {% if false %}\nselect 1;\n-- {% endif %}": "a tag of Jinja stands inside a comment",
    "select 1; -- {#\nselect 2; -- #}\nselect 3": "a comment of Jinja stands inside a comment",
    "-- c\n{%- set x = 1 -%}\nselect 1": "a tag of Jinja stands inside a comment",
    "select 'a {%- raw %}{{ b }}{% endraw %}'": "a tag of Jinja stands inside a string",
    "create ta{# x #}ble t ()": "a comment of Jinja is glued to the text beside it",
    "select 1{% if true %}2{% endif %}": "a tag of Jinja is glued to the text beside it",
}


@pytest.mark.parametrize("template", LOST)
def test_a_tag_inside_a_token_is_an_error(template: str) -> None:
    """It says where the tag is, and how to write SQL that looks like one."""
    (result,) = render_each([Template("a.sql", template)], {})
    assert isinstance(result, Rendered)
    with pytest.raises(InputError, match=LOST[template]) as caught:
        parse(result, schema="public")
    assert "{% raw %} … {% endraw %}" in str(caught.value)
