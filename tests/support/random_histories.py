"""Random histories of a schema for hypothesis: releases of migrations, each valid after those before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hypothesis import strategies as st

from tests.support.random_tables import CHANGES, Model, Table

FIRST = """create schema if not exists side;
create type mood as enum ('a', 'b');
create function touch() returns trigger language plpgsql as 'begin return new; end';
"""


class WideModel(Model):
    """A schema with objects of every kind."""

    def __init__(self, draw: st.DrawFn) -> None:
        super().__init__(draw)
        self.domains: dict[str, set[str]] = {}
        self.sequences: dict[str, bool] = {}
        """Whether a default uses each of them."""
        self.composites: dict[str, list[str]] = {}
        self.partitioned: dict[str, list[str]] = {}
        self.detached: dict[str, list[str]] = {}
        self.materialized: list[str] = []
        self.overloads: list[str] = []
        self.triggers: list[tuple[Table, str]] = []
        self.children: list[tuple[Table, str]] = []
        self.unnamed: dict[str, Table] = {}
        self.moods = ["a", "b"]

    def step(self) -> list[str]:
        """Return the statements of one more change, of a plain table or of anything else."""
        if not self.tables:
            return self.create_table(None)
        table = self.draw(st.sampled_from(self.tables))
        change: Callable[[Table], list[str]] = self.draw(st.sampled_from(ALL)).__get__(self)
        return change(table)

    # Types

    def domain(self, _: Table) -> list[str]:
        if not self.domains or self.draw(st.booleans()):
            name = self.name("d")
            self.domains[name] = {f"{name}_ok"}
            return [f"create domain {name} as integer constraint {name}_ok check (value > -1)"]
        name = self.one(list(self.domains))
        constraint = self.name("k")
        changes = [["set default 3"], ["drop default"], [f"add constraint {constraint} check (value < 9)"]]
        changes += [[f"drop constraint {known}"] for known in sorted(self.domains[name])]
        change = self.draw(st.sampled_from(changes))[0]
        if change.startswith("add"):
            self.domains[name].add(constraint)
        elif change.startswith("drop constraint"):
            self.domains[name].remove(change.split()[-1])
        return [f"alter domain {name} {change}"]

    def domain_column(self, table: Table) -> list[str]:
        if not self.domains:
            return self.domain(table)
        name, domain = self.name("c"), self.one(list(self.domains))
        table.columns[name] = domain
        return [f"alter table {table.sql} add column {name} {domain}"]

    def enum_value(self, _: Table) -> list[str]:
        value, other = self.name("v"), self.one(self.moods)
        self.moods.append(value)
        place = self.draw(st.sampled_from(["", f" before '{other}'", f" after '{other}'"]))
        return [f"alter type mood add value '{value}'{place}"]

    def composite(self, _: Table) -> list[str]:
        if not self.composites or self.draw(st.booleans()):
            name = self.name("w")
            self.composites[name] = ["x"]
            return [f"create type {name} as (x integer, y text)"]
        name = self.one(list(self.composites))
        attributes, new = self.composites[name], self.name("z")
        old = self.draw(st.sampled_from([*attributes, ""]))
        if not old:
            attributes.append(new)
            return [f"alter type {name} add attribute {new} integer"]
        attributes.remove(old)
        if self.draw(st.booleans()):
            attributes.append(new)
            return [f"alter type {name} rename attribute {old} to {new}"]
        return [f"alter type {name} drop attribute {old}"]

    # Numbers

    def sequence(self, _: Table) -> list[str]:
        if not self.sequences or self.draw(st.booleans()):
            name = self.name("s")
            self.sequences[name] = False
            return [f"create sequence {name}"]
        name = self.one(list(self.sequences))
        change = self.draw(st.sampled_from(["increment by 2", "cache 5", "rename", "drop"]))
        if change == "drop" and not self.sequences[name]:
            del self.sequences[name]
            return [f"drop sequence {name}"]
        if change in ("rename", "drop"):
            new = self.name("s")
            self.sequences[new] = self.sequences.pop(name)
            return [f"alter sequence {name} rename to {new}"]
        return [f"alter sequence {name} {change}"]

    def sequence_default(self, table: Table) -> list[str]:
        if not self.sequences:
            return self.sequence(table)
        name, sequence = self.name("c"), self.one(list(self.sequences))
        table.columns[name] = "bigint"
        self.sequences[sequence] = True
        return [
            f"alter table {table.sql} add column {name} bigint",
            f"alter table {table.sql} alter column {name} set default nextval('{sequence}')",
        ]

    def numbered_column(self, table: Table) -> list[str]:
        """Add a column that fills itself, and, sometimes, make it a plain one."""
        if any(parent is table for parent, _ in self.children):
            return self.inherit(table)
        name = self.name("n")
        kinds = {
            "serial": "drop default",
            "integer generated by default as identity": "drop identity",
            "bigint generated always as identity": "set generated by default",
            "integer generated always as (id * 2) stored": "drop expression",
        }
        kind = self.one(list(kinds))
        table.special.add(name)
        table.columns[name] = "integer"
        added = f"alter table {table.sql} add column {name} {kind}"
        if self.draw(st.booleans()):
            return [added, f"alter table {table.sql} alter column {name} {kinds[kind]}"]
        return [added]

    # Tables of other kinds

    def partitions(self, _: Table) -> list[str]:
        if not self.partitioned or self.draw(st.integers(0, 3)) == 0:
            name = self.name("p")
            self.partitioned[name], self.detached[name] = [], []
            return [f"create table {name} (id integer not null, a integer) partition by range (id)"]
        name = self.one(list(self.partitioned))
        parts, detached = self.partitioned[name], self.detached[name]
        number = next(self.numbers)
        bounds = f"for values from ({number * 10}) to ({number * 10 + 10})"
        change = self.draw(st.sampled_from(["of", "detach", "attach", "index", "column", "drop"]))
        if change == "of" or (change in ("detach", "drop") and not parts):
            parts.append(f"{name}_{number}")
            return [f"create table {name}_{number} partition of {name} {bounds}"]
        if change == "detach":
            part = parts.pop()
            detached.append(part)
            return [f"alter table {name} detach partition {part}"]
        if change == "drop":
            return [f"drop table {parts.pop()}"]
        if change == "attach" and detached:
            part = detached.pop()
            parts.append(part)
            return [f"alter table {name} attach partition {part} {bounds}"]
        if change == "column":
            if detached:
                return self.function(self.tables[0])
            return [f"alter table {name} add column c{number} text default 'x'"]
        return [f"create index i{number} on {name} (a)"]

    def inherit(self, table: Table) -> list[str]:
        own = [child for parent, child in self.children if parent is table]
        if self.draw(st.booleans()) and own:
            child = own[-1]
            self.children.remove((table, child))
            return [f"alter table {child} no inherit {table.sql}"]
        child = self.name("u")
        self.children.append((table, child))
        return [f"create table {child} (extra integer) inherits ({table.sql})"]

    def drop_table(self, table: Table) -> list[str]:
        used = table.view or table.is_referred or any(table is other for other, _ in self.children)
        if used or len(self.tables) < 2 or table.materialized:
            return self.create_table(None)
        self.tables.remove(table)
        self.triggers = [(other, name) for other, name in self.triggers if other is not table]
        self.unnamed = {name: other for name, other in self.unnamed.items() if other is not table}
        drop = f"drop table {table.sql}"
        if self.draw(st.booleans()):
            self.tables.append(Table(table.name, table.schema, {"id": "bigint"}))
            return [drop, f"create table {table.sql} (id bigint primary key)"]
        return [drop]

    # What hangs on tables

    def trigger(self, table: Table) -> list[str]:
        own = [name for other, name in self.triggers if other is table]
        if not own:
            name = self.name("g")
            self.triggers.append((table, name))
            return [f"create trigger {name} before insert on {table.sql} for each row execute function touch()"]
        name, change = own[-1], self.draw(st.sampled_from(["drop", "rename", "replace"]))
        if change == "replace":
            events = self.draw(st.sampled_from(["insert or update", "delete"]))
            head = f"create or replace trigger {name} before {events} on {table.sql}"
            return [f"{head} for each row execute function touch()"]
        self.triggers.remove((table, name))
        if change == "drop":
            return [f"drop trigger {name} on {table.sql}"]
        new = self.name("g")
        self.triggers.append((table, new))
        return [f"alter trigger {name} on {table.sql} rename to {new}"]

    def view_on_view(self, table: Table) -> list[str]:
        if not table.view:
            return self.view(table)
        outer = self.name("v")
        return [f"create view {outer} as select id + 1 as more from {table.view}", f"drop view {outer}"]

    def materialized_view(self, table: Table) -> list[str]:
        if not self.materialized or self.draw(st.booleans()):
            name = self.name("m")
            self.materialized.append(name)
            table.materialized = True
            return [f"create materialized view {name} as select id from {table.sql}"]
        name = self.one(self.materialized)
        change = self.draw(st.sampled_from(["drop", "rename", "index"]))
        if change == "index":
            return [f"create index {self.name('i')} on {name} (id)"]
        self.materialized.remove(name)
        if change == "drop":
            return [f"drop materialized view {name}"]
        new = self.name("m")
        self.materialized.append(new)
        return [f"alter materialized view {name} rename to {new}"]

    def overload(self, _: Table) -> list[str]:
        if not self.overloads or self.draw(st.booleans()):
            name = self.name("o")
            self.overloads.append(name)
            return [
                f"create function {name}({kind}) returns integer language sql as 'select 1'"
                for kind in ("integer", "text")
            ]
        name = self.one(self.overloads)
        self.overloads.remove(name)
        if self.draw(st.booleans()):
            return [f"drop function {name}({kind})" for kind in ("text", "integer")]
        return [f"alter function {name}(text) rename to {self.name('o')}"]

    def unnamed_constraint(self, table: Table) -> list[str]:
        """Add a constraint without a name, or drop it by the one that PostgreSQL chose."""
        own = [name for name, other in self.chosen() if other is table]
        if own:
            name = own[-1]
            del self.unnamed[name], table.constraints[name]
            return [f"alter table {table.sql} drop constraint {name}"]
        column, kind = self.name("c"), self.draw(st.sampled_from(["unique", "check", "both"]))
        table.columns[column] = "integer"
        unique, check = f"{table.name}_{column}_key", f"{table.name}_{column}_check"
        for name in (unique,) if kind == "unique" else (check,) if kind == "check" else (unique, check):
            self.unnamed[name] = table
            table.constraints[name] = {column}
        added = f"alter table {table.sql} add column {column} integer"
        if kind == "unique":
            return [added, f"alter table {table.sql} add unique ({column})"]
        return [f"{added} check ({column} > 0){' unique' if kind == 'both' else ''}"]

    def chosen(self) -> list[tuple[str, Table]]:
        """Return the constraints that are there by a name that PostgreSQL chose."""
        return [(name, table) for name, table in self.unnamed.items() if name in table.constraints]

    # Several things at once, and what cannot be read

    def several(self, table: Table) -> list[str]:
        first, second = self.name("c"), self.name("c")
        table.columns |= {first: "integer", second: "text"}
        clauses = [f"add column {first} integer", f"add column {second} text default 'x'", "alter id set default 1"]
        return [f"alter table {table.sql} " + ", ".join(self.draw(st.permutations(clauses)))]

    def opaque(self, table: Table) -> list[str]:
        return ["do $$ begin perform 1; end $$", f"update {table.sql} set id = id"]

    def comments(self, table: Table) -> list[str]:
        text = self.name("text ")
        kinds = {"sequence": [*self.sequences], "domain": [*self.domains], "type": [*self.composites]}
        kinds |= {"materialized view": self.materialized, "view": [table.view] if table.view else []}
        found = [f"comment on {kind} {name} is '{text}'" for kind, names in kinds.items() for name in names]
        found += [f"comment on trigger {name} on {other.sql} is '{text}'" for other, name in self.triggers]
        found += [f"comment on constraint {name} on {other.sql} is '{text}'" for name, other in self.chosen()]
        return [self.draw(st.sampled_from(found))] if found else self.comment(table)


ALL = [
    *CHANGES,
    WideModel.domain,
    WideModel.domain_column,
    WideModel.enum_value,
    WideModel.composite,
    WideModel.sequence,
    WideModel.sequence_default,
    WideModel.numbered_column,
    WideModel.partitions,
    WideModel.inherit,
    WideModel.drop_table,
    WideModel.trigger,
    WideModel.view_on_view,
    WideModel.materialized_view,
    WideModel.overload,
    WideModel.unnamed_constraint,
    WideModel.several,
    WideModel.opaque,
    WideModel.comments,
]

Release = list[list[str]]
"""The migrations that a release adds, each the statements of a script."""


@st.composite
def histories(draw: st.DrawFn) -> list[Release]:
    """Draw up to six releases of migrations."""
    model = WideModel(draw)
    sizes = draw(st.lists(st.integers(1, 3), min_size=2, max_size=6))
    return [[model.step() for _ in range(size)] for size in sizes]


def scripts(releases: list[Release]) -> Iterator[tuple[str, str]]:
    """Return the scripts of several releases, by name."""
    yield "005_first.sql", FIRST
    migrations = [migration for release in releases for migration in release if migration]
    for number, migration in enumerate(migrations, 1):
        yield f"{number * 10:03}_migration.sql", "".join(f"{statement};\n" for statement in migration)
