"""Streams that people look at: colours, lines that fit and a line of progress on a terminal; elsewhere plain text."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, TextIO

from msgspec import Struct

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text


HANGING = 2
"""By how much the rest of a line that does not fit is indented."""
_NARROWEST = 20
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\t\n"}
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

    def write(self, text: str, style: str = "") -> None:
        """Write lines, in a style and wrapped on a terminal; what would control the terminal is shown as its code."""
        text = text.translate(_CONTROL)
        if not self.is_terminal:
            self.file.write(f"{text}\n")
            self.file.flush()
            return
        for row in wrapped(text.expandtabs(), self.console.width):
            self.console.print(row, style=style or None, markup=False, emoji=False, soft_wrap=True)

    def write_json(self, document: dict[str, Any], indent: int | None = None) -> None:
        """Write a JSON document, in one line unless it is to be indented."""
        is_unicode = (getattr(self.file, "encoding", None) or "").lower().replace("-", "") == "utf8"
        self.file.write(f"{json.dumps(document, ensure_ascii=not is_unicode, indent=indent)}\n")
        self.file.flush()


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
        state = Text(f"  {doing.state}" if doing.state else "", "bold")
        frame = self._frames[int(time.monotonic() * _FRAMES_PER_SECOND) % len(self._frames)]
        row = Text.assemble(frame, " ", (duration(seconds), "cyan"), doing.place)
        words = Text(f" {doing.words}" if doing.words else "", "dim")
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
