"""A server that is always faster than the runner: what a statement of a pipeline is answered comes while it is sent."""

from __future__ import annotations

from typing import Any, Self

from psycopg import Cursor


class EarlyCursor(Cursor[Any]):
    """A cursor that has its answer, or raises its error, before `execute` returns, in a pipeline too."""

    def execute(self, *arguments: Any, **options: Any) -> Self:
        """Send a statement and wait: the end of a pipeline within another one waits for all answers."""
        with self.connection.pipeline():
            return super().execute(*arguments, **options)
