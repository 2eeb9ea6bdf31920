"""Being asked to stop: the running statement is cancelled on the server, and nothing more is begun."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from runner.errors import InterruptError

SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PAUSE = 0.2


class Cancellation:
    """Whether a run was asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.cancel: Callable[[], object] | None = None
        """Cancels what runs on the server; set while there may be something that does."""
        self._asked = threading.Event()
        self._may_cancel = False

    @property
    def asked(self) -> bool:
        """Whether nothing more is to be begun."""
        return self._asked.is_set()

    def ask(self, number: int) -> None:
        """Ask the run to stop; what may be cancelled on the server is, from now on."""
        self.signal = number
        self._asked.set()
        threading.Thread(target=self._cancel, daemon=True).start()

    def raise_if_asked(self) -> None:
        """Raise InterruptError when nothing more is to be begun."""
        if self.signal is not None:
            raise InterruptError(self.signal)

    @contextmanager
    def cancels(self, cancel: Callable[[], object]) -> Iterator[None]:
        """Take `cancel` for what is sent in the block and is cancellable."""
        before = self.cancel, self._may_cancel
        self.cancel, self._may_cancel = cancel, False
        try:
            yield
        finally:
            self.cancel, self._may_cancel = before

    @contextmanager
    def cancellable(self) -> Iterator[None]:
        """Let what is sent in the block be cancelled."""
        before, self._may_cancel = self._may_cancel, True
        try:
            yield
        finally:
            self._may_cancel = before

    def _cancel(self) -> None:
        """Cancel again and again: the signal may come a moment before a statement does."""
        while cancel := self.cancel:
            if self._may_cancel:
                cancel()
            time.sleep(_PAUSE)

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
            self.ask(number)
            if self.cancel is None and callable(handler):
                handler(number, frame)

        for number in SIGNALS:
            signal.signal(number, ask)
        try:
            yield
        finally:
            restore()
