"""Values for columns of every type: an ordinary one first, then Unicode and limits, then more of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from msgspec import Struct

WORDS = "Zoë 🐘 漢字 \"quoted\" 'it''s' \\n %s $1 {{ x }}\ttab\nline"
"""Text with all that a statement that is put together without care would break at."""
_MORE = range(2, 26)
_LONG = 1_000
_EVEN = 20
"""How many hints of a rule are followed."""
_INTEGERS = {"smallint": 15, "integer": 31, "bigint": 63}
_NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:\.[0-9]+)?")
_STRING = re.compile(r"'((?:[^']|'')*)'")
_GUESSES = (
    "a",
    "A",
    "0",
    "1",
    "abc",
    "ABC-1",
    "a.b",
    "a@example.org",
    "https://example.org/",
    "2026-01-02",
    "[1]",
    "{}",
)
"""What rules about texts often ask for."""

_FIXED: Mapping[str, Sequence[str]] = {
    "boolean": ("true", "false"),
    "real": ("1.5", "3.4028235e+38", "-1.17549435e-38", "0"),
    "double precision": ("1.5", "1.7976931348623157e+308", "-2.2250738585072014e-308", "0"),
    "money": ("1.50", "92233720368547758.07", "-92233720368547758.08", "0"),
    "date": ("2026-01-02", "9999-12-31", "0001-01-01", "2024-02-29"),
    "time without time zone": ("03:04:05.678901", "23:59:59.999999", "00:00", "24:00"),
    "time with time zone": ("03:04:05.678901+02", "23:59:59.999999-12", "00:00+14", "12:00+00"),
    "timestamp without time zone": (
        "2026-01-02 03:04:05.678901", "9999-12-31 23:59:59.999999", "0001-01-01", "2024-02-29"
    ),
    "timestamp with time zone": (
        "2026-01-02 03:04:05.678901+02", "9999-12-31 23:59:59.999999+00", "0001-01-01 00:00+00", "2024-02-29 12:00+00"
    ),
    "interval": ("1 day 02:03:04.567", "178000000 years", "-1 year -2 days", "0"),
    "uuid": ("6f1e2d3c-4b5a-4678-9abc-def012345678", f"{2**128 - 1:x}", "0" * 32),
    "json": ('{"é": [1, null, {"🐘": "\\" \\\\ it\'s"}]}', "[]", "{}", "null"),
    "jsonb": ('{"é": [1, null, {"🐘": "\\" \\\\ it\'s"}]}', "[]", "{}", "null"),
    "xml": ("<é>🐘</é>", "<a b='c'/>"),
    "bytea": ("\\x00ff5c27", "\\x", "\\x" + "ab" * _LONG),
    "inet": ("192.0.2.1/24", "2001:db8::1", "127.0.0.1"),
    "cidr": ("192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0"),
    "macaddr": ("08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"),
    "macaddr8": ("08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"),
    "point": ("(1.5,-2)", "(0,0)"),
    "line": ("{1,-1,0}",),
    "lseg": ("[(0,0),(1,1)]",),
    "box": ("(1,1),(0,0)",),
    "path": ("((0,0),(1,1),(2,0))", "[(0,0),(1,1)]"),
    "polygon": ("((0,0),(1,1),(2,0))",),
    "circle": ("<(0,0),1.5>",),
    "tsvector": ("'a':1 'é':2", ""),
    "tsquery": ("'a' & !'é'", ""),
    "pg_lsn": ("16/B374D848", "0/0"),
    "hstore": ('"é"=>"1", "b"=>NULL', ""),
    "ltree": ("a.b_c", ""),
    "oid": ("1", "4294967295", "0"),
    "xid": ("3", "4294967295", "0"),
}  # fmt: skip
"""The values of types of which not every one is a number or a text, an ordinary one first."""


class Type(Struct, frozen=True):
    """A type, and the types that it consists of, by their numbers; see types.sql."""

    oid: int
    name: str
    kind: str
    category: str
    element: int
    base: int
    full_base: str
    labels: tuple[str, ...]
    checks: tuple[str, ...]
    parts: tuple[int, ...]
    full_parts: tuple[str, ...]
    subtype: int


def candidates(type_: Type, full_name: str, types: Mapping[int, Type]) -> list[str]:
    """Return values that a column of a type may take, in PostgreSQL's own words, each once."""
    return list(dict.fromkeys(_values(type_, full_name, types)))


