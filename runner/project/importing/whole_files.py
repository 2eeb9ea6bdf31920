"""The formats whose files have transactions of their own: sqitch, and what Alembic writes with --sql."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from runner.errors import Hint, InputError, Place
from runner.project.importing.migrations import (
    Imported,
    Migration,
    files_in,
    made,
    plain,
    read_file,
    require_some,
    words_of,
    wrong_marker,
)
from runner.project.importing.own_transactions import Lines, numbered, outer, without
from runner.sql.restrict_lines import without_restrict
from runner.sql.statement_spans import statement_spans

_PLAN = "sqitch.plan"
_PRAGMA = re.compile(r"\s*%\s*([\w-]+)\s*=\s*(.*?)\s*")
_CHANGE = re.compile(r"\s*(@|[+-]?)\s*([^\s\[\]@:#]+)(?:\s.*)?")
_UPGRADE = re.compile(r"-- Running (\w+)(?: (.*?) ?-> ?(.*))?")
_LEDGER = re.compile(
    r'(?:create\s+table|insert\s+into|update|delete\s+from|drop\s+table)\s+(?:(?:\w+|"[^"]+")\.)?"?alembic_version"?(?!\w)',
    re.IGNORECASE,
)


def read_sqitch(folder: Path) -> Imported:
    """Return the changes of sqitch in the order of the plan. Raise InputError."""
    files = {path.name for path in files_in(folder)}
    if _PLAN not in files:
        raise InputError(f"no {_PLAN}; PATH is the folder that has it", place=str(folder))
    project, changes = _planned(numbered(read_file(folder / _PLAN)), str(folder / _PLAN))
    require_some(changes, str(folder / _PLAN), "a line for each change")
    migrations = []
    for place, (number, name, tags) in enumerate(changes):
        path = _deploy_file(folder / "deploy", changes, place)
        if path is None:
            is_again = any(later == name for _, later, _ in changes[place + 1 :]) and not tags
            why = "is there twice, without a tag in between" if is_again else "has no file in deploy/"
            raise InputError(f"{name} {why}", place=Place(str(folder / _PLAN), number))
        migrations.append(_change(name, path))
    left_out = [f"{each}/, which is no part of a script" for each in ("revert", "verify") if (folder / each).is_dir()]
    return Imported("sqitch", tuple(migrations), tuple(left_out), project=project)


def _change(name: str, path: Path) -> Migration:
    """Return a change, without the transaction around it, if there is one. Raise InputError."""
    text = without_restrict(read_file(path))
    spans = statement_spans(str(path), text)
    if not outer(spans) and (wrong := next((span for span in spans if span.transaction), None)):
        hint = Hint("a change is one transaction, or has none; make several changes of it")
        raise InputError(
            "a transaction that is not all of the change",
            place=Place(str(path), _line(text, wrong.begin)),
            notes=(hint,),
        )
    part = made(numbered(text), plain(path))
    return Migration(name, words_of(name), str(path), part.text, part.lines, transaction=part.had_transaction)


def _planned(lines: Lines, file: str) -> tuple[str, list[tuple[int, str, list[str]]]]:
    """Return the project, and each change with its line and the tags after it, up to when it is reworked."""
    project, changes, last = "", list[tuple[int, str, list[str]]](), dict[str, int]()
    for number, line in lines:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if pragma := _PRAGMA.fullmatch(line):
            project = pragma[2] if pragma[1] == "project" else project
            continue
        found = _CHANGE.fullmatch(line)
        if not found or found[1] == "-":
            raise wrong_marker(f"{line.strip()!r} is no change of a plan", file, number)
        if found[1] == "@":
            for index in last.values():
                changes[index][2].append(found[2])
            continue
        last[found[2]] = len(changes)
        changes.append((number, found[2], []))
    return project, changes


def _deploy_file(folder: Path, changes: Sequence[tuple[int, str, list[str]]], place: int) -> Path | None:
    """Return the file of a change; of one that is reworked later, the one that has a tag in its name."""
    _, name, tags = changes[place]
    is_reworked = any(later == name for _, later, _ in changes[place + 1 :])
    paths = [folder / f"{name}@{tag}.sql" for tag in tags] if is_reworked else [folder / f"{name}.sql"]
    return next((path for path in paths if path.is_file()), None)


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def read_alembic(path: Path) -> Imported:
    """Return the revisions of a file that `alembic upgrade head --sql` has written. Raise InputError."""
    if path.is_dir():
        hint = Hint("alembic upgrade head --sql > upgrades.sql")
        raise InputError("expected the file that Alembic writes, not a folder", place=str(path), notes=(hint,))
    text = read_file(path)
    spans = statement_spans(str(path), text)
    marks = list(_marks(numbered(text), str(path)))
    require_some(marks, str(path), "lines like '-- Running upgrade A -> B'")
    removed = [span for span in spans if span.transaction or _LEDGER.match(text, span.begin)]
    before = next((span for span in spans if span not in removed and _line(text, span.begin) < marks[0][0]), None)
    if before:
        message = "a statement before the first '-- Running upgrade'"
        raise wrong_marker(message, str(path), _line(text, before.begin))
    lines = without(text, removed)
    migrations, parents = list[Migration](), dict[str, tuple[str, ...]]()
    ends = [*(number for number, _, _ in marks[1:]), len(text) + 1]
    for (number, old, new), end in zip(marks, ends, strict=True):
        own = [span for span in spans if number < _line(text, span.begin) < end]
        part = made([line for line in lines if number < line[0] < end], plain(path))
        recorded = next((at for at, span in enumerate(own) if _LEDGER.match(text, span.begin)), len(own))
        # what runs in no transaction is after a COMMIT, before the revision is recorded
        is_one = all(span.transaction != "commit" for span in own[:recorded])
        migrations.append(Migration(new, new, str(path), part.text, part.lines, transaction=is_one))
        parents[new] = tuple(old.split(", ")) if old else ()
    return Imported("alembic-sql", tuple(migrations), parents=parents)


def _marks(lines: Lines, file: str) -> Iterator[tuple[int, str, str]]:
    """Yield the line of each revision, those that it comes after, and its own."""
    seen: set[str] = set()
    for number, line in lines:
        if found := _UPGRADE.fullmatch(line.rstrip()):
            if found[1] != "upgrade" or not found[3]:
                raise wrong_marker(f"{line.strip()!r} is no upgrade of one revision", file, number)
            if found[3] in seen:
                raise wrong_marker(f"a second upgrade to {found[3]}", file, number)
            seen.add(found[3])
            yield number, found[2].strip(), found[3].strip()
