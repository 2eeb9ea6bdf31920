"""Every error that a user can meet.

RunnerError                  one message for a person, and the exit code
├── InputError               (2)   manifest, template, mapping file, SQL file or option; found without a server
└── DatabaseError            (1)   whatever a server, a network or a permission caused
    ├── ConnectError         (1)   no usable connection
    ├── ConnectionLostError  (1)   the connection was lost in the middle of a run
    ├── StatementError       (1)   a statement failed; carries what the server said
    ├── FindingsError        (1)   a run has ended, and not as declared; only for programs, in library.py
    └── InterruptError  (130, 143) SIGINT or SIGTERM came; tells what was done
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from pathlib import Path
from signal import SIGTERM
from typing import Any, Self

from msgspec import Struct

from runner.wording import shown

_SECRET = re.compile(
    r"""
    (?P<url> postgres(?:ql)?:/+[^\s:/@]*: ) \S+
    | (?P<key> password\s*=\s* ) (?: ''[^']*'' | '(?:[^'\\]|\\.)*' | \S+ )  # of a connection string, also in a literal
    | (?P<user> \b\w+: ) (?!//) \S{1,200} (?=@)  # of a URL of another kind
    | (?P<word> password (?: \s | /\*.*?\*/ | --[^\n]*\n )* )  # of SQL; the literal may be cut off
      (?:
        e'(?:[^'\\]|\\.|'')*(?:'|\Z)
        | ''[^']+''
        | (?:u&)?'(?:[^']|'')*(?:'|\Z)
        | \$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)
      )
    """,
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
"""A password in a connection string, which may be where none is expected and is shown as the wrong value, or in SQL."""
_SIGNS = ("password", "@", "postgres")
"""What each of these has."""


class Place(str):
    """Where something is: a file, an option or a variable by its name, and in a file its line or a key.

    As text: `FILE`, `FILE:LINE` or `FILE: key.path`.
    """

    __slots__ = ("file", "key", "line")
    file: str
    line: int | None
    key: str

    def __new__(cls, file: str, line: int | None = None, *, key: str = "") -> Self:
        """Put the text together."""
        place = super().__new__(cls, f"{file}:{line}" if line else f"{file}: {key}" if key else file)
        place.file, place.line, place.key = file, line, key
        return place

    def below(self, step: str) -> Place:
        """Return the place of what is below the key, as `.name` or `[0]`."""
        return Place(self.file, key=f"{self.key}{step}")


class Hint(str):
    """A note that says what to do: `hint: …`."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Put the word before the text."""
        seen = shown(without_passwords(text))
        hint = super().__new__(cls, f"hint: {seen}")
        hint.text = seen
        return hint

    def __getnewargs__(self) -> tuple[str]:
        """Take the text alone when another process makes it again."""
        return (self.text,)


class RunnerError(Exception):
    """Say what is wrong, where, and what to do about it.

    A name alone is a `place`, too; `column` is that of the line, from 1, where it is known. The message and each note
    is a line, whatever they name, and holds no password.
    """

    exit_code = 1

    def __init__(
        self, message: str, *, place: str = "", notes: tuple[str, ...] = (), column: int | None = None
    ) -> None:
        self.message = _as_line(message)
        super().__init__(self.message)
        self.column = column
        known = place if isinstance(place, Place) else Place(place)
        self.place = Place(_as_line(known.file), known.line, key=_as_line(known.key))
        self.notes = tuple(note if isinstance(note, Hint) else _as_line(note) for note in notes)

    @property
    def line(self) -> int | None:
        """The line in the file that `place` names."""
        return self.place.line

    @property
    def lines(self) -> tuple[str, ...]:
        """What a person reads: where and what, and the notes below it."""
        head = f"{self.place}: {self.message}" if self.place else self.message
        return (head, *(f"  {note}" for note in self.notes))

    def __str__(self) -> str:
        return "\n".join(self.lines)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let another process have it, whatever its class takes to make one."""
        return _again, (type(self), self.args, vars(self))


def _again(kind: type[RunnerError], args: tuple[Any, ...], known: Mapping[str, Any]) -> RunnerError:
    error = kind.__new__(kind, *args)
    vars(error).update(known)
    return error


def _as_line(text: str) -> str:
    return shown(without_passwords(text))


def without_passwords(text: str) -> str:
    """Return a text without what looks like a password in it; it has as many lines."""
    folded = text.casefold()  # a search for plain words takes a hundredth of the time
    return _SECRET.sub(_hidden, text) if any(sign in folded for sign in _SIGNS) else text


def _hidden(found: re.Match[str]) -> str:
    before = found["url"] or found["key"] or found["user"] or found["word"]
    return f"{before}***" + "\n" * found[0][len(before) :].count("\n")


class InputError(RunnerError):
    """Something that can be known to be wrong without a server."""

    exit_code = 2


class DatabaseError(RunnerError):
    """Something that the server, the network or a permission caused."""


class ConnectError(DatabaseError):
    """No usable connection could be had."""


class ConnectionLostError(DatabaseError):
    """The connection was lost in the middle of a run; what was not committed is rolled back."""

    def __init__(self, reason: str, *, place: str = "") -> None:
        super().__init__(f"the connection was lost: {reason}", place=place)


class InterruptError(DatabaseError):
    """The run was asked to stop by a signal; what was running is rolled back."""

    def __init__(self, number: int, *, notes: tuple[str, ...] = ()) -> None:
        word = "terminated" if number == SIGTERM else "interrupted"
        super().__init__(f"{word}; the open transaction is rolled back", notes=notes)
        self.exit_code = 128 + number


class ServerMessage(Struct, frozen=True):
    """What a server says of a failed statement."""

    message: str
    sqlstate: str | None = None
    detail: str | None = None
    hint: str | None = None
    context: str | None = None


class StatementError(DatabaseError):
    """A statement failed on the server."""

    def __init__(
        self,
        server: ServerMessage,
        *,
        place: str,
        excerpt: tuple[str, ...] = (),
        notes: tuple[str, ...] = (),
        column: int | None = None,
    ) -> None:
        code = f" [{server.sqlstate}]" if server.sqlstate else ""
        said = {"detail": server.detail, "hint": server.hint, "context": server.context}
        told = tuple(line for name, text in said.items() if text for line in _told(name, text))
        super().__init__(f"{server.message}{code}", place=place, notes=excerpt + told + notes, column=column)
        self.server = server


def _told(name: str, text: str) -> Iterator[str]:
    """Return what the server says, of which it may list several things, in lines that look like no other note."""
    first, *more = without_passwords(text).split("\n")
    yield f"{name}: {first}"
    yield from (f"    {line}" for line in more)


def internal_error(error: Exception) -> RunnerError:
    """Return a defect of the runner as an error, with its place in the source."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    where = f"at {Path(last.filename).name}:{last.lineno}, in {last.name}"
    hint = Hint("this is a defect of the runner; please report it with these lines")
    return RunnerError(f"internal error: {type(error).__name__}: {error}", notes=(where, hint))
