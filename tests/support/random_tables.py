"""Random changes of plain tables for hypothesis, each valid after those before it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from hypothesis import strategies as st

TYPES = ("integer", "bigint", "text", "numeric(10, 2)", "timestamptz", "mood")
DEFAULTS = {
    "integer": "7",
    "bigint": "7",
    "text": "'x'",
    "numeric(10, 2)": "1.5",
    "timestamptz": "now()",
    "mood": "'a'",
}
WIDER = {
    "integer": "bigint",
    "bigint": "numeric(10, 2)",
    "mood": "text",
    "timestamptz": "text",
    "numeric(10, 2)": "text",
}


@dataclass
class Table:
    """What is known of a table: its columns with their types, its named constraints and indexes, and its views."""

    name: str
    schema: str = ""
    columns: dict[str, str] = field(default_factory=dict)
    constraints: dict[str, set[str]] = field(default_factory=dict)
    indexes: dict[str, set[str]] = field(default_factory=dict)
    special: set[str] = field(default_factory=set)
    """The columns that fill themselves."""
    view: str = ""
    materialized: bool = False
    is_referred: bool = False

    @property
    def sql(self) -> str:
        """Its name as a statement has it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    @property
    def free(self) -> list[str]:
        """The columns that nothing but the table itself uses."""
        used = {name for names in (*self.constraints.values(), *self.indexes.values()) for name in names} | self.special
        return [name for name in self.columns if name != "id" and name not in used and not self.view]


