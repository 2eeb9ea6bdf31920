"""The formats whose files have an up part and a down part: dbmate, goose, node-pg-migrate."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from runner.errors import Hint, InputError
from runner.project.importing.migrations import (
    Imported,
    Migration,
    Part,
    files_in,
    made,
    plain,
    read_file,
    refuse_other,
    require_distinct,
    require_some,
    words_of,
    wrong_marker,
)
from runner.project.importing.own_transactions import Lines, numbered
from runner.project.importing.placeholders import Placeholders, merged

_VERSIONED = re.compile(r"([0-9]+)(.*)\.sql")
_DBMATE = re.compile(r"--\s*migrate:(up|down)(?:\s+(.*)|\s*)")
_GOOSE_FILE = re.compile(r"([0-9]+)_(.*)\.(sql|go)")
_GOOSE = re.compile(r"--+\s*\+goose\b\s*(.*?)\s*", re.IGNORECASE)
_ENVIRONMENT = Placeholders(
    r"\$\{ (?P<name>[A-Za-z_]\w*) (?: :?- (?P<default>[^}]*) )? \} | \$ (?P<name_alone>[A-Za-z_]\w*)"
)
_NODE = re.compile(r"\s*--[\s-]*(up|down)\s+migration", re.IGNORECASE)
_NODE_OTHER = {"js": "JavaScript", "cjs": "JavaScript", "mjs": "JavaScript", "ts": "TypeScript", "cts": "TypeScript"}
_DIGITS_OF_UTC = 17


def read_dbmate(folder: Path) -> Imported:
    """Return the migrations of dbmate. Raise InputError."""
    migrations, left_out = list[Migration](), list[str]()
    for path in files_in(folder):
        name = _VERSIONED.fullmatch(path.name)
        if not name:
            left_out.append(f"{path.name}, which is no migration")
            continue
        lines, options = _dbmate_up(numbered(read_file(path)), str(path))
        part = made(lines, plain(path))
        transaction = part.had_transaction or "transaction:false" not in options.split()
        title = words_of(name[2])
        migrations.append(Migration(name[1], title, str(path), part.text, part.lines, transaction=transaction))
    require_some(migrations, str(folder), "files like 20240131120000_name.sql")
    require_distinct(migrations, lambda each: each.version)
    return Imported("dbmate", tuple(sorted(migrations, key=lambda each: Path(each.file).name)), tuple(left_out))


def _dbmate_up(lines: Lines, file: str) -> tuple[Lines, str]:
    """Return the up part, with the comments above it, and its options."""
    marks = [(place, found) for place, (_, line) in enumerate(lines) if (found := _DBMATE.fullmatch(line))]
    ups = [(place, found[2] or "") for place, found in marks if found[1] == "up"]
    downs = [place for place, found in marks if found[1] == "down"]
    if not ups:
        raise wrong_marker("no '-- migrate:up'; dbmate begins each migration so", file, 0)
    begin, options = ups[0]
    if downs and downs[0] < begin:
        raise wrong_marker("'-- migrate:down' before '-- migrate:up'", file, lines[downs[0]][0])
    for number, line in lines[:begin]:
        if line.strip() and not line.lstrip().startswith("--"):
            raise wrong_marker("a statement before '-- migrate:up'; put it below", file, number)
    for which, repeated in (("up", [place for place, _ in ups[1:]]), ("down", downs[1:])):
        if repeated:
            raise wrong_marker(f"a second '-- migrate:{which}'", file, lines[repeated[0]][0])
    return lines[:begin] + lines[begin + 1 : downs[0] if downs else len(lines)], options


def read_goose(folder: Path) -> Imported:
    """Return the migrations of goose. Raise InputError."""
    migrations, left_out, variables = list[Migration](), list[str](), list[dict[str, str]]()
    for path in files_in(folder):
        name = _GOOSE_FILE.fullmatch(path.name)
        if not name or name[2].endswith("_test"):
            left_out.append(f"{path.name}, which is no migration")
            continue
        if name[3] == "go":
            raise refuse_other(path, "goose", "Go")
        file = _Goose(path)
        part = file.up()
        variables.append(file.variables)
        version, title, transaction = str(int(name[1])), words_of(name[2]), part.had_transaction or file.transaction
        migrations.append(Migration(version, title, str(path), part.text, part.lines, transaction=transaction))
    require_some(migrations, str(folder), "files like 00001_name.sql")
    require_distinct(migrations, lambda each: each.version)
    ordered = tuple(sorted(migrations, key=lambda each: int(each.version)))
    return Imported("goose", ordered, tuple(left_out), merged(variables))


def _as_is(text: str, _first: int) -> str:
    return text


class _Goose:
    """A file of goose, read line by line as goose reads it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = str(path)
        self.lines = numbered(read_file(path))
        self.transaction = True
        self.variables: dict[str, str] = {}
        self._part = ""
        self._begun = 0
        self._replaces = False

    def up(self) -> Part:
        """Return the up part, with the comments above it."""
        pieces = list[tuple[bool, Lines]]()
        for number, line in self._kept():
            if not pieces or pieces[-1][0] != self._replaces:
                pieces.append((self._replaces, []))
            pieces[-1][1].append((number, line))
        if self._begun:
            raise wrong_marker("'-- +goose StatementBegin' without its StatementEnd", self.file, self._begun)
        if not self._part:
            raise wrong_marker("no '-- +goose Up'; goose begins each migration so", self.file, 0)
        if not any(replaces for replaces, _ in pieces):
            return made([line for _, lines in pieces for line in lines], plain(self.path))
        return made([line for replaces, lines in pieces for line in self._templates(lines, replaces=replaces)], _as_is)

    def _templates(self, lines: Lines, *, replaces: bool) -> Lines:
        """Return lines of a template, in which variables of the environment are replaced, or not."""
        text, first = "\n".join(line for _, line in lines), lines[0][0]
        if replaces:
            text, names = _ENVIRONMENT.substitute(text, self.file, first)
            self.variables |= names
        else:
            text = plain(self.path)(text, first)
        return list(zip((number for number, _ in lines), text.split("\n"), strict=True))

    def _kept(self) -> Iterator[tuple[int, str]]:
        for number, line in self.lines:
            marker = _GOOSE.fullmatch(line)
            if marker:
                self._mark(marker[1].lower(), number)
            elif self._part == "up":
                yield number, line
            elif not self._part and line.strip():
                if not line.lstrip().startswith("--"):
                    raise wrong_marker("a statement before '-- +goose Up'; put it below", self.file, number)
                yield number, line

    def _mark(self, word: str, number: int) -> None:
        place = (self.file, number)
        if word in ("up", "down"):
            if self._part and (word == "up" or self._part == "down"):
                raise wrong_marker(f"a second '-- +goose {word.title()}'", *place)
            if self._begun or (word == "down" and not self._part):
                what = "before '-- +goose Up'" if not self._part else "before '-- +goose StatementEnd'"
                raise wrong_marker(f"'-- +goose {word.title()}' {what}", *place)
            self._part = word
        elif word == "statementbegin":
            if not self._part or self._begun:
                what = "before '-- +goose Up'" if not self._part else "inside another one"
                raise wrong_marker(f"'-- +goose StatementBegin' {what}", *place)
            self._begun = number
        elif word == "statementend":
            if not self._begun:
                raise wrong_marker("'-- +goose StatementEnd' without its StatementBegin", *place)
            self._begun = 0
        elif word == "no transaction":
            self.transaction = False
        elif word in ("envsub on", "envsub off", "envsubst on", "envsubst off"):
            self._replaces = word.endswith("on")
        else:
            raise wrong_marker(f"{word!r} is no marker of goose", *place)


