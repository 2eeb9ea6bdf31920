"""What people and programs see: results as JSON-ready values, and as lines on a terminal or in a log."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from runner import documents, lines
from runner.flaws import flaw_lines

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from runner.errors import RunnerError
    from runner.flaws import Flaw
    from runner.loaded import Loaded
    from runner.plans import ScriptPlan
    from runner.results import ScriptResult
    from runner.stages import ApplyResult
    from runner.verification import Finding, Verification

MOST_ROWS_SHOWN = 20
SECONDS_BETWEEN_LINES = 15.0
_STYLES = {"applied": "green", "unchanged": "dim", "failed": "bold red", "skipped": "yellow"}


class Reporter:
    """Writes results to stdout and progress to stderr; colours and a spinner only on a terminal."""

    def __init__(self, *, as_json: bool, quiet: bool, verbose: bool) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.console = _console(sys.stdout)
        self.diagnostics = _console(sys.stderr)
        self.status: Status | None = None
        self.width = 0
        self.told = -math.inf

    def json(self, document: dict[str, Any]) -> None:
        """Print the one JSON document, if JSON is asked for."""
        if self.as_json:
            is_unicode = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
            print(json.dumps(document, ensure_ascii=not is_unicode, indent=2), flush=True)

    def line(self, text: str = "", style: str = "") -> None:
        """Print a line of the result, unless it is asked for as JSON or not at all."""
        if not self.as_json and not self.quiet:
            _write(self.console, sys.stdout, text, style)

    def failure(self, text: str, style: str = "bold red") -> None:
        """Print a line that even a quiet run shows."""
        if not self.as_json:
            _write(self.console, sys.stdout, text, style)

    def say(self, text: str) -> None:
        """Tell what is going on, on stderr."""
        if self.quiet:
            return
        if self.status:
            self.status.stop()
        _write(self.diagnostics, sys.stderr, text, "dim")
        if self.status:
            self.status.start()

    def notice(self, severity: str, text: str) -> None:
        """Tell what the server says in passing: warnings, and with --verbose the rest."""
        if self.verbose or severity == "WARNING":
            self.say(f"{severity.lower()}: {text}")

    def error(self, error: RunnerError) -> None:
        """Print an error, on stderr; as JSON on stdout too."""
        self.json({"ok": False, "error": documents.error_json(error)})
        _write(self.diagnostics, sys.stderr, f"error: {error}", "red")

    @contextmanager
    def progress(self) -> Iterator[None]:
        """Show a spinner on a terminal while something is going on."""
        console = self.console or self.diagnostics
        if console is None or self.quiet or self.as_json:
            yield
            return
        with console.status("planning") as self.status:
            yield
        self.status = None

    def started(self, script: ScriptPlan) -> None:
        """Show which script is running."""
        if self.status:
            self.status.update(f"{script.script.path}: {script.script.description}")

    def progressed(self, text: str) -> None:
        """Show how far a long step is: on a terminal at once, else in a line now and then."""
        if self.status:
            self.status.update(text)
        elif time.monotonic() - self.told >= SECONDS_BETWEEN_LINES:
            self.told = time.monotonic()
            self.say(text)

    def heading(self, loaded: Loaded, target: str) -> None:
        """Print which project it is about, and where."""
        self.line(f"{loaded.project.manifest.project.name}: {target}", "bold")

    def scripts_heading(self, loaded: Loaded, target: str) -> None:
        """Print which project it is about, and where, and the heading of the scripts' table."""
        self.heading(loaded, target)
        self.width = max(len(script.path) for script in loaded.project.manifest.scripts)
        self.line(f"{'script':<{self.width}}  {'result':<9}  {'sent':>5} {'of':>5}  {'seconds':>7}")

    def finished(self, result: ScriptResult) -> None:
        """Print how a script ended, the rows that it returned, and its error."""
        script = result.plan
        numbers = f"{result.sent:>5} {script.parsed.total:>5}  {result.seconds:>7.3f}"
        text = f"{script.script.path:<{self.width}}  {result.status:<9}  {numbers}"
        show = self.failure if result.status in ("failed", "skipped") else self.line
        show(text, _STYLES[result.status])
        if script.changed and script.script.run == "once":
            self.failure(f"    {script.reason}", "yellow")
        for returned in result.returned:
            for row in returned.rows[:MOST_ROWS_SHOWN]:
                self.line("    " + "  ".join("null" if value is None else value for value in row))
            if len(returned.rows) > MOST_ROWS_SHOWN:
                self.line(f"    … and {len(returned.rows) - MOST_ROWS_SHOWN} more rows")
        if result.error is not None:
            for part in f"error: {result.error}".splitlines():
                self.failure(f"    {part}", "red")

    def verification(self, verification: Verification) -> None:
        """Print each table and each check with its mark, and the findings beneath."""
        width = max((len(table.name) for table in verification.tables), default=0)
        for table in verification.tables:
            numbers = f"{table.columns:>3} columns  {table.indexes:>2} indexes" if table.exists else "missing"
            show = self.line if table.ok else self.failure
            show(f"{_mark(table.ok)} {table.name:<{width}}  {numbers}", "" if table.ok else "red")
            self.findings(f for f in table.findings if (f.kind, f.object) != ("missing", f"table {table.name}"))
        elsewhere = {table.name for table in verification.tables}
        self.findings(
            f for f in verification.findings if f.kind not in ("check", "script") and f.table not in elsewhere
        )
        for check in verification.checks:
            ok = not check.rows and not check.error
            show = self.line if ok else self.failure
            show(f"{_mark(ok)} check: {check.check.description}", "" if ok else "red")
            if not ok:
                self.failure(f"     {check.check.path}", "red")
            own = [f for f in verification.findings if f.kind == "check" and f.object == check.check.path]
            for finding in own[:MOST_ROWS_SHOWN]:
                self.failure("\n".join(f"     {part}" for part in (finding.actual or "").splitlines()), "red")
            if len(own) > MOST_ROWS_SHOWN:
                self.failure(f"     … and {len(own) - MOST_ROWS_SHOWN} more rows", "red")

        for finding in verification.warnings:
            self.line(f"warning: {lines.finding_text(finding)}", "yellow")
        if self.verbose:
            for finding in verification.unmanaged:
                self.line(lines.finding_text(finding), "dim")

    def findings(self, findings: Iterable[Finding]) -> None:
        """Print findings that belong to an object."""
        for finding in findings:
            self.failure(f"     {lines.finding_text(finding)}", "red")
            for line in lines.remedy_lines(finding):
                self.failure(f"       {line}", "dim")

    def flaw(self, flaw: Flaw, annotation: str = "") -> None:
        """Print what `check` found, for people or as an annotation."""
        is_error = flaw.severity == "error"
        show = self.failure if is_error else self.line
        show(annotation or "\n".join(flaw_lines(flaw)), "" if annotation else "red" if is_error else "yellow")

    def apply_summary(self, result: ApplyResult, seconds: float) -> None:
        """Print the closing line of `apply`."""
        counts = {status: sum(script.status == status for script in result.scripts) for status in _STYLES}
        scripts = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
        sent = sum(script.sent for script in result.scripts)
        self.summary(
            result.verification,
            f"run {result.plan.run} in {seconds:.2f} s: {sent} statements sent; scripts: {scripts}",
        )

    def summary(self, verification: Verification, done: str = "") -> None:
        """Print whether the database is as declared, after what was done."""
        if done:
            self.line(done)
        tables, indexes = len(verification.tables), sum(table.indexes for table in verification.tables)
        if verification.ok:
            self.line(
                f"verified: {tables} tables, {indexes} indexes, {len(verification.checks)} checks, no finding",
                "bold green",
            )
            return
        self.failure(f"not as declared: {lines.count(len(verification.findings), 'finding')}")
        for finding in verification.findings:
            if finding.kind == "script":
                first = finding.actual.splitlines()[0] if finding.actual else f"{finding.object}: skipped"
                self.failure(f"     {first}", "red")


def _console(stream: Any) -> Console | None:
    """Return a rich console for a terminal, nothing for a file or a pipe."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=stream, highlight=False)


def _write(console: Console | None, stream: Any, text: str, style: str) -> None:
    if console is None:
        print(text, file=stream, flush=True)
        return
    console.print(text, style=style or None, markup=False, emoji=False, overflow="fold")


def _mark(ok: bool) -> str:  # noqa: FBT001
    return "✅" if ok else "❌"
