"""The command `render`: the scripts as one psql script, or as files."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.options import PROFILES, PROJECT, examples, options, output
from runner.cli.output_files import write_file
from runner.errors import InputError
from runner.project.loading import load
from runner.report.reporter import Reporter


@click.command(epilog=examples("render > schema.sql", "render --output DIR"))
@options(*PROJECT, *PROFILES, *output())
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each file, rendered, below DIR.",
)
def render(
    manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], output: Path | None, *, reporter: Reporter
) -> int:
    """Print all scripts, rendered, as one psql script. Needs no database."""
    from runner.execution.psql_script import write_psql_script
    from runner.pipeline.full_plan import plan_for_empty

    loaded = load(manifest, variables, profiles)
    rendered = {parsed.rendered.path: parsed.rendered.text for parsed in (*loaded.scripts, *loaded.checks)}
    if output is None:
        text = write_psql_script(plan_for_empty(loaded), loaded.project.manifest, loaded.checks)
        reporter.file(text)
        reporter.json({"ok": True, "sql": text})
        return 0
    if output.resolve() == loaded.project.folder.resolve():
        raise InputError("the files would take the place of the templates; choose another folder", place="--output")
    for path, text in rendered.items():
        write_file(output, path, text)
    reporter.line(f"{len(rendered)} files written to {output}")
    reporter.json({"ok": True, "files": [str(output / path) for path in rendered]})
    return 0
