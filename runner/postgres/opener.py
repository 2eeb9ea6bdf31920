"""Open connections to one target, as commands, programs and members of a fleet do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from runner.errors import DatabaseError, InterruptError
from runner.postgres.cancellation import Cancellation
from runner.postgres.connection import connect_to
from runner.postgres.session import cancel
from runner.postgres.target import Say, Target
from runner.project.manifest import Manifest

if TYPE_CHECKING:
    from psycopg import Connection

Notice = Callable[[str, str], None]
"""Takes the severity and the message of what the server says in passing."""


class Opener(Struct, frozen=True):
    """How a target is connected to; `wait` is for how many seconds a server may be starting.

    With `stop`, what runs on the connection is cancelled when it is asked to stop.
    """

    target: Target
    manifest: Manifest
    wait: float
    say: Say
    notice: Notice | None = None
    stop: Cancellation | None = None

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """Yield a connection. Raise DatabaseError, or InterruptError when it was asked to stop."""
        try:
            with connect_to(self.target, self.manifest, self.wait, self.say) as opened, ExitStack() as stack:
                self._watch(opened, stack)
                self._raise_if_asked()
                yield opened
                self._raise_if_asked()
        except InterruptError:
            raise
        except DatabaseError:
            self._raise_if_asked()
            raise

    def _watch(self, connection: Connection[Any], stack: ExitStack) -> None:
        if notice := self.notice:
            connection.add_notice_handler(
                lambda said: notice(said.severity_nonlocalized or "", said.message_primary or "")
            )
        if self.stop:
            stack.enter_context(self.stop.cancels(lambda: cancel(connection)))
            stack.enter_context(self.stop.cancellable())

    def _raise_if_asked(self) -> None:
        if self.stop:
            self.stop.raise_if_asked()
