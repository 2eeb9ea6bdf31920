"""The command `new`: another script and its entry in the manifest."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from runner.cli.options import PROJECT, examples, options, output
from runner.cli.output_files import write_file
from runner.project.manifest import RunMode, load_manifest
from runner.report.reporter import Reporter


@click.command(epilog=examples("new holidays", 'new holidays --description "the holidays of each country"'))
@options(*PROJECT, *output())
@click.argument("name")
@click.option("--description", metavar="TEXT", default="", help="What the script makes. Default: its name.")
@click.option(
    "--run",
    metavar="MODE",
    type=click.Choice(get_args(RunMode)),
    default="always",
    show_default=True,
    help="When it is run: always, on_change, once, or upgrade.",
)
def new(
    manifest: Path, variables: tuple[str, ...], name: str, description: str, *, run: RunMode, reporter: Reporter
) -> int:
    """Make a script with the next number, and its manifest entry. Needs no database."""
    from runner.project.scaffold import new_script

    project = load_manifest(manifest, variables)
    made = new_script(project, name, description, run)
    newline = "\r\n" if b"\r\n" in manifest.read_bytes() else "\n"
    write_file(project.folder, made.path, made.script)
    write_file(project.folder, manifest.name, made.manifest, newline)
    reporter.line(f"{made.path} written, and its entry in {manifest}", "green")
    reporter.json({"ok": True, "path": made.path, "manifest": str(manifest)})
    return 0
