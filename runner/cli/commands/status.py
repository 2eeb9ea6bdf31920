"""The command `status`: the history, and what is pending."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.connect import load_for_database, open_connection
from runner.cli.options import DATABASE, LOG, PROFILES, PROJECT, RELEASE, examples, options, output
from runner.pipeline.plan import plan_database
from runner.report import json_documents
from runner.report.reporter import Reporter
from runner.report.status_text import status_lines


@click.command(epilog=examples("status", "status --verbose"))
@options(*PROJECT, *PROFILES, *RELEASE, *output("Show the server's notices, and the whole history."), *LOG, *DATABASE)
@click.option("--schema", metavar="NAME", help="Another target schema.")
def status(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    release: int | None,
    *,
    schema: str | None,
    reporter: Reporter,
) -> int:
    """Show what was applied when and by whom, and what is pending. Changes nothing."""
    loaded = load_for_database(manifest, variables, profiles).numbered(release).for_schema(schema)
    with open_connection(loaded, dsn, wait, reporter) as (connection, target):
        reporter.stage("planning")
        reporter.heading(loaded, target)
        planned = plan_database(connection, loaded, reporter.say)
    reporter.lines(status_lines(planned, verbose=reporter.verbose))
    reporter.json(json_documents.status_json(planned))
    return 0
