"""Tell people and programs: results on stdout as lines or as a document, what goes on on stderr or as a drawn line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner.report import json_documents, log_events
from runner.report.line import Line
from runner.report.log import Event, Log, LogFormat
from runner.report.progress_text import progress_state
from runner.report.release_text import ahead_lines
from runner.report.run_text import error_lines, late_lines, run_line, script_lines, scripts_heading, total_line
from runner.report.terminal import Doing, Drawing, Stream
from runner.report.verification_text import verification_lines, verified_line

if TYPE_CHECKING:
    from runner.errors import RunnerError
    from runner.execution.results import LateResult, ScriptResult
    from runner.pipeline.apply import ApplyResult
    from runner.planning.model import ScriptPlan
    from runner.postgres.monitor import Progress
    from runner.project.loading import Project
    from runner.verification.findings import Verification


SECONDS_BETWEEN_LINES = 15.0


class Reporter:
    """Writes results to stdout and what goes on to stderr; with a log of JSON, both to the log."""

    def __init__(
        self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False, log_format: LogFormat = "text"
    ) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.out = Stream(sys.stdout)
        self.log = Log(Stream(sys.stderr), log_format)
        self.drawing: Drawing | None = None
        self.width = 0
        self.told = time.monotonic()

    def json(self, document: dict[str, Any]) -> None:
        """Print the one JSON document, if JSON is asked for."""
        if self.as_json:
            with self._beside(self.out):
                self.out.write_json(document, indent=2)

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line of the result, unless it is asked for as JSON or not at all."""
        self.lines([Line(text, style)])

    def failure(self, text: str, style: str = "bold red") -> None:
        """Print a line that even a quiet run shows."""
        self.lines([Line(text, style, is_failure=True)])

    def lines(self, shown: Iterable[Line]) -> None:
        """Print lines of the result."""
        for line in shown:
            if self.quiet and not line.is_failure:
                continue
            if self.log.as_json:
                self.tell(Event("error" if line.is_failure else "info", "\n".join(line.texts).strip()))
            elif not self.as_json:
                with self._beside(self.out):
                    self.out.write(line)

    def say(self, text: str) -> None:
        """Tell what is going on."""
        self.tell(Event("info", text), "dim")

    def notice(self, severity: str, text: str) -> None:
        """Tell what the server says in passing: warnings, and with --verbose the rest."""
        if severity == "WARNING":
            self.tell(Event("warning", text), "yellow")
        elif self.verbose:
            self.say(f"{severity.lower()}: {text}")

    def error(self, error: RunnerError) -> None:
        """Tell what ended a command, on stderr; as JSON on stdout too, in one line as all documents of a fleet are."""
        if self.as_json:
            self.json_line({"ok": False, "error": json_documents.error_json(error)})
        if self.log.as_json:
            self.tell(log_events.error_event(error))
            return
        for line in error_lines(error):
            self.log.stream.write(line)

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Draw what is going on while the block runs, where that disturbs nothing."""
        stream = self.log.stream if self.as_json else self.out
        if not stream.can_draw or self.quiet or self.log.as_json:
            yield
            return
        self.drawing = Drawing(stream.console)
        try:
            with self.drawing.shown():
                yield
        finally:
            self.drawing = None

    def stage(self, name: str) -> None:
        """Show what is being done, such as planning."""
        self.doing(Doing(name, time.monotonic()))

    def started(self, script: ScriptPlan) -> None:
        """Show which script is running."""
        self.told = time.monotonic()
        self.doing(Doing(script.script.path, time.monotonic(), script.script.description))

    def progressed(self, progress: Progress) -> None:
        """Show how far a statement is that takes long: at once where that is drawn, else in a line now and then."""
        now = time.monotonic()
        if self.drawing:
            place = f"{progress.script}:{progress.line}"
            self.doing(Doing(place, now - progress.seconds, progress.sql, progress_state(progress)))
        elif now - self.told >= SECONDS_BETWEEN_LINES:
            self.told = now
            self.tell(log_events.progress_event(progress), "dim")

    def heading(self, loaded: Project, target: str) -> None:
        """Print which project it is about, and where."""
        self.line(f"{loaded.project.manifest.project.name}: {target}", "bold")

    def scripts_heading(self, loaded: Project, target: str) -> None:
        """Print which project it is about, and where, and the heading of the scripts' table."""
        self.heading(loaded, target)
        if not self.quiet and not self.log.as_json:
            self.width = max(len(script.path) for script in loaded.project.manifest.scripts)
            self.lines([scripts_heading(self.width)])

    def finished(self, result: ScriptResult) -> None:
        """Print how a script ended, the rows that it returned, and its error."""
        if self.log.as_json:
            self.tell(log_events.script_event(result))
        else:
            self.lines(script_lines(result, self.width))

    def tried(self, result: LateResult) -> None:
        """Print how a late repair ended, and its error."""
        if self.log.as_json:
            self.tell(log_events.late_event(result))
        else:
            self.lines(late_lines(result, self.width))

    def applied(self, result: ApplyResult, seconds: float) -> None:
        """Print the end of the scripts' table, what the verification found, and what was done."""
        if self.log.as_json:
            self.tell(log_events.run_event(result, seconds))
            self.verified(result.verification)
            self.lines(ahead_lines(result.plan.older, ok=result.verification.ok) if result.plan.older else ())
            return
        self.lines([total_line(result.scripts, self.width)])
        self.lines(verification_lines(result.verification, verbose=self.verbose))
        if result.plan.older:
            self.lines(ahead_lines(result.plan.older, ok=result.verification.ok))
            return
        self.lines([run_line(result, seconds), verified_line(result.verification)])

    def verified(self, verification: Verification) -> None:
        """Print what a verification found, and whether the database is as declared."""
        if self.log.as_json:
            for event in log_events.verification_events(verification, verbose=self.verbose):
                self.tell(event)
            return
        self.lines(verification_lines(verification, verbose=self.verbose))
        self.lines([verified_line(verification)])

    def file(self, text: str) -> None:
        """Print a file, unless JSON is asked for."""
        if not self.as_json:
            self.out.write_file(text)

    def json_line(self, document: dict[str, Any]) -> None:
        """Print a document in one line."""
        with self._beside(self.out):
            self.out.write_json(document)

    def tell(self, event: Event, style: str = "") -> None:
        """Tell an event, unless nothing but what failed is asked for."""
        if not self.quiet or event.level == "error":
            with self._beside(self.log.stream):
                self.log.write(event, style)

    def doing(self, doing: Doing) -> None:
        """Show what is going on, where that is drawn."""
        if self.drawing:
            self.drawing.doing = doing

    @contextmanager
    def _beside(self, stream: Stream) -> Iterator[None]:
        """Draw nothing while something else writes to a stream that may lead to the same terminal."""
        drawing = self.drawing
        if drawing is None or not stream.is_terminal or drawing.console is stream.console:
            yield
            return
        with drawing.hidden():
            yield