def read_node(folder: Path) -> Imported:
    """Return the migrations of node-pg-migrate. Raise InputError."""
    paths = {path.name: path for path in files_in(folder)}
    migrations, left_out = list[Migration](), list[str]()
    for name, path in paths.items():
        stem, _, extension = name.rpartition(".")
        if language := _NODE_OTHER.get(extension):
            raise refuse_other(path, "node-pg-migrate", language)
        if extension != "sql" or (stem.endswith(".down") and f"{stem[:-5]}.up.sql" in paths):
            left_out += [f"{name}, which is no migration"] if extension != "sql" else []
            continue
        if stem.endswith(".down"):
            hint = Hint(f"write {stem[:-5]}.up.sql, or remove it")
            raise InputError("a down part without its up part", place=str(path), notes=(hint,))
        lines = numbered(read_file(path))
        version = stem.removesuffix(".up")
        part = made(lines if stem != version else _node_up(lines, str(path)), plain(path))
        title = words_of(re.sub(r"^[0-9]+", "", version)) or version
        migrations.append(Migration(version, title, str(path), part.text, part.lines))
    require_some(migrations, str(folder), "files like 1700000000000_name.sql")
    require_distinct(migrations, lambda each: each.version)
    return Imported("node-pg-migrate", tuple(sorted(migrations, key=_node_order)), tuple(left_out))


def _node_up(lines: Lines, file: str) -> Lines:
    """Return the up part: between the markers, or all where there is none."""
    marks = [(place, found[1].lower()) for place, (_, line) in enumerate(lines) if (found := _NODE.match(line))]
    ups = [place for place, word in marks if word == "up"]
    downs = [place for place, word in marks if word == "down"]
    for word, places in (("Up", ups), ("Down", downs)):
        if len(places) > 1:
            raise wrong_marker(f"a second '-- {word} Migration'", file, lines[places[1]][0])
    if downs and not ups:
        raise wrong_marker("'-- Down Migration' without '-- Up Migration'", file, lines[downs[0]][0])
    if not ups:
        return lines
    if downs and downs[0] < ups[0]:
        return lines[ups[0] + 1 :]
    for number, line in lines[: ups[0]]:
        if line.strip() and not line.lstrip().startswith("--"):
            raise wrong_marker("a statement before '-- Up Migration'; put it below", file, number)
    return lines[: ups[0]] + lines[ups[0] + 1 : downs[0] if downs else len(lines)]


def _node_order(migration: Migration) -> tuple[int, str]:
    """Return what the tool sorts by: a number, or a time of 17 digits as the number of its milliseconds."""
    digits = re.match(r"[0-9]*", migration.version)
    number = digits[0] if digits else ""
    if len(number) != _DIGITS_OF_UTC:
        return int(number or 0), migration.version
    try:
        at = datetime.strptime(number[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return int(number), migration.version
    return int(at.timestamp()) * 1000 + int(number[14:]), migration.version
