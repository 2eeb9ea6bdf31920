"""The runner on a pseudo-terminal, and a small screen that shows what a person sees in the end."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.cells import cell_len, get_character_cell_size

from tests.support.projects import runner_environment
from tests.support.runs import runner_command

ESCAPE = re.compile(r"\x1b\[(?P<arguments>[0-9;?]*)(?P<command>[A-Za-z])")
_COLOUR = re.compile(r"(?:[0-9]+;)*(?:3[0-8]|9[0-7])(?:;[0-9]+)*")


class Screen:
    """Interprets what a program writes: line feeds, carriage returns, and the codes that a drawn line needs.

    It is as wide as it has to be: a line that is too long for the terminal can be found.
    """

    def __init__(self) -> None:
        self.rows: list[list[str]] = [[]]
        self.row = 0
        self.cell = 0
        self.has_colours = False
        self.moves_cursor = False
        self.is_cursor_hidden = False
        self._rest = ""

    @property
    def lines(self) -> list[str]:
        """The lines that are shown, without what is blank at their ends."""
        return ["".join(row).rstrip() for row in self.rows]

    def feed(self, written: str) -> None:
        """Show what is written; a code may come in two pieces."""
        text, place = self._rest + written, 0
        self._rest = ""
        while place < len(text):
            if text[place] == "\x1b":
                found = ESCAPE.match(text, place)
                if found is None:
                    assert re.fullmatch(r"\x1b(\[[0-9;?]*)?", text[place:]), text[place:]
                    self._rest = text[place:]
                    return
                self._control(found["command"], found["arguments"])
                place = found.end()
            else:
                self._write(text[place])
                place += 1

    def _write(self, character: str) -> None:
        if character == "\r":
            self.cell = 0
        elif character == "\n":
            self.row, self.cell = self.row + 1, 0
            self.rows += [[]] * (self.row == len(self.rows))
        else:
            assert character.isprintable(), repr(character)
            row, width = self.rows[self.row], get_character_cell_size(character)
            row += [" "] * (self.cell - len(row))
            row[self.cell : self.cell + width] = [character, *[""] * (width - 1)]
            self.cell += width

    def _control(self, command: str, arguments: str) -> None:
        self.moves_cursor |= command != "m"
        if command == "m":
            self.has_colours |= bool(_COLOUR.fullmatch(arguments))
        elif command == "A":
            self.row = max(self.row - int(arguments or 1), 0)
        elif command == "K" and arguments == "2":
            self.rows[self.row] = []
        elif (command, arguments) in (("h", "?25"), ("l", "?25")):
            self.is_cursor_hidden = command == "l"
        else:
            raise AssertionError(f"the screen does not know {arguments}{command}")


class Session:
    """The runner as it runs on a terminal."""

    def __init__(self, running: subprocess.Popen[bytes], leader: int) -> None:
        self.running = running
        self.screen = Screen()
        self.written = ""
        self._leader = leader
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def read(self) -> bool:
        """Read what is there, or wait for more; return whether there was something."""
        try:
            read = os.read(self._leader, 65_536)
        except OSError:  # all have closed it
            return False
        text = self._decoder.decode(read)
        self.written += text
        self.screen.feed(text)
        return bool(read)

    def until(self, pattern: str) -> str:
        """Read until a line matches, and return it."""
        while not (found := [line for line in self.screen.lines if re.search(pattern, line)]):
            assert self.read(), self.screen.lines
        return found[0]


@contextmanager
def on_terminal(
    *arguments: str,
    folder: Path,
    columns: int = 80,
    variables: Mapping[str, str] | None = None,
    stdout: IO[bytes] | None = None,
) -> Iterator[Session]:
    """Start the runner on a terminal, its stdout maybe elsewhere; at the end of the block it is read to its end."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    environment = runner_environment({"TERM": "xterm-256color", **(variables or {})})
    for name in ("COLUMNS", "LINES", "CI"):
        environment.pop(name, None)
    with subprocess.Popen(
        runner_command(*arguments),
        cwd=folder,
        env=environment,
        stdin=follower,
        stdout=stdout or follower,
        stderr=follower,
    ) as running:
        os.close(follower)
        session = Session(running, leader)
        try:
            yield session
            while session.read():
                pass
        finally:
            os.close(leader)


def shown_on_terminal(
    *arguments: str, folder: Path, columns: int = 80, variables: Mapping[str, str] | None = None
) -> Session:
    """Run the runner on a terminal to its end; no line is wider than it, and the cursor is there again."""
    with on_terminal(*arguments, folder=folder, columns=columns, variables=variables) as session:
        pass
    assert [line for line in session.screen.lines if cell_len(line) > columns] == []
    assert not session.screen.is_cursor_hidden
    return session
