"""What a partition takes, as a condition on rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from runner.catalog.definitions import NAME
from runner.sql.lists import list_in
from runner.sql.quoting import literal

_KEY = re.compile(rf"({NAME}|.*\))(?: COLLATE {NAME}(?:\.{NAME})?)?", re.DOTALL)
_OPEN = ("MINVALUE", "MAXVALUE")


def accepts(keys: str, bound: str, parent: str) -> str:
    """Return the condition, as SQL, under which a partition takes a row; empty where the bound alone does not tell.

    `keys` are those of the partitioned table, as in `RANGE (a, b)`; `parent` is its name as SQL writes it.
    """
    way, _, rest = keys.partition(" (")
    columns = list_in(rest)[0]
    if not all(map(_KEY.fullmatch, columns)):  # another operator class compares otherwise
        return ""
    first, second = (_list_after(bound, word) for word in ("FROM (", "TO ("))
    match way:
        case "RANGE" if first and second:
            return " and ".join(_within(columns, first, second))
        case "LIST" if values := _list_after(bound, "IN ("):
            key, own = _without_collation(columns[0]), [value for value in values if value != "NULL"]
            is_own = f"{columns[0]} in ({', '.join(own)})" if own else "false"
            return f"{key} is not null and {is_own}" if own == list(values) else f"({key} is null or {is_own})"
        case "HASH" if numbers := _list_after(bound, "WITH ("):
            wanted = ", ".join(number.partition(" ")[2] for number in numbers)
            relation = f"{literal(parent)}::pg_catalog.regclass"
            return f"pg_catalog.satisfies_hash_partition({relation}, {wanted}, {', '.join(columns)})"
    return ""


def _list_after(bound: str, word: str) -> tuple[str, ...]:
    _, found, rest = bound.partition(word)
    return list_in(rest)[0] if found else ()


def _without_collation(column: str) -> str:
    match = _KEY.fullmatch(column)
    return match[1] if match else column


def _within(columns: Sequence[str], lower: Sequence[str], upper: Sequence[str]) -> Iterator[str]:
    """Yield the conditions of a range in PostgreSQL's own form, by which it sees that a CHECK says the same."""
    yield from (f"{_without_collation(column)} is not null" for column in columns)
    pairs = zip(lower, upper, strict=True)
    same = next((place for place, (low, high) in enumerate(pairs) if low != high or low in _OPEN), len(columns))
    yield from (f"{column} = {value}" for column, value in zip(columns[:same], lower, strict=False))
    for values, beyond, most in ((lower, ">", "MINVALUE"), (upper, "<", "MAXVALUE")):
        if arms := [*_beyond(columns[same:], values[same:], beyond, most)]:
            yield arms[0] if len(arms) == 1 else f"({' or '.join(arms)})"


def _beyond(columns: Sequence[str], values: Sequence[str], beyond: str, most: str) -> Iterator[str]:
    """Yield the ways in which a row is on the right side of a bound: by its first column, by the second, and so on.

    `most` is what lets all values of a column be on that side. The bound itself is within a lower bound.
    """
    for place, (column, value) in enumerate(zip(columns, values, strict=True)):
        if value in _OPEN:
            return
        rest = values[place + 1 :]
        is_within = rest[0] == most if rest else beyond == ">"
        equal = (f"{other} = {its}" for other, its in zip(columns[:place], values, strict=False))
        own = " and ".join((*equal, f"{column} {beyond}{'=' * is_within} {value}"))
        yield f"({own})" if place else own
