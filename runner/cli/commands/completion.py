"""The command `completion`: what a shell needs to complete the program."""

from __future__ import annotations

import click

from runner.cli.group import COMPLETE
from runner.cli.options import examples
from runner.wording import PROGRAM

COMMAND = PROGRAM if PROGRAM.isalpha() else "plainpg"
"""What the program is called where the package is installed."""


@click.command(epilog=examples("completion bash > plainpg.bash", "completion fish > plainpg.fish"))
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print what makes a shell complete the installed program."""
    from click.shell_completion import get_completion_class

    made = get_completion_class(shell)
    if made is not None:
        click.echo(made(context.find_root().command, {}, COMMAND, COMPLETE).source())
    return 0
