"""Definitions of columns taken apart, and which types hold the values of which."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.catalog.definitions import NAME

_COLUMN = re.compile(
    r"(?P<type>(?:(?>\"(?:[^\"]|\"\")*\")|[^\"])+?)"
    r"(?: collate (?P<collation>(?:\"(?:[^\"]|\"\")*\"|[^\s\"])+))?"
    rf"(?P<not_null> not null(?: not valid)?)?(?: named (?P<not_null_name>{NAME}))?(?P<no_inherit> no inherit)?"
    r"(?: (?P<fills>(?:generated (?:always|by default) as identity|serial)(?: \([^)]*\))?))?"
    r"(?P<settings>(?: storage \w| compression \w| statistics [0-9]+| with \([^)]*\))*)"
    r"(?: options \((?P<server_options>(?:'(?:[^']|'')*'|[^')])*)\))?"
    r"(?: generated always as \((?P<generated>.*)\)(?P<stored> stored)?)?"
    r"(?: default (?P<default>.*))?",
    re.DOTALL,
)
_NOT_NULL = re.compile(rf" not null(?: not valid)?(?: named {NAME})?(?: no inherit)?")
_NUMERIC = re.compile(r"numeric(?:\(([0-9]+),([0-9]+)\))?")
_TEXT = re.compile(r"character varying(?:\(([0-9]+)\))?|text")
_WITH_PRECISION = tuple(
    re.compile(rf"{name}(?:\((?P<length>[0-9]+)\))?(?P<rest>.*)")
    for name in ("bit varying", "timestamp", "time", "interval")
)
"""Types of which a value is the same with a greater length."""
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_EXACT = {
    "smallint": ("integer", "bigint", "real", "double precision"),
    "integer": ("bigint", "double precision"),
    "bigint": (),
    "real": ("double precision",),
}
"""Types of numbers, and those beside numeric that hold each of their values."""
_SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_STORAGE = {"p": "plain", "e": "external", "m": "main", "x": "extended", "": ""}
_COMPRESSION = {"p": "pglz", "l": "lz4", "": ""}
_SETTINGS = re.compile(
    r"(?: storage (?P<storage>\w))?(?: compression (?P<compression>\w))?(?: statistics (?P<statistics>[0-9]+))?"
    r"(?: with \((?P<options>[^)]*)\))?"
)
_STABLE = re.compile(r"now\(\)|\(?'now'::text\)?::|\bCURRENT_|\bLOCALTIME", re.IGNORECASE)


class ColumnDefinition(Struct, frozen=True):
    """The parts of a column's definition; empty where it has none."""

    type: str
    collation: str
    not_null: str
    fills: str
    """`serial`, or an identity, with the options of its sequence."""
    settings: str
    generated: str
    stored: bool
    default: str
    server_options: str = ""
    """What the server of a foreign table is told of it."""
    not_null_name: str = ""
    """The name of its NOT NULL, where it is not the one that PostgreSQL chooses; from version 18 on."""
    no_inherit: bool = False
    """Whether tables that inherit from its table may have NULLs."""

    @property
    def is_serial(self) -> bool:
        """Whether it takes its values from a sequence of its own, by a default."""
        return self.fills.startswith("serial")

    @property
    def is_identity(self) -> bool:
        """Whether it is an identity column."""
        return self.fills.startswith("generated")

    @property
    def sequence_options(self) -> str:
        """The options of its sequence that are not the usual ones."""
        return self.fills.partition(" (")[2].removesuffix(")")

    @property
    def is_counted(self) -> bool:
        """Whether its values are taken from a sequence."""
        return bool(self.fills) or "nextval(" in self.default

    @property
    def fills_itself(self) -> bool:
        """Whether a row gets a value without being given one."""
        return bool(self.fills or self.generated or self.default)

    @property
    def fill_rewrites(self) -> bool:
        """Whether adding it to a table writes every row anew, because each gets a value of its own."""
        volatile = "(" in self.default and not _STABLE.match(self.default)
        return bool(self.fills or self.stored or volatile)


def column_definition(definition: str) -> ColumnDefinition:
    """Take the definition of a column apart."""
    match = _COLUMN.fullmatch(definition)
    parts = match.groupdict(default="") if match else {}
    return ColumnDefinition(
        type=parts.get("type", definition),
        collation=parts.get("collation", ""),
        not_null=parts.get("not_null", "").strip(),
        fills=parts.get("fills", ""),
        settings=parts.get("settings", ""),
        generated=parts.get("generated", ""),
        stored=bool(parts.get("stored")),
        default=parts.get("default", ""),
        server_options=parts.get("server_options", ""),
        not_null_name=parts.get("not_null_name", ""),
        no_inherit=bool(parts.get("no_inherit")),
    )


