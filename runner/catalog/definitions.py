"""Definitions taken apart: what a column, a constraint or an index consists of, and which types hold which."""

from __future__ import annotations

import re

from msgspec import Struct

from runner.sql.objects import Object

_TYPE_ENDS = re.compile(r" (?:collate|not null|storage|compression|statistics|serial|generated|default|with \() ?")
VALIDITY_SUFFIX = {"index": " invalid", "constraint": " NOT VALID"}


def has_index(item: Object, definition: str) -> bool:
    """Return whether an object is an index, or a constraint that has one."""
    return item.kind == "index" or (
        item.kind == "constraint" and definition.startswith(("PRIMARY KEY", "UNIQUE", "EXCLUDE"))
    )


def column_type(definition: str) -> str:
    """Return the type in the definition of a column."""
    return _TYPE_ENDS.split(definition, maxsplit=1)[0]


def is_invalid(item: Object, definition: str) -> bool:
    """Return whether an index is not valid, or a constraint not validated."""
    return item.kind in VALIDITY_SUFFIX and definition.endswith(VALIDITY_SUFFIX[item.kind])


_COLUMN = re.compile(
    r"(?P<type>.+?)"
    r"(?: collate (?P<collation>(?:\"(?:[^\"]|\"\")*\"|[^\s\"])+))?"
    r"(?P<not_null> not null(?: not valid)?)?"
    r"(?: (?P<fills>(?:generated (?:always|by default) as identity|serial)(?: \([^)]*\))?))?"
    r"(?P<settings>(?: storage \w| compression \w| statistics [0-9]+| with \([^)]*\))*)"
    r"(?: generated always as \((?P<generated>.*)\)(?P<stored> stored)?)?"
    r"(?: default (?P<default>.*))?",
    re.DOTALL,
)
_NUMERIC = re.compile(r"numeric(?:\(([0-9]+),([0-9]+)\))?")
_TEXT = re.compile(r"character varying(?:\(([0-9]+)\))?|text")
_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_EXACT = {
    "smallint": ("integer", "bigint", "real", "double precision"),
    "integer": ("bigint", "double precision"),
    "bigint": (),
    "real": ("double precision",),
}
"""Types of numbers, and those beside numeric that hold each of their values."""
_SERIALS = {"smallint": "smallserial", "integer": "serial", "bigint": "bigserial"}
_STABLE = re.compile(r"now\(\)|\(?'now'::text\)?::|\bCURRENT_|\bLOCALTIME", re.IGNORECASE)
_NAME = r'(?:"(?:[^"]|"")*"|[^\s",()]+)'
_FOREIGN_KEY = re.compile(
    rf"FOREIGN KEY \((?P<columns>{_NAME}(?:, {_NAME})*)\) REFERENCES "
    rf"(?P<table>{_NAME}(?:\.{_NAME})?)\((?P<referenced>{_NAME}(?:, {_NAME})*)\).*",
    re.DOTALL,
)
_KEY = re.compile(
    rf"(?P<kind>PRIMARY KEY|UNIQUE)(?P<nulls> NULLS NOT DISTINCT)? \((?P<columns>{_NAME}(?:, {_NAME})*)\)(?P<more>.*)",
    re.DOTALL,
)
_UNIQUE_INDEX = re.compile(
    r"unique btree \((?P<keys>.*?)\)(?: include \(.*?\))?(?P<nulls> nulls not distinct)?(?: with \([^)]*\))?"
    r"(?: where (?P<where>.*))?",
    re.DOTALL,
)
_PLAIN_KEYS = re.compile(
    rf"{_NAME}(?: desc)?(?: nulls (?:first|last))?(?:, {_NAME}(?: desc)?(?: nulls (?:first|last))?)*"
)
_INDEX_SETTINGS = re.compile(r" statistics [0-9]+| with \([^)]*\)")
_ORDER = re.compile(r" desc\b| nulls (?:first|last)\b")


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
    )


