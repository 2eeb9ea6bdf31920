"""The command `plan`: what apply would do, and for many databases how much is pending."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner import documents, lines, stages
from runner.arguments import DATABASES, LOG, OUTPUT, PROFILES, PROJECT, examples, options
from runner.loaded import load
from runner.reach import connected, where_of


@click.command(epilog=examples("plan", "plan --check --quiet", "plan --json > plan.json"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASES)
@click.option("--check", is_flag=True, help="Exit 1 when anything is pending.")
def plan(manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], *, check: bool, **others: Any) -> int:
    """Show what apply would do, statement by statement. Changes nothing."""
    where, reporter = where_of(others)
    loaded = load(manifest, variables, profiles)
    if where.is_many:
        from runner.fleet_commands import plan_for_many

        return plan_for_many(where, loaded, reporter, check=check)
    loaded = loaded.for_schema(*where.schemas)
    with connected(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("planning")
        planned = stages.plan(connection, loaded, reporter.say)
        sizes = stages.table_sizes(connection, loaded, planned)
    reporter.heading(loaded, target)
    reporter.lines(lines.plan_lines(planned.plan, sizes, verbose=reporter.verbose))
    reporter.json(documents.plan_json(planned.plan))
    return 1 if check and planned.plan.pending else 0
