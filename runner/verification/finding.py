"""A finding: a deviation of the database from the declared schema, or of a check or a script from what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from runner.catalog.diff import DifferenceKind

if TYPE_CHECKING:
    from runner.verification.remedies import Remedy


def finding_text(finding: Finding) -> str:
    """Return a finding in one line."""
    match finding.kind:
        case "missing" | "unmanaged":
            return f"{finding.kind}: {finding.object}"
        case "invalid":
            return f"invalid: {finding.object}: {finding.actual}"
        case "rejecting":
            return f"rejecting: {finding.object}: not declared, and refuses rows: {finding.actual}"
        case "not compared":
            return f"not compared: {finding.object}: {finding.actual}"
        case _:
            return f"{finding.kind}: {finding.object}: declared {finding.declared!r}, actual {finding.actual!r}"


FindingKind = DifferenceKind | Literal["type", "check", "script"]


class Finding(Struct, frozen=True):
    """Something that is not as declared; `table` is set when it belongs to one."""

    kind: FindingKind
    object: str
    declared: str | None = None
    actual: str | None = None
    table: str = ""
    repair: Remedy | None = None
    """What a person can do about it, where it is about an object."""