def hints(rules: Sequence[str]) -> list[str]:
    """Return the values that rules, such as those of CHECK constraints, name, and others near them."""
    found: list[str] = []
    for rule in rules:
        found += [text.replace("''", "'") for text in _STRING.findall(rule)]
        for text in _NUMBER.findall(_STRING.sub("", rule)):
            number = float(text) if "." in text else int(text)
            found += [text, str(number + 1), str(number - 1)]
            found += ["x" * int(number)] if 0 < number <= _LONG else []
    return list(dict.fromkeys(found))[: 2 * _EVEN]


def _values(type_: Type, full_name: str, types: Mapping[int, Type]) -> Iterator[str]:
    name = type_.name.rpartition(".")[2]
    if type_.kind == "e":
        yield from type_.labels
    elif type_.kind == "d":
        yield from candidates(types[type_.base], type_.full_base, types)
        yield from hints(type_.checks)
    elif type_.kind == "c":
        yield from _composites(type_, types)
    elif type_.kind == "r":
        low, high = sorted(candidates(types[type_.subtype], types[type_.subtype].name, types)[:2], key=_order)
        yield from (f'["{low}","{high}")', "empty", f'["{low}",)')
    elif type_.kind == "m":
        yield "{}"
    elif type_.element:
        yield from _arrays(types[type_.element], full_name.removesuffix("[]"), types)
    else:
        yield from _base_values(type_, name, full_name)


def _base_values(type_: Type, name: str, full_name: str) -> Iterator[str]:
    """Return values of a type that consists of no other."""
    if name in _INTEGERS:
        yield from _integers(_INTEGERS[name])
    elif name == "numeric":
        yield from _numerics(full_name)
    elif name in ("bit", "bit varying"):
        yield from _bits(full_name, is_fixed=name == "bit")
    elif name in _FIXED:
        yield from _FIXED[name]
        yield from _moments(name)
    elif type_.category == "S":
        yield from _texts(full_name)
    else:
        yield from (*_GUESSES, "")


def _order(text: str) -> tuple[bool, float | str]:
    try:
        return False, float(text)
    except ValueError:
        return True, text


def _length(full_name: str) -> list[int]:
    found = re.search(r"\(([0-9]+)(?:,(-?[0-9]+))?\)", full_name)
    return [int(number) for number in found.groups() if number] if found else []


def _integers(bits: int) -> Iterator[str]:
    yield from ("1", str((1 << bits) - 1), str(-(1 << bits)), "0")
    yield from map(str, _MORE)


def _numerics(full_name: str) -> Iterator[str]:
    precision, scale = (*_length(full_name), 0, 0)[:2] if _length(full_name) else (30, 10)
    digits = "9" * precision
    whole = digits[: precision - scale] if scale >= 0 else digits + "0" * -scale
    largest = f"{whole or '0'}.{digits[:scale]}" if scale > 0 else whole
    yield from ("1" if precision > scale else "0", largest, f"-{largest}", "0")
    if precision > scale + 1:
        yield from map(str, _MORE)


def _bits(full_name: str, *, is_fixed: bool) -> Iterator[str]:
    length = (_length(full_name) or [1 if is_fixed else 8])[0]
    for number in (1, (1 << length) - 1, 0, *_MORE):
        yield f"{number:0{length}b}"[-length:]
    if not is_fixed:
        yield ""


def _moments(name: str) -> Iterator[str]:
    """Return more values of types that often are keys."""
    if name == "date" or name.startswith("timestamp"):
        yield from (f"2026-02-{day:02}" for day in _MORE)
    elif name == "uuid":
        yield from (f"00000000-0000-4000-8000-{number:012}" for number in _MORE)


def _texts(full_name: str) -> Iterator[str]:
    """Return texts; of a type with a length, the longest in characters of several bytes."""
    length = (_length(full_name) or [_LONG])[0] if full_name not in ('"char"', "name", "character") else 1
    if full_name == "name":
        length = 31
    yield "text"[:length]
    yield (WORDS if "(" not in full_name else "é🐘漢" * length)[:length]
    yield ""
    yield ("x" * min(length, _LONG))
    yield from (f"{number}"[:length] if length < len("text 10") else f"text {number}" for number in _MORE)
    yield from (guess for guess in _GUESSES if len(guess) <= length)


def _arrays(element: Type, full_name: str, types: Mapping[int, Type]) -> Iterator[str]:
    several = list(islice(candidates(element, full_name, types), 3))
    yield "{" + ",".join(map(_quoted, several)) + "}"
    yield "{}"
    yield "{NULL}"


def _composites(type_: Type, types: Mapping[int, Type]) -> Iterator[str]:
    parts = [candidates(types[oid], name, types) for oid, name in zip(type_.parts, type_.full_parts, strict=True)]
    for place in range(2):
        yield "(" + ",".join(_quoted(part[min(place, len(part) - 1)]) for part in parts) + ")"
    yield "(" + "," * (len(parts) - 1) + ")"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
