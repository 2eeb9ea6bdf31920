"""Prove that databases of earlier releases end like a new one, with their rows, and that nothing is done twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from runner.errors import DatabaseError, InputError
from runner.pipeline.end_state import NewDatabase, read_new
from runner.pipeline.upgrade_trial import Trial, Wanted, apply_to, findings_text
from runner.pipeline.upgraded import Outcome
from runner.postgres.opener import Opener
from runner.postgres.throwaway import throwaway_database
from runner.project.earlier import Earlier, History

if TYPE_CHECKING:
    from runner.project.loading import Project


class UpgradeTest:
    """The test of the files as they are now, on throw-away databases of one server."""

    def __init__(
        self, server: Opener, loaded: Project, history: History, wanted: Wanted, stage: Callable[[str], None]
    ) -> None:
        self.server, self.loaded, self.history, self.wanted, self.stage = server, loaded, history, wanted, stage

    def outcomes(self, releases: Sequence[Earlier]) -> Iterator[Outcome]:
        """Yield what came of each release. Raise DatabaseError when not even a new database can be made."""
        new: NewDatabase | None = None
        for earlier in releases:
            begin = time.monotonic()
            with ExitStack() as stack:
                old = self.files(earlier, stack)
                if isinstance(old, str):
                    yield Outcome(earlier, old)
                    continue
                new = new or self.make_new()
                opener = stack.enter_context(throwaway_database(self.server))
                stage = partial(self.say_stage, earlier)
                outcome = Trial(opener, old, self.loaded, new, self.wanted, stage).outcome(earlier)
            yield replace(outcome, seconds=time.monotonic() - begin)

    def files(self, earlier: Earlier, stack: ExitStack) -> Project | str:
        """Return the project of a release, whose files are there until the end of the stack; else why there is none."""
        if earlier.reason:
            return earlier.reason
        try:
            return stack.enter_context(self.history.project(earlier, self.wanted.choice))
        except InputError as error:
            return str(error).split("\n", 1)[0]

    def say_stage(self, earlier: Earlier, text: str) -> None:
        """Say what is being done with a release."""
        self.stage(f"{earlier.name}: {text}")

    def make_new(self) -> NewDatabase:
        """Return what a new database has."""
        self.stage("making a new database")
        with throwaway_database(self.server) as opener:
            result = apply_to(opener, self.loaded)
            if not result.verification.ok:
                raise DatabaseError(
                    "a new database is not as declared; see 'apply' on an empty one", notes=findings_text(result)
                )
            return read_new(opener, self.loaded)
