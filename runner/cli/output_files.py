"""The files that commands write, and those that they keep fresh."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

from runner.errors import Hint, InputError
from runner.wording import PROGRAM


class Kept(NamedTuple):
    """What became of a file: in a line for people, and as a JSON document."""

    text: str
    style: str
    document: dict[str, Any]

    @property
    def ok(self) -> bool:
        """Whether the file is there as it should be."""
        return bool(self.document["ok"])


def keep_file(folder: Path, name: str, text: str, command: str, *, check: bool) -> Kept:
    """Write a file that a command makes in a folder, or only look whether it is fresh."""
    path = folder / name
    is_fresh = path.is_file() and path.read_bytes().replace(b"\r\n", b"\n") == text.encode()
    document = {"ok": is_fresh or not check, "fresh": is_fresh, "file": str(path)}
    if check and not is_fresh:
        return Kept(f"{path} is not what '{PROGRAM} {command}' would write", "bold red", document)
    if is_fresh:
        return Kept(f"{path} is fresh", "green", document)
    write_file(folder, name, text)
    return Kept(f"{path} written", "green", document)


def write_file(folder: Path, name: str, text: str, newline: str = "\n") -> None:
    """Write a file and the folders above it. Raise InputError where a symbolic link leads out of the folder."""
    _write(folder, name, text, newline, os.O_TRUNC)


def write_new_file(folder: Path, name: str, text: str) -> None:
    """Write a file that is not there, as `write_file` does. Raise InputError when it is."""
    _write(folder, name, text, "\n", os.O_EXCL)


def _write(folder: Path, name: str, text: str, newline: str, flag: int) -> None:
    path = folder / name
    try:
        target = path.resolve()
        if not target.is_relative_to(folder.resolve()):
            hint = Hint("put a file or a folder in its place")
            raise InputError(f"a symbolic link leads out of the project, to {target}", place=str(path), notes=(hint,))
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | flag | os.O_NOFOLLOW, 0o666)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline=newline) as file:
            file.write(text)
    except (OSError, RuntimeError) as error:  # links that lead to each other are a RuntimeError before Python 3.13
        reason = error.strerror if isinstance(error, OSError) else "symbolic links lead to each other"
        raise InputError(f"cannot be written: {reason}", place=str(path)) from error
