"""The format of Flyway: versioned and repeatable migrations, with placeholders."""

from __future__ import annotations

import re
import tomllib
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from runner.errors import Hint, InputError
from runner.project.importing.migrations import (
    Imported,
    Migration,
    files_in,
    made,
    plain,
    read_file,
    require_distinct,
    require_some,
    words_of,
)
from runner.project.importing.own_transactions import numbered
from runner.project.importing.placeholders import Placeholders, merged

_NAME = re.compile(r"(?:([VBU])([0-9]+(?:[._][0-9]+)*)|(R))__(.*)\.sql", re.DOTALL)
_CODE = re.compile(r"[VBUR].*__.*\.(?:java|kt|class|groovy)")
_PATTERN = r"\$\{ (?P<name>[^}\s]+) \}"
_SETTING = re.compile(r"\s*([\w.-]+)\s*[=:]\s*(.*?)\s*")
_TRANSACTION = {"true": True, "false": False}
_SCHEMA = "flyway:defaultschema"
_FILES = ("flyway.toml", "flyway.user.toml", "flyway.conf", "conf/flyway.toml", "conf/flyway.conf")


def read_flyway(folder: Path) -> Imported:
    """Return the migrations of Flyway, those in folders below included. Raise InputError."""
    paths = files_in(folder, below=True)
    settings = {key: value for place in (folder.parent, folder) for key, value in _settings(place).items()}
    migrations = dict[str, list[Migration]]()
    left_out, variables = list[str](), list[dict[str, str]]()
    for path in paths:
        name = _NAME.fullmatch(path.name)
        kind = (name[1] or name[3]) if name else ""
        if not name or kind == "U":
            left_out += _left_out(path, folder, kind)
            continue
        migration, names = _migration(path, name, settings)
        migrations.setdefault(kind, []).append(migration)
        variables.append(names)
    for each in migrations.values():
        require_distinct(each, lambda one: version_key(one.version) if one.run == "once" else one.version)
    versioned = sorted(migrations.get("V", ()), key=lambda one: version_key(one.version))
    first = sorted(migrations.get("B", ()), key=lambda one: version_key(one.version))[-1:]
    for baseline in migrations.get("B", ()):
        is_needed = baseline in first and not _has_before(versioned, baseline)
        versioned = [baseline, *versioned] if is_needed else versioned
        left_out += [] if is_needed else [f"{Path(baseline.file).name}, which the versions before it replace"]
    repeatable = sorted(migrations.get("R", ()), key=lambda one: one.version)
    require_some([*versioned, *repeatable], str(folder), "files like V1.2__name.sql")
    used = merged(variables)
    return Imported("flyway", (*versioned, *repeatable), tuple(left_out), used)


def version_key(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, of which zeros at the end do not count."""
    numbers = [int(part) for part in re.split(r"[._]", version)]
    while len(numbers) > 1 and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _has_before(versioned: list[Migration], baseline: Migration) -> bool:
    return any(version_key(one.version) <= version_key(baseline.version) for one in versioned)


def _left_out(path: Path, folder: Path, kind: str) -> Iterator[str]:
    shown = path.relative_to(folder).as_posix()
    if kind == "U":
        yield f"{shown}, which undoes a version"
    elif _CODE.fullmatch(path.name):
        yield f"{shown}, which is no SQL"
    elif path.suffix == ".sql":
        yield f"{shown}, which is a callback or has no version"
    elif not (path.name.endswith(".sql.conf") or shown in _FILES):
        yield f"{shown}, which is no migration"


def _migration(path: Path, name: re.Match[str], settings: Mapping[str, str]) -> tuple[Migration, dict[str, str]]:
    text, own = read_file(path), _settings_of(path)
    if own.get("shouldexecute", "true").lower() != "true":
        hint = Hint("remove it, or the setting, before it is imported")
        raise InputError("shouldExecute decides whether it is run", place=f"{path}.conf", notes=(hint,))
    replaces = own.get("placeholderreplacement", settings.get("placeholderreplacement", "true")).lower() != "false"
    names: dict[str, str] = {}
    told = text
    if replaces:
        values = {key.removeprefix("placeholders."): value for key, value in settings.items()}
        told = _with_values(text, values) if name[3] else text  # of a repeatable one it is about what is sent
        part, names = Placeholders(_PATTERN, values, {_SCHEMA: "schema"}, fold=True).made(numbered(text), str(path))
    else:
        part = made(numbered(text), plain(path))
    title = words_of(name[4])
    migration = Migration(
        name[2].replace("_", ".") if name[2] else name[4].replace("_", " "),
        title or (name[2] or ""),
        str(path),
        part.text,
        part.lines,
        run="on_change" if name[3] else "once",
        transaction=part.had_transaction or _TRANSACTION.get(own.get("executeintransaction", "").lower()),
        checksum=str(checksum(told)),
    )
    return migration, names


def _with_values(text: str, values: Mapping[str, str]) -> str:
    return re.sub(_PATTERN, lambda found: values.get(found["name"].lower(), found[0]), text, flags=re.VERBOSE)


def checksum(text: str) -> int:
    """Return what Flyway keeps of a file: the CRC of its lines, without their ends, as a number with a sign."""
    value = 0
    for line in text.removesuffix("\n").split("\n") if text else ():
        value = zlib.crc32(line.encode(), value)
    return value - (1 << 32) if value >= 1 << 31 else value


def _settings_of(path: Path) -> dict[str, str]:
    """Return the settings of a migration alone."""
    beside = path.with_name(f"{path.name}.conf")
    return _lines(read_file(beside)) if beside.is_file() else {}


def _settings(folder: Path) -> dict[str, str]:
    """Return the settings of the files of Flyway in a folder, in small letters. Raise InputError."""
    found: dict[str, str] = {}
    for path in (folder / name for name in _FILES):
        if not path.is_file():
            continue
        if path.suffix == ".conf":
            found |= _lines(read_file(path))
            continue
        try:
            section = tomllib.loads(read_file(path)).get("flyway", {})
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise InputError(f"not valid TOML: {error}", place=str(path)) from None
        found |= dict(_flat("", section)) if isinstance(section, dict) else {}
    return found


def _flat(prefix: str, section: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in section.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        elif isinstance(value, str | int):
            yield f"{prefix}{key}".lower(), str(value).lower() if isinstance(value, bool) else str(value)


def _lines(text: str) -> dict[str, str]:
    """Return the settings of a file of properties."""
    found = (_SETTING.fullmatch(line) for line in text.split("\n") if not line.lstrip().startswith(("#", "!")))
    return {each[1].lower().removeprefix("flyway."): each[2] for each in found if each}
