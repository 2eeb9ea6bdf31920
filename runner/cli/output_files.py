"""The files that commands write, and those that they keep fresh."""

from __future__ import annotations

import os
from pathlib import Path

from runner.errors import Hint, InputError
from runner.report.reporter import Reporter


def keep_file(folder: Path, name: str, text: str, command: str, reporter: Reporter, *, check: bool) -> int:
    """Write a file that a command makes in a folder, or only tell whether it is fresh; return the exit code."""
    path = folder / name
    is_fresh = path.is_file() and path.read_bytes().replace(b"\r\n", b"\n") == text.encode()
    if check and not is_fresh:
        reporter.failure(f"{path} is not what 'python -m runner {command}' would write")
    elif is_fresh:
        reporter.line(f"{path} is fresh", "green")
    else:
        write_file(folder, name, text)
        reporter.line(f"{path} written", "green")
    reporter.json({"ok": is_fresh or not check, "fresh": is_fresh, "file": str(path)})
    return 0 if is_fresh or not check else 1


def write_file(folder: Path, name: str, text: str, newline: str = "\n") -> None:
    """Write a file and the folders above it. Raise InputError where a symbolic link leads out of the folder."""
    path = folder / name
    try:
        target = path.resolve()
        if not target.is_relative_to(folder.resolve()):
            hint = Hint("put a file or a folder in its place")
            raise InputError(f"a symbolic link leads out of the project, to {target}", place=str(path), notes=(hint,))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline=newline) as file:
            file.write(text)
    except (OSError, RuntimeError) as error:  # links that lead to each other are a RuntimeError before Python 3.13
        reason = error.strerror if isinstance(error, OSError) else "symbolic links lead to each other"
        raise InputError(f"cannot be written: {reason}", place=str(path)) from error
