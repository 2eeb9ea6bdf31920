"""The command `docs`: the page of the schema, from the lock file or from what the scripts declare."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.connect import open_connection
from runner.cli.options import DATABASE, LOG, PROFILES, PROJECT, examples, options, output
from runner.cli.output_files import keep_file
from runner.pipeline.declare import declare_on, locked_facts
from runner.project.loading import load
from runner.report.line import Line
from runner.report.reporter import Reporter


@click.command(epilog=examples("docs", "docs --check"))
@options(*PROJECT, *PROFILES, *output("Show the server's notices too."), *LOG, *DATABASE)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the page is not what would be written.")
def docs(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    check: bool,
    reporter: Reporter,
) -> int:
    """Write docs/schema.md: the declared tables with a diagram. With a fresh lock file, needs no database."""
    from runner.report.schema_page import schema_page

    loaded = load(manifest, variables, profiles)
    facts = locked_facts(loaded)
    if facts is None:
        with open_connection(loaded, dsn, wait, reporter) as (connection, _):
            reporter.stage("building what the scripts declare")
            facts = declare_on(connection, loaded, reporter.say).facts
    text = schema_page(loaded.project.manifest.project, facts, loaded.declaring)
    kept = keep_file(manifest.parent, "docs/schema.md", text, "docs", check=check)
    reporter.lines([Line(kept.text, kept.style, is_failure=not kept.ok)])
    reporter.json(kept.document)
    return 0 if kept.ok else 1
