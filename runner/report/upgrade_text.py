"""The test of upgrades as lines of text: a row for each earlier release, and below it what is not as it must be."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from runner.report.line import Line, block
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.upgraded import Deviation, DeviationKind, Note, NoteKind, Outcome, Proof
    from runner.project.earlier import Earlier
    from runner.project.loading import Project

MOST_DEVIATIONS_SHOWN = 20
MOST_NOTES_SHOWN = 8
_HASH = re.compile("[0-9a-f]{40}")
_SHORT_HASH = 12
_LONGEST_VALUE, _LONGEST_DEFINITION = 40, 200
_COLUMNS: dict[Proof, str] = {"new": "as new", "rows": "kept", "again": "quiet", "older": "older"}
_WORDS: dict[DeviationKind, str] = {
    "missing": "missing: {object}, which a new database has",
    "unmanaged": "left over: {object}, which a new database does not have",
    "undeclared": "left over: {object}, which acts on rows: {actual}",
    "rejecting": "left over: {object}, which refuses rows: {actual}",
    "different": "{kind}: {object}: {new}, in a new database {old}",
    "dump": "pg_dump: {object}: {new}, of a new database {old}",
    "finding": "{object}",
    "error": "{actual}",
    "lost": "{object}: {rows} lost, such as {expected}",
    "changed": "{object}: {rows} changed, such as {old} to {new}",
    "sent": "{object}: {actual}, not {expected}",
    "definition": "{object}: {old} became {new}",
    "data": "{object}: {rows} changed",
    "counter": "{object}: now at {actual}",
    "not older": "the earlier files are not recognized as older than the database",
}
"""What is said of a deviation; of a kind that is not here, as of a different object."""
_NOTES: dict[NoteKind, str] = {
    "gone": "no longer there",
    "filled": "NULL filled in, NOT NULL by now",
    "not compared": "not compared, converted by more than a cast",
    "may change": "changed, as it may",
    "no rows": "without rows",
    "no dump": "not compared",
    "lacking": "apply of the earlier files exits 1 now",
    "older": "not applied again",
}


def upgrade_heading(loaded: Project, server: str, releases: Sequence[Earlier]) -> Iterator[Line]:
    """Return the lines above the rows."""
    name = loaded.project.manifest.project.name
    where = f" on {server}" if server else ""
    yield Line(f"{name}: {count(len(releases), 'earlier release')}{where}", "bold")
    words = "  ".join(f"{word:<6}" for word in _COLUMNS.values())
    yield Line(f"{'release':<{_width(releases)}}  {'rows':>6}  {words}  {'seconds':>7}", "bold")


def outcome_lines(outcome: Outcome, releases: Sequence[Earlier], *, verbose: bool = False) -> Iterator[Line]:
    """Return the row of a release, what is not as it must be, and what else a person has to know.

    When verbose, all of it.
    """
    name = f"{_name(outcome.earlier):<{_width(releases)}}"
    if not outcome.is_tested:
        yield Line(f"{name}  not tested: {outcome.reason}", "yellow")
        return
    marks = "  ".join(f"{_mark(outcome.passed(proof)):<6}" for proof in _COLUMNS)
    row = f"{name}  {outcome.rows:>6}  {marks}  {outcome.seconds:>7.3f}"
    yield Line(row, "green" if outcome.ok else "bold red", is_failure=not outcome.ok)
    most = len(outcome.deviations) if verbose else MOST_DEVIATIONS_SHOWN
    for deviation in outcome.deviations[:most]:
        text = deviation_text(deviation)
        lines = text.split("\n") if deviation.kind == "error" else [text]
        yield block(tuple(f"    {line}" for line in lines), "red", is_failure=True)
    if more := outcome.deviations[most:]:
        yield Line(f"    … and {count(len(more), 'more difference')}", "red", is_failure=True)
    yield from _note_lines(outcome.notes, len(outcome.notes) if verbose else MOST_NOTES_SHOWN)


def summary_line(outcomes: Sequence[Outcome]) -> Line:
    """Return how many releases ended how."""
    tested = [outcome for outcome in outcomes if outcome.is_tested]
    failed = sum(not outcome.ok for outcome in tested)
    parts = [f"{len(tested) - failed} passed"] if len(tested) > failed else []
    parts += [f"{failed} failed"] if failed else []
    parts += [f"{len(outcomes) - len(tested)} not tested"] if len(tested) < len(outcomes) else []
    text = f"{count(len(outcomes), 'earlier release')}: {', '.join(parts) if tested else 'none tested'}"
    if failed:
        return Line(text, "bold red", is_failure=True)
    return Line(text, "bold green" if tested else "bold yellow")


def deviation_text(deviation: Deviation) -> str:
    """Return what is not as it must be, as a sentence."""
    longest = _LONGEST_VALUE if deviation.kind == "changed" else _LONGEST_DEFINITION
    return _WORDS.get(deviation.kind, _WORDS["different"]).format(
        kind=deviation.kind,
        object=deviation.object,
        rows=count(deviation.rows, "row"),
        expected=deviation.expected,
        actual=deviation.actual,
        old=_value(deviation.expected, longest),
        new=_value(deviation.actual, longest),
    )


def _note_lines(notes: Sequence[Note], most: int) -> Iterator[Line]:
    """Return the notes, those of a kind together, each kind as far as `most` of them."""
    for kind, words in _NOTES.items():
        own = [note for note in notes if note.kind == kind]
        texts = [_note_text(note) for note in own[:most]]
        texts += [f"{len(own) - most} more"] if len(own) > most else []
        if texts:
            yield Line(f"    {words}: {'; '.join(texts)}", "dim")


def _note_text(note: Note) -> str:
    rows = f" ({count(note.rows, 'row')})" if note.rows else ""
    return f"{note.object}{rows}{f': {note.detail}' if note.detail else ''}"


def _mark(passed: bool | None) -> str:  # noqa: FBT001  one value
    return "-" if passed is None else "yes" if passed else "NO"


def _value(text: str | None, longest: int) -> str:
    if text is None:
        return "nothing" if longest == _LONGEST_DEFINITION else "null"
    return repr(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _width(releases: Sequence[Earlier]) -> int:
    return max(len("release"), *(len(_name(release)) for release in releases))


def _name(release: Earlier) -> str:
    """Return what a release is called; a hash is not needed to its end."""
    return release.name[:_SHORT_HASH] if _HASH.fullmatch(release.name) else release.name
