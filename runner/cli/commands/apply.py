"""The command `apply`: connects, plans, executes and verifies; a dry run prints what would be sent instead."""

from __future__ import annotations

import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.connect import found_database, load_for_database, open_connection
from runner.cli.options import (
    ALLOW_HAZARDS,
    ALLOW_OLDER,
    DATABASES,
    LOG,
    PROFILES,
    PROJECT,
    RELEASE,
    ROLLOUT,
    examples,
    options,
    output,
    seconds,
)
from runner.errors import InputError
from runner.fleet.targets import Where
from runner.planning.model import Options
from runner.project.loading import Project
from runner.report import json_documents
from runner.report.reporter import Reporter
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.apply import Request


@click.command(
    epilog=examples(
        "apply",
        "apply --wait 60 --lock-wait 300",
        "apply --dry-run > changes.sql",
        "apply --expect HASH --dsn postgresql://app@db/jira",
    )
)
@options(
    *PROJECT,
    *PROFILES,
    *RELEASE,
    *output("Show the server's notices too, and what nobody declared."),
    *LOG,
    *DATABASES,
    *ROLLOUT,
    *ALLOW_OLDER,
    *ALLOW_HAZARDS,
)
@click.option("--dry-run", is_flag=True, help="Print what would be sent as a psql script, and change nothing.")
@click.option(
    "--expect", metavar="HASH", help="Run only when the plan has this hash, as 'plan' and --dry-run print it."
)
@seconds("--lock-wait", 60, "How long to wait for another run to end.")
@click.option(
    "--baseline", is_flag=True, help="Record the scripts that are due and not run always, without running them."
)
@click.option(
    "--upgrade-from",
    metavar="PATH",
    help="Record the upgrades before this one as applied, in a database without history.",
)
@click.option("--single-transaction", is_flag=True, help="All or nothing: all scripts in one transaction.")
def apply(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    lock_wait: float,
    release: int | None,
    *,
    dry_run: bool,
    expect: str | None,
    baseline: bool,
    upgrade_from: str | None,
    single_transaction: bool,
    allow_older: bool,
    allow_hazards: tuple[str, ...],
    where: Where,
    reporter: Reporter,
) -> int:
    """Apply all scripts, then verify the database."""
    loaded = load_for_database(manifest, variables, profiles).numbered(release)
    from runner.pipeline.apply import Request  # brings the driver, which is loaded while another process renders

    asked = Options(baseline, single_transaction, upgrade_from, allow_older, allow_hazards)
    request = Request(asked, expect, lock_wait)
    if where.is_many:
        from runner.cli.fleet import apply_to_many

        if dry_run:
            raise InputError("a dry run is for one database and one schema", place="--dry-run")
        return apply_to_many(where, loaded, request, reporter)
    carry_out = _print_script if dry_run else _apply
    return carry_out(loaded.for_schema(*where.schemas), where, request, reporter)


def _apply(loaded: Project, where: Where, request: Request, reporter: Reporter) -> int:
    from runner.execution.listener import Listener
    from runner.pipeline.run import run
    from runner.postgres.cancellation import Cancellation

    begin, stop = time.monotonic(), Cancellation()
    listener = Listener(
        stage=reporter.stage,
        started=reporter.started,
        finished=reporter.finished,
        tried=reporter.tried,
        say=reporter.say,
        progressed=reporter.progressed,
    )
    with found_database(loaded, where.dsn, where.wait, reporter) as (connect, describe):
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
    reporter.json(json_documents.apply_json(result))
    return 0 if result.verification.ok else 1


def _print_script(loaded: Project, where: Where, request: Request, reporter: Reporter) -> int:
    from runner.execution.psql_script import DryRun, write_psql_script
    from runner.pipeline.plan import plan_database
    from runner.pipeline.run import require_hash
    from runner.report.plan_end import left_words, plan_end

    with open_connection(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("planning")
        planned = plan_database(connection, loaded, reporter.say, request.options)
        require_hash(planned, request.expect)
    made = datetime.now().astimezone().isoformat(" ", "seconds")
    uncompared = planned.declared.uncompared
    refused = len(planned.plan.refused)
    told = f"{count(refused, 'hazard')} refused: apply exits 1 before anything is sent" if refused else ""
    start = "; ".join(filter(None, (f"{planned.plan.pending} pending", left_words(planned), told)))
    end = plan_end(planned, start)
    dry_run = DryRun(loaded.project.file, target, made, tuple(map(str, uncompared)), end)
    text = write_psql_script(planned.plan, loaded.project.manifest, loaded.checks, dry_run)
    reporter.file(text)
    document = {"ok": True, "hash": planned.plan.hash, "sql": text}
    reporter.json({**document, "not_compared": json_documents.uncompared_json(uncompared)})
    return 0
