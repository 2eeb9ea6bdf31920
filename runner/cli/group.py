"""The command line: the group of the commands, each of which is imported when it is called."""

from __future__ import annotations

from importlib import import_module
from keyword import iskeyword

import click

from runner.version import __version__
from runner.wording import PROGRAM

ORDER = (
    "init", "import", "new", "check", "render", "plan", "apply", "verify", "status", "lock", "docs", "upgrade-test",
    "accept", "json-schema", "shell", "completion",
)  # fmt: skip
"""The commands in the order of work."""
COMPLETE = "_RUNNER_COMPLETE"
"""The variable by which a shell asks for completions."""


class Commands(click.Group):
    """The commands, listed in their order and not by the alphabet."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Take no arguments as a question for help, as the programs beside it do."""
        return super().parse_args(context, args or ["--help"])

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands."""
        return list(ORDER)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Return a command; for an unknown name, have all: click tells which of them was meant."""
        for each in (name,) if name in ORDER else ORDER:
            self.commands[each] = command_named(each)
        return super().get_command(context, name)


def command_named(name: str) -> click.Command:
    """Import the module of a command, and return the command."""
    function = module_of(name)
    command: click.Command = getattr(import_module(f"runner.cli.commands.{function}"), function)
    return command


def module_of(name: str) -> str:
    """Return what the module of a command is called, and its function: no keyword of Python."""
    return name.replace("-", "_") + ("_" if iskeyword(name) else "")


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=False,
    epilog=f"{PROGRAM} COMMAND --help has the options of a command, and examples.",
)
@click.version_option(__version__, message="runner %(version)s")
def cli() -> None:
    """Apply plain SQL files, listed in a manifest, to a PostgreSQL database, and prove the result."""
