"""The command `upgrade-test`: databases of earlier releases are upgraded, and compared with a new one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from runner.cli.options import LOG, PROFILES, PROJECT, SERVER, examples, options, output
from runner.project.loading import Project, load
from runner.report import json_documents
from runner.report.reporter import Reporter
from runner.report.upgrade_text import outcome_lines, summary_line, upgrade_heading

if TYPE_CHECKING:
    from runner.pipeline.upgrade_trial import Wanted
    from runner.pipeline.upgraded import Outcome
    from runner.project.earlier import Earlier, History
    from runner.sql.statements import Script


@click.command(
    name="upgrade-test", epilog=examples("upgrade-test --since v1.0.0", "upgrade-test --from v1.0.0 --rows rows.sql")
)
@options(*PROJECT, *PROFILES, *output("Show the server's notices too, and every difference."), *LOG, *SERVER)
@click.option(
    "--may-change",
    metavar="NAME",
    multiple=True,
    help="A table, or TABLE.COLUMN, of which an upgrade changes rows on purpose. May be repeated.",
)
@click.option(
    "--rows",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="SQL that puts rows into each earlier release. Default: they are made up from the catalog.",
)
@click.option("--since", metavar="TAG", help="Each tag from this one to HEAD.")
@click.option(
    "--from",
    "revisions",
    metavar="REV",
    multiple=True,
    help="A git revision, or a folder with an earlier state of the project. May be repeated.",
)
def upgrade_test(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    revisions: tuple[str, ...],
    since: str | None,
    rows: Path | None,
    may_change: tuple[str, ...],
    reporter: Reporter,
) -> int:
    """Prove that earlier releases end like a new database.

    Each is made in a database of its own, filled, and upgraded to the files as they are now. Its rows must be kept,
    a second run must be quiet, and the earlier files must change nothing after that. No other database is touched.
    """
    from runner.pipeline.upgrade_trial import Wanted
    from runner.pipeline.upgraded import Outcome
    from runner.project.earlier import Choice, History

    loaded = load(manifest, variables, profiles)
    wanted = Wanted(Choice(variables, profiles), _read_rows(rows, loaded) if rows else None, may_change)
    history = History(manifest)
    releases = history.find(revisions, since)
    if all(release.reason for release in releases):
        outcomes = [Outcome(release, release.reason) for release in releases]
        reporter.lines(upgrade_heading(loaded, "", releases))
        reporter.lines(line for outcome in outcomes for line in outcome_lines(outcome, releases))
    else:
        outcomes = _test(loaded, history, releases, wanted, dsn, wait, reporter)
    reporter.lines([summary_line(outcomes)])
    reporter.json(json_documents.upgrade_test_json(outcomes))
    return 0 if all(outcome.ok for outcome in outcomes) else 1


def _test(
    loaded: Project,
    history: History,
    releases: Sequence[Earlier],
    wanted: Wanted,
    dsn: str | None,
    wait: float,
    reporter: Reporter,
) -> list[Outcome]:
    """Test the releases one after the other, and show each as it ends."""
    from runner.pipeline.upgrade_test import UpgradeTest
    from runner.postgres.connection import describe_server
    from runner.postgres.opener import Opener
    from runner.postgres.target import find_server

    outcomes = []
    with reporter.progress(), find_server(dsn, loaded.project.folder, reporter.say) as target:
        opener = Opener(target, loaded.project.manifest, wait, reporter.say)
        reporter.stage("connecting")
        with opener.connect() as connection:
            server = describe_server(connection, target)
        reporter.lines(upgrade_heading(loaded, server, releases))
        for outcome in UpgradeTest(opener, loaded, history, wanted, reporter.stage).outcomes(releases):
            outcomes.append(outcome)
            reporter.lines(outcome_lines(outcome, releases, verbose=reporter.verbose))
    return outcomes


def _read_rows(path: Path, loaded: Project) -> Script:
    from runner.project.input_files import read_text
    from runner.sql.parser import parse
    from runner.sql.source_map import as_written

    text = read_text(path, str(path))
    return parse(as_written(str(path), text), schema=loaded.project.manifest.project.schema)
