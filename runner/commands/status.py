"""The command `status`: the history, and what is pending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner import documents, lines, stages
from runner.arguments import DATABASE, LOG, OUTPUT, PROFILES, PROJECT, examples, options
from runner.loaded import load
from runner.reach import connected
from runner.report import Reporter


@click.command(epilog=examples("status", "status --verbose"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASE)
@click.option("--schema", metavar="NAME", help="Another target schema.")
def status(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    schema: str | None,
    **output: Any,
) -> int:
    """Show what was applied when and by whom, and what is pending. Changes nothing."""
    reporter = Reporter(**output)
    loaded = load(manifest, variables, profiles).for_schema(schema)
    with connected(loaded, dsn, wait, reporter) as (connection, target):
        reporter.stage("planning")
        reporter.heading(loaded, target)
        planned = stages.plan(connection, loaded, reporter.say)
    reporter.lines(lines.status_lines(planned, verbose=reporter.verbose))
    reporter.json(documents.status_json(planned))
    return 0
