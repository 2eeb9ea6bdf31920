"""A finding: a deviation of the database from the declared schema, or of a check or a script from what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct

if TYPE_CHECKING:
    from runner.catalog.diff import DifferenceKind
    from runner.sql.objects import Object


_WHY = {"publication": "it is a member: ", "privileges": ""}
_ACTS = "it acts on rows: "
"""Why what is undeclared is a finding, by the first word of its kind."""


def finding_text(finding: Finding) -> str:
    """Return a finding in one line."""
    match finding.kind:
        case "missing" | "unmanaged":
            why = f": {finding.actual} has its name" if finding.kind == "missing" and finding.actual else ""
            return f"{finding.kind}: {finding.object}{why}"
        case "invalid":
            return f"invalid: {finding.object}: {finding.actual}"
        case "rejecting":
            return f"rejecting: {finding.object}: not declared, and refuses rows: {finding.actual}"
        case "undeclared":
            return f"undeclared: {finding.object}: {_WHY.get(str(finding.object).split()[0], _ACTS)}{finding.actual}"
        case "not compared" | "untrusted" | "accept":
            return f"{finding.kind}: {finding.object}: {finding.actual}"
        case "data":
            return f"data: {finding.actual}"
        case "script":
            return finding.actual or f"{finding.object}: skipped"
        case _:
            return f"{finding.kind}: {finding.object}: declared {finding.declared!r}, actual {finding.actual!r}"


def finding_lines(finding: Finding) -> tuple[str, ...]:
    """Return a finding in one line; the error of a script or a check has lines of its own."""
    is_error = finding.kind == "script" or (finding.kind == "check" and finding.declared is None)
    return tuple((finding.actual or finding_text(finding)).split("\n")) if is_error else (finding_text(finding),)


FindingKind: TypeAlias = "DifferenceKind | Literal['type', 'check', 'script', 'data', 'untrusted', 'accept']"


class Remedy(Struct, frozen=True):
    """The SQL that a person could run, why no run did, and a sample of the rows that are in the way."""

    sql: str
    why: str
    rows: tuple[str, ...] = ()


class Finding(Struct, frozen=True):
    """Something that is not as declared; `table` is set when it belongs to one."""

    kind: FindingKind
    object: Object | str
    """What it is about: an object of the database, or a check or a script by its path."""
    declared: str | None = None
    actual: str | None = None
    table: str = ""
    repair: Remedy | None = None
    """What a person can do about it, where it is about an object."""
    because: str = ""
    """Why somebody has accepted it."""
