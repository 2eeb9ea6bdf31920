"""Being asked to stop: the running statement is cancelled on the server, and nothing more is begun."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stop:
    """Whether a run was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.cancel: Callable[[], object] | None = None
        """Cancels what runs on the server; set while something is sent there."""
        self._asked = threading.Event()

    @property
    def asked(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._asked.is_set()

    def ask(self, number: int) -> None:
        """Ask the run to stop; what runs on the server is cancelled meanwhile."""
        self.signal = number
        self._asked.set()
        if self.cancel:
            threading.Thread(target=self.cancel, daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Wait, and no longer than until it is asked to stop."""
        self._asked.wait(seconds)

    @contextmanager
    def on_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM for the question while something is sent; a second one ends the program at once."""
        before = {number: signal.getsignal(number) for number in SIGNALS}

        def restore() -> None:
            for number, handler in before.items():
                signal.signal(number, handler)

        def ask(number: int, frame: FrameType | None) -> None:
            restore()
            handler = before[signal.Signals(number)]
            if self.cancel is None and callable(handler):
                handler(number, frame)
            self.ask(number)

        for number in SIGNALS:
            signal.signal(number, ask)
        try:
            yield
        finally:
            restore()
