"""What `check` finds, as a value, and as people, programs and GitHub read it."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from runner.errors import InputError

Severity = Literal["error", "warning"]
INPUT = "input"
"""The rule of what makes each command refuse the project."""
_PLACE = re.compile(r"(?P<file>[^:]+?)(?::(?P<line>[0-9]+)|: .*)?")


class Flaw(Struct, frozen=True):
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


def flaw_of(error: InputError) -> Flaw:
    """Return an error as what `check` found."""
    found = _PLACE.fullmatch(error.place)
    file = found["file"] if found else error.place
    if file.startswith("--"):  # an option
        return Flaw(INPUT, "error", str(error), "")
    message = error.message if error.line or file == error.place else f"{error.place[len(file) + 2 :]}: {error.message}"
    hints = [note.removeprefix("hint: ") for note in error.notes if note.startswith("hint: ")]
    notes = tuple(note for note in error.notes if not note.startswith("hint: "))
    return Flaw(INPUT, "error", message, file, error.line, error.column, notes, "\n".join(hints))


def flaw_lines(flaw: Flaw) -> Iterator[str]:
    """Return the lines that a person reads."""
    place = flaw.file if flaw.line is None else f"{flaw.file}:{flaw.line}"
    rule = "" if flaw.rule == INPUT else f" [{flaw.rule}]"
    yield f"{flaw.severity}: {place}: {flaw.message}{rule}"
    hints = (f"hint: {flaw.hint}",) if flaw.hint else ()
    yield from (f"  {line}" for note in (*flaw.notes, *hints) for line in note.split("\n"))


def flaw_json(flaw: Flaw) -> dict[str, Any]:
    """Return the object of the JSON document."""
    return {
        "rule": flaw.rule,
        "severity": flaw.severity,
        "file": flaw.file,
        "line": flaw.line,
        "column": flaw.column,
        "message": flaw.message,
        "notes": list(flaw.notes),
        "hint": flaw.hint or None,
    }


def annotation(flaw: Flaw, manifest: Path) -> str:
    """Return the command that makes GitHub show it beside the line; paths begin where the manifest's does."""
    from runner.lock import FILE as LOCK

    beside = {str(manifest), str(manifest.parent / LOCK)}  # messages name these from where the command is run
    path = Path(flaw.file) if flaw.file in beside else manifest.parent / flaw.file
    file = Path(os.path.normpath(path)).as_posix()
    values = {"file": file if flaw.file else None, "line": flaw.line, "col": flaw.column, "title": flaw.rule}
    properties = ",".join(f"{name}={_property(str(value))}" for name, value in values.items() if value is not None)
    text = "\n".join((flaw.message, *(f"hint: {hint}" for hint in (flaw.hint,) if hint)))
    return f"::{flaw.severity} {properties}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
