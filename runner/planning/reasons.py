"""Why something is done for a statement or a script, or is not: a value, which is a sentence as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

from runner.planning.past import Applied
from runner.sql.objects import Object

if TYPE_CHECKING:
    from runner.repair.proposal import Problem

StepCode = Literal[
    "to drop",
    "to rename",
    "not added",
    "repairs",
    "as declared",
    "nothing to remove",
    "done",
    "name taken",
    "to attach",
    "not attached",
]
RunCode = Literal["data", "declares nothing", "moves", "not compared", "own path"]
DueCode = Literal[
    "always",
    "baseline",
    "new",
    "applied",
    "changed",
    "changed once",
    "upgrade",
    "not needed",
    "reached",
    "made already",
    "older",
]
CutOffCode = Literal["cut off", "cut off after its own", "cut off midway", "cut off and changed"]
ReasonCode: TypeAlias = "Problem | StepCode | RunCode | DueCode | CutOffCode"
_CUT_OFF = "run {0.run} of {0.at} by {0.by} was cut off"
_WORDS: Mapping[ReasonCode, str] = {
    "not added": "missing, and not added",
    "nothing to remove": "nothing to drop or to rename",
    "done": "done in the run that was cut off",
    "moves": "changes rows or a counter",
    "not compared": "what it is about is not compared",
    "to attach": "a CHECK spares a scan under locks when it is attached",
    "own path": "the script has another search_path than what is repaired needs",
    "baseline": "recorded without being run",
    "new": "not applied yet",
    "upgrade": "an upgrade, not applied yet",
    "not needed": "an upgrade that a new database does not need",
    "reached": "recorded without being run: all is as declared",
    "made already": "recorded without being run: all that it makes is there",
    "applied": "applied on {0.at} by {0.by}",
    "changed": "changed since {0.at}",
    "changed once": "changed after it was applied on {0.at} by {0.by}; it is not run again",
    "older": "older than run {0.run} of {0.at} by {0.by}",
    "cut off": _CUT_OFF,
    "cut off after its own": f"{_CUT_OFF} after its own transaction",
    "cut off midway": f"{_CUT_OFF}, and it is unknown which statements completed",
    "cut off and changed": f"{_CUT_OFF}, and it was changed since then",
}
"""The words for a code that is not its own words; {0} is the run before."""
_LEFT: Mapping[ReasonCode, str] = {
    "missing": "is missing",
    "name taken": "is missing",
    "not attached": "cannot be attached",
    "differs": "differs",
    "invalid": "is not validated",
    "not declared": "is not declared",
}


class Reason(Struct, frozen=True):
    """What is so, of which objects; `past` is how the script ended or was begun before.

    With `left_because`, no step changes it, for that reason. `parts` are those of repairs, one for each.
    """

    code: ReasonCode
    objects: tuple[Object, ...] = ()
    detail: str = ""
    left_because: str = ""
    past: Applied | None = None
    parts: tuple[Reason, ...] = ()

    def __str__(self) -> str:
        if self.parts:
            return "\n".join(map(str, self.parts))
        if self.left_because:
            return ": ".join(self.left)
        words = _WORDS.get(self.code, self.code).format(self.past)
        return f"{words}: {self.subject}" if self.objects else words

    @property
    def subject(self) -> str:
        """The objects, and what about them."""
        return first_and_more(self.objects) + (f": {self.detail}" if self.detail else "")

    @property
    def left(self) -> tuple[str, str]:
        """What is left unchanged, and why."""
        what = f"{self.objects[0]} {_LEFT[self.code]}, and is left unchanged"
        return what, self.left_because + _more(self.objects, "; and")


DATA = Reason("data")
DECLARES_NOTHING = Reason("declares nothing")
"""One for all statements that have it, because there may be very many."""


def first_and_more(objects: Sequence[Object]) -> str:
    """Return the first of some objects, and how many more there are."""
    return f"{objects[0]}{_more(objects, ' and')}"


def _more(objects: Sequence[Object], conjunction: str) -> str:
    return f"{conjunction} {len(objects) - 1} more" if len(objects) > 1 else ""
