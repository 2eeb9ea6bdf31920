"""What the command line says of databases and schemas, and the file of many databases: lines, or TOML."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from runner.errors import Hint, InputError, Place
from runner.project.input_files import decoded, read_text, shown_value
from runner.project.manifest import check_name

_STDIN = "-"


class Limits(Struct, frozen=True):
    """How many are worked on at a time, how many must go well before the others begin, how many may fail."""

    jobs: int = 4
    canary: int | None = None
    max_failures: int | None = None


class Where(Struct, frozen=True):
    """What the command line says of databases: connection strings, a file of them, schemas or a pattern for schemas."""

    dsns: tuple[str, ...] = ()
    file: str | None = None
    schemas: tuple[str, ...] = ()
    """Other target schemas than the manifest's."""
    pattern: str | None = None
    """`*` stands for any characters, `?` for one."""
    jobs: int = 4
    wait: float = 30.0
    canary: int | None = None
    max_failures: int | None = None

    @property
    def limits(self) -> Limits:
        """What bounds the work on many."""
        return Limits(self.jobs, self.canary, self.max_failures)

    @property
    def is_many(self) -> bool:
        """Whether it may be more than one database, or more than one schema."""
        return len(self.dsns) > 1 or len(self.schemas) > 1 or self.file is not None or self.pattern is not None

    @property
    def dsn(self) -> str | None:
        """The connection string when there is only one."""
        return self.dsns[0] if self.dsns else None


class TargetEntry(Struct, frozen=True):
    """One database, and the target schema in it, if it is another than the manifest's; `place` is where it is named.

    Without `dsn`, it is the one that is configured.
    """

    dsn: str | None
    name: str | None = None
    schema: str | None = None
    place: str = ""


class TargetTable(Struct, frozen=True, forbid_unknown_fields=True):
    """A database of a fleet, as its file has it."""

    dsn: str
    name: str | None = None
    schema: str | None = None


class TargetsFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The databases of a fleet."""

    target: tuple[TargetTable, ...]


def read_targets(path: str, schema: str) -> tuple[TargetEntry, ...]:
    """Return the databases of a file, of stdin for `-`; `schema` is the manifest's.

    Raise InputError, which shows no connection string.
    """
    file = "stdin" if path == _STDIN else path
    if path == _STDIN and sys.stdin is None:
        raise InputError("closed; pipe the list of databases into it", place=file)
    text = decoded(sys.stdin.buffer.read(), file) if path == _STDIN else read_text(Path(path), path)
    lines = [(number, line.strip()) for number, line in enumerate(text.split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    if not lines:
        raise InputError("no database; write one connection string a line, or [[target]] tables of TOML", place=file)
    is_toml = lines[0][1].startswith("[")
    entries = _from_toml(text, file) if is_toml else tuple(TargetEntry(line, place=Place(file, n)) for n, line in lines)
    return require_different(entries, schema)


def require_different(entries: Sequence[TargetEntry], schema: str) -> tuple[TargetEntry, ...]:
    """Return the entries; `schema` is that of an entry without. Raise InputError when one is there twice."""
    seen: dict[tuple[str | None, str], TargetEntry] = {}
    for entry in entries:
        first = seen.setdefault((entry.dsn, entry.schema or schema), entry)
        if first is not entry:
            raise InputError(f"the same database as {first.place}; remove one of them", place=entry.place)
    return tuple(entries)


def _from_toml(text: str, file: str) -> tuple[TargetEntry, ...]:
    try:
        tables = msgspec.convert(tomllib.loads(text), TargetsFile).target
    except (ValueError, RecursionError) as error:
        what = str(error) if isinstance(error, ValueError) else "too deeply nested"
        hint = Hint("a target is [[target]] with dsn, and if need be name and schema")
        raise InputError(f"not a list of targets: {what}", place=file, notes=(hint,)) from None
    return tuple(_entry(table, Place(file, key=f"target[{number}]")) for number, table in enumerate(tables))


def _entry(table: TargetTable, place: Place) -> TargetEntry:
    if table.schema is not None:
        check_name(table.schema, place.below(".schema"))
    if table.name is not None and not table.name.isprintable():
        raise InputError(
            f"a name is printable text in one line, not {shown_value(table.name)}", place=place.below(".name")
        )
    return TargetEntry(table.dsn, table.name, table.schema, place)
