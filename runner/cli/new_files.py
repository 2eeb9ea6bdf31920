"""The files of a project that a command begins, and what it says of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from runner.cli.output_files import write_new_file
from runner.report.line import Line
from runner.report.reporter import Reporter
from runner.wording import PROGRAM

if TYPE_CHECKING:
    from runner.project.new_project import NewProject

NEXT = {
    "apply": "applies the scripts, and proves the result",
    "new indexes": "makes the next script, and its entry in the manifest",
    "lock": "writes schema.lock.toml, which reviews read; commit it",
}
"""The commands that come next, and what each does."""


def write_files(folder: Path, made: NewProject, reporter: Reporter) -> None:
    """Write the files of a project, and say so; the lines of files that are there are named."""
    for path, text in made.files.items():
        write_new_file(folder, path, text)
        reporter.line(f"{folder / path} written", "green")
    for path, lines in made.missing_lines.items():
        reporter.line(f"{folder / path} exists already; add to it: {', '.join(lines)}", "yellow")


def say_next(manifest: Path, lost: Iterable[str], reporter: Reporter, commands: Mapping[str, str] = NEXT) -> None:
    """Say what was not written, and which commands come next."""
    reporter.lines(Line(f"not written: {what}", "yellow") for what in lost)
    reporter.lines(_next_lines(manifest, commands))


def _next_lines(manifest: Path, commands: Mapping[str, str]) -> Iterator[Line]:
    option = "" if manifest == Path("manifest.toml") else f" --manifest {quote(str(manifest))}"
    yield Line("next:")
    for command, purpose in commands.items():
        yield Line(f"  {PROGRAM} {command + option:<{len(option) + 12}}  {purpose}")
