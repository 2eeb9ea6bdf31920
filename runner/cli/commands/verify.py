"""The command `verify`: what the database has other than declared, and what the checks find."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.connect import load_for_database, open_connection
from runner.cli.options import DATABASES, LOG, PROFILES, PROJECT, examples, options, output
from runner.fleet.targets import Where
from runner.pipeline.verify import verify_database
from runner.report import json_documents
from runner.report.reporter import Reporter


@click.command(epilog=examples("verify", "verify --json > findings.json"))
@options(*PROJECT, *PROFILES, *output("Show the server's notices too, and what nobody declared."), *LOG, *DATABASES)
@click.option("--strict", is_flag=True, help="What exists in the declared schemas and is not declared is a finding.")
def verify(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    *,
    strict: bool,
    where: Where,
    reporter: Reporter,
) -> int:
    """Compare the database with the scripts, and run the checks. Changes nothing."""
    loaded = load_for_database(manifest, variables, profiles)
    if where.is_many:
        from runner.cli.fleet import verify_many

        return verify_many(where, loaded, reporter, strict=strict)
    loaded = loaded.for_schema(*where.schemas)
    with open_connection(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("verifying")
        reporter.heading(loaded, target)
        verification = verify_database(connection, loaded, reporter.say, strict=strict)
    reporter.verified(verification)
    reporter.json(json_documents.verify_json(verification))
    return 0 if verification.ok else 1
