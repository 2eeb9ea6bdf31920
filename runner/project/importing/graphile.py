"""The format of graphile-migrate: committed migrations, and the current one."""

from __future__ import annotations

import json
import re
from pathlib import Path

from runner.errors import Hint, InputError
from runner.project.importing.migrations import (
    Imported,
    Migration,
    files_in,
    read_file,
    require_distinct,
    require_some,
    words_of,
    wrong_marker,
)
from runner.project.importing.own_transactions import Lines, numbered
from runner.project.importing.placeholders import Placeholders, merged

_FILE = re.compile(r"([0-9]+)((?:-[-\w]*)?)\.sql", re.ASCII)
_HEADER = re.compile(r"--! ([A-Z][a-zA-Z0-9_]*)(?::(.*))?")
_NO_TRANSACTION = re.compile(r"--!\s*no-transaction\b.*")
_RESERVED = (":DATABASE_NAME", ":DATABASE_OWNER")
_SETTINGS = (".gmrc", ".gmrc.jsonc")


def read_graphile(folder: Path) -> Imported:
    """Return the migrations of graphile-migrate, of which the folder has `committed`. Raise InputError."""
    committed = folder / "committed" if (folder / "committed").is_dir() or not folder.exists() else folder
    placeholders = _placeholders(committed.parent.parent)
    migrations, left_out, variables = list[Migration](), list[str](), list[dict[str, str]]()
    for path in files_in(committed):
        name = _FILE.fullmatch(path.name)
        if not name:
            left_out.append(f"{path.name}, which is no migration")
            continue
        migration, names = _migration(path, f"{name[1]}.sql", words_of(name[2]), placeholders)
        migrations.append(migration)
        variables.append(names)
    require_some(migrations, str(committed), "files like 000001.sql")
    require_distinct(migrations, lambda each: each.version)
    migrations.sort(key=lambda each: each.version)
    for path in _current(committed.parent):
        migration, names = _migration(path, "", f"current {path.stem}" if path.stem != "current" else "", placeholders)
        if any(line.strip() and not line.startswith("--") for line in migration.text.split("\n")):
            migrations.append(migration)
            variables.append(names)
    return Imported("graphile", tuple(migrations), tuple(left_out), merged(variables))


def _current(folder: Path) -> list[Path]:
    """Return the files of the migration that is being written."""
    below = folder / "current"
    return (
        [path for path in files_in(below) if path.suffix == ".sql"]
        if below.is_dir()
        else [path for path in (folder / "current.sql",) if path.is_file()]
    )


def _migration(path: Path, version: str, title: str, placeholders: Placeholders) -> tuple[Migration, dict[str, str]]:
    headers, lines = _parted(numbered(read_file(path)), str(path))
    place = next((place for place, (_, line) in enumerate(lines) if line.strip()), 0)
    transaction = not (lines and _NO_TRANSACTION.fullmatch(lines[place][1]))
    lines = lines if transaction else lines[:place] + lines[place + 1 :]
    part, names = placeholders.made(lines, str(path))
    title = (
        words_of(headers.get("Message", "")) or title or ("current" if not version else version.removesuffix(".sql"))
    )
    migration = Migration(
        version,
        title,
        str(path),
        part.text,
        part.lines,
        run="once" if version else "on_change",
        transaction=transaction or part.had_transaction,
        checksum=headers.get("Hash", ""),
    )
    return migration, names


def _parted(lines: Lines, file: str) -> tuple[dict[str, str], Lines]:
    """Return the headers and the lines below them."""
    headers: dict[str, str] = {}
    for place, (number, line) in enumerate(lines):
        found = _HEADER.fullmatch(line)
        if not found:
            return headers, lines[place:]
        if found[1] in headers:
            raise wrong_marker(f"a second '--! {found[1]}'", file, number)
        headers[found[1]] = (found[2] or "").strip()
    return headers, []


def _placeholders(folder: Path) -> Placeholders:
    """Return the placeholders of the tool, and those of the settings in a folder."""
    values: dict[str, str] = {}
    for path in (folder / name for name in _SETTINGS):
        if path.is_file():
            values = _settings(path)
            break
    names = "|".join(re.escape(name.removeprefix(":")) for name in (*values, *_RESERVED))
    return Placeholders(rf":(?P<name>{names})\b", {name.removeprefix(":"): value for name, value in values.items()})


def _settings(path: Path) -> dict[str, str]:
    """Return the placeholders of a file of settings, but for values that the environment has."""
    text = re.sub(
        r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda found: found[1] or "", read_file(path), flags=re.DOTALL
    )
    text = re.sub(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])', lambda found: found[1] or "", text)
    try:
        document = json.loads(text)
        found = dict(document.get("placeholders") or {})
    except (AttributeError, TypeError, ValueError, RecursionError):
        hint = Hint("it is JSON with comments; placeholders is an object in it")
        raise InputError("its placeholders cannot be read", place=str(path), notes=(hint,)) from None
    return {
        name: value if isinstance(value, str) and not value.startswith("!") else "" for name, value in found.items()
    }
