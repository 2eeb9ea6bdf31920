"""What the commands have in common: options, and how their help ends."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import click

from runner.fleet.targets import Where
from runner.postgres.environment import load_env_file
from runner.project.manifest import check_allowance
from runner.report.reporter import Reporter
from runner.wording import PROGRAM


def examples(*arguments: str) -> str:
    """Return the end of a command's help; the first line keeps click from wrapping the others."""
    return "\n".join(("\b", "Examples:", *(f"  {PROGRAM} {each}" for each in arguments)))


def _finite(_context: click.Context, _parameter: click.Parameter, value: float) -> float:
    """Refuse what is no number, for which no range is too small."""
    if math.isnan(value):
        raise click.BadParameter("'nan' is not a number of seconds.")
    return value


def _hazards(_context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        check_allowance(value, "--allow-hazard")
    return values


def _gathered(name: str, type_: Callable[..., Any], options: str) -> Callable[[Any], Any]:
    """Return what gives a command one value of a type in place of some of its options."""

    def decorate(function: Any) -> Any:
        @wraps(function)
        def command(**values: Any) -> Any:
            taken = {option: values.pop(option) for option in options.split() if option in values}
            return function(**values, **{name: type_(**taken)})

        return command

    return decorate


MANIFEST = click.option(
    "--manifest",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=Path("manifest.toml"),
    show_default=True,
    help="The manifest.",
)
PROJECT = (
    click.option(
        "--var",
        "variables",
        metavar="NAME=VALUE",
        multiple=True,
        help="Set a variable of the manifest. May be repeated.",
    ),
    MANIFEST,
)


def _with_env_file(function: Callable[..., Any]) -> Callable[..., Any]:
    """Set the variables of the project's file before a command looks for its database."""

    @wraps(function)
    def command(*, manifest: Path, env_file: Path | None, **values: Any) -> Any:
        load_env_file(env_file, manifest.parent)
        return function(manifest=manifest, **values)

    return command


ENV_FILE = (
    _with_env_file,
    click.option(
        "--env-file",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A file of variables. Default: .env beside the manifest. The environment goes before it.",
    ),
)
PROFILES = (
    click.option(
        "--profile",
        "profiles",
        metavar="NAME",
        multiple=True,
        help="Include the scripts of a profile of the manifest. May be repeated.",
    ),
)
RELEASE = (
    click.option(
        "--release",
        metavar="N",
        type=click.IntRange(min=0, max=(1 << 63) - 1),
        help="The number of the release, such as that of a build, instead of the manifest's.",
    ),
)
ALLOW_OLDER = (
    click.option("--allow-older", is_flag=True, help="Apply files that are older than the database, as a rollback."),
)

ALLOW_HAZARDS = (
    click.option(
        "--allow-hazard",
        "allow_hazards",
        metavar="HAZARD[:TABLE]",
        multiple=True,
        callback=_hazards,
        help="Send steps with a hazard that is refused otherwise. May be repeated.",
    ),
)


def output(verbose: str = "Has no effect: this command shows everything.") -> tuple[Any, ...]:
    """Return the options of the output; `verbose` is what the command shows more of when it is asked to."""
    return (
        _gathered("reporter", Reporter, "as_json quiet verbose log_format"),
        click.option("--verbose", "-v", is_flag=True, help=verbose),
        click.option("--quiet", "-q", is_flag=True, help="Show only what failed."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout, nothing else."),
    )


LOG = (
    click.option(
        "--log-format",
        metavar="FORMAT",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text; or json: all that people read, as lines of JSON on stderr, for a log collector.",
    ),
)


def seconds(name: str, default: float, text: str) -> Callable[[Any], Any]:
    """Return an option that takes a number of seconds, of a day at most."""
    kind = click.FloatRange(min=0, max=86_400)
    return click.option(
        name, metavar="SECONDS", type=kind, default=default, callback=_finite, show_default=True, help=text
    )


WAIT = seconds("--wait", 30, "How long to wait for a server that is still starting.")
SERVER = (
    *ENV_FILE,
    WAIT,
    click.option(
        "--dsn",
        metavar="DSN",
        help="A server that databases may be made on. Default: the embedded one, whatever the environment says.",
    ),
)
_DEFAULT = "Default: DATABASE_URL, else PGHOST and its like, else DB_HOST and its like, else the embedded PostgreSQL."
DATABASE = (*ENV_FILE, WAIT, click.option("--dsn", metavar="DSN", help=f"The database. {_DEFAULT}"))
LEDGER = (
    *ENV_FILE,
    WAIT,
    click.option("--dsn", metavar="DSN", help="The database whose ledger is read. Default: none is read."),
)
DATABASE_OF_EACH_VERSION = (
    *ENV_FILE,
    WAIT,
    click.option(
        "--dsn",
        "dsns",
        metavar="DSN",
        multiple=True,
        help=f"The database. May be repeated, for servers of several versions. {_DEFAULT}",
    ),
)
DATABASES = (
    *ENV_FILE,
    _gathered("where", Where, "dsns file schemas pattern jobs wait canary max_failures"),
    click.option(
        "--jobs",
        metavar="N",
        type=click.IntRange(min=1, max=256),
        default=4,
        show_default=True,
        help="How many databases or schemas at a time.",
    ),
    click.option(
        "--schemas-matching",
        "pattern",
        metavar="PATTERN",
        help="All schemas of the database with such a name; * stands for any characters, ? for one.",
    ),
    click.option("--schema", "schemas", metavar="NAME", multiple=True, help="Another target schema. May be repeated."),
    click.option(
        "--targets", "file", metavar="FILE", help="A file of databases: one DSN a line, or TOML; - reads stdin."
    ),
    WAIT,
    click.option("--dsn", "dsns", metavar="DSN", multiple=True, help=f"The database. May be repeated. {_DEFAULT}"),
)

ROLLOUT = (
    click.option(
        "--canary",
        metavar="N",
        type=click.IntRange(min=1),
        help="Begin the others only when the first N databases or schemas have succeeded.",
    ),
    click.option(
        "--max-failures",
        metavar="N",
        type=click.IntRange(min=1),
        help="Begin no more when N databases or schemas have failed.",
    ),
)


def options(*decorators: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Give a command several options."""

    def decorate(function: Any) -> Any:
        for decorator in decorators:
            function = decorator(function)
        return function

    return decorate
