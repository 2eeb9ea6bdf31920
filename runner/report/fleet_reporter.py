"""Tell how a command on many databases goes: a row for each as it ends, and at the end how many ended how."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runner.report import log_events
from runner.report.fleet_text import (
    fleet_heading,
    fleet_member_lines,
    fleet_progress,
    fleet_stop_lines,
    fleet_summary_lines,
    member_json,
    summary_json,
)
from runner.report.log import Event
from runner.report.terminal import Doing

if TYPE_CHECKING:
    from runner.fleet.pool import Halt
    from runner.project.loading import Project
    from runner.report.fleet_text import MemberReport
    from runner.report.reporter import Reporter


class FleetReporter:
    """Tells it by the reporter of the command; `names` are those of all targets."""

    def __init__(self, reporter: Reporter, names: Sequence[str]) -> None:
        self.reporter = reporter
        self.names = names
        self.width = max(map(len, names))

    def begins(self, loaded: Project) -> None:
        """Print which project is applied to how many targets, and the heading of their table."""
        if not self.reporter.log.as_json:
            self.reporter.lines(fleet_heading(loaded.project.manifest.project.name, self.names, self.width))
        self.reporter.doing(Doing(f"0 of {len(self.names)} targets have ended", time.monotonic()))

    def member(self, told: MemberReport) -> None:
        """Print how the work on a target ended, in a line of JSON where JSON is asked for."""
        document = member_json(told)
        if self.reporter.as_json:
            self.reporter.json_line(document)
        if self.reporter.log.as_json:
            self.reporter.tell(log_events.fleet_event(told, document))
        else:
            self.reporter.lines(fleet_member_lines(told, self.width))

    def stands(self, all_told: Sequence[MemberReport], since: float) -> None:
        """Show how many targets have ended, how fast, and how long the rest takes, where that is drawn."""
        progress = fleet_progress(all_told, len(self.names), time.monotonic() - since)
        self.reporter.doing(Doing(progress.ended, since, state=progress.state))

    def ended(self, all_told: Sequence[MemberReport], seconds: float, halt: Halt | None) -> None:
        """Print how many targets ended how, and why the rest was not begun."""
        document = summary_json(all_told, seconds, halt)
        if self.reporter.as_json:
            self.reporter.json_line(document)
        lines, stop = tuple(fleet_summary_lines(all_told, seconds)), tuple(fleet_stop_lines(all_told, halt))
        if self.reporter.log.as_json:
            self.reporter.lines(stop)
            self.reporter.tell(Event("info" if document["ok"] else "error", lines[0].text, document))
        else:
            self.reporter.lines(lines + stop)
