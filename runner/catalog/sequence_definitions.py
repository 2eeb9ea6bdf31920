"""Definitions of sequences, those of columns too, taken apart."""

from __future__ import annotations

import re

from msgspec import Struct

_SEQUENCE = re.compile(
    r"(?:(?P<logging>unlogged|logged)\b ?)?(?:as (?P<type>\w+) ?)?(?:increment (?P<increment>-?\d+) ?)?"
    r"(?:minvalue (?P<least>-?\d+) ?)?(?:maxvalue (?P<most>-?\d+) ?)?(?:start (?P<start>-?\d+) ?)?"
    r"(?:cache (?P<cache>\d+) ?)?(?P<cycle>cycle ?)?(?:owned by (?P<owner>.*))?",
    re.DOTALL,
)
_BITS = {"smallint": 15, "integer": 31, "bigint": 63}


class SequenceDefinition(Struct, frozen=True):
    """What a sequence is, with the values of all options; `logging` is empty where it is the usual."""

    type: str
    logging: str
    increment: int
    least: int
    most: int
    start: int
    cache: int
    is_cycle: bool
    owner: str
    """The column that it belongs to, as SQL writes it."""

    def changes(self, new: SequenceDefinition) -> str:
        """Return the options in which another definition differs; with the type go the limits that are its own."""
        words = []
        is_retyped = self.type != new.type
        if is_retyped:
            words.append(f"as {new.type}")
        if self.increment != new.increment:
            words.append(f"increment by {new.increment}")
        if self.least != new.least and not (is_retyped and self.least == _least(self) and new.least == _least(new)):
            words.append(f"minvalue {new.least}")
        if self.most != new.most and not (is_retyped and self.most == _most(self) and new.most == _most(new)):
            words.append(f"maxvalue {new.most}")
        if self.start != new.start:
            words.append(f"start with {new.start}")
        if self.cache != new.cache:
            words.append(f"cache {new.cache}")
        if self.is_cycle != new.is_cycle:
            words.append("cycle" if new.is_cycle else "no cycle")
        return " ".join(words)

    @property
    def options(self) -> str:
        """All options as ALTER SEQUENCE has them, but for the owner."""
        cycle = "cycle" if self.is_cycle else "no cycle"
        return (
            f"as {self.type} increment by {self.increment} minvalue {self.least} maxvalue {self.most} "
            f"start with {self.start} cache {self.cache} {cycle}"
        )


def sequence_definition(definition: str, type_: str = "bigint") -> SequenceDefinition:
    """Take the definition of a sequence apart, or the options of one that belongs to a column of a type."""
    match = _SEQUENCE.fullmatch(definition)
    parts = match.groupdict(default="") if match else {}
    type_ = parts.get("type") or type_
    bits, increment = _BITS.get(type_, 63), int(parts.get("increment") or 1)
    least = int(parts.get("least") or (1 if increment > 0 else -(2**bits)))
    most = int(parts.get("most") or (2**bits - 1 if increment > 0 else -1))
    return SequenceDefinition(
        type=type_,
        logging=parts.get("logging", ""),
        increment=increment,
        least=least,
        most=most,
        start=int(parts.get("start") or (least if increment > 0 else most)),
        cache=int(parts.get("cache") or 1),
        is_cycle=bool(parts.get("cycle")),
        owner=parts.get("owner", ""),
    )


def _least(sequence: SequenceDefinition) -> int:
    return int(-(2 ** _BITS.get(sequence.type, 63)))


def _most(sequence: SequenceDefinition) -> int:
    return int(2 ** _BITS.get(sequence.type, 63) - 1)
