"""The command `verify`: what the database has other than declared, and what the checks find."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from runner import documents, stages
from runner.arguments import DATABASES, LOG, OUTPUT, PROFILES, PROJECT, examples, options
from runner.loaded import load
from runner.reach import connected, where_of


@click.command(epilog=examples("verify", "verify --json > findings.json"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASES)
def verify(manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], **others: Any) -> int:
    """Compare the database with the scripts, and run the checks. Changes nothing."""
    where, reporter = where_of(others)
    loaded = load(manifest, variables, profiles)
    if where.is_many:
        from runner.fleet_commands import verify_many

        return verify_many(where, loaded, reporter)
    loaded = loaded.for_schema(*where.schemas)
    with connected(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("verifying")
        reporter.heading(loaded, target)
        verification = stages.verify(connection, loaded, reporter.say)
    reporter.verified(verification)
    reporter.json(documents.verify_json(verification))
    return 0 if verification.ok else 1
