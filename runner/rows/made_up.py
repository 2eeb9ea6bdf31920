"""Fill tables with rows that are made up from the catalog; the server says which of them a table takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import psycopg
from msgspec import Struct

from runner.resources import read_sql
from runner.rows.tables import Column, Row, Table, read_tables
from runner.rows.values import Type, candidates, hints
from runner.sql.quoting import identifier

if TYPE_CHECKING:
    from psycopg import Connection

ORDINARY = 4
"""How many rows a table gets: an ordinary one, two at the limits, and one of as many NULLs as it takes."""
_MOST_ROWS = 12
_MOST_ATTEMPTS = 600
_MOST_COMBINATIONS = 400
_MOST_REFERENCES = 20
_TURNS_OF_ALL = 8


class Constraint(Struct, frozen=True):
    """What rows of a table have to obey, as it is about columns; see constraints.sql."""

    table: int
    name: str
    kind: str
    columns: tuple[int, ...]
    referenced: int
    referenced_columns: tuple[int, ...]
    text: str


class Unit(Struct, frozen=True):
    """Columns whose values are chosen together, and what can be chosen, for one row."""

    columns: tuple[Column, ...]
    choices: Sequence[Row]


class Empty(Struct, frozen=True):
    """A table that got no row, and what the server said of the last attempt."""

    table: Table
    reason: str


def make_rows(connection: Connection[Any], ignored: Collection[int]) -> list[Empty]:
    """Put rows into every table that takes some; return the others. `ignored` are tables by their numbers."""
    with connection.transaction():
        connection.execute("set constraints all immediate")
        return _Filler(connection, ignored).fill()


class _Filler:
    def __init__(self, connection: Connection[Any], ignored: Collection[int]) -> None:
        self.connection = connection
        self.types = {row[0]: _type(row) for row in connection.execute(read_sql("rows/types.sql"))}
        found = [
            Constraint(table, name, kind, tuple(columns), referenced, tuple(their_columns), text or "")
            for table, name, kind, columns, referenced, their_columns, text in connection.execute(
                read_sql("rows/constraints.sql")
            )
        ]
        self.tables = {table.oid: table for table in read_tables(connection)}
        self.constraints: dict[int, list[Constraint]] = {oid: [] for oid in self.tables}
        for constraint in found:
            self.constraints.setdefault(constraint.table, []).append(constraint)
        self.wanted = [t for t in self.tables.values() if t.oid not in ignored and not t.is_partition]
        self.known: dict[tuple[int, str], list[str]] = {}

    def fill(self) -> list[Empty]:
        """Fill what is referred to first; a table that refers to itself by way of others has a second chance."""
        failed = {table.oid: self.fill_table(table) for table in self.in_order()}
        for oid, reason in failed.items():
            if reason:
                failed[oid] = self.fill_table(self.tables[oid])
        return [Empty(self.tables[oid], reason) for oid, reason in failed.items() if reason]

    def in_order(self) -> Iterator[Table]:
        """Yield each table after those that it refers to."""
        seen: set[int] = set()
        pending = [(table, False) for table in reversed(self.wanted)]
        while pending:
            table, is_ready = pending.pop()
            if is_ready:
                yield table
            elif table.oid not in seen:
                seen.add(table.oid)
                referenced = {each.referenced for each in self.constraints[table.oid]} - seen
                pending.append((table, True))
                pending += [(self.tables[oid], False) for oid in sorted(referenced, reverse=True) if oid in self.tables]

    def fill_table(self, table: Table) -> str:
        """Put rows into a table; return why it takes none, if it takes none."""
        labels = (len(self.types[column.type_oid].labels) for column in table.columns)
        attempts, said, count = _MOST_ATTEMPTS, "", 0
        for number in range(min(max((ORDINARY, *labels)), _MOST_ROWS)):
            search = _Search(self, table, self.units(table, number), attempts)
            if reason := search.run():
                said = said or reason
            else:
                count += 1
            attempts = max(search.attempts, ORDINARY)
        return "" if count else said

    def units(self, table: Table, number: int) -> list[Unit]:
        """Return what the columns of a row can be; the first choice differs from row to row."""
        made: list[Unit] = []
        taken: set[int] = set()
        columns = {column.number: column for column in table.columns}
        for constraint in self.constraints[table.oid]:
            own = [number for number in constraint.columns if number not in taken]
            if constraint.kind == "f" and own and not any(columns[each].fills_itself for each in own):
                taken.update(own)
                rows = self.referenced(constraint, [constraint.columns.index(each) for each in own])
                group = tuple(columns[each] for each in own)
                made.append(Unit(group, _with_null(_turned(rows, number), group, number)))
        for column in table.columns:
            if column.number not in taken and not column.fills_itself:
                values = [(value,) for value in self.values(table, column, number)]
                made.append(Unit((column,), _with_null(values, (column,), number)))
        return made

    def referenced(self, constraint: Constraint, places: Sequence[int]) -> list[Row]:
        """Return rows that a foreign key can refer to."""
        table = self.tables[constraint.referenced]
        names = {column.number: identifier(column.name) for column in table.columns}
        keys = ", ".join(f"{names[constraint.referenced_columns[place]]}::text" for place in places)
        query = f"select distinct {keys} from {table.sql} order by {keys} limit {_MOST_REFERENCES}"  # noqa: S608  quoted
        return self.connection.execute(query.encode()).fetchall()

    def values(self, table: Table, column: Column, number: int) -> list[str]:
        """Return the values of a column: those of its type, then those that rules name."""
        rules = [
            each.text for each in self.constraints[table.oid] if column.number in each.columns and each.kind in "cp"
        ]
        known = self.candidates(column)
        named = self.usable(column, hints(rules))
        first = max(ORDINARY, len(self.types[column.type_oid].labels))
        turned = (*_turned(known[:first], number), *_turned(named, number), *_turned(known[first:], number))
        return list(dict.fromkeys(turned))

    def candidates(self, column: Column) -> list[str]:
        """Return the values that the server takes for the type of a column."""
        key = (column.type_oid, column.full_type)
        if key not in self.known:
            self.known[key] = self.usable(column, candidates(self.types[column.type_oid], column.full_type, self.types))
        return self.known[key]

    def usable(self, column: Column, values: list[str]) -> list[str]:
        """Return those values that the server takes for some of the type of a column, and does not shorten."""
        type_ = column.full_type.replace("%", "%%")
        query = f"select cast(v.text as {type_})::text from unnest(%s::text[]) as v (text)"  # noqa: S608  a type
        if self.attempt(query, (values,)):
            return [each for value in values if len(values) > 1 for each in self.usable(column, [value])]
        rows = self.connection.execute(query.encode(), (values,)).fetchall()
        return [
            value
            for value, (text,) in zip(values, rows, strict=True)
            if column.category != "S" or text.rstrip() == value.rstrip()
        ]

    def attempt(self, query: str, values: Sequence[Any]) -> psycopg.Error | None:
        """Send a statement, and undo it when it fails; return why."""
        try:
            with self.connection.transaction():
                self.connection.execute(query.encode(), values)
        except psycopg.Error as error:
            if self.connection.closed:
                raise
            return error
        return None


class _Search:
    """The search for one row that a table takes: what the server refuses is chosen anew."""

    def __init__(self, filler: _Filler, table: Table, units: Sequence[Unit], attempts: int) -> None:
        self.filler, self.table, self.units, self.attempts = filler, table, units, attempts
        self.chosen = [0] * len(units)
        self.turns: Counter[str] = Counter()

    def run(self) -> str:
        """Insert a row; return why that cannot be done, or nothing."""
        if missing := next((unit for unit in self.units if not unit.choices), None):
            return self.why_missing(missing)
        while self.attempts:
            self.attempts -= 1
            error = self.insert()
            if error is None:
                return ""
            if not self.advance(error):
                break
        return (error.diag.message_primary or str(error)) if error else ""

    def insert(self) -> psycopg.Error | None:
        pairs = [
            (column, value)
            for unit, place in zip(self.units, self.chosen, strict=True)
            for column, value in zip(unit.columns, unit.choices[place], strict=True)
        ]
        names = ", ".join(identifier(column.name) for column, _ in pairs).replace("%", "%%")
        into = f"insert into {self.table.sql}".replace("%", "%%")
        marks = ", ".join(["%s"] * len(pairs))
        query = f"{into} ({names}) values ({marks})" if pairs else f"{into} default values"
        return self.filler.attempt(query, [value for _, value in pairs])

    def advance(self, error: psycopg.Error) -> bool:
        """Choose other values for the columns that an error is about; return whether there are some."""
        name = error.diag.constraint_name or error.diag.column_name or ""
        involved = self.involved(error)
        self.turns[name] += 1
        turn = self.turns[name]
        if not involved:
            self.chosen = [min(turn, len(unit.choices) - 1) for unit in self.units]
            return turn < _TURNS_OF_ALL
        for place in involved:
            turn, self.chosen[place] = divmod(turn, len(self.units[place].choices))
        return not turn and self.turns[name] < _MOST_COMBINATIONS

    def involved(self, error: psycopg.Error) -> list[int]:
        """Return the places of the units that an error is about."""
        name, column = error.diag.constraint_name or "", error.diag.column_name
        numbers = {each.number for each in self.table.columns if each.name == column}
        for constraint in self.filler.constraints[self.table.oid]:
            if constraint.name == name and (name or isinstance(error, psycopg.errors.CheckViolation)):
                numbers.update(constraint.columns)
        return [place for place, unit in enumerate(self.units) if any(each.number in numbers for each in unit.columns)]

    def why_missing(self, unit: Unit) -> str:
        names = ", ".join(column.name for column in unit.columns)
        constraints = self.filler.constraints[self.table.oid]
        for constraint in constraints:
            if constraint.kind == "f" and unit.columns[0].number in constraint.columns:
                return f"{names} refers to {self.filler.tables[constraint.referenced].name}, which has no rows"
        return f"no value of type {unit.columns[0].full_type} is known for {names}"


def _type(row: Sequence[Any]) -> Type:
    values: list[Any] = [tuple(value) if isinstance(value, list) else value for value in row]
    return Type(*values)


def _turned(values: Sequence[Any], by: int) -> list[Any]:
    """Return values, beginning with another one."""
    by = by % len(values) if values else 0
    return [*values[by:], *values[:by]]


def _with_null(choices: Sequence[Row], columns: Sequence[Column], number: int) -> list[Row]:
    """Return choices with NULL: before the others in the row of NULLs, else after them."""
    if any(column.is_not_null for column in columns):
        return list(choices)
    null = (None,) * len(columns)
    return [null, *choices] if number == ORDINARY - 1 else [*choices, null]