class Model:
    """A schema that grows by random statements."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.tables: list[Table] = []
        self.numbers = count(1)
        self.functions: list[str] = []

    def name(self, letter: str) -> str:
        """Return a new name."""
        return f"{letter}{next(self.numbers)}"

    def one(self, items: list[str]) -> str:
        """Draw one of several names."""
        return self.draw(st.sampled_from(items))

    def step(self) -> list[str]:
        """Return the statements of one more change."""
        if not self.tables:
            return self.create_table(None)
        table = self.draw(st.sampled_from(self.tables))
        change: Callable[[Table], list[str]] = self.draw(st.sampled_from(CHANGES)).__get__(self)
        return change(table)

    def create_table(self, _: Table | None) -> list[str]:
        table = Table(self.name("t"), columns={"id": "integer", "a": "integer", "b": "text"})
        self.tables.append(table)
        guard = self.draw(st.sampled_from(["", "if not exists "]))
        checked = self.draw(st.sampled_from(["", " check (a > 0)", " unique", " not null default 1"]))
        if checked.startswith((" check", " unique")):
            table.constraints[""] = {"a"}
        return [f"create table {guard}{table.name} (id integer primary key, a integer{checked}, b text)"]

    def add_column(self, table: Table) -> list[str]:
        name, kind = self.name("c"), self.one(list(TYPES))
        table.columns[name] = kind
        default = self.draw(st.sampled_from(["", f" default {DEFAULTS[kind]}", f" not null default {DEFAULTS[kind]}"]))
        return [f"alter table {table.sql} add column {name} {kind}{default}"]

    def drop_column(self, table: Table) -> list[str]:
        if not table.free:
            return self.add_column(table)
        name = self.one(table.free)
        kind = table.columns.pop(name)
        dropped = [f"alter table {table.sql} drop column {name}"]
        if self.draw(st.booleans()):
            table.columns[name] = kind
            return [*dropped, f"alter table {table.sql} add column {name} {kind}"]
        return dropped

    def rename_column(self, table: Table) -> list[str]:
        others = [name for name in table.columns if name != "id"]
        if not others:
            return self.add_column(table)
        old, new = self.one(others), self.name("r")
        table.columns = {new if name == old else name: kind for name, kind in table.columns.items()}
        for names in (*table.constraints.values(), *table.indexes.values(), table.special):
            if old in names:
                names.remove(old)
                names.add(new)
        return [f"alter table {table.sql} rename {old} to {new}"]

    def swap_columns(self, table: Table) -> list[str]:
        pair = table.free[:2]
        if len(pair) < 2:
            return self.rename_column(table)
        first, second = pair
        kinds = table.columns
        kinds[first], kinds[second] = kinds[second], kinds[first]
        steps = ((first, "passing"), (second, first), ("passing", second))
        return [f"alter table {table.sql} rename column {old} to {new}" for old, new in steps]

    def rename_table(self, table: Table) -> list[str]:
        old, table.name = table.sql, self.name("t")
        return [f"alter table {old} rename to {table.name}"]

    def move_table(self, table: Table) -> list[str]:
        old, table.schema = table.sql, "" if table.schema else "side"
        return [f"alter table {old} set schema {table.schema or 'public'}"]

    def change_type(self, table: Table) -> list[str]:
        free = [name for name in table.free if table.columns[name] in WIDER]
        if not free:
            return self.add_column(table)
        name = self.one(free)
        old, new = table.columns[name], WIDER[table.columns[name]]
        table.columns[name] = new
        return (
            [
                f"alter table {table.sql} alter column {name} drop default",
                f"alter table {table.sql} alter column {name} type {new} using {name}::{new}",
            ]
            if old != new
            else []
        )

    def set_default(self, table: Table) -> list[str]:
        name = self.one([*table.free, "id"])
        value = DEFAULTS.get(table.columns[name], "1")
        change = self.draw(st.sampled_from([f"set default {value}", "drop default"]))
        return [f"alter table {table.sql} alter column {name} {change}"]

    def add_constraint(self, table: Table) -> list[str]:
        column = self.one([name for name in table.columns if name != "id"] or ["id"])
        name = self.name("k")
        what = self.draw(st.sampled_from([f"check ({column} is not null or id > 0)", f"unique (id, {column})"]))
        table.constraints[name] = {column}
        return [f"alter table {table.sql} add constraint {name} {what}"]

    def refer(self, table: Table) -> list[str]:
        other, name, column = self.draw(st.sampled_from(self.tables)), self.name("k"), self.name("f")
        other.is_referred = True
        table.columns[column] = "integer"
        table.constraints[name] = {column}
        return [
            f"alter table {table.sql} add column {column} integer",
            f"alter table {table.sql} add constraint {name} foreign key ({column}) references {other.sql}",
        ]

    def replace_constraint(self, table: Table) -> list[str]:
        names = [name for name in table.constraints if name]
        if not names:
            return self.add_constraint(table)
        name = self.one(names)
        column = self.one(sorted(table.constraints[name]))
        drop = f"alter table {table.sql} drop constraint {name}"
        if self.draw(st.booleans()):
            del table.constraints[name]
            return [drop]
        add = f"add constraint {name} check ({column} is null or id >= 0)"
        return self.draw(st.sampled_from([[drop, f"alter table {table.sql} {add}"], [f"{drop}, {add}"]]))

    def create_index(self, table: Table) -> list[str]:
        column, name = self.one(list(table.columns)), self.name("i")
        table.indexes[name] = {column}
        return [f"create index {name} on {table.sql} ({column})"]

    def drop_index(self, table: Table) -> list[str]:
        if not table.indexes:
            return self.create_index(table)
        name = self.one(list(table.indexes))
        columns = table.indexes.pop(name)
        prefix = f"{table.schema}." if table.schema else ""
        change = self.draw(st.sampled_from(["drop", "rename", "again"]))
        if change == "drop":
            return [f"drop index {prefix}{name}"]
        if change == "rename":
            new = self.name("i")
            table.indexes[new] = columns
            return [f"alter index {prefix}{name} rename to {new}"]
        table.indexes[name] = columns
        return [f"drop index {prefix}{name}", f"create index {name} on {table.sql} ({', '.join(columns)}, id)"]

    def constrain_by_index(self, table: Table) -> list[str]:
        index, name = self.name("i"), self.name("k")
        table.constraints[name] = {"id"}
        return [
            f"create unique index {index} on {table.sql} (id)",
            f"alter table {table.sql} add constraint {name} unique using index {index}",
        ]

    def comment(self, table: Table) -> list[str]:
        column = self.one(list(table.columns))
        text = self.name("text ")
        return [f"comment on column {table.sql}.{column} is '{text}'", f"comment on table {table.sql} is '{text}'"]

    def view(self, table: Table) -> list[str]:
        if table.view:
            view, table.view = table.view, ""
            again = f"create view {view} as select id, {len(table.columns)} as n from {table.sql}"
            if self.draw(st.booleans()):
                table.view = view
                return [f"drop view {view}", again]
            return [f"drop view {view}"]
        table.view = self.name("v")
        return [f"create view {table.view} as select id from {table.sql}"]

    def function(self, _: Table) -> list[str]:
        body = f"select {next(self.numbers)}"
        name = self.one(["f", "g", "h"])
        return [f"create or replace function {name}() returns integer language sql as '{body}'"]


CHANGES = [
    Model.create_table,
    Model.add_column,
    Model.drop_column,
    Model.rename_column,
    Model.swap_columns,
    Model.rename_table,
    Model.move_table,
    Model.change_type,
    Model.set_default,
    Model.add_constraint,
    Model.refer,
    Model.replace_constraint,
    Model.create_index,
    Model.drop_index,
    Model.constrain_by_index,
    Model.comment,
    Model.view,
    Model.function,
]
