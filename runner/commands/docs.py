"""The command `docs`: the page of the schema, from the lock file or from what the scripts declare."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner import stages
from runner.arguments import DATABASE, LOG, OUTPUT, PROFILES, PROJECT, examples, options
from runner.loaded import load
from runner.reach import connected
from runner.report import Reporter
from runner.written import keep_file


@click.command(epilog=examples("docs", "docs --check"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASE)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the page is not what would be written.")
def docs(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    check: bool,
    **output: Any,
) -> int:
    """Write docs/schema.md: the declared tables with a diagram. With a fresh lock file, needs no database."""
    from runner.schema_page import schema_page

    reporter = Reporter(**output)
    loaded = load(manifest, variables, profiles)
    facts = stages.locked_facts(loaded)
    if facts is None:
        with connected(loaded, dsn, wait, reporter) as (connection, _):
            reporter.stage("building what the scripts declare")
            facts = stages.declare_on(connection, loaded, reporter.say).facts
    text = schema_page(loaded.project.manifest.project.name, facts, loaded.scripts)
    return keep_file(manifest.parent / "docs" / "schema.md", text, "docs", reporter, check=check)
