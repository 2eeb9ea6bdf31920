"""What `check` found: text, and annotations for GitHub."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.lint.diagnostics import INPUT, Diagnostic
from runner.project.lockfile import FILE as LOCK
from runner.report.line import Line, block
from runner.wording import count


def diagnostic_line(flaw: Diagnostic) -> Line:
    """Return what `check` found as a person reads it."""
    is_error = flaw.severity == "error"
    return block(tuple(_parts(flaw)), "red" if is_error else "yellow", is_failure=is_error)


def annotation_line(flaw: Diagnostic, manifest: Path) -> Line:
    """Return what `check` found as GitHub reads it."""
    return Line(annotation(flaw, manifest), is_failure=flaw.severity == "error", is_command=True)


def _parts(flaw: Diagnostic) -> Iterator[str]:
    place = flaw.file if flaw.line is None else f"{flaw.file}:{flaw.line}"
    rule = "" if flaw.rule == INPUT else f" [{flaw.rule}]"
    yield f"{flaw.severity}: {place}: {flaw.message}{rule}"
    hints = (f"hint: {flaw.hint}",) if flaw.hint else ()
    yield from (f"  {line}" for note in (*flaw.notes, *hints) for line in note.split("\n"))


def annotation(flaw: Diagnostic, manifest: Path) -> str:
    """Return the command that makes GitHub show it beside the line; paths begin where the manifest's does."""
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


def check_text(document: Mapping[str, Any], errors: int) -> str:
    """Return the document of `check` in one line."""
    warnings = len(document["findings"]) - errors
    found = [count(number, noun) for number, noun in ((errors, "error"), (warnings, "warning")) if number]
    if errors:
        return f"not ok: {', '.join(found)}"
    scripts, statements = count(document["scripts"], "script"), count(document["statements"], "statement")
    nouns = {"tables": "table", "indexes": "index", "mapped_columns": "mapped column"}
    declared = ", ".join(count(document[key], noun) for key, noun in nouns.items())
    checks = count(document["checks"], "check")
    others = f", {document['left_out']} of profiles that are not chosen" if document["left_out"] else ""
    return f"ok: {'; '.join([f'{scripts} with {statements}{others}, {checks}', f'declared: {declared}', *found])}"
