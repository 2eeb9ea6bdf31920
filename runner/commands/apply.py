"""The command `apply`: connects, plans, executes and verifies; a dry run prints what would be sent instead."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import documents, stages
from runner.arguments import DATABASES, LOG, OUTPUT, PROFILES, PROJECT, examples, options, seconds
from runner.errors import InputError
from runner.loaded import Loaded, load
from runner.plans import Options
from runner.reach import connected, found, where_of
from runner.report import Reporter

if TYPE_CHECKING:
    from runner.stages import Planned


@click.command(
    epilog=examples(
        "apply",
        "apply --wait 60 --lock-wait 300",
        "apply --dry-run > changes.sql",
        "apply --expect HASH --dsn postgresql://app@db/jira",
    )
)
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASES)
@click.option("--dry-run", is_flag=True, help="Print what would be sent as a psql script, and change nothing.")
@click.option(
    "--expect", metavar="HASH", help="Run only when the plan has this hash, as 'plan' and --dry-run print it."
)
@seconds("--lock-wait", 60, "How long to wait for another run to end.")
@click.option("--baseline", is_flag=True, help="Record once and on_change scripts that are due without running them.")
@click.option("--single-transaction", is_flag=True, help="All or nothing: all scripts in one transaction.")
def apply(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    lock_wait: float,
    *,
    dry_run: bool,
    expect: str | None,
    baseline: bool,
    single_transaction: bool,
    **others: Any,
) -> int:
    """Apply all scripts, then verify the database."""
    from runner.execute import Listener
    from runner.run import Request, require_hash, run
    from runner.stop import Stop

    where, reporter = where_of(others)
    begin = time.monotonic()
    loaded = load(manifest, variables, profiles)
    request = Request(Options(baseline, single_transaction), expect, lock_wait)
    if where.is_many:
        from runner.fleet_commands import apply_to_many

        if dry_run:
            raise InputError("a dry run is for one database and one schema", place="--dry-run")
        return apply_to_many(where, loaded, request, reporter)
    loaded = loaded.for_schema(*where.schemas)
    if dry_run:
        with connected(loaded, where.dsn, where.wait, reporter) as (connection, target):
            reporter.stage("planning")
            planned = stages.plan(connection, loaded, reporter.say, request.options)
            require_hash(planned, expect)
        return _print_script(loaded, planned, target, reporter)
    with found(loaded, where.dsn, where.wait, reporter) as (connect, describe):
        stop = Stop()
        listener = Listener(
            stage=reporter.stage,
            started=reporter.started,
            finished=reporter.finished,
            say=reporter.say,
            progressed=reporter.progressed,
        )
        with stop.on_signals():
            result = run(
                connect,
                loaded,
                request,
                listener,
                stop,
                lambda connection, _: reporter.scripts_heading(loaded, describe(connection)),
            )
        reporter.applied(result, time.monotonic() - begin)
    reporter.json(documents.apply_json(result))
    return 0 if result.verification.ok else 1


def _print_script(loaded: Loaded, planned: Planned, target: str, reporter: Reporter) -> int:
    from runner import psql

    made = datetime.now().astimezone().isoformat(" ", "seconds")
    text = psql.write(
        planned.plan, loaded.project.manifest, loaded.checks, psql.DryRun(loaded.project.file, target, made)
    )
    if not reporter.as_json:
        sys.stdout.write(text)
    reporter.json({"ok": True, "hash": planned.plan.hash, "sql": text})
    return 0
