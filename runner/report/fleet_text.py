"""How a command on many databases is told: a row for each as it ends, what failed, and how many ended how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from msgspec import Struct

from runner.report import json_documents
from runner.report.line import Line, block
from runner.report.run_text import error_lines
from runner.report.terminal import duration
from runner.verification.finding import finding_lines
from runner.wording import count

if TYPE_CHECKING:
    from runner.fleet.pool import Halt
    from runner.fleet.work import MemberOutcome
    from runner.verification.finding import Finding


MOST_FINDINGS_SHOWN = 5
_WORDS_WIDTH = 15


Ending = Literal["ok", "failed", "pending", "interrupted", "not begun"]


class MemberResult(Struct, frozen=True):
    """What is told of a member that has ended: a word or two, its findings, and the JSON document of the command."""

    ok: bool
    words: str
    document: dict[str, Any] | None = None
    findings: tuple[Finding, ...] = ()
    hint: str = ""
    """What can be done about them."""
    is_pending: bool = False
    """Whether it is not ok only because something is pending."""


class MemberReport(Struct, frozen=True):
    """What is told of a member."""

    outcome: MemberOutcome[MemberResult]

    @property
    def result(self) -> MemberResult:
        """What is told of it, also when it has not ended."""
        return self.outcome.result or MemberResult(ok=False, words=self.outcome.status)

    @property
    def ending(self) -> Ending:
        """How it ended, as all of them are summed up."""
        if self.outcome.status == "ended":
            return "ok" if self.result.ok else "pending" if self.result.is_pending else "failed"
        return self.outcome.status

    @property
    def name(self) -> str:
        """What the member is called."""
        return self.outcome.member.name


class FleetProgress(Struct, frozen=True):
    """How many targets have ended and failed, how many a second, and how many seconds the rest takes at that rate."""

    targets: int
    done: int
    failed: int
    rate: float
    remaining: float

    @property
    def ended(self) -> str:
        """How many have ended, in words."""
        return f"{self.done} of {self.targets} targets have ended"

    @property
    def state(self) -> str:
        """The rest of it, in words."""
        failed = f"{self.failed} failed, " if self.failed else ""
        return f"{failed}{self.rate:.1f} a second, {duration(max(self.remaining, 1))}left"


def fleet_progress(all_told: Sequence[MemberReport], targets: int, seconds: float) -> FleetProgress:
    """Return how far a fleet is after so many seconds."""
    done, failed = len(all_told), sum(told.ending == "failed" for told in all_told)
    rate = done / max(seconds, 0.001)
    return FleetProgress(targets, done, failed, rate, (targets - done) / rate)


def fleet_heading(project: str, names: Sequence[str], width: int) -> Iterator[Line]:
    """Return the lines above the rows; `width` is that of the first column."""
    yield Line(f"{project}: {count(len(names), 'target')}", "bold")
    yield Line(f"{'target':<{width}}  {'result':<{_WORDS_WIDTH}}  {'seconds':>7}", "bold")


def fleet_member_lines(told: MemberReport, width: int) -> Iterator[Line]:
    """Return the row of a member, and below it why it failed."""
    result = told.result
    row = f"{told.name:<{width}}  {result.words:<{_WORDS_WIDTH}}  {told.outcome.seconds:>7.3f}"
    yield Line(row, "green" if result.ok else "bold red", not result.ok)
    if told.outcome.error and told.outcome.status == "failed":
        yield from error_lines(told.outcome.error, indent="    ")
    for finding in result.findings[:MOST_FINDINGS_SHOWN]:
        yield block(tuple(f"    {part}" for part in finding_lines(finding)), "red", is_failure=True)
    if len(result.findings) > MOST_FINDINGS_SHOWN:
        more = len(result.findings) - MOST_FINDINGS_SHOWN
        yield Line(f"    … and {count(more, 'more finding')}", "red", is_failure=True)
    if result.hint:
        yield Line(f"    {result.hint}", is_failure=True)


def fleet_summary_lines(all_told: Sequence[MemberReport], seconds: float) -> Iterator[Line]:
    """Return how many ended how, and the names of those that did not end well."""
    groups: dict[Ending, list[str]] = {ending: [] for ending in get_args(Ending)}
    for told in all_told:
        groups[told.ending].append(told.name)
    good = len(groups.pop("ok"))
    parts = [f"{good} ok", *(f"{len(names)} {word}" for word, names in groups.items() if names)]
    is_failure = good < len(all_told)
    text = f"{count(len(all_told), 'target')} in {seconds:.2f} s: {', '.join(parts)}"
    yield Line(text, "bold red" if is_failure else "bold green", is_failure)
    for word, names in groups.items():
        if names:
            yield Line(f"{word}: {', '.join(names)}", "red", is_failure=True)


def fleet_stop_lines(all_told: Sequence[MemberReport], halt: Halt | None) -> Iterator[Line]:
    """Return why targets were not begun, though nobody asked to stop."""
    left = sum(told.ending == "not begun" for told in all_told)
    if halt is None or not left:
        return
    if halt.is_canary:
        why = f"canary {halt.failed[-1]} failed"
    else:
        why = f"{count(len(halt.failed), 'target')} failed, the limit of --max-failures"
    yield Line(f"stopped: {why}; {count(left, 'target')} not begun", "bold red", is_failure=True)


def member_json(told: MemberReport) -> dict[str, Any]:
    """Return what is told of a member as a JSON document, which is a line of its own."""
    outcome = told.outcome
    return {
        "target": told.name,
        "schema": outcome.member.loaded.project.manifest.project.schema,
        "status": outcome.status,
        "ok": told.result.ok,
        "seconds": round(outcome.seconds, 6),
        "error": json_documents.error_json(outcome.error) if outcome.error else None,
        "result": told.result.document,
    }


def summary_json(all_told: Sequence[MemberReport], seconds: float, halt: Halt | None) -> dict[str, Any]:
    """Return the last line of JSON."""
    endings = Counter(told.ending for told in all_told)
    return {
        "ok": endings["ok"] == len(all_told),
        "targets": len(all_told),
        "failed": endings["failed"],
        "pending": endings["pending"],
        "interrupted": endings["interrupted"],
        "not_begun": endings["not begun"],
        "stopped": _halt_json(halt) if halt and endings["not begun"] else None,
        "seconds": round(seconds, 6),
    }


def _halt_json(halt: Halt) -> dict[str, Any]:
    return {"by": "canary" if halt.is_canary else "max_failures", "failed": list(halt.failed)}
