"""The command `import`: the migrations of another tool as a project, and what its ledger says."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from runner.cli.new_files import NEXT, say_next, write_files
from runner.cli.options import LEDGER, PROJECT, examples, options, output
from runner.errors import Hint, InputError
from runner.report.line import Line
from runner.report.reporter import Reporter
from runner.wording import count

if TYPE_CHECKING:
    from runner.pipeline.apply import ApplyResult
    from runner.project.importing.ledgers import Recorded
    from runner.project.importing.migrations import Imported
    from runner.project.manifest import ManifestFile
    from runner.project.new_project import NewProject

_TOOLS = ("dbmate", "goose", "flyway", "sqitch", "alembic-sql", "node-pg-migrate", "graphile")
_NEXT = {"check": "reports what is wrong, or not advisable, in the scripts", **NEXT}


@click.command(
    "import",
    epilog=examples("import dbmate db/migrations", "import flyway sql --dsn postgresql://app@db/shop"),
)
@options(*PROJECT, *output(), *LEDGER)
@click.argument("tool", metavar="TOOL", type=click.Choice(_TOOLS))
@click.argument("path", type=click.Path(path_type=Path))
def import_(
    manifest: Path,
    variables: tuple[str, ...],
    tool: str,
    path: Path,
    dsn: str | None,
    wait: float,
    *,
    reporter: Reporter,
) -> int:
    """Begin a project with another tool's migrations.

    TOOL is dbmate, goose, flyway, sqitch, alembic-sql, node-pg-migrate or graphile; PATH is the folder, or the
    file, that has them. With --dsn, what the tool's ledger has is recorded as applied. Nothing is overwritten, and
    nothing is run.
    """
    what = _read(manifest, tool, path, variables, is_known=dsn is not None and os.path.lexists(manifest))
    ledger = None
    if dsn is None:
        write_files(manifest.parent, what.made, reporter)
    else:
        ledger = _with_ledger(what, dsn, wait, reporter)
    return _say(what, ledger, reporter)


class _Import(NamedTuple):
    """What is imported: the files to be written, or the project that has them already."""

    imported: Imported
    made: NewProject
    project: ManifestFile | None
    manifest: Path


class _Recorded(NamedTuple):
    """What the ledger says, the scripts that were recorded by it and those that were not, and the run that did it."""

    ledger: Recorded
    paths: tuple[str, ...]
    pending: tuple[str, ...]
    result: ApplyResult | None


def _read(manifest: Path, tool: str, path: Path, variables: tuple[str, ...], *, is_known: bool) -> _Import:
    """Return what is imported, of a project that is there already as well. Raise InputError."""
    from runner.project.importing.project_files import (
        project_files,
        require_readable,
        require_same,
        settled,
        with_values,
    )
    from runner.project.importing.tools import read_migrations
    from runner.project.manifest import load_manifest
    from runner.project.new_project import NewProject, new_project, require_absent

    imported = read_migrations(tool, path)
    imported = settled(imported if is_known else with_values(imported, variables))
    folder, name = manifest.parent, manifest.parent.absolute().name or "database"
    files = project_files(name, manifest.name, imported)
    if is_known:
        project = load_manifest(manifest, variables)
        require_same(project, files)
        return _Import(imported, NewProject({}, {}), project, manifest)
    require_absent(folder, files)
    require_readable(imported)
    return _Import(imported, new_project(folder, files), None, manifest)


def _with_ledger(what: _Import, dsn: str, wait: float, reporter: Reporter) -> _Recorded:
    """Read the ledger, write the files where there are none yet, and record what is applied."""
    from runner.execution.listener import Listener
    from runner.pipeline.ledger import read_ledger, record_applied
    from runner.postgres.cancellation import Cancellation
    from runner.postgres.opener import Opener
    from runner.postgres.target import find_target
    from runner.project.importing.project_files import placed
    from runner.project.manifest import Manifest, ProjectSection, load_manifest

    folder, paths = what.manifest.parent, tuple(placed(what.imported))
    manifest = what.project.manifest if what.project else Manifest(ProjectSection("import"), ())
    if what.project is None and what.imported.unset:
        hint = Hint("give it with --var, or import without --dsn, and again with it when the manifest has the value")
        raise InputError(f"{what.imported.unset[0]} has no value; nothing was written", place="--dsn", notes=(hint,))
    with reporter.progress(), find_target(dsn, folder, reporter.say) as target:
        connect = Opener(target, manifest, wait, reporter.say, reporter.notice).connect
        reporter.stage("reading the ledger")
        with connect() as connection:
            ledger = read_ledger(connection, manifest, what.imported)
        write_files(folder, what.made, reporter)
        project = what.project or load_manifest(what.manifest)
        applied, stop = tuple(paths[place] for place in ledger.applied), Cancellation()
        with stop.on_signals():
            listener = Listener(stage=reporter.stage, say=reporter.say)
            result = record_applied(connect, project, applied, listener, stop) if applied else None
    return _Recorded(ledger, applied, tuple(path for path in paths if path not in applied), result)


def _say(what: _Import, done: _Recorded | None, reporter: Reporter) -> int:
    """Say what was imported and recorded, and return the exit code."""
    imported, made, _, manifest = what
    ok = done is None or done.result is None or done.result.verification.ok
    for name in imported.unset if made.files else ():
        reporter.line(f"{name} has no value: give it one in {manifest}, under [variables]", "yellow")
    if done:
        reporter.lines(_ledger_lines(done.ledger))
        if done.result:
            reporter.verified(done.result.verification)
        number = f"{count(len(done.paths), 'script')} recorded as applied, as the ledger says"
        reporter.line(f"{number}; {len(done.pending)} pending", "green" if ok else "")
    say_next(manifest, imported.left_out if made.files else (), reporter, _NEXT)
    reporter.json(
        {
            "ok": ok,
            "files": list(made.files),
            "missing_lines": dict(made.missing_lines),
            "not_written": list(imported.left_out),
            "unset": list(imported.unset),
            "ledger": _ledger_json(done) if done else None,
        }
    )
    return 0 if ok else 1


def _ledger_lines(ledger: Recorded) -> Iterator[Line]:
    for version in ledger.unknown:
        yield Line(f"the ledger has {version}, which is no migration here", "yellow")
    for file in ledger.changed:
        yield Line(f"{file} is not as it was when it was applied", "yellow")


def _ledger_json(done: _Recorded) -> dict[str, Any]:
    from runner.report.json_documents import verify_json

    return {
        "recorded": list(done.paths),
        "pending": list(done.pending),
        "unknown": list(done.ledger.unknown),
        "changed": list(done.ledger.changed),
        "verify": verify_json(done.result.verification) if done.result else None,
    }
