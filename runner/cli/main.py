"""The program: its arguments go to a command, and what a command raises becomes one message and an exit code.

Exit codes: 0 done and verified; 1 whatever the database, the network or a permission caused, findings included;
2 what can be known without a server; 130 and 143 on SIGINT and SIGTERM.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, TextIO

import click

from runner.cli.group import COMPLETE, ORDER, cli, command_named
from runner.errors import Hint, InputError, InterruptError, RunnerError, internal_error
from runner.report.log import LogFormat
from runner.report.reporter import Reporter
from runner.wording import PROGRAM

_TAKES_NO_MORE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""Why nothing more can be written to a stream; files that a command writes have errors of their own."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came; treated as Ctrl-C is, with an exit code of its own."""


def main() -> NoReturn:
    """Run the command line and exit."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.stdout, sys.stderr = sys.stdout or _nowhere(), sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        code = run_command(sys.argv[1:])
    except OSError as error:
        _write_nothing_more()
        with suppress(OSError):  # stderr may be as full
            sys.stderr.write(f"error: stdout: {error.strerror}; what is done stays done\n")
        code = 1
    sys.exit(code)


def _nowhere() -> TextIO:
    """Return what stands for a stream that was closed before the program began."""
    return Path(os.devnull).open("w", encoding="utf-8")


def _write_nothing_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_command(arguments: list[str]) -> int:
    """Run one command, print what it raises, and return the exit code. Raise OSError when stdout takes no more."""
    reporter = Reporter(as_json="--json" in arguments, log_format=_log_format(arguments))
    try:
        code = cli.main(arguments, prog_name=PROGRAM, standalone_mode=False, complete_var=COMPLETE)
        sys.stdout.flush()
        return int(code or 0)
    except RunnerError as error:
        stopped = _interrupt_within(error) or error
        reporter.error(stopped)
        return stopped.exit_code
    except click.ClickException as error:
        reporter.error(InputError(_in_our_words(error.format_message()), notes=(_help_for(error, arguments),)))
        return 2
    except (KeyboardInterrupt, click.Abort) as error:
        stopped = _interrupt_within(error) or InterruptError(signal.SIGINT)
        reporter.error(stopped)
        return stopped.exit_code
    except BrokenPipeError:
        _write_nothing_more()
        return 1
    except Exception as error:  # a traceback helps no user
        if isinstance(error, OSError) and error.errno in _TAKES_NO_MORE:
            raise
        failure = _interrupt_within(error) or internal_error(error)
        reporter.error(failure)
        return failure.exit_code


def _in_our_words(message: str) -> str:
    """Return what click says as the other messages are written: lower case, without a full stop."""
    text = message.rstrip(".").replace(". (Did you mean", " (did you mean").replace(". Did you mean", "; did you mean")
    return text[:1].lower() + text[1:]


def _help_for(error: click.ClickException, arguments: list[str]) -> str:
    """Return the hint for arguments that cannot be understood."""
    context = getattr(error, "ctx", None)
    command = next((word for word in arguments if word in ORDER), None)
    if isinstance(error, click.NoSuchOption) and context and context.parent is None and command:
        known = (option for parameter in command_named(command).params for option in parameter.opts)
        if error.option_name in known:
            return Hint(f"options stand after the command: {PROGRAM} {command} {error.option_name} …")
    asked = context.command_path if context else f"{PROGRAM} {command}" if command else PROGRAM
    return Hint(f"see {asked} --help")


def _log_format(arguments: list[str]) -> LogFormat:
    """Return what the arguments ask for, also where they cannot be understood."""
    return "json" if "--log-format json" in " ".join(arguments).replace("--log-format=", "--log-format ") else "text"


def _interrupt_within(error: BaseException) -> InterruptError | None:
    """Return the interruption that an error came from: click makes another of it, and so may the driver."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, KeyboardInterrupt):
        found = found.__cause__ or found.__context__
    if found is None:
        return None
    return InterruptError(signal.SIGTERM if isinstance(found, Terminated) else signal.SIGINT)


def _terminate(_number: int, _frame: object) -> NoReturn:
    raise Terminated
