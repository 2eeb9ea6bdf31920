"""The facts of a database in the declared words, where the two mean the same."""

from __future__ import annotations

from runner.catalog.declared_words import in_declared_words
from runner.catalog.snapshot import Snapshot
from runner.sql.objects import Object

CHECK = Object("constraint", "c", "t")
STORED = "CHECK (st::text = ANY (ARRAY['a'::character varying]::text[]))"
RESTORED = "CHECK (st::text = ANY (ARRAY['a'::character varying::text]))"
BODY = Object("function", "f()")


def nameless(definition: str) -> Object:
    return CHECK._replace(name=definition)


def snapshot(definition: str, item: Object = CHECK) -> Snapshot:
    return Snapshot({item: definition}, {nameless(definition.removesuffix(" NOT VALID")): (item,)})


def test_a_constraint_has_the_declared_words() -> None:
    """It keeps whether it is valid."""
    for ending in ("", " NOT VALID"):
        assert in_declared_words(snapshot(STORED + ending), {CHECK: RESTORED}).facts == {CHECK: RESTORED + ending}


def test_a_constraint_without_a_name_is_known_by_the_declared_words() -> None:
    """It is found by its declared definition, whatever its name is."""
    actual = in_declared_words(snapshot(RESTORED), {nameless(STORED): STORED})
    assert actual == Snapshot({CHECK: STORED}, {nameless(STORED): (CHECK,)})


def test_a_constraint_of_another_name_has_the_declared_words() -> None:
    """It is recognised under its other name, which a repair changes."""
    actual = in_declared_words(snapshot(STORED), {CHECK._replace(name="other"): RESTORED})
    assert actual.facts == {CHECK: RESTORED}


def test_each_has_the_words_of_its_own_declaration() -> None:
    """What two declarations say in different words is what each says."""
    other = CHECK._replace(table="u")
    declared = {CHECK: RESTORED, other: RESTORED.replace("(st", "((st").replace("text =", "text) =")}
    assert in_declared_words(Snapshot({CHECK: STORED, other: STORED}), declared).facts == declared


def test_carriage_returns_that_a_file_cannot_declare_do_not_count() -> None:
    """Those that an escape declares do."""
    head = "function () returns void language plpgsql as "
    actual, declared = f"{head}begin\r\n  null;\rend", f"{head}begin\n  null;\nend"
    for item in (BODY, CHECK.comment):
        assert in_declared_words(Snapshot({item: actual}), {item: declared}).facts == {item: declared}
        assert in_declared_words(Snapshot({item: declared}), {item: actual}).facts == {item: declared}


def test_another_definition_stays() -> None:
    """What is not the same is left as it is, words that are the same in a text among them."""
    for item, there, declared in (
        (CHECK, STORED, RESTORED.replace("'a'", "'b'")),
        (CHECK.comment, "TRUE (and) so", "true and so"),
        (BODY, "function () returns text language plpgsql as A", "function () returns text language plpgsql as a"),
    ):
        actual = Snapshot({item: there})
        assert in_declared_words(actual, {item: declared}) is actual
