"""What is known of migrations of another tool, whichever it is, and how their files are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from runner.errors import Hint, InputError, Place
from runner.project.importing.own_transactions import Lines, unwrapped
from runner.project.input_files import read_text
from runner.project.manifest import RunMode
from runner.project.raw_text import as_template


class Migration(Struct, frozen=True):
    """What one migration does: a template, of which each line has its number in the file that it comes from."""

    version: str
    title: str
    file: str
    text: str
    lines: tuple[int, ...]
    run: RunMode = "once"
    transaction: bool | None = True
    """None where the tool looks at the statements, as `needs_no_transaction` does."""
    checksum: str = ""
    """What the ledger of the tool has to know it by, where that keeps one."""


class Imported(Struct, frozen=True):
    """The migrations in their order, what is left out, in words, and the values of placeholders by variable.

    `defaults` are stand-ins for values that are not known, which are empty.
    """

    tool: str
    migrations: tuple[Migration, ...]
    left_out: tuple[str, ...] = ()
    variables: Mapping[str, str] = {}
    project: str = ""
    """What the tool calls it, where its ledger has several."""
    parents: Mapping[str, tuple[str, ...]] = {}
    """By version, those that it comes after, where these are no line."""

    @property
    def unset(self) -> tuple[str, ...]:
        """The variables that have no value."""
        return tuple(name for name, value in self.variables.items() if not value)


class Part(NamedTuple):
    """Lines of a file as a template, their numbers, and whether they had a transaction of their own around them."""

    text: str
    lines: tuple[int, ...]
    had_transaction: bool


def made(lines: Lines, template: Callable[[str, int], str]) -> Part:
    """Return lines as a template, without empty ones around them and without a transaction of all of them.

    `template` makes one of a text and the number of its first line.
    """
    lines, had_transaction = unwrapped(lines)
    kept = [bool(line.strip()) for _, line in lines]
    if not any(kept):
        return Part("", (), had_transaction)
    inner = lines[kept.index(True) : len(kept) - kept[::-1].index(True)]
    text = template("\n".join(line for _, line in inner), inner[0][0])
    return Part(f"{text}\n", tuple(number for number, _ in inner), had_transaction)


def plain(path: Path) -> Callable[[str, int], str]:
    """Return what makes a template of text of a file that has no placeholders."""
    return lambda text, first: as_template(text, Place(str(path), first))


def files_in(folder: Path, *, below: bool = False) -> list[Path]:
    """Return the files of a folder that are not hidden, in the order of their names. Raise InputError."""
    try:
        if not folder.is_dir():
            what = "it is a file" if folder.exists() else "it does not exist"
            raise InputError(f"expected a folder of migrations; {what}", place=str(folder))
        found = sorted(folder.rglob("*") if below else folder.iterdir())
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(folder)) from error
    return [path for path in found if path.is_file() and not _is_hidden(path.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def read_file(path: Path) -> str:
    """Return the text of a file, which errors call as the user does. Raise InputError."""
    return read_text(path, str(path))


def require_some(found: Sequence[object], place: str, expected: str) -> None:
    """Raise InputError where there is no migration."""
    if not found:
        raise InputError(f"no migration; expected {expected}", place=place)


def require_distinct(migrations: Iterable[Migration], key: Callable[[Migration], object]) -> None:
    """Raise InputError for the second file of a version."""
    seen: dict[object, Migration] = {}
    for migration in migrations:
        other = seen.setdefault(key(migration), migration)
        if other is not migration:
            hint = Hint("remove one of them, or give it another version")
            raise InputError(
                f"version {migration.version} is also that of {other.file}", place=migration.file, notes=(hint,)
            )


def refuse_other(path: Path, tool: str, language: str) -> InputError:
    """Return the error for a migration that is no SQL."""
    hint = Hint(f"write what it does as SQL, in a migration of {tool} with the same version, and remove this one")
    return InputError(f"a migration in {language}; only SQL can be imported", place=str(path), notes=(hint,))


def wrong_marker(message: str, file: str, line: int) -> InputError:
    """Return the error for a marker that is missing or in the wrong place."""
    return InputError(message, place=Place(file, line) if line else file)


def words_of(text: str) -> str:
    """Return the part of a file's name that says what it does, as words."""
    return re.sub(r"[\W_]+", " ", text).strip()
