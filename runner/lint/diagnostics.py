"""What `check` finds, as a value, and as people, programs and GitHub read it."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

from runner.errors import InputError

Severity = Literal["error", "warning"]
INPUT = "input"
"""The rule of what makes each command refuse the project."""
_PLACE = re.compile(r"(?P<file>[^:]+?)(?::(?P<line>[0-9]+)|: .*)?")


class Diagnostic(Struct, frozen=True):
    """Something to be changed in a file of the project; `file` as the manifest names it, `column` from 1."""

    rule: str
    severity: Severity
    message: str
    file: str
    line: int | None = None
    column: int | None = None
    notes: tuple[str, ...] = ()
    """Lines of the file, with a caret."""
    hint: str = ""


def diagnostic_of(error: InputError) -> Diagnostic:
    """Return an error as what `check` found."""
    found = _PLACE.fullmatch(error.place)
    file = found["file"] if found else error.place
    if file.startswith("--"):  # an option
        return Diagnostic(INPUT, "error", str(error), "")
    message = error.message if error.line or file == error.place else f"{error.place[len(file) + 2 :]}: {error.message}"
    hints = [note.removeprefix("hint: ") for note in error.notes if note.startswith("hint: ")]
    notes = tuple(note for note in error.notes if not note.startswith("hint: "))
    return Diagnostic(INPUT, "error", message, file, error.line, error.column, notes, "\n".join(hints))
