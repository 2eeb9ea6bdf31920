"""When a script is due: its mode and its history decide."""

from __future__ import annotations

from msgspec import Struct

from runner.planning.past import Applied, Past
from runner.planning.reasons import Reason
from runner.project.manifest import ScriptEntry
from runner.sql.statements import Script


class Due(Struct, frozen=True):
    """Whether a script is due, and why or why not.

    `stuck`: it was begun, and it is unknown how far it came. `done`: its own transaction is committed, and what
    follows it is not. `failed`: nothing of that is. `only_recorded`: it gets its row in the history, and nothing of it
    is run; with `in_setup`, in the first transaction of the run, because nothing tells afterwards that it was not to
    be run.
    """

    is_due: bool
    reason: Reason
    stuck: bool = False
    done: bool = False
    only_recorded: bool = False
    in_setup: bool = False
    failed: bool = False


def due_now(script: ScriptEntry, parsed: Script, past: Past, *, baseline: bool) -> Due:
    """Return whether a script is due; with `baseline`, it is recorded without being run.

    An upgrade is due like what is run once; whether a database needs it is decided elsewhere.
    """
    if script.run == "always":
        return Due(True, Reason("always"))
    begun, last = past.begun.get(script.path), past.applied.get(script.path)
    if baseline and (begun or last is None or last.checksum != parsed.checksum):
        return Due(True, Reason("baseline"), only_recorded=True)
    if begun:
        return _due_again(script, parsed, begun)
    if last is None:
        reason = Reason("upgrade" if script.run == "upgrade" else "new")
        return Due(True, reason, failed=script.path in past.failed)
    if last.checksum == parsed.checksum:
        return Due(False, Reason("applied", past=last))
    if script.run in ("once", "upgrade"):
        return Due(False, Reason("changed once", past=last))
    return Due(True, Reason("changed", past=last))


def _due_again(script: ScriptEntry, parsed: Script, begun: Applied) -> Due:
    """Return what becomes of a script that a run has begun and not ended.

    With a transaction, all of that is committed, because the row that tells of it is. Without one, it is unknown.
    """
    same = begun.checksum == parsed.checksum
    if script.transaction and same:
        return Due(True, Reason("cut off after its own", past=begun), done=True)
    if script.run == "on_change":
        return Due(True, Reason("cut off", past=begun))
    return Due(True, Reason("cut off midway" if same else "cut off and changed", past=begun), stuck=True)
