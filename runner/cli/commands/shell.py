"""The command `shell`: psql, on the database that the other commands would take."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.options import DATABASE, PROJECT, examples, options
from runner.project.manifest import load_manifest
from runner.report.reporter import Reporter


@click.command(
    epilog=examples("shell", 'shell -- -c "select * from runner_history"'),
    context_settings={"ignore_unknown_options": True},
)
@options(*PROJECT, *DATABASE)
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
def shell(
    manifest: Path, variables: tuple[str, ...], dsn: str | None, wait: float, psql_arguments: tuple[str, ...]
) -> int:
    """Open psql on the database. What follows `--` is given to psql."""
    from runner.cli.psql_shell import run_psql
    from runner.postgres.connection import connect_to
    from runner.postgres.target import find_target

    reporter = Reporter()
    project = load_manifest(manifest, variables)
    with find_target(dsn, project.folder, reporter.say) as target:
        with connect_to(target, project.manifest, wait, reporter.say):
            pass
        return run_psql(target, psql_arguments)
