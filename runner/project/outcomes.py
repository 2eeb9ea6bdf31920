"""What could be read, and what is wrong with the rest: a file with a mistake does not hide those of the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, NamedTuple, TypeVar

from runner.errors import InputError

Value = TypeVar("Value")
Item = TypeVar("Item")


class Read(NamedTuple, Generic[Value]):
    """What could be read, and what is wrong with the rest."""

    values: tuple[Value, ...]
    problems: tuple[InputError, ...]

    def required(self) -> tuple[Value, ...]:
        """Return everything. Raise the first problem."""
        raise_first(self.problems)
        return self.values


def each(read: Callable[[Item], Value], items: Iterable[Item]) -> Read[Value]:
    """Return what could be read, and what is wrong with the rest."""
    return parted(outcomes(read, items))


def outcomes(read: Callable[[Item], Value], items: Iterable[Item]) -> list[Value | InputError]:
    """Return what was read, or what is wrong, for each item."""
    found: list[Value | InputError] = []
    for item in items:
        try:
            found.append(read(item))
        except InputError as error:
            found.append(error)
    return found


def parted(found: Iterable[Value | InputError]) -> Read[Value]:
    """Return what was read, and what is wrong, apart."""
    values: list[Value] = []
    problems: list[InputError] = []
    for outcome in found:
        if isinstance(outcome, InputError):
            problems.append(outcome)
        else:
            values.append(outcome)
    return Read(tuple(values), tuple(problems))


def raise_first(problems: Iterable[InputError]) -> None:
    """Raise the first problem, if there is one."""
    for problem in problems:
        raise problem
