"""Add to a project: a new script with the next number and its entry in the manifest, or an accepted difference."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec
import tomli_w
from msgspec import Struct

from runner.errors import Hint, InputError
from runner.project.agreements import AcceptEntry
from runner.project.input_files import read_text
from runner.project.manifest import ManifestFile, RunMode
from runner.project.templates import TEMPLATE_SYNTAX
from runner.resources import read_sql

STEP = 10
_NAME = re.compile(r"[a-z0-9_]+")
_ENTRY = re.compile(r"\s*\[\[\s*script\s*\]\]")
_HEADER = re.compile(r"\s*\[")
_CURE = Hint("add it by hand, after the last script:")


class New(Struct, frozen=True):
    """A script to be made: its path, the text of its file, and the text of the manifest with its entry."""

    path: str
    script: str
    manifest: str


def new_script(project: ManifestFile, name: str, description: str, run: RunMode = "always") -> New:
    """Return what `new` writes. Raise InputError for a name or a manifest that it cannot work with."""
    if not _NAME.fullmatch(name):
        raise InputError(f"expected lower-case letters, digits and _, not {name!r}", place="NAME")
    last = PurePosixPath(project.manifest.scripts[-1].path)
    number = (int(last.name.split("_")[0]) // STEP + 1) * STEP
    path = str(last.with_name(f"{number:03}_{name}.sql"))
    if (project.folder / path).exists():
        raise InputError("exists already; choose another name, or list it in the manifest", place=path)
    described = " ".join(description.split()) or name.replace("_", " ")
    if mark := next((mark for mark in TEMPLATE_SYNTAX if mark in described), None):
        raise InputError(f"it is a comment in a template, in which {mark} begins an expression", place="--description")
    template = read_sql("project/new_script.sql")
    text = read_text(project.folder / Path(project.file).name, project.file)
    values = {"path": path, "description": described} | ({"run": run} if run != "always" else {})
    return New(path, f"{template}\n".replace("DESCRIPTION", described), _with_entry(project, text, values))


def with_accepted(project: ManifestFile, entries: Sequence[AcceptEntry]) -> str:
    """Return the manifest with more accepted differences at its end. Raise InputError where it has an inline list."""
    text = read_text(project.folder / Path(project.file).name, project.file)
    values = [{k: v for k, v in msgspec.structs.asdict(entry).items() if v is not None} for entry in entries]
    made = "\n".join((text.rstrip("\n"), *(f"\n[[accept]]\n{tomli_w.dumps(each).rstrip()}" for each in values), ""))
    expected = tomllib.loads(text)
    expected["accept"] = [*expected.get("accept", ()), *values]
    if _holds(made, expected):
        return made
    notes = (Hint("add the entry by hand:"), *(line for each in values for line in tomli_w.dumps(each).splitlines()))
    raise InputError("no place for an entry: write the list 'accept' as [[accept]]", place=project.file, notes=notes)


def _with_entry(project: ManifestFile, text: str, values: Mapping[str, str]) -> str:
    """Return the manifest with one more entry after its last script; comments and order stay."""
    entry = "[[script]]\n" + tomli_w.dumps(values)
    lines = text.split("\n")
    begins = [number for number, line in enumerate(lines) if _ENTRY.match(line)]
    if begins:
        end = next((n for n in range(begins[-1] + 1, len(lines)) if _HEADER.match(lines[n])), len(lines))
        while end > begins[-1] + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
            end -= 1
        made = "\n".join([*lines[:end], "", *entry.rstrip().split("\n"), *lines[end:]])
        if _is_one_more(text, made, values):
            return made if made.endswith("\n") else f"{made}\n"
    reason = "its scripts do not each have a [[script]] of their own"
    raise InputError(
        f"no place for an entry: {reason}", place=project.file, notes=(_CURE, *entry.rstrip().splitlines())
    )


def _is_one_more(before: str, after: str, values: Mapping[str, str]) -> bool:
    """Return whether nothing but one more script has come into a manifest."""
    expected = tomllib.loads(before)
    expected["script"] = [*expected["script"], dict(values)]
    return _holds(after, expected)


def _holds(text: str, expected: Mapping[str, object]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False
