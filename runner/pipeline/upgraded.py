"""What came of the test of an upgrade, as values."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

from runner.catalog.diff import DifferenceKind
from runner.project.earlier import Earlier
from runner.rows.kept import FateKind

Proof = Literal["upgrade", "new", "rows", "again", "older"]
"""It can be applied; it ends like a new database; rows are kept; a second run is quiet; older files change nothing."""
OtherKind = Literal["finding", "dump", "error", "sent", "definition", "data", "counter", "not older"]
DeviationKind: TypeAlias = "DifferenceKind | FateKind | OtherKind"
NoteKind: TypeAlias = "FateKind | Literal['may change', 'no rows', 'no dump', 'lacking', 'older']"


class Deviation(Struct, frozen=True):
    """Something that is not as it must be after an upgrade: `expected` as a new database has it, or as it was.

    `rows` counts those that it is about.
    """

    proof: Proof
    kind: DeviationKind
    object: str
    expected: str | None = None
    actual: str | None = None
    rows: int = 0


class Note(Struct, frozen=True):
    """Something that is no deviation, and that a person has to know to believe the proofs."""

    kind: NoteKind
    object: str
    detail: str = ""
    rows: int = 0


class Outcome(Struct, frozen=True):
    """What came of one earlier release; with a `reason` it was not tested. `proofs` are those that were looked at."""

    earlier: Earlier
    reason: str = ""
    rows: int = 0
    proofs: tuple[Proof, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    notes: tuple[Note, ...] = ()
    seconds: float = 0.0

    @property
    def is_tested(self) -> bool:
        """Whether the release could be made, and rows put in."""
        return not self.reason

    @property
    def ok(self) -> bool:
        """Whether nothing deviates."""
        return not self.deviations

    def passed(self, proof: Proof) -> bool | None:
        """Return whether a proof holds; None when it was not looked at."""
        if proof not in self.proofs:
            return None
        return not any(deviation.proof == proof for deviation in self.deviations)
