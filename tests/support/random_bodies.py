"""Random histories of a schema whose scripts show its end state: bodies are edited, and upgrades change what is there.

An upgrade may meet a database that has skipped releases. So it adds the column that it changes where that may be
missing, and touches only tables that are there since the first release, or uses IF EXISTS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import strategies as st

VALUES = {"integer": "7", "bigint": "8", "text": "'x'", "numeric(10, 2)": "1.5"}


@dataclass
class Column:
    """A column as the body of its table has it."""

    name: str
    type: str
    extra: str = ""

    @property
    def sql(self) -> str:
        """Its line in the body."""
        return f"{self.name} {self.type}{self.extra}"


@dataclass
class Table:
    """A table as its body shows it; `is_old` tells that the first release has it."""

    name: str
    is_old: bool
    columns: list[Column]
    checks: dict[str, str] = field(default_factory=dict)
    """The column of each CHECK."""
    indexes: dict[str, list[str]] = field(default_factory=dict)
    comment: str = ""
    view: str = ""
    key: str = ""

    @property
    def sql(self) -> str:
        """Its body."""
        lines = [f"id integer constraint {self.key} primary key", *(column.sql for column in self.columns)]
        lines += [f"constraint {name} check ({column} is not null or id > 0)" for name, column in self.checks.items()]
        return f"create table if not exists {self.name} (\n    " + ",\n    ".join(lines) + "\n)"

    @property
    def free(self) -> list[Column]:
        """The columns that no constraint and no index uses."""
        used = {*self.checks.values(), *(name for names in self.indexes.values() for name in names)}
        return [column for column in self.columns if column.name not in used]


class EndState:
    """A schema as its bodies show it, and the upgrades that have led to it."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.numbers = count(1)
        self.tables: list[Table] = []
        self.values = ["a", "b"]
        self.result = 1
        self.upgrades: list[list[str]] = []
        self.is_first = True
        self.add_table()

    def name(self, letter: str) -> str:
        """Return a new name."""
        return f"{letter}{next(self.numbers)}"

    def release(self) -> dict[str, Any]:
        """Return the project after one to three more changes; an upgrade is one script."""
        upgrade: list[str] = []
        for _ in range(self.draw(st.integers(1, 3))):
            change: Callable[[], list[str] | None] = self.draw(st.sampled_from(CHANGES)).__get__(self)
            upgrade += change() or []
        if not self.is_first and upgrade:
            self.upgrades.append(upgrade)
        self.is_first = False
        scripts = dict(self.scripts())
        upgrades = {path: {"run": "upgrade", "allow_destructive": True} for path in scripts if "upgrade" in path}
        return {"scripts": scripts, "options": upgrades}

    def scripts(self) -> Iterator[tuple[str, str]]:
        """Return the scripts by name."""
        added = [f"alter type mood add value if not exists '{value}'" for value in self.values[2:]]
        yield "010_types.sql", _lines(["create type mood as enum ('a', 'b')", *added])
        yield "020_tables.sql", _lines([table.sql for table in self.tables])
        yield (
            "030_indexes.sql",
            _lines(
                [
                    f"create index if not exists {name} on {table.name} ({', '.join(columns)})"
                    for table in self.tables
                    for name, columns in table.indexes.items()
                ]
            ),
        )
        comments = [f"comment on table {table.name} is '{table.comment}'" for table in self.tables if table.comment]
        views = [f"create or replace view {t.view} as select id from {t.name}" for t in self.tables if t.view]
        body = f"create or replace function f() returns integer language sql as 'select {self.result}'"
        yield "040_rest.sql", _lines([*comments, *views, body])
        for number, upgrade in enumerate(self.upgrades):
            yield f"{number * 10 + 500}_upgrade.sql", _lines(upgrade)

    def table(self, *, is_old: bool = False) -> Table:
        """Draw a table."""
        return self.draw(st.sampled_from([table for table in self.tables if table.is_old or not is_old]))

    def column(self, table: Table) -> Column:
        """Draw a column of a table that nothing else uses."""
        if not table.free:
            table.columns.append(Column(self.name("c"), "integer"))
        return self.draw(st.sampled_from(table.free))

    # What is an edit of a body

    def add_table(self) -> None:
        columns = [Column(self.name("c"), "integer"), Column(self.name("c"), "text")]
        self.tables.append(Table(self.name("t"), self.is_first, columns, key=self.name("key")))

    def add_column(self) -> None:
        kind = self.draw(st.sampled_from(list(VALUES)))
        extra = self.draw(st.sampled_from(["", f" default {VALUES[kind]}", f" not null default {VALUES[kind]}"]))
        self.table().columns.append(Column(self.name("c"), kind, extra))

    def change_default(self) -> None:
        column = self.column(self.table())
        not_null = " not null" if "not null" in column.extra else ""
        column.extra = f"{not_null} default {VALUES[column.type]}" if "default" not in column.extra else not_null

    def widen(self) -> None:
        column = self.column(self.table())
        column.type = {"integer": "bigint"}.get(column.type, column.type)

    def allow_null(self) -> None:
        column = self.column(self.table())
        column.extra = column.extra.replace(" not null", "")

    def add_check(self) -> None:
        table = self.table()
        table.checks[self.name("k")] = self.column(table).name

    def add_index(self) -> None:
        table = self.table()
        table.indexes[self.name("i")] = [self.column(table).name]

    def change_index(self) -> None:
        table = self.table()
        for names in table.indexes.values():
            names[:] = [*names, "id"] if "id" not in names else names[:1]

    def comment(self) -> None:
        self.table().comment = self.name("text ")

    def view(self) -> None:
        table = self.table()
        table.view = table.view or self.name("v")

    def function(self) -> None:
        self.result = next(self.numbers)

    def enum_value(self) -> None:
        self.values.append(self.name("v"))

    # What needs an upgrade

    def rename_column(self) -> list[str]:
        table = self.table(is_old=True)
        column = self.draw(st.sampled_from(table.columns))
        added = _added(table, column)
        old, column.name = column.name, self.name("r")
        for name, used in table.checks.items():
            table.checks[name] = column.name if used == old else used
        for names in table.indexes.values():
            names[:] = [column.name if used == old else used for used in names]
        return [*added, f"alter table {table.name} rename column {old} to {column.name}"]

    def rename_table(self) -> list[str]:
        table = self.table()
        old, table.name = table.name, self.name("t")
        return [f"alter table if exists {old} rename to {table.name}"]

    def drop_column(self) -> list[str]:
        table = self.table()
        column = self.column(table)
        table.columns.remove(column)
        return [f"alter table if exists {table.name} drop column if exists {column.name}"]

    def drop_table(self) -> list[str]:
        tables = [table for table in self.tables if not table.view]
        if len(self.tables) < 2 or not tables:
            return self.drop_column()
        table = self.draw(st.sampled_from(tables))
        if table.is_old and sum(other.is_old for other in self.tables) == 1:
            return self.drop_column()
        self.tables.remove(table)
        return [f"drop table if exists {table.name}"]

    def convert(self) -> list[str]:
        table = self.table(is_old=True)
        column = self.column(table)
        added = _added(table, column)
        column.type = "text" if column.type != "text" else "integer"
        column.extra = " not null" if "not null" in column.extra else ""
        using = "null" if not column.extra else "'0'"
        to = f"alter column {column.name} type {column.type} using coalesce({using}, '1')::{column.type}"
        return [
            *added,
            f"alter table {table.name} alter column {column.name} drop default",
            f"alter table {table.name} {to}",
        ]

    def require(self) -> list[str]:
        table = self.table(is_old=True)
        column = self.column(table)
        added = _added(table, column)
        if "not null" not in column.extra:
            column.extra = f" not null{column.extra}"
        return [
            *added,
            f"update {table.name} set {column.name} = {VALUES[column.type]} where {column.name} is null",
            f"alter table {table.name} alter column {column.name} set not null",
        ]

    def split(self) -> list[str]:
        table = self.table(is_old=True)
        column = self.column(table)
        table.columns.remove(column)
        first, second = Column(self.name("c"), "text"), Column(self.name("c"), "text")
        table.columns += [first, second]
        return [
            *_added(table, column),
            f"alter table {table.name} add column {first.name} text, add column {second.name} text",
            f"update {table.name} set {first.name} = {column.name}::text, {second.name} = 'rest'",
            f"alter table {table.name} drop column {column.name}",
        ]

    def drop_index(self) -> list[str]:
        table = self.table()
        found = [f"drop index if exists {name}" for name in table.indexes]
        table.indexes.clear()
        return found

    def drop_check(self) -> list[str]:
        table = self.table()
        found = [f"alter table if exists {table.name} drop constraint if exists {name}" for name in table.checks]
        table.checks.clear()
        return found

    def drop_view(self) -> list[str]:
        table = self.table()
        view, table.view = table.view, ""
        return [f"drop view if exists {view}"] if view else []


CHANGES = [
    EndState.add_table,
    EndState.add_column,
    EndState.change_default,
    EndState.widen,
    EndState.allow_null,
    EndState.add_check,
    EndState.add_index,
    EndState.change_index,
    EndState.comment,
    EndState.view,
    EndState.function,
    EndState.enum_value,
    EndState.rename_column,
    EndState.rename_table,
    EndState.drop_column,
    EndState.drop_table,
    EndState.convert,
    EndState.require,
    EndState.split,
    EndState.drop_index,
    EndState.drop_check,
    EndState.drop_view,
]


def _added(table: Table, column: Column) -> list[str]:
    """Return what adds a column where a release was skipped; rows need a value where there may be no NULL."""
    add = f"alter table {table.name} add column if not exists {column.sql}"
    if "not null" not in column.extra or "default" in column.extra:
        return [add]
    drop = f"alter table {table.name} alter column {column.name} drop default"
    return [f"{add} default {VALUES[column.type]}", drop]


def _lines(statements: list[str]) -> str:
    return "".join(f"{statement};\n" for statement in statements)


@st.composite
def end_states(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw the projects of up to six releases."""
    model = EndState(draw)
    return [model.release() for _ in range(draw(st.integers(2, 6)))]
