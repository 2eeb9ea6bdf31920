"""The files that commands write, and those that they keep fresh."""

from __future__ import annotations

from pathlib import Path

from runner.errors import InputError
from runner.report.reporter import Reporter


def keep_file(path: Path, text: str, command: str, reporter: Reporter, *, check: bool) -> int:
    """Write a file that a command makes, or only tell whether it is fresh; return the exit code."""
    is_fresh = path.is_file() and path.read_bytes().replace(b"\r\n", b"\n") == text.encode()
    if check and not is_fresh:
        reporter.failure(f"{path} is not what 'python -m runner {command}' would write")
    elif is_fresh:
        reporter.line(f"{path} is fresh", "green")
    else:
        write_file(path, text)
        reporter.line(f"{path} written", "green")
    reporter.json({"ok": is_fresh or not check, "fresh": is_fresh, "file": str(path)})
    return 0 if is_fresh or not check else 1


def write_file(path: Path, text: str, newline: str = "\n") -> None:
    """Write a file and the folders above it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline=newline)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", place=str(path)) from error
