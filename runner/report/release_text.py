"""Releases as lines of text, and what is said when the files are older than the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runner.report.line import Line
from runner.verification.older_files import ROLLBACK, ahead

if TYPE_CHECKING:
    from runner.planning.releases import Older, ReleaseRow

MOST_RELEASES_SHOWN = 5
_IDENTITY = 12


def ahead_lines(older: Older, *, ok: bool) -> Iterator[Line]:
    """Return what came of a run with older files."""
    if ok:
        yield Line(f"{ahead(older)}, and has all that these files declare; nothing was sent", "bold green")
        return
    yield Line(f"{ahead(older)}, and lacks what these files declare; nothing was sent", "bold red", is_failure=True)
    yield Line(f"  {ROLLBACK}", is_failure=True)


def older_lines(older: Older) -> Iterator[Line]:
    """Return the plan of older files."""
    newest = older.newest
    yield Line(f"older than run {newest.run} of {newest.at} by {newest.by}: nothing is sent", "yellow")
    for difference in older.lacks:
        yield Line(f"  {difference.kind}: {difference.object}", "red")
    if older.has_other_data:
        yield Line(f"  data: those of run {newest.run} are others", "red")
    if not older.is_enough:
        yield Line(f"  {ROLLBACK}")


def release_lines(releases: Sequence[ReleaseRow], *, verbose: bool) -> Iterator[Line]:
    """Return the releases, the newest last: all of them when verbose, else a few."""
    if not releases:
        return
    yield Line(f"{'release':<{_IDENTITY}}  {'number':>8}  {'run':>4}  {'result':<8}  {'when':<16}  by", "bold")
    for row in releases if verbose else releases[-MOST_RELEASES_SHOWN:]:
        number = "" if row.number is None else row.number
        profiles = f"  ({row.profiles})" if row.profiles else ""
        when = f"{row.started:%Y-%m-%d %H:%M}"
        text = f"{row.identity[:_IDENTITY]}  {number:>8}  {row.run:>4}  {row.status:<8}  {when}  {row.role}{profiles}"
        yield Line(text, "" if row.status == "applied" else "yellow")
