"""The command `init`: a project to start from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import click

from runner.cli.new_files import say_next, write_files
from runner.cli.options import MANIFEST, examples, options, output
from runner.errors import InputError
from runner.report.reporter import Reporter


@click.command(epilog=examples("init --manifest shop/manifest.toml", "init shop --manifest db/manifest.toml"))
@options(MANIFEST, *output())
@click.argument("name", required=False)
@click.option("--from", "source", metavar="DSN", help="A database, which the scripts are to declare.")
@click.option(
    "--from-dump", "dump", metavar="FILE", type=click.Path(path_type=Path), help="The same, from what pg_dump wrote."
)
def init(manifest: Path, name: str | None, *, source: str | None, dump: Path | None, reporter: Reporter) -> int:
    """Begin a project, called NAME or as its folder.

    With --from or --from-dump, its scripts declare what a database has. Overwrites nothing, and changes no database.
    """
    from runner.project.new_project import new_files, new_project, require_absent

    folder = manifest.parent
    lost: tuple[str, ...] = ()
    files: Mapping[str, str]
    require_absent(folder, [manifest.name])
    if source is not None and dump is not None:
        raise InputError("a project is begun from a database or from a dump, not from both", place="--from-dump")
    if dump is not None:
        from runner.pipeline.adopt import schema_of_dump

        files, lost = schema_of_dump(dump, manifest.name, name)
    elif source is None:
        files = new_files(manifest.name, name or folder.absolute().name or "database")
    else:
        from runner.pipeline.adopt import schema_of

        with reporter.progress():
            reporter.stage("reading the schema")
            files, lost = schema_of(source, folder, manifest.name, name, reporter.say)
    made = new_project(folder, files)
    write_files(folder, made, reporter)
    say_next(manifest, lost, reporter)
    missing = dict(made.missing_lines)
    reporter.json({"ok": True, "files": list(made.files), "missing_lines": missing, "not_written": list(lost)})
    return 0
