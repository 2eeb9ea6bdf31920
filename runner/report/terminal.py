"""Streams that people look at: colours, lines that fit and a line of progress on a terminal; elsewhere plain text."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from msgspec import Struct

from runner.errors import without_passwords
from runner.report.line import Line
from runner.wording import shown

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


HANGING = 2
"""By how much the rest of a line that does not fit is indented."""
_NARROWEST = 20
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#(?:\[|vso\[))")
"""What the machines that run workflows take for a command to them, wherever the line comes from."""
_FRAMES_PER_SECOND = 8


class Stream:
    """A stream for lines of text, whatever it leads to."""

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.is_terminal = file.isatty()
        self.can_draw = self.is_terminal and os.environ.get("TERM", "").lower() not in ("dumb", "unknown")

    @cached_property
    def console(self) -> Console:
        """What draws on a terminal; it is loaded when something is drawn."""
        from rich.console import Console

        return Console(file=self.file, highlight=False)

    def write(self, line: Line) -> None:
        """Write a line, in its style and wrapped on a terminal; each of its texts is one line, whatever is in it."""
        texts = map(shown, line.texts) if line.is_command else map(harmless, line.texts)
        text = "\n".join(texts)
        if not self.is_terminal:
            self.file.write(f"{text}\n")
            self.file.flush()
            return
        for row in wrapped(text.expandtabs(), self.console.width):
            self.console.print(row, style=line.style or None, markup=False, emoji=False, soft_wrap=True)

    def write_file(self, text: str) -> None:
        """Write a file as it is; to a terminal, so that nothing in it controls or deceives."""
        self.file.write("\n".join(map(shown, text.split("\n"))) if self.is_terminal else text)

    def write_json(self, document: dict[str, Any], indent: int | None = None) -> None:
        """Write a JSON document, in one line unless it is to be indented."""
        is_unicode = (getattr(self.file, "encoding", None) or "").lower().replace("-", "") == "utf8"
        text = json.dumps(document, ensure_ascii=not is_unicode, indent=indent)
        self.file.write(f"{_seen_in_json(text)}\n")
        self.file.flush()


def harmless(text: str) -> str:
    """Return a text as one line that people see all of, and that is no command to what runs a workflow."""
    return _COMMAND.sub(lambda found: f"{found[1] or ''}\\x{ord(found[0][-1]):02x}", shown(without_passwords(text)))


def _seen_in_json(text: str) -> str:
    """Return JSON that a program reads alike, without what cannot be seen, and without commands."""
    text = _COMMAND.sub(lambda found: f"{found[1] or ''}\\u{ord(found[0][-1]):04x}", text)
    if text.isprintable():
        return text
    return "".join(char if char == "\n" or shown(char) == char else _in_json(char) for char in text)


def _in_json(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[place : place + 4]}" for place in range(0, len(units), 4))


def wrapped(text: str, width: int) -> Iterator[str]:
    """Return lines that fit, none of them cut; a caret stays below its character."""
    above: str | None = None
    for line in text.split("\n"):
        if above is not None and line.strip() == "^":
            yield from _folded(above, line.index("^"), width)
            above = None
            continue
        if above is not None:
            yield from _filled(above, width)
        above = line
    if above is not None:
        yield from _filled(above, width)


def _filled(line: str, width: int) -> Iterator[str]:
    """Return a line in rows, broken between words."""
    from rich.cells import cell_len
    from rich.console import Console
    from rich.text import Text

    body = line.lstrip(" ")
    first = " " * min(len(line) - len(body), max(width - _NARROWEST, 0))
    if cell_len(line) <= width:
        yield line
        return
    rest = first + " " * HANGING
    room = max(width - len(rest), 1)
    for number, row in enumerate(Text(body).wrap(Console(width=room), room, overflow="fold")):
        yield f"{rest if number else first}{row.plain}".rstrip()


def _folded(line: str, caret: int, width: int) -> Iterator[str]:
    """Return a line in rows, broken wherever they are full, with a caret below one of its characters."""
    from rich.cells import cell_len, chop_cells

    rest = " " * (len(line) - len(line.lstrip(" ")) + HANGING)
    first, *more = chop_cells(line, width) or [""]
    rows = [first, *chop_cells("".join(more), max(width - len(rest), 1))]
    start = 0
    for number, row in enumerate(rows):
        indent = rest if number else ""
        yield f"{indent}{row}"
        end = start + len(row)
        if start <= caret < end or (row is rows[-1] and caret >= end):
            before = row[: caret - start]
            yield " " * (len(indent) + cell_len(before) + max(caret - end, 0)) + "^"
        start = end


class Doing(Struct, frozen=True):
    """What is going on: where, since when on the monotonic clock, its words, which are cut to fit, how far it is."""

    place: str
    since: float
    words: str = ""
    state: str = ""


class Drawing:
    """The line of progress at the bottom of a terminal, which is erased at the end."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self.console = console
        self.doing = Doing("", time.monotonic())
        self._frames = "-\\|/" if console.options.ascii_only else "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
        self._live = Live(
            console=console,
            get_renderable=self._row,
            refresh_per_second=_FRAMES_PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Draw while the block runs."""
        with self._live:
            yield

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Draw nothing while the block runs: it writes to another stream, which may lead to the same terminal."""
        self._live.stop()
        try:
            yield
        finally:
            self._live.start()

    def _row(self) -> Text:
        from rich.text import Text

        doing, width = self.doing, self.console.width - 1
        seconds = time.monotonic() - doing.since
        state = Text(f"  {shown(doing.state)}" if doing.state else "", "bold")
        frame = self._frames[int(time.monotonic() * _FRAMES_PER_SECOND) % len(self._frames)]
        row = Text.assemble(frame, " ", (duration(seconds), "cyan"), shown(doing.place))
        words = Text(f" {shown(doing.words)}" if doing.words else "", "dim")
        words.truncate(max(width - row.cell_len - state.cell_len, 0), overflow="ellipsis")
        row.append_text(words).append_text(state)
        row.truncate(width, overflow="ellipsis")
        row.no_wrap = True
        return row


def duration(seconds: float) -> str:
    """Return how long something takes already, before what it is; nothing in its first second."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02} min "
    if minutes:
        return f"{minutes} min {rest:02} s "
    return f"{rest} s " if rest else ""
