"""Begin a project: the files that one starts from, and what git should know of those to come."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import tomli_w
from msgspec import Struct

from runner.errors import Hint, InputError
from runner.project.input_files import shown_value
from runner.project.lockfile import FILE
from runner.resources import read_sql

SCRIPT = "sql/010_tables.sql"
PAGE = "docs/schema.md"
GIT = {
    ".gitignore": ("/.postgres/", "/.env"),
    ".gitattributes": (f"{FILE} linguist-generated -merge", f"{PAGE} linguist-generated -merge"),
}
"""The lines for git: data and passwords stay out, and generated files are written again instead of merged."""


class NewProject(Struct, frozen=True):
    """The files to be written, by path, and the lines that files which are there already lack."""

    files: Mapping[str, str]
    missing_lines: Mapping[str, tuple[str, ...]]


def new_files(manifest: str, name: str) -> dict[str, str]:
    """Return a manifest, of which the file has this name, and its script. Raise InputError for what is no name."""
    if not name.strip() or not name.isprintable():
        raise InputError(f"a name has letters, and is one line, not {shown_value(name)}", place="NAME")
    entry = tomli_w.dumps({"name": name}).strip()
    return {
        manifest: read_sql("project/new_project.toml").replace("NAME", entry) + "\n",
        SCRIPT: read_sql("project/new_project.sql") + "\n",
    }


def new_project(folder: Path, files: Mapping[str, str]) -> NewProject:
    """Return a project with these files, and those for git. Raise InputError where one is already."""
    require_absent(folder, files)
    there = {path: lines for path, lines in GIT.items() if os.path.lexists(folder / path)}
    own = {path: "\n".join((*lines, "")) for path, lines in GIT.items() if path not in there}
    missing = {path: _missing(folder / path, lines) for path, lines in there.items()}
    return NewProject({**files, **own}, {path: lines for path, lines in missing.items() if lines})


def require_absent(folder: Path, paths: Iterable[str]) -> None:
    """Raise InputError for the first file that is there already, a link to nowhere among them."""
    for path in paths:
        if os.path.lexists(folder / path):
            hint = Hint("a project is begun in an empty place; 'new' adds a script to one that is there")
            raise InputError("exists already; nothing was written", place=str(folder / path), notes=(hint,))


def _missing(path: Path, wanted: tuple[str, ...]) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return wanted
    return tuple(line for line in wanted if line not in lines)