class ColumnSettings(Struct, frozen=True):
    """How the values of a column are stored and counted, in the words of ALTER COLUMN; empty where it is the usual."""

    storage: str
    compression: str
    statistics: str
    options: str


def column_settings(settings: str) -> ColumnSettings:
    """Take the settings in the definition of a column apart."""
    match = _SETTINGS.fullmatch(settings)
    parts = match.groupdict(default="") if match else dict.fromkeys(_SETTINGS.groupindex, "")
    return ColumnSettings(
        _STORAGE[parts["storage"]], _COMPRESSION[parts["compression"]], parts["statistics"], parts["options"]
    )


def with_server_options(definition: str, options: str) -> str:
    """Return the definition of a column of a foreign table with its options, `options (name 'x')`."""
    match = _COLUMN.fullmatch(definition)
    end = match.end("settings") if match else len(definition)
    return f"{definition[:end]} {options}{definition[end:]}"


def without_not_null_name(definition: str) -> str:
    """Return the definition of a column whose NOT NULL has the name that PostgreSQL chooses."""
    match = _COLUMN.fullmatch(definition) if " named " in definition else None
    if not match or not match["not_null_name"]:
        return definition
    begin, end = match.start("not_null_name") - len(" named "), match.end("not_null_name")
    return definition[:begin] + definition[end:]


def column_type(definition: str) -> str:
    """Return the type in the definition of a column."""
    return column_definition(definition).type


def without_not_null(definition: str) -> str:
    """Return the definition of a column as it is when it may be NULL."""
    return _NOT_NULL.sub("", definition, count=1)


def column_sql(shape: ColumnDefinition, *, not_null: bool) -> str | None:
    """Return what ADD COLUMN takes after the name; None for what needs more than that."""
    if shape.settings or (shape.is_serial and shape.sequence_options):
        return None
    words = [_SERIALS.get(shape.type, shape.type) if shape.is_serial else shape.type]
    if shape.server_options:
        words.append(f"options ({shape.server_options})")
    if shape.collation:
        words.append(f"collate {shape.collation}")
    if shape.not_null == "not null" and not_null and not shape.is_serial:
        words.append(f"constraint {shape.not_null_name} not null" if shape.not_null_name else "not null")
        words += ["no inherit"] if shape.no_inherit else []
    if shape.is_identity:
        words.append(shape.fills)
    if shape.generated:
        words.append(f"generated always as ({shape.generated}){' stored' if shape.stored else ''}")
    if shape.default:
        words.append(f"default {shape.default}")
    return " ".join(words)


def widens(old: str, new: str) -> bool:
    """Return whether each value of the old type has the same value in the new one."""
    if _TEXT.fullmatch(old) and _TEXT.fullmatch(new):
        return _text_length(old) <= _text_length(new)
    numeric = _NUMERIC.fullmatch(new)
    if numeric and old in _DIGITS:
        return numeric[1] is None or int(numeric[1]) - int(numeric[2]) >= _DIGITS[old]
    if numeric and (before := _NUMERIC.fullmatch(old)):
        return numeric[1] is None or (before[1] is not None and _holds_digits(before, numeric))
    return new in _EXACT.get(old, ())


def rewrites(old: str, new: str) -> bool:
    """Return whether widening a column writes every row of its table anew."""
    if _TEXT.fullmatch(new):
        return False
    before, after = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    return not (before and after and after[1] is None) and not (before and after and before[2] == after[2])


def keeps_rows(old: str, new: str) -> bool:
    """Return whether a column gets another type without its rows being written anew."""
    if old == new or (_TEXT.fullmatch(old) and _TEXT.fullmatch(new) and widens(old, new)):
        return True
    before, after = _NUMERIC.fullmatch(old), _NUMERIC.fullmatch(new)
    if before and after:
        return after[1] is None or (before[2] == after[2] and widens(old, new))
    return any(_is_longer(pattern, old, new) for pattern in _WITH_PRECISION) or (old, new) == ("cidr", "inet")


def _is_longer(pattern: re.Pattern[str], old: str, new: str) -> bool:
    before, after = pattern.fullmatch(old), pattern.fullmatch(new)
    if not before or not after or before["rest"] != after["rest"]:
        return False
    return after["length"] is None or (before["length"] is not None and int(before["length"]) <= int(after["length"]))


def _text_length(name: str) -> float:
    match = _TEXT.fullmatch(name)
    return int(match[1]) if match and match[1] else float("inf")


def _holds_digits(old: re.Match[str], new: re.Match[str]) -> bool:
    before, after = int(old[1]) - int(old[2]), int(new[1]) - int(new[2])
    return after >= before and int(new[2]) >= int(old[2])
