"""The commands: their arguments, and the stages that each goes through."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from runner import __version__, documents, lines, stages
from runner.arguments import DATABASE, DATABASES, LOG, OUTPUT, PROFILES, PROJECT, Commands, examples, options, seconds
from runner.errors import InputError
from runner.loaded import Loaded, load
from runner.plans import Options
from runner.reach import connected, found, where_of
from runner.report import Reporter
from runner.written import keep_file, write_file

if TYPE_CHECKING:
    from runner.stages import Planned


PROGRAM = "runner"
"""What the program is called where the package is installed."""
COMPLETE = "_RUNNER_COMPLETE"


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    epilog="python -m runner COMMAND --help has the options of a command, and examples.",
)
@click.version_option(__version__, message="runner %(version)s")
def cli() -> None:
    """Apply plain SQL files, listed in a manifest, to a PostgreSQL database, and prove the result."""


@cli.command(
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


@cli.command(epilog=examples("plan", "plan --check --quiet", "plan --json > plan.json"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASES)
@click.option("--check", is_flag=True, help="Exit 1 when anything is pending.")
def plan(manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], *, check: bool, **others: Any) -> int:
    """Show what apply would do, statement by statement. Changes nothing."""
    where, reporter = where_of(others)
    loaded = load(manifest, variables, profiles)
    if where.is_many:
        from runner.fleet_commands import plan_for_many

        return plan_for_many(where, loaded, reporter, check=check)
    loaded = loaded.for_schema(*where.schemas)
    with connected(loaded, where.dsn, where.wait, reporter) as (connection, target):
        reporter.stage("planning")
        planned = stages.plan(connection, loaded, reporter.say)
        sizes = stages.table_sizes(connection, loaded, planned)
    reporter.heading(loaded, target)
    reporter.lines(lines.plan_lines(planned.plan, sizes, verbose=reporter.verbose))
    reporter.json(documents.plan_json(planned.plan))
    return 1 if check and planned.plan.pending else 0


@cli.command(epilog=examples("verify", "verify --json > findings.json"))
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


@cli.command(epilog=examples("lock", "lock --check"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASE)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the lock file is not what would be written.")
def lock(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    check: bool,
    **output: Any,
) -> int:
    """Write schema.lock.toml: what the scripts declare. It is for reviews, and while it is fresh, verify only reads."""
    from runner.lock import FILE, lock_text, with_seals_of_file
    from runner.planning import lock_on

    reporter = Reporter(**output)
    loaded = load(manifest, variables, profiles, with_lock=False)
    with connected(loaded, dsn, wait, reporter) as (connection, _):
        reporter.stage("building what the scripts declare")
        made = lock_on(connection, loaded, reporter.say)
    written = with_seals_of_file(loaded.project, made) if check else made
    code = keep_file(manifest.parent / FILE, lock_text(written), "lock", reporter, check=check)
    if code == 0 and written is not made:
        reporter.line("scripts or checks have changed since, and not what they declare: apply starts a little slower")
    return code


@cli.command(epilog=examples("render > schema.sql", "render --output DIR"))
@options(*PROJECT, *PROFILES, *OUTPUT)
@click.option(
    "--output",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write each file, rendered, below DIR.",
)
def render(
    manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], output: Path | None, **flags: Any
) -> int:
    """Print all scripts, rendered, as one psql script. Needs no database."""
    from runner import psql
    from runner.planning import plan_for_empty

    reporter = Reporter(**flags)
    loaded = load(manifest, variables, profiles)
    rendered = {parsed.rendered.path: parsed.rendered.text for parsed in (*loaded.scripts, *loaded.checks)}
    if output is None:
        text = psql.write(plan_for_empty(loaded), loaded.project.manifest, loaded.checks)
        if not reporter.as_json:
            sys.stdout.write(text)
        reporter.json({"ok": True, "sql": text})
        return 0
    if output.resolve() == loaded.project.folder.resolve():
        raise InputError("the files would take the place of the templates; choose another folder", place="--output")
    for path, text in rendered.items():
        write_file(output / path, text)
    reporter.line(f"{len(rendered)} files written to {output}")
    reporter.json({"ok": True, "files": [str(output / path) for path in rendered]})
    return 0


@cli.command(epilog=examples("check", "check --format github", "check --var batch_size=250"))
@options(*PROJECT, *PROFILES, *OUTPUT)
@click.option(
    "--format",
    "form",
    metavar="FORMAT",
    type=click.Choice(["text", "github"]),
    default="text",
    show_default=True,
    help="github prints annotations, which GitHub shows beside the lines.",
)
def check(manifest: Path, variables: tuple[str, ...], profiles: tuple[str, ...], *, form: str, **output: Any) -> int:
    """Check manifest, templates, mappings and SQL. Tells all that is wrong at once; needs no database."""
    from runner import flaws, lint

    reporter = Reporter(**output)
    annotate = form == "github"
    if annotate and reporter.as_json:
        raise InputError("is not for --json; give one of the two", place="--format")
    try:
        checked = lint.check(manifest, variables, profiles)
    except InputError as error:
        if annotate:
            click.echo(flaws.annotation(flaws.flaw_of(error), manifest))
        raise
    if not checked.has_squawk and not reporter.as_json:
        reporter.say("squawk is not installed: what it would find is not told; pip install squawk-cli")
    for flaw in checked.flaws:
        reporter.flaw(flaw, flaws.annotation(flaw, manifest) if annotate else "")
    document = documents.check_json(checked)
    show = reporter.line if checked.ok else reporter.failure
    show(lines.check_text(document, checked.errors), "green" if checked.ok else "bold red")
    reporter.json(document)
    return 0 if checked.ok else 2


@cli.command(epilog=examples("status", "status --verbose"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASE)
@click.option("--schema", metavar="NAME", help="Another target schema.")
def status(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    schema: str | None,
    **output: Any,
) -> int:
    """Show what was applied when and by whom, and what is pending. Changes nothing."""
    reporter = Reporter(**output)
    loaded = load(manifest, variables, profiles).for_schema(schema)
    with connected(loaded, dsn, wait, reporter) as (connection, target):
        reporter.stage("planning")
        reporter.heading(loaded, target)
        planned = stages.plan(connection, loaded, reporter.say)
    reporter.lines(lines.status_lines(planned, verbose=reporter.verbose))
    reporter.json(documents.status_json(planned))
    return 0


@cli.command(epilog=examples("new holidays", 'new holidays --description "the holidays of each country"'))
@options(*PROJECT, *OUTPUT)
@click.argument("name")
@click.option("--description", metavar="TEXT", default="", help="What the script makes. Default: its name.")
def new(manifest: Path, variables: tuple[str, ...], name: str, description: str, **output: Any) -> int:
    """Make a script with the next number, and its manifest entry. Needs no database."""
    from runner.manifest import load_manifest
    from runner.scaffold import new_script

    reporter = Reporter(**output)
    project = load_manifest(manifest, variables)
    made = new_script(project, name, description)
    newline = "\r\n" if b"\r\n" in manifest.read_bytes() else "\n"
    write_file(project.folder / made.path, made.script)
    write_file(manifest, made.manifest, newline)
    reporter.line(f"{made.path} written, and its entry in {manifest}", "green")
    reporter.json({"ok": True, "path": made.path, "manifest": str(manifest)})
    return 0


@cli.command(epilog=examples("docs", "docs --check"))
@options(*PROJECT, *PROFILES, *OUTPUT, *LOG, *DATABASE)
@click.option("--check", is_flag=True, help="Write nothing; exit 1 when the page is not what would be written.")
def docs(
    manifest: Path,
    variables: tuple[str, ...],
    profiles: tuple[str, ...],
    dsn: str | None,
    wait: float,
    *,
    check: bool,
    **output: Any,
) -> int:
    """Write docs/schema.md: the declared tables with a diagram. With a fresh lock file, needs no database."""
    from runner.schema_page import schema_page

    reporter = Reporter(**output)
    loaded = load(manifest, variables, profiles)
    facts = stages.locked_facts(loaded)
    if facts is None:
        with connected(loaded, dsn, wait, reporter) as (connection, _):
            reporter.stage("building what the scripts declare")
            facts = stages.declare_on(connection, loaded, reporter.say).facts
    text = schema_page(loaded.project.manifest.project.name, facts, loaded.scripts)
    return keep_file(manifest.parent / "docs" / "schema.md", text, "docs", reporter, check=check)


@cli.command(epilog=examples("completion bash > runner.bash", "completion fish > runner.fish"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print what makes a shell complete the program 'runner'."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(cli, {}, PROGRAM, COMPLETE).source())
    return 0


@cli.command(
    epilog=examples("shell", 'shell -- -c "select * from runner_history"'),
    context_settings={"ignore_unknown_options": True},
)
@options(*PROJECT, *DATABASE)
@click.argument("psql_arguments", nargs=-1, type=click.UNPROCESSED)
def shell(
    manifest: Path, variables: tuple[str, ...], dsn: str | None, wait: float, psql_arguments: tuple[str, ...]
) -> int:
    """Open psql on the database. What follows `--` is given to psql."""
    from runner.database import connect, find_target
    from runner.manifest import load_manifest
    from runner.shell import run_psql

    reporter = Reporter()
    project = load_manifest(manifest, variables)
    with find_target(dsn, project.folder, reporter.say) as target:
        with connect(target, project.manifest, wait, reporter.say):
            pass
        return run_psql(target, psql_arguments)
