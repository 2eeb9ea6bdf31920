"""What a partition takes, as a condition on rows."""

from __future__ import annotations

from collections.abc import Sequence

from runner.sql.lists import list_in
from runner.sql.quoting import literal

_OPEN = ("MINVALUE", "MAXVALUE")


def accepts(keys: str, bound: str, parent: str) -> str:
    """Return the condition, as SQL, under which a partition takes a row; empty where the bound alone does not tell.

    `keys` are those of the partitioned table, as in `RANGE (a, b)`; `parent` is its name as SQL writes it.
    """
    way, _, rest = keys.partition(" (")
    columns = list_in(rest)[0]
    first, second = (_list_after(bound, word) for word in ("FROM (", "TO ("))
    match way:
        case "RANGE" if first and second:
            return f"{_compared(columns, first, is_lower=True)} and {_compared(columns, second, is_lower=False)}"
        case "LIST" if values := _list_after(bound, "IN ("):
            own = [value for value in values if value != "NULL"]
            is_own = f"{columns[0]} in ({', '.join(own)})" if own else "false"
            return is_own if own == list(values) else f"({is_own} or {columns[0]} is null)"
        case "HASH" if numbers := _list_after(bound, "WITH ("):
            wanted = ", ".join(number.partition(" ")[2] for number in numbers)
            relation = f"{literal(parent)}::pg_catalog.regclass"
            return f"pg_catalog.satisfies_hash_partition({relation}, {wanted}, {', '.join(columns)})"
    return ""


def _list_after(bound: str, word: str) -> tuple[str, ...]:
    _, found, rest = bound.partition(word)
    return list_in(rest)[0] if found else ()


def _compared(columns: Sequence[str], values: Sequence[str], *, is_lower: bool) -> str:
    """Return the condition that rows are not below the lower bound, or below the upper one: what is NULL is neither."""
    there = " and ".join(f"{column} is not null" for column in columns)
    end = next((place for place, value in enumerate(values) if value in _OPEN), len(values))
    is_most = end < len(values) and values[end] == "MAXVALUE"
    if not end:
        return f"{there} and {'false' if is_most is is_lower else 'true'}"
    operator = ">" if is_most else ">="
    compared = f"({', '.join(columns[:end])}) {operator} ({', '.join(values[:end])})"
    return f"{there} and {compared if is_lower else f'not ({compared})'}"
