"""The schema of a database as pg_dump writes it, one entry for each object, so that two can be compared."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping, Sequence

from msgspec import Struct

from runner.errors import RunnerError
from runner.postgres.client_programs import connection_of, find_program
from runner.postgres.target import Target

_HEAD = re.compile(r"^-- (?:Data for )?Name: (.*); Type: (.*); Schema: (.*); Owner: .*$", re.MULTILINE)
_NAME_OF_NOT_NULL = re.compile(r' CONSTRAINT (?:"(?:[^"]|"")+"|\w+) NOT NULL')
_LONGEST = 300
"""Seconds after which it hangs."""


class Dump(Struct, frozen=True):
    """What pg_dump writes: the lines of each object, by its kind and name; or why there is nothing."""

    entries: Mapping[str, Sequence[str]]
    reason: str = ""


def dump_schema(target: Target, without: Sequence[tuple[str, str]]) -> Dump:
    """Return the schema, but for some tables, which are schemas and names."""
    left_out = [f"--exclude-table={_pattern(schema)}.{_pattern(name)}" for schema, name in without]
    try:
        return Dump(_entries(dumped_schema(target, left_out)))
    except RunnerError as error:
        return Dump({}, error.message)


def dumped_schema(target: Target, options: Sequence[str] = ()) -> str:
    """Return what pg_dump writes of the schema. Raise RunnerError."""
    program = find_program("pg_dump")
    if program is None:
        raise RunnerError("not installed")
    with connection_of(target) as (database, environment):
        dumped = subprocess.run(  # noqa: S603  no shell
            [program, "--schema-only", *options, database],
            check=False,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment | {"LC_ALL": "C"},
            timeout=_LONGEST,
        )
    if dumped.returncode:
        raise RunnerError(target.redacted(dumped.stderr.strip().split("\n")[-1]))
    return dumped.stdout


def _pattern(name: str) -> str:
    """Return a name as pg_dump's patterns have it."""
    return '"' + name.replace('"', '""') + '"'


def _entries(text: str) -> dict[str, Sequence[str]]:
    """Return the lines of each object, sorted: the order of columns cannot be changed in a table that is there.

    The names that PostgreSQL has chosen for NOT NULL constraints do not count.
    """
    _, *parts = _HEAD.split(text)
    entries: dict[str, Sequence[str]] = {}
    for name, kind, schema, body in zip(parts[::4], parts[1::4], parts[2::4], parts[3::4], strict=True):
        known = _NAME_OF_NOT_NULL.sub(" NOT NULL", body)
        lines = [line.removesuffix(",") for line in known.splitlines() if line and not line.startswith(("--", "\\"))]
        entries[f"{kind} {'' if schema == '-' else schema + '.'}{name}"] = sorted(lines)
    return entries


def renamed(dump: Dump, names: Mapping[str, str]) -> Dump:
    """Return a dump in which some names are others, as they are written in SQL."""
    if not names:
        return dump
    pattern = re.compile(r"(?<![\w\"])(?:" + "|".join(re.escape(each) for each in names) + r")(?![\w\"])")

    def other(text: str) -> str:
        return pattern.sub(lambda found: names[found[0]], text)

    return Dump({other(head): sorted(map(other, lines)) for head, lines in dump.entries.items()}, dump.reason)
