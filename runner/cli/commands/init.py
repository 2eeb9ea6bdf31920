"""The command `init`: a project to start from."""

from __future__ import annotations

from pathlib import Path
from shlex import quote

import click

from runner.cli.options import MANIFEST, examples, options, output
from runner.cli.output_files import write_new_file
from runner.report.reporter import Reporter

_NEXT = {
    "apply": "applies the scripts, and proves the result",
    "new indexes": "makes the next script, and its entry in the manifest",
    "lock": "writes schema.lock.toml, which reviews read; commit it",
}
"""The commands that come next, and what each does."""


@click.command(epilog=examples("init --manifest shop/manifest.toml", "init shop --manifest db/manifest.toml"))
@options(MANIFEST, *output())
@click.argument("name", required=False)
def init(manifest: Path, name: str | None, *, reporter: Reporter) -> int:
    """Begin a project, called NAME or as its folder. Overwrites nothing, and needs no database."""
    from runner.project.new_project import new_project

    folder = manifest.absolute().parent
    made = new_project(manifest.parent, manifest.name, name or folder.name or "database")
    for path, text in made.files.items():
        write_new_file(manifest.parent, path, text)
        reporter.line(f"{manifest.parent / path} written", "green")
    for path, lines in made.missing_lines.items():
        reporter.line(f"{manifest.parent / path} exists already; add to it: {', '.join(lines)}", "yellow")
    option = "" if manifest == Path("manifest.toml") else f" --manifest {quote(str(manifest))}"
    reporter.line("next:")
    for command, purpose in _NEXT.items():
        reporter.line(f"  python -m runner {command + option:<{len(option) + 12}}  {purpose}")
    reporter.json({"ok": True, "files": list(made.files), "missing_lines": dict(made.missing_lines)})
    return 0
