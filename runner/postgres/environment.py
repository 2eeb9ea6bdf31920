"""The variables that name a database: of the environment, and of a file beside the manifest."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from io import StringIO
from pathlib import Path

from runner.errors import InputError, Place
from runner.project.input_files import read_text

FILE = ".env"
URL = "DATABASE_URL"
LIBPQ = ("PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE")
SERVICE = {"DB_HOST": "host", "DB_PORT": "port", "DB_NAME": "dbname", "DB_USER": "user", "DB_PASSWORD": "password"}
_NAMING = ((URL,), LIBPQ, ("DB_HOST", "DB_NAME"))
"""What names a database, in the order in which it is looked for."""
_READ = re.compile(r"DATABASE_URL|DB_(?:HOST|PORT|NAME|USER|PASSWORD)|PG[A-Z]+")
"""What is taken from a file; other programs have theirs in it, and psql's would run commands."""


def load_env_file(file: Path | None, folder: Path) -> None:
    """Set the variables of a file, without one of `.env` in the folder; the environment goes before it.

    Raise InputError for a file that cannot be read.
    """
    path = file or folder / FILE
    if file or path.is_file():
        os.environ.update(_added(_read(path), os.environ))


def _added(found: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return what the environment lacks, without what would name another database than it does."""
    named = [any(environment.get(name) for name in names) for names in _NAMING]
    before = _NAMING[: named.index(True)] if any(named) else ()
    other = {name for names in before for name in names}
    return {
        name: value
        for name, value in found.items()
        if _READ.fullmatch(name) and name not in environment and name not in other
    }


def _read(path: Path) -> dict[str, str]:
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    text = read_text(path, str(path))
    for binding in parse_stream(StringIO(text)):
        value = binding.value or ""
        if binding.error or "\0" in value:
            skipped = len(binding.original.string) - len(binding.original.string.lstrip())
            line = binding.original.line + binding.original.string[:skipped].count("\n")
            raise InputError("expected NAME=value, with quotes around spaces and #", place=Place(str(path), line))
    return {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}
