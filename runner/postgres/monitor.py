"""A second connection, opened when something takes long: it sees what runs, how far it is, and whom it waits for."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from msgspec import Struct
from psycopg import Connection

from runner.postgres.blockers import Blocker, shortened_statement
from runner.postgres.run_lock import lock_holder
from runner.postgres.session import same_server
from runner.postgres.settings import session_start
from runner.project.manifest import Manifest
from runner.resources import read_sql

_SHORTEST, _LONGEST = 0.02, 0.5
"""How often it looks, in seconds."""
_TAGGED = re.compile(r"/\* (?P<script>.+?):(?P<line>[0-9]+) \*/ (?P<sql>.*)", re.DOTALL)


class Progress(Struct, frozen=True):
    """A statement that runs, with its place in a script; `seconds` is its age, `sql` its beginning.

    `phase` and `percent` are those of an index that it builds: how much of that phase is done.
    """

    script: str
    line: int
    sql: str
    seconds: float
    phase: str | None = None
    percent: int | None = None
    blockers: tuple[Blocker, ...] = ()
    """Whom it waits for."""


class Monitor:
    """Looks, in a thread of its own, from when something begins until it ends."""

    def __init__(self, connection: Connection[Any], manifest: Manifest, progressed: Callable[[Progress], None]) -> None:
        self.conninfo = same_server(connection)
        self.manifest = manifest
        limit = manifest.run.lock_timeout.seconds
        self.every = min(max(limit / 10, _SHORTEST), _LONGEST) if limit else _LONGEST
        self.progressed = progressed
        self.blockers: tuple[Blocker, ...] = ()
        """Whom it was waited for when it was last looked."""
        self._begun: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        if self._thread.ident:
            self._thread.join(timeout=2)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Look while the block runs, and keep whom it waited for."""
        self.blockers = ()
        self._begun = time.monotonic()
        if not self._thread.ident:
            self._thread.start()
        try:
            yield
        finally:
            self._begun = None

    def _look_on(self) -> None:
        connection: Connection[Any] | None = None
        while not self._closed.wait(self.every):
            begun = self._begun
            if begun is None or time.monotonic() - begun < 2 * self.every:
                continue
            with suppress(psycopg.Error):  # without it the run goes on, and knows no names
                if connection is None or connection.closed:
                    connection = psycopg.connect(
                        self.conninfo, autocommit=True, connect_timeout=2, prepare_threshold=None
                    )
                    for statement in session_start(self.manifest):
                        connection.execute(statement)
                self._look(connection, begun)
        if connection is not None:
            connection.close()

    def _look(self, connection: Connection[Any], begun: float) -> None:
        run = lock_holder(connection, self.manifest)
        if run is None:
            return
        parameters = {"pid": run.pid}
        blockers = tuple(Blocker(*row) for row in connection.execute(read_sql("postgres/blockers.sql"), parameters))
        if blockers and self._begun == begun:
            self.blockers = blockers
        for query, seconds, phase, percent in connection.execute(read_sql("postgres/progress.sql"), parameters):
            tagged = _TAGGED.match(query)
            if tagged and self._begun == begun:
                place = (tagged["script"], int(tagged["line"]))
                self.progressed(Progress(*place, shortened_statement(tagged["sql"]), seconds, phase, percent, blockers))
