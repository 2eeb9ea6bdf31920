"""What mends a type: values that an enum lacks at their places, attributes that a composite type lacks at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from runner.catalog.column_definitions import column_definition
from runner.catalog.diff import Difference
from runner.catalog.table_definitions import added_values, attributes, enum_values
from runner.repair.context import Context
from runner.repair.proposal import Proposal, proposal
from runner.sql.objects import Object, qualified_name

_ANEW = "PostgreSQL cannot change it so: the type would have to be made anew, with every column that has it"


def different(_context: Context, item: Difference, type_: Object) -> Iterator[Proposal]:
    """Add what the type lacks; nothing is taken away."""
    declared, actual = item.declared or "", item.actual or ""
    values, there = enum_values(declared), enum_values(actual)
    if values is not None and there is not None:
        yield _enum(item, qualified_name(type_), values, there)
        return
    parts, own = attributes(declared), attributes(actual)
    if parts is not None and own is not None:
        yield _composite(item, qualified_name(type_), parts, own)
        return
    yield proposal(item, "differs", f"{actual}, declared {declared}", blocked_by=_ANEW)


def _enum(item: Difference, name: str, values: Sequence[str], there: Sequence[str]) -> Proposal:
    lacking, extra = [v for v in values if v not in there], [v for v in there if v not in values]
    if lacking and added_values(item.declared or "", item.actual or ""):
        adds = tuple(_added(name, values, lacking))  # a value cannot be used in the transaction that adds it
        return proposal(item, "differs", f"without {', '.join(lacking)}", first=(adds,))
    renames = [(old, new) for old, new in zip(there, values, strict=False) if old != new]
    if len(values) == len(there) and [old for old, _ in renames] == extra and [new for _, new in renames] == lacking:
        now = tuple(f"alter type {name} rename value {old} to {new}" for old, new in renames)
        blocked_by = f"whether {extra[0]} is what {lacking[0]} is declared to be now, nobody but a person can tell"
        return proposal(item, "differs", now=now, blocked_by=blocked_by)
    why = "a value of an enum type cannot be taken back" if extra else "the order of its values cannot be changed"
    return proposal(item, "differs", blocked_by=f"{why}: the type would have to be made anew, with every column")


def _added(name: str, values: Sequence[str], lacking: Sequence[str]) -> Iterator[str]:
    """Return the statements that add values, each before the one that comes after it."""
    for value in reversed(lacking):
        after = values[values.index(value) + 1 :]
        yield f"alter type {name} add value if not exists {value}" + (f" before {after[0]}" if after else "")


def _composite(
    item: Difference, name: str, declared: Sequence[tuple[str, str]], actual: Sequence[tuple[str, str]]
) -> Proposal:
    """Add attributes at the end; those of a type that a table has as its shape go to the table as well."""
    detail = f"{item.actual}, declared {item.declared}"
    if list(declared[: len(actual)]) != list(actual):
        return proposal(item, "differs", detail, blocked_by=_ANEW)
    adds = (f"add attribute {attribute} {_attribute_type(text)} cascade" for attribute, text in declared[len(actual) :])
    return proposal(item, "differs", detail, now=(f"alter type {name} " + ", ".join(adds),))


def _attribute_type(text: str) -> str:
    shape = column_definition(text)
    return shape.type + (f" collate {shape.collation}" if shape.collation else "")
