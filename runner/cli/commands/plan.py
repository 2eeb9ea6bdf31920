"""The command `plan`: what apply would do, and for many databases how much is pending."""

from __future__ import annotations

from pathlib import Path

import click
from msgspec.structs import replace

from runner.cli.connect import load_for_database, open_connection
from runner.cli.options import (
    ALLOW_HAZARDS,
    ALLOW_OLDER,
    DATABASES,
    LOG,
    PROFILES,
    PROJECT,
    RELEASE,
    examples,
    options,
    output,
)
from runner.errors import InputError
from runner.fleet.targets import Where
from runner.pipeline.plan import plan_database
from runner.planning.model import Options
from runner.report.plan_json import plan_json
from runner.report.plan_text import plan_lines
from runner.report.reporter import Reporter


@click.command(epilog=examples("plan", "plan --check --quiet", "plan --json > plan.json"))
@options(
    *PROJECT,
    *PROFILES,
    *RELEASE,
    *output("Show the server's notices too, and each statement that is unchanged."),
    *LOG,
    *DATABASES,
    *ALLOW_OLDER,
    *ALLOW_HAZARDS,
)
@click.option(
    "--check", is_flag=True, help="Exit 1 when anything is pending or refused, or differs and is left unchanged."
)
@click.option(
    "--rows",
    is_flag=True,
    help="Run the data statements, roll them back, and show how many rows each changes. Sequences move, triggers fire,"
    " and the rows are locked meanwhile.",
)
def plan(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    release: int | None,
    *,
    check: bool,
    rows: bool,
    allow_older: bool,
    allow_hazards: tuple[str, ...],
    where: Where,
    reporter: Reporter,
) -> int:
    """Show what apply would do, statement by statement. Changes nothing."""
    if rows and where.is_many:
        raise InputError("the rows of a plan are those of one database and one schema", place="--rows")
    loaded = load_for_database(manifest, variables, profiles).numbered(release)
    asked = Options(allow_older=allow_older, allow_hazards=allow_hazards)
    if where.is_many:
        from runner.cli.fleet import plan_for_many

        return plan_for_many(where, loaded, asked, reporter, check=check)
    loaded = loaded.for_schema(*where.schemas)
    with open_connection(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("planning")
        planned = plan_database(connection, loaded, reporter.say, asked)
        if rows:
            from runner.pipeline.data_rows import rows_of_data

            reporter.stage("running data statements, to be rolled back")
            planned = replace(planned, rows=rows_of_data(connection, planned.plan, loaded.project.manifest))
    reporter.heading(loaded, target)
    reporter.lines(plan_lines(planned, verbose=reporter.verbose))
    reporter.json(plan_json(planned))
    return 1 if check and not planned.is_done else 0
