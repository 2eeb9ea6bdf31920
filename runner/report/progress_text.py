"""The progress of a running statement in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.postgres.monitor import Progress


def progress_text(progress: Progress) -> str:
    """Return how far a statement is, in one line."""
    state = progress_state(progress)
    words = f": {progress.sql}" if progress.sql else ""
    return f"{progress.script}:{progress.line}: for {progress.seconds:.0f} s{f', {state}' if state else ''}{words}"


def progress_state(progress: Progress) -> str:
    """Return the phase and percentage of an index that is built, and whom a statement waits for."""
    phase = (progress.phase or "").removeprefix("building index: ")
    done = "" if progress.percent is None else f"{progress.percent} %"
    waits = f"waits for {'; '.join(map(str, progress.blockers))}" if progress.blockers else ""
    return ", ".join(filter(None, (phase, done, waits)))
