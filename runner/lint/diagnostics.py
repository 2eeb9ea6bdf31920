"""What `check` finds, as a value, and as people, programs and GitHub read it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from runner.errors import Hint, InputError

Severity = Literal["error", "warning"]
INPUT = "input"
"""The rule of what makes each command refuse the project."""


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
    place = error.place
    if place.file.startswith("--"):  # an option
        return Diagnostic(INPUT, "error", str(error), "")
    message = f"{place.key}: {error.message}" if place.key else error.message
    hints = [note.text for note in error.notes if isinstance(note, Hint)]
    notes = tuple(note for note in error.notes if not isinstance(note, Hint))
    return Diagnostic(INPUT, "error", message, place.file, place.line, error.column, notes, "\n".join(hints))
