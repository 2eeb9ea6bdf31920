"""The command `accept`: a difference that is known, and its entry in the manifest."""

from __future__ import annotations

from pathlib import Path

import click

from runner.cli.connect import open_connection
from runner.cli.options import DATABASE, LOG, PROFILES, PROJECT, examples, options, output
from runner.cli.output_files import write_file
from runner.project.loading import load
from runner.report.reporter import Reporter


@click.command(
    epilog=examples(
        'accept "index item_name_idx" --because "built by hand"', 'accept "column item.size" --because "until 2.0"'
    )
)
@options(*PROJECT, *PROFILES, *output("Show the server's notices too."), *LOG, *DATABASE)
@click.argument("object", metavar="OBJECT")
@click.option("--because", metavar="TEXT", required=True, help="Why the difference may stay.")
def accept(  # noqa: PLR0913  the options
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    object: str,  # noqa: A002  the argument
    because: str,
    reporter: Reporter,
) -> int:
    """Accept a difference that is known, in the manifest.

    OBJECT is called as findings call it. No database is changed.
    """
    from runner.pipeline.accept import accepting
    from runner.project.scaffold import with_accepted

    loaded = load(manifest, variables, profiles)
    with open_connection(loaded, dsn, wait, reporter) as (connection, _):
        entries = accepting(connection, loaded, object, because, reporter.say)
    newline = "\r\n" if b"\r\n" in manifest.read_bytes() else "\n"
    write_file(loaded.project.folder, manifest.name, with_accepted(loaded.project, entries), newline)
    for entry in entries:
        reporter.line(f"accepted: {entry.kind}: {entry.object}, in {manifest}", "green")
    reporter.json({"ok": True, "manifest": str(manifest), "kinds": [entry.kind for entry in entries]})
    return 0
