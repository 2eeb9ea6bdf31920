"""Whether the rows of a database are as they were, whatever their tables and columns are called by now."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import TYPE_CHECKING, Any, Literal

import psycopg
from msgspec import Struct

from runner.rows.tables import Column, Contents, Row, Table

if TYPE_CHECKING:
    from psycopg import Connection

_WITHOUT_LENGTH = {"character": "bpchar", "bit": "bit varying"}
"""Types that have a length of 1 where none is written."""

_MOST_SHOWN = 3
"""How many columns show which row it is."""

Values = tuple[str | None, str | None]
Same = Callable[[Column, Column, Sequence[Values]], Sequence[bool] | None]
"""Returns which of the values, then and now, are the same in a column of another type; None when nobody can know."""


FateKind = Literal["gone", "lost", "changed", "filled", "not compared"]


class Fate(Struct, frozen=True):
    """What became of a table or a column, and of how many rows; `then` and `now` are an example.

    `filled` is a NULL of a column that is NOT NULL by now; what is `not compared` was converted by other rules than
    a cast.
    """

    kind: FateKind
    table: Table
    column: Column | None = None
    now_called: str = ""
    """Its name by now, where that is another."""
    rows: int = 0
    then: str | None = None
    now: str | None = None


class _Pair(Struct, frozen=True):
    """A column then and now, with its places in the rows."""

    then: Column
    now: Column
    place: int
    place_now: int

    @property
    def is_converted(self) -> bool:
        return self.then.full_type != self.now.full_type


def find_fates(then: Contents, now: Contents, same: Same, ignored: Callable[[Table], bool]) -> Iterator[Fate]:
    """Return what became of tables, columns and rows, where that is not what they were."""
    names = {(table.schema, table.name): table for table in now.tables.values()}
    labels = {(key[0], label): now.labels.get(key, label) for key, label in then.labels.items()}
    for table in then.tables.values():
        if table.is_partition or ignored(table):
            continue
        found = now.tables.get(table.oid) or names.get((table.schema, table.name))
        if found is None:
            yield Fate("gone", table, rows=len(then.rows[table.oid]))
            continue
        pairs = list(_pairs(table, found))
        matched = {pair.then.number for pair in pairs}
        pairs = [pair for pair in pairs if not (pair.then.is_generated and pair.now.is_generated)]
        yield from (Fate("gone", table, column) for column in table.columns if column.number not in matched)
        rows = [_relabelled(row, pairs, labels) for row in then.rows[table.oid]]
        yield from _Comparison(table, found, pairs, rows, now.rows[found.oid]).fates(same)


def _relabelled(row: Row, pairs: Sequence[_Pair], labels: Mapping[tuple[int, str], str]) -> Row:
    """Return a row with the labels that the values of its enums have by now."""
    values = list(row)
    for pair in pairs:
        value = row[pair.place]
        if value is not None and pair.then.category == "E" and pair.then.type_oid == pair.now.type_oid:
            values[pair.place] = labels.get((pair.then.type_oid, value), value)
    return tuple(values)


def _pairs(table: Table, found: Table) -> Iterator[_Pair]:
    """Return each column that is still there: by its number, else by its name."""
    numbers = {column.number: place for place, column in enumerate(found.columns)} if table.oid == found.oid else {}
    names = {column.name: place for place, column in enumerate(found.columns)}
    for place, column in enumerate(table.columns):
        place_now = numbers.get(column.number, names.get(column.name))
        if place_now is not None:
            yield _Pair(column, found.columns[place_now], place, place_now)


class _Comparison:
    """The rows of one table, then and now."""

    def __init__(
        self, table: Table, found: Table, pairs: Sequence[_Pair], then: Sequence[Row], now: Sequence[Row]
    ) -> None:
        self.table, self.pairs = table, pairs
        self.called = "" if (found.schema, found.name) == (table.schema, table.name) else found.name
        if found.schema != table.schema:
            self.called = f"{found.schema}.{found.name}"
        self.key = self.find_key(then)
        self.matched: list[tuple[Row, Row]] = []
        self.lost: list[Row] = []
        groups: dict[Row, list[Row]] = defaultdict(list)
        for row in reversed(now):
            groups[tuple(row[pair.place_now] for pair in self.key)].append(row)
        for row in then:
            candidates = groups[tuple(row[pair.place] for pair in self.key)]
            if candidates:
                self.matched.append((row, candidates.pop()))
            else:
                self.lost.append(row)
        self.others = [row for rows in groups.values() for row in rows]

    def find_key(self, then: Sequence[Row]) -> list[_Pair]:
        """Return by what a row is known again: its primary key, else all that nobody has converted or filled."""
        key = [pair for pair in self.pairs if pair.then.is_key]
        if key and len(key) == sum(column.is_key for column in self.table.columns):
            return key
        filled = {pair.place for pair in self.pairs if any(row[pair.place] is None for row in then)}
        return [
            pair for pair in self.pairs if not pair.is_converted and not (pair.now.is_not_null and pair.place in filled)
        ]

    def fates(self, same: Same) -> Iterator[Fate]:
        has_key = any(pair.then.is_key for pair in self.key)
        for pair in self.pairs:
            values: list[Values] = [(row[pair.place], now[pair.place_now]) for row, now in self.matched]
            if not has_key and self.others:
                values += self.changed(pair)
            yield from self.fates_of(pair, [value for value in values if value[0] != value[1]], same)
        missing = len(self.lost) if has_key else len(self.lost) - len(self.others)
        if missing > 0:
            shown = ((pair.then.name, self.lost[-1][pair.place]) for pair in self.key[:_MOST_SHOWN])
            example = ", ".join(f"{name}: {'null' if value is None else value}" for name, value in shown)
            yield Fate("lost", self.table, now_called=self.called, rows=missing, then=example)

    def changed(self, pair: _Pair) -> Iterator[Values]:
        """Return the values of rows without a key that are not there any more, beside others that are."""
        before = Counter(row[pair.place] for row in self.lost)
        after = Counter(row[pair.place_now] for row in self.others)
        gone, come = list((before - after).elements()), list((after - before).elements())
        yield from zip(gone, (*come, *[None] * len(gone)), strict=False)

    def fates_of(self, pair: _Pair, values: Sequence[Values], same: Same) -> Iterator[Fate]:
        """Return what became of the values of a column that are not what they were."""
        is_filled = pair.now.is_not_null
        yield from self.fate("filled", pair, [value for value in values if is_filled and value[0] is None])
        others = [value for value in values if not (is_filled and value[0] is None)]
        if others and pair.is_converted:
            verdicts = same(pair.then, pair.now, others)
            if verdicts is None:
                yield from self.fate("not compared", pair, others)
                return
            others = [value for value, is_same in zip(others, verdicts, strict=True) if not is_same]
        yield from self.fate("changed", pair, others)

    def fate(self, kind: FateKind, pair: _Pair, values: Sequence[Values]) -> Iterator[Fate]:
        """Return a fate of some values of a column, with one that is not empty as the example."""
        if values:
            is_same = pair.now.name == pair.then.name and not self.called
            called = "" if is_same else f"{self.called or self.table.name}.{pair.now.name}"
            example = next((value for value in values if value[0]), values[0])
            yield Fate(kind, self.table, pair.then, called, len(values), *example)


def same_in(connection: Connection[Any]) -> Same:
    """Return what compares the values of a converted column, in the type that it had, else in the one that it has."""

    def same(then: Column, now: Column, values: Sequence[Values]) -> Sequence[bool] | None:
        types = (now.type,) if then.category == "S" else (then.type, now.type)
        for name in types:
            type_ = _WITHOUT_LENGTH.get(name, name)
            query = f"select v.a::{type_} is not distinct from v.b::{type_} from unnest(%s::text[], %s::text[])"  # noqa: S608  names of types
            try:
                with connection.transaction():
                    connection.execute("set local search_path = ''")
                    columns = list(starmap(lambda *each: list(each), zip(*values, strict=True)))
                    rows = connection.execute(f"{query} as v (a, b)".encode(), columns)
                    return [is_same for (is_same,) in rows]
            except psycopg.Error:
                if connection.closed:
                    raise
        return None

    return same
