"""Where the key that an error names is in a TOML or JSON file: its line, and a caret below it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from runner.errors import InputError
from runner.project.input_files import key_path
from runner.sql.excerpts import excerpt

FindKey = Callable[[str], Iterator[tuple[str, int]]]
"""Returns the path of each key of a text, and where it is, in characters."""
_HEADER = re.compile(r"\s*\[(\[?)\s*([^\[\]]+?)\s*\]")
_ENTRY = re.compile(r"""\s*([\w"'-][^=#\[]*?)\s*=""")
_JSON_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(?P<key>\s*:)?|[{}\[\],]')


@contextmanager
def pointing(text: str, file: str, find: FindKey) -> Iterator[None]:
    """Give an error about a key of a file, which `find` knows, the line of the key, or of the one that it is below."""
    try:
        yield
    except InputError as error:
        is_about_key = error.place.key and error.place.file == file  # and so of a text that could be read
        place = _nearest(find(text), error.place.key) if is_about_key else None
        if place is None:
            raise
        notes = (*excerpt(text, place), *error.notes)
        raise InputError(error.message, place=error.place, notes=notes) from error.__cause__


def excerpt_at(text: str, line: int, column: int) -> tuple[str, ...]:
    """Return a line of a text, and a caret below a column of it, which count from 1; nothing of an empty line."""
    lines = text.split("\n")
    if not lines[line - 1].strip():
        return ()
    return excerpt(text, sum(len(each) + 1 for each in lines[: line - 1]) + column - 1)


def place_of_error(text: str, error: Exception) -> tuple[int, int]:
    """Return the line and the column that tomllib says are wrong: behind the last line where it found the end."""
    if found := re.search(r"\(at line (\d+), column (\d+)\)$", str(error)):
        return int(found[1]), int(found[2])
    lines = text.rstrip("\n").split("\n")
    return len(lines), len(lines[-1]) + 1


def toml_keys(text: str) -> Iterator[tuple[str, int]]:
    """Return the keys and the headers of tables of a TOML text."""
    tables: Counter[str] = Counter()
    table: tuple[str | int, ...] = ()
    offset = 0
    for line in text.split("\n"):
        if header := _HEADER.match(line):
            table = _names(header[2])
            if header[1]:
                tables[header[2]] += 1
                table = (*table, tables[header[2]] - 1)
            yield key_path(*table), offset + header.start(2)
        elif entry := _ENTRY.match(line):
            yield key_path(*table, *_names(entry[1])), offset + entry.start(1)
        offset += len(line) + 1


def json_keys(text: str) -> Iterator[tuple[str, int]]:
    """Return the keys of a JSON text."""
    path: list[str | int] = []
    for token in _JSON_TOKEN.finditer(text):
        if token[0] in "{[":
            path.append("" if token[0] == "{" else 0)
        elif token[0] in "}]":
            path.pop()
        elif token[0] == "," and isinstance(path[-1], int):
            path[-1] += 1
        elif token["key"]:
            path[-1] = json.loads(text[token.start() : token.start("key")])
            yield key_path(*path), token.start()


def _names(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _nearest(keys: Iterator[tuple[str, int]], wanted: str) -> int | None:
    """Return where a key is, the last of several; else the one that it is below."""
    found = [(len(key), place) for key, place in keys if wanted == key or wanted.startswith((f"{key}.", f"{key}["))]
    return max(found)[1] if found else None
