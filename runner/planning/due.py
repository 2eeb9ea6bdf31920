"""When a script is due: its mode and its history decide."""

from __future__ import annotations

from msgspec import Struct

from runner.planning.model import Applied, Past
from runner.project.manifest import ScriptEntry
from runner.sql.statements import Script


class Due(Struct, frozen=True):
    """Whether a script is due, and why or why not.

    `stuck`: it was begun, and nobody knows how far it came. `done`: its own transaction is committed, and what
    follows it is not.
    """

    is_due: bool
    reason: str
    stuck: bool = False
    done: bool = False


def due_now(script: ScriptEntry, parsed: Script, past: Past, *, baseline: bool) -> Due:
    """Return whether a script is due; with `baseline`, it is recorded without being run."""
    if script.run == "always":
        return Due(True, "always")
    begun, last = past.begun.get(script.path), past.applied.get(script.path)
    if baseline and (begun or last is None or last.checksum != parsed.checksum):
        return Due(True, "recorded without being run")
    if begun:
        return _due_again(script, parsed, begun)
    if last is None:
        return Due(True, "not applied yet")
    if last.checksum == parsed.checksum:
        return Due(False, f"applied on {last.at} by {last.by}")
    if script.run == "once":
        return Due(False, f"changed after it was applied on {last.at} by {last.by}; it is not run again")
    return Due(True, f"changed since {last.at}")


def _due_again(script: ScriptEntry, parsed: Script, begun: Applied) -> Due:
    """Return what becomes of a script that a run has begun and not ended.

    With a transaction, all of that is committed, because the row that tells of it is. Without one, nobody knows.
    """
    same = begun.checksum == parsed.checksum
    cut_off = f"run {begun.run} of {begun.at} by {begun.by} was cut off"
    if script.transaction and same:
        return Due(True, f"{cut_off} after its own transaction", done=True)
    if script.run == "on_change":
        return Due(True, cut_off)
    why = "nobody knows which of its statements were done" if same else "it was changed since then"
    return Due(True, f"{cut_off}, and {why}", stuck=True)
