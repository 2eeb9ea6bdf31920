"""The command `lock`: the lock file, from what the scripts declare."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import click

from runner.cli.connect import open_connection
from runner.cli.options import DATABASE_OF_EACH_VERSION, LOG, PROFILES, PROJECT, examples, options, output
from runner.cli.output_files import keep_file
from runner.project.loading import load
from runner.project.lock_versions import versions_text, with_seals_of_file, with_versions_of_file
from runner.project.lockfile import FILE, Lockfile, lockfile_text
from runner.report import json_documents
from runner.report.line import Line
from runner.report.reporter import Reporter
from runner.report.verification_text import other_kinds_lines, uncompared_lines
from runner.wording import with_uncompared


@click.command(epilog=examples("lock", "lock --check", "lock --dsn postgresql://old/db --dsn postgresql://new/db"))
@options(*PROJECT, *PROFILES, *output("Show the server's notices too."), *LOG, *DATABASE_OF_EACH_VERSION)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the lock file is not what would be written.")
def lock(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsns: tuple[str, ...],
    wait: float,
    *,
    check: bool,
    reporter: Reporter,
) -> int:
    """Write schema.lock.toml: what the scripts declare. It is for reviews, and while it is fresh, verify only reads."""
    from runner.pipeline.lock import lock_on, one_lock

    loaded = load(manifest, variables, profiles, with_lock=False)
    locks: list[Lockfile] = []
    other_kinds: Counter[str] = Counter()
    for dsn in dsns or (None,):
        with open_connection(loaded, dsn, wait, reporter) as (connection, _):
            reporter.stage("building what the scripts declare")
            locked = lock_on(connection, loaded, reporter.say)
            locks.append(locked.lock)
            other_kinds |= Counter(locked.other_kinds)
    made = with_versions_of_file(loaded.project, one_lock(locks))
    written = with_seals_of_file(loaded.project, made) if check else made
    reporter.lines((*uncompared_lines(made.uncompared), *other_kinds_lines(other_kinds)))
    kept = keep_file(manifest.parent, FILE, lockfile_text(written), "lock", check=check)
    text = f"{kept.text} (PostgreSQL {versions_text(made.postgresql)})" if kept.ok else kept.text
    left = len(made.uncompared) + sum(other_kinds.values())
    reporter.lines([Line(with_uncompared(text, left), kept.style, is_failure=not kept.ok)])
    uncompared = {"not_compared": json_documents.uncompared_json(made.uncompared), "other_kinds": dict(other_kinds)}
    reporter.json({**kept.document, "postgresql": list(made.postgresql), **uncompared})
    code = 0 if kept.ok else 1
    if code == 0 and written is not made:
        reporter.line("the seals are out of date, the declared schema is not; a start is slightly slower")
    return code
