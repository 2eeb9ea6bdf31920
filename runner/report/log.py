"""What goes on, told on stderr: lines, with a time where no terminal shows them, or JSON for a collector."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from runner.errors import without_passwords
from runner.report.line import Line
from runner.report.terminal import Stream

Level = Literal["info", "warning", "error"]
LogFormat = Literal["text", "json"]


class Event(Struct, frozen=True):
    """Something that is told; the fields are JSON-ready."""

    level: Level
    message: str
    fields: Mapping[str, Any] = {}


class Log:
    """Writes events to a stream."""

    def __init__(self, stream: Stream, log_format: LogFormat) -> None:
        self.stream = stream
        self.as_json = log_format == "json"

    def write(self, event: Event, style: str = "") -> None:
        """Write an event; as text, its fields are left out, and an error has no time before it."""
        if self.as_json:
            head = {"time": now(), "level": event.level, "message": without_passwords(event.message)}
            self.stream.write_json(head | dict(event.fields))
            return
        word = "" if event.level == "info" else f"{event.level}: "
        time = "" if event.level == "error" or self.stream.is_terminal else f"{now()} "
        self.stream.write(Line(f"{time}{word}{event.message}", style))


def now() -> str:
    """Return the time of the clock, to the second, with its offset."""
    return datetime.now().astimezone().isoformat(timespec="seconds")