def column_sql(shape: ColumnDefinition, *, not_null: bool) -> str | None:
    """Return what ADD COLUMN takes after the name; None for what needs more than that."""
    if shape.settings or shape.fills.startswith("serial ("):
        return None
    words = [_SERIALS.get(shape.type, shape.type) if shape.fills == "serial" else shape.type]
    if shape.collation:
        words.append(f"collate {shape.collation}")
    if shape.not_null == "not null" and not_null and shape.fills != "serial":
        words.append("not null")
    if shape.fills.startswith("generated"):
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


def _text_length(name: str) -> float:
    match = _TEXT.fullmatch(name)
    return int(match[1]) if match and match[1] else float("inf")


def _holds_digits(old: re.Match[str], new: re.Match[str]) -> bool:
    before, after = int(old[1]) - int(old[2]), int(new[1]) - int(new[2])
    return after >= before and int(new[2]) >= int(old[2])


class Key(Struct, frozen=True):
    """A primary key or unique constraint; `columns` are as SQL writes them."""

    primary: bool
    columns: str
    nulls_equal: bool
    plain: bool
    """Whether an index of these columns is all that it needs."""
    deferrable: bool

    @property
    def index(self) -> str:
        """The definition of the index that fits it."""
        return f"unique btree ({self.columns}){' nulls not distinct' if self.nulls_equal else ''}"


def key_definition(definition: str) -> Key | None:
    """Take a primary key or unique constraint apart; None for another constraint."""
    match = _KEY.fullmatch(definition)
    if not match:
        return None
    more = match["more"]
    return Key(match["kind"] == "PRIMARY KEY", match["columns"], bool(match["nulls"]), not more, " DEFERRABLE" in more)


class ForeignKey(Struct, frozen=True):
    """A foreign key; the names are as SQL writes them."""

    columns: tuple[str, ...]
    table: str
    referenced: tuple[str, ...]


def foreign_key_definition(definition: str) -> ForeignKey | None:
    """Take a foreign key apart; None for another constraint."""
    match = _FOREIGN_KEY.fullmatch(definition)
    if not match:
        return None
    return ForeignKey(names(match["columns"]), match["table"], names(match["referenced"]))


def names(text: str) -> tuple[str, ...]:
    """Return the names in a list, as SQL writes them."""
    return tuple(re.findall(_NAME, text))


def words(text: str) -> set[str]:
    """Return the names and words in a definition, names as SQL writes them."""
    return set(re.findall(r'"(?:[^"]|"")*"|\w+', text))


def parts(name: str) -> tuple[str, ...]:
    """Return the parts of a name with a schema, as SQL writes them."""
    return tuple(re.findall(r'"(?:[^"]|"")*"|[^."]+', name))


def check_expression(definition: str) -> str | None:
    """Return the condition of a CHECK, with its parentheses; None for another constraint."""
    found = re.match(r"CHECK (\(.*\))(?: NO INHERIT)?\Z", definition, re.DOTALL)
    return found[1] if found else None


class UniqueIndex(Struct, frozen=True):
    """What a unique index keeps unique: `keys` and `where` are expressions."""

    keys: str
    where: str
    nulls_equal: bool


def unique_index_definition(definition: str) -> UniqueIndex | None:
    """Take a unique index of plain columns apart; None for another index."""
    match = _UNIQUE_INDEX.fullmatch(definition)
    if not match or not _PLAIN_KEYS.fullmatch(match["keys"]):
        return None
    return UniqueIndex(_ORDER.sub("", match["keys"]), match["where"] or "", bool(match["nulls"]))


def is_plain_index(definition: str) -> bool:
    """Return whether an index is a btree on columns alone, without operator classes or expressions."""
    match = re.match(r"(?:unique )?btree \((.*?)\)", definition, re.DOTALL)
    return bool(match and _PLAIN_KEYS.fullmatch(match[1]))


def without_settings(definition: str) -> str:
    """Return the definition of an index without what ALTER INDEX gives it."""
    return _INDEX_SETTINGS.sub("", definition)


def index_sql(definition: str, name: str, table: str) -> str | None:
    """Return the statement that makes an index of a definition; None for one that needs more than that."""
    if " statistics " in definition:
        return None
    unique = "unique " if definition.startswith("unique ") else ""
    return f"create {unique}index {name} on {table} using {definition.removeprefix('unique ')}"
