"""The command `check`: all flaws of the project at once, as text, annotations or JSON."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.options import PROFILES, PROJECT, examples, options, output
from runner.errors import InputError
from runner.lint.diagnostics import diagnostic_of
from runner.report import json_documents
from runner.report.lint_text import annotation, annotation_line, check_text, diagnostic_line
from runner.report.reporter import Reporter


@click.command(epilog=examples("check", "check --format github", "check --var batch_size=250"))
@options(*PROJECT, *PROFILES, *output())
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="github prints annotations, which GitHub shows beside the lines.",
)
def check(
    manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], *, form: str, reporter: Reporter
) -> int:
    """Check manifest, templates, mappings and SQL. Tells all that is wrong at once; needs no database."""
    from runner.lint import linter

    annotate = form == "github"
    if annotate and reporter.as_json:
        raise InputError("is not for --json; give one of the two", place="--format")
    try:
        checked = linter.check(manifest, variables, profiles)
    except InputError as error:
        if annotate:
            click.echo(annotation(diagnostic_of(error), manifest))
        raise
    if not checked.has_squawk and not reporter.as_json:
        reporter.say("squawk is not installed; its checks are skipped (pip install squawk-cli)")
    reporter.lines(annotation_line(flaw, manifest) if annotate else diagnostic_line(flaw) for flaw in checked.flaws)
    document = json_documents.check_json(checked)
    show = reporter.line if checked.ok else reporter.failure
    show(check_text(document, checked.errors), "green" if checked.ok else "bold red")
    reporter.json(document)
    return 0 if checked.ok else 2
