"""Definitions of tables, and of enum and composite types, taken apart."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME
from runner.sql.objects import PRESENT

_TABLE = re.compile(
    r"(?P<unlogged>unlogged )?(?P<foreign>foreign )?table(?: (?P<relation>partition of|inherits) (?P<parents>.+?))??"
    r"(?: (?P<bound>FOR VALUES .+?|DEFAULT))?(?P<detaching> detaching)?(?: partition by (?P<keys>.*?))?"
    r"(?: of (?P<of_type>.+?))??"
    r"(?: using (?P<method>\S+))?(?: with \((?P<options>[^)]*)\))?"
    r"(?P<security>(?P<on> row security)?(?P<forced> forced)?)"
    rf"(?: replica identity (?P<identity>full|nothing|using index {NAME}))?(?: cluster on (?P<cluster>{NAME}))?"
    rf"(?: server (?P<server>{NAME})(?: options \((?P<server_options>.*)\))?)?",
    re.DOTALL,
)
_ENUM = re.compile(r"enum \((.*)\)", re.DOTALL)
_COMPOSITE = re.compile(r"composite \((.*)\)", re.DOTALL)
_ATTRIBUTE = re.compile(rf"({NAME}) ((?:\"(?:[^\"]|\"\")*\"|[^\",]|,(?! ))+)(?:, |\Z)")
_STRING = re.compile(r"'(?:[^']|'')*'")


class TableDefinition(Struct, frozen=True):
    """What a table is; names are as SQL writes them, empty where there is none."""

    is_unlogged: bool = False
    is_foreign: bool = False
    relation: str = ""
    """`partition of` or `inherits`, when it belongs to `parents`."""
    parents: str = ""
    bound: str = ""
    is_detaching: bool = False
    """Whether DETACH PARTITION CONCURRENTLY was cut off."""
    keys: str = ""
    """What it is partitioned by."""
    of_type: str = ""
    method: str = ""
    options: str = ""
    has_row_security: bool = False
    is_forced: bool = False
    identity: str = ""
    """Its replica identity, when that is not its primary key: `full`, `nothing` or `using index …`."""
    cluster_index: str = ""
    server: str = ""
    server_options: str = ""

    @property
    def has_parent(self) -> bool:
        """Whether it is a partition, or inherits from another table."""
        return bool(self.relation)

    @property
    def is_partitioned(self) -> bool:
        """Whether it has partitions."""
        return bool(self.keys)

    @property
    def identity_index(self) -> str:
        """The index that is its replica identity."""
        return self.identity.removeprefix("using index ") if self.identity.startswith("using") else ""


def table_definition(definition: str) -> TableDefinition:
    """Take the definition of a table apart."""
    match = _TABLE.fullmatch(definition)
    if not match:
        return TableDefinition()
    parts = match.groupdict(default="")
    return TableDefinition(
        is_unlogged=bool(parts["unlogged"]),
        is_foreign=bool(parts["foreign"]),
        relation=parts["relation"],
        parents=parts["parents"],
        bound=parts["bound"],
        is_detaching=bool(parts["detaching"]),
        keys=parts["keys"],
        of_type=parts["of_type"],
        method=parts["method"],
        options=parts["options"],
        has_row_security=bool(parts["on"]),
        is_forced=bool(parts["forced"]),
        identity=parts["identity"],
        cluster_index=parts["cluster"],
        server=parts["server"],
        server_options=parts["server_options"],
    )


def options_changed(before: str, after: str) -> tuple[str, ...]:
    """Return the clauses that give a relation other storage options; both are lists of them."""
    old, new = (dict.fromkeys(text.split(", ")) if text else {} for text in (before, after))
    named = {option.partition("=")[0] for option in new}
    gone = [name for option in old if (name := option.partition("=")[0]) not in named]
    sets = [option for option in new if option not in old]
    return (
        *((f"set ({', '.join(sets)})",) if sets else ()),
        *((f"reset ({', '.join(gone)})",) if gone else ()),
    )


def table_options(definition: str) -> str:
    """Return what the definition of a table says beyond that it is one, and beyond row-level security."""
    match = _TABLE.fullmatch(definition)
    if match:
        definition = definition[: match.start("security")] + definition[match.end("security") :]
    return "" if definition == PRESENT else definition.removeprefix("table").strip()


def enum_values(definition: str) -> tuple[str, ...] | None:
    """Return the values of an enum type, as SQL writes them; None for another type."""
    match = _ENUM.fullmatch(definition)
    return tuple(_STRING.findall(match[1])) if match else None


def added_values(declared: str, actual: str) -> tuple[str, ...]:
    """Return the values that an enum type lacks, as SQL writes them, when all that it has stay as they are."""
    values, there = enum_values(declared), enum_values(actual)
    if values is None or there is None or [value for value in values if value in there] != list(there):
        return ()
    return tuple(value for value in values if value not in there)


def attributes(definition: str) -> tuple[tuple[str, str], ...] | None:
    """Return the attributes of a composite type, each a name as SQL writes it and a type; None for another type."""
    match = _COMPOSITE.fullmatch(definition)
    return tuple((found[1], found[2]) for found in _ATTRIBUTE.finditer(match[1])) if match else None
