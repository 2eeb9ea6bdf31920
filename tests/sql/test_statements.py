"""Tests of what is asked of all statements of all scripts."""

from runner.project.templates import render
from runner.sql.objects import Object
from runner.sql.parser import parse
from runner.sql.statements import effects_in, first_makers

SCRIPTS = [
    parse(render(path, sql, {}), schema="public")
    for path, sql in {
        "a.sql": "create table t (a int);\nselect 1;",
        "b.sql": "create table if not exists t (a int, b int);\ncomment on table t is 'T';",
    }.items()
]


def test_keys() -> None:
    """No two statements have the same key."""
    keys = [statement.key for script in SCRIPTS for statement in script.statements]
    assert len(set(keys)) == len(keys) == 4


def test_effects_in_order() -> None:
    """Effects come in the order of the scripts, each with its statement."""
    found = [(statement.script, statement.line, str(effect.object)) for statement, effect in effects_in(SCRIPTS)]
    assert found == [
        ("a.sql", 1, "table t"),
        ("a.sql", 1, "column t.a"),
        ("b.sql", 1, "table t"),
        ("b.sql", 1, "column t.a"),
        ("b.sql", 1, "column t.b"),
        ("b.sql", 2, "comment on table t"),
    ]


def test_first_makers() -> None:
    """What makes an object again, or comments on it, does not count."""
    makers = {item: (maker.script, maker.line) for item, maker in first_makers(SCRIPTS).items()}
    table, column = Object("table", "t"), Object("column", "b", "t")
    assert makers == {table: ("a.sql", 1), Object("column", "a", "t"): ("a.sql", 1), column: ("b.sql", 1)}
