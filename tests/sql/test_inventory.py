"""Objects that get other names: their parts, their definitions, and those of others that mention them."""

from __future__ import annotations

import pytest

from runner.planning.translation import Translation
from runner.sql.inventory import Inventory
from runner.sql.objects import Object


def table(name: str, schema: str = "") -> Object:
    return Object("table", name, "", schema)


def part(kind: str, name: str, of: str = "t", schema: str = "") -> Object:
    return Object(kind, name, of, schema)


FACTS = {
    table("t"): "table",
    table("t").comment: "t and a stay in a comment",
    part("column", "a"): "integer not null",
    part("column", "a").comment: "A",
    part("column", "b"): "integer generated always as ((a * 2)) stored",
    part("constraint", "CHECK (a > 0)"): "CHECK (a > 0)",
    part("constraint", "t_self"): "FOREIGN KEY (a) REFERENCES t(a)",
    part("constraint", "foreign key (a) references t"): "FOREIGN KEY (a) REFERENCES t(a)",
    part("index", "t_a"): "btree (a, lower(a)) where a <> 'a'::text",
    part("trigger", "tr"): "CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION a()",
    table("u"): "table",
    part("column", "t", "u"): "t not null",
    part("constraint", "u_t", "u"): "FOREIGN KEY (t) REFERENCES t(a)",
    Object("view", "v"): " SELECT t.a AS x, count(*) AS a1 FROM t",
    Object("function", "f(t)"): "function (x t) returns t language sql as select a from t",
}

RENAMED: dict[str, tuple[Object, Object, dict[Object, str]]] = {
    "a column": (
        part("column", "a"),
        part("column", "aa"),
        {
            part("column", "aa"): "integer not null",
            part("column", "aa").comment: "A",
            part("column", "b"): "integer generated always as ((aa * 2)) stored",
            part("constraint", "CHECK (aa > 0)"): "CHECK (aa > 0)",
            part("constraint", "t_self"): "FOREIGN KEY (aa) REFERENCES t(aa)",
            part("constraint", "foreign key (aa) references t"): "FOREIGN KEY (aa) REFERENCES t(aa)",
            part("index", "t_a"): "btree (aa, lower(aa)) where aa <> 'a'::text",
            part("trigger", "tr"): "CREATE TRIGGER tr BEFORE UPDATE OF aa ON t FOR EACH ROW EXECUTE FUNCTION a()",
            part("constraint", "u_t", "u"): "FOREIGN KEY (t) REFERENCES t(aa)",
            Object("view", "v"): " SELECT t.aa AS x, count(*) AS a1 FROM t",
        },
    ),
    "a table": (
        table("t"),
        table("T 2"),
        {
            table("T 2"): "table",
            table("T 2").comment: "t and a stay in a comment",
            part("constraint", "t_self", "T 2"): 'FOREIGN KEY (a) REFERENCES "T 2"(a)',
            part("constraint", "foreign key (a) references T 2", "T 2"): 'FOREIGN KEY (a) REFERENCES "T 2"(a)',
            part("index", "t_a", "T 2"): "btree (a, lower(a)) where a <> 'a'::text",
            part("trigger", "tr", "T 2"): (
                'CREATE TRIGGER tr BEFORE UPDATE OF a ON "T 2" FOR EACH ROW EXECUTE FUNCTION a()'
            ),
            part("column", "t", "u"): '"T 2" not null',
            part("constraint", "u_t", "u"): 'FOREIGN KEY (t) REFERENCES "T 2"(a)',
            Object("view", "v"): ' SELECT "T 2".a AS x, count(*) AS a1 FROM "T 2"',
            Object("function", 'f("T 2")'): 'function (x "T 2") returns "T 2" language sql as select a from t',
        },
    ),
    "a table that is moved": (
        table("t"),
        table("t", "s"),
        {
            part("column", "a", schema="s"): "integer not null",
            part("constraint", "u_t", "u"): "FOREIGN KEY (t) REFERENCES s.t(a)",
            part("index", "t_a", schema="s"): "btree (a, lower(a)) where a <> 'a'::text",
        },
    ),
    "a trigger": (
        part("trigger", "tr"),
        part("trigger", "tr2"),
        {
            part("trigger", "tr2"): "CREATE TRIGGER tr2 BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION a()",
        },
    ),
}


@pytest.mark.parametrize("case", RENAMED)
def test_a_rename_is_followed(case: str) -> None:
    """What belongs to an object goes with it, and what mentions it says the new name; and all of it comes back."""
    old, new, expected = RENAMED[case]
    inventory = Inventory(FACTS)
    inventory.rename(old, new)
    assert {item: inventory.get(item) for item in expected} == expected
    assert len(inventory) == len(FACTS)
    inventory.rename(new, old)
    assert dict(inventory) == FACTS


def test_what_is_dropped_takes_its_parts_along() -> None:
    """A column takes the constraints and indexes that are about it, a table everything in it."""
    inventory = Inventory(FACTS)
    inventory.drop(part("column", "a"))
    assert [item for item in inventory if item.table == "t"] == [part("column", "b"), part("trigger", "tr")]
    inventory.drop(table("t"))
    assert {item.name for item in inventory} == {"u", "t", "u_t", "v", "f(t)"}


def test_names_of_another_time() -> None:
    """A chain, a swap and a table's own renaming are each found from any time before them."""
    names = Translation()
    for old, new in (("tmp", "b"), ("b", "a"), ("a", "tmp")):  # backwards: a and b were swapped
        names.add(part("column", old), part("column", new))
    assert names.of(part("column", "a")) == part("column", "b")
    assert names.of(part("column", "b")) == part("column", "a")
    names = Translation()
    names.add(part("column", "b", "u"), part("column", "c", "u"))
    names.add(table("t"), table("u"))
    names.add(part("column", "a"), part("column", "b"))
    names.add(table("s"), table("t"))
    assert names.of(part("column", "a", "s")) == part("column", "c", "u")
    assert names.of(part("constraint", "unique (a, x)", "s")).name == "unique (c, x)"
    assert names.of(part("column", "x", "s").comment) == part("column", "x", "u").comment
