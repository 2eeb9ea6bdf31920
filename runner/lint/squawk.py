"""Run squawk, a linter of PostgreSQL's SQL, on the rendered scripts, and find its places in the templates."""

from __future__ import annotations

import glob
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from pathlib import Path

import msgspec

from runner.lint.diagnostics import Diagnostic
from runner.project.manifest import ManifestFile
from runner.sql.excerpts import position
from runner.sql.source_map import Rendered

CONFIGURATION = ".squawk.toml"
_ALL_EXCLUDED = b"Failed to find files"
"""What it says when its configuration excludes every file; older versions know no option against that."""
_SEEN_TO = {
    "identifier-too-long",
    "require-concurrent-index-creation",  # where the table is large, the runner builds the index CONCURRENTLY
    "require-statement-timeout",  # run.statement_timeout; one for all would cut off the building of an index
}
_LONGEST = 120
"""Seconds after which it hangs."""


class _Violation(msgspec.Struct, frozen=True):
    """One object of its JSON; `line` and `column` count from 0, `column` in bytes."""

    file: str
    line: int
    column: int
    level: str
    message: str
    rule_name: str
    help: str | None = None


def find_squawk() -> str | None:
    """Return the program: the one beside the interpreter, else the first on the path."""
    return shutil.which("squawk", path=str(Path(sys.executable).parent)) or shutil.which("squawk")


def run_squawk(program: str, project: ManifestFile, scripts: Sequence[Rendered]) -> list[Diagnostic]:
    """Return what squawk finds in rendered scripts and checks, by its configuration beside the manifest."""
    seen_to = _seen_to(project)
    alone = {script.path for script in project.manifest.scripts if not script.transaction}
    groups = (
        ("--assume-in-transaction", [rendered for rendered in scripts if rendered.path not in alone]),
        ("--no-assume-in-transaction", [rendered for rendered in scripts if rendered.path in alone]),
    )
    return [
        flaw
        for option, group in groups
        if group
        for flaw in _flaws([program, option, *_configured(project)], {rendered.path: rendered for rendered in group})
        if flaw.rule.removeprefix("squawk/") not in seen_to
    ]


def _seen_to(project: ManifestFile) -> set[str]:
    """Return the rules that the runner sees to itself: a rule of its own is the same, or it sets what is asked for."""
    has_timeout = project.manifest.run.lock_timeout.seconds > 0
    return _SEEN_TO | ({"require-lock-timeout"} if has_timeout else set())


def _configured(project: ManifestFile) -> tuple[str, ...]:
    path = project.folder / CONFIGURATION
    if path.is_file():
        return ("--config", str(path))
    return ("--pg-version", f"{project.manifest.project.minimum_postgresql}.0")


def _flaws(command: list[str], group: Mapping[str, Rendered]) -> Iterator[Diagnostic]:
    try:
        with tempfile.TemporaryDirectory() as folder:
            ended = _run_in(Path(folder), command, group)
        is_excluded = ended.stderr.startswith(_ALL_EXCLUDED)
        violations = [] if is_excluded else msgspec.json.decode(ended.stdout, type=list[_Violation])
    except subprocess.TimeoutExpired:
        yield _failed("it did not end")
    except OSError as error:
        yield _failed(error.strerror or "it cannot be run")
    except msgspec.DecodeError:
        yield _failed(" ".join(ended.stderr.decode(errors="replace").split()) or f"exit code {ended.returncode}")
    else:
        lines = {path: rendered.text.split("\n") for path, rendered in group.items()}
        begins = {path: [*accumulate((len(line) + 1 for line in lines[path]), initial=0)] for path in group}
        for violation in violations:
            file, line = violation.file, min(violation.line, len(lines[violation.file]) - 1)
            column = len(lines[file][line].encode()[: violation.column].decode(errors="ignore"))
            yield _flaw(violation, group[file], begins[file][line] + column)


def _run_in(folder: Path, command: list[str], group: Mapping[str, Rendered]) -> subprocess.CompletedProcess[bytes]:
    """Run squawk on files that are written to a folder, under the paths that its configuration may name."""
    for path, rendered in group.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rendered.text, encoding="utf-8", newline="\n")
    return subprocess.run(  # noqa: S603  the program that find_squawk found
        [*command, "--reporter", "json", "--", *(glob.escape(path) for path in group)],
        check=False,
        capture_output=True,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        timeout=_LONGEST,
    )


def _failed(reason: str) -> Diagnostic:
    hint = "correct the file, or the installation of squawk"
    return Diagnostic("squawk", "error", f"squawk failed: {reason}", CONFIGURATION, hint=hint)


def _flaw(violation: _Violation, rendered: Rendered, offset: int) -> Diagnostic:
    """Return a violation with its place in the template.

    The parser of PostgreSQL has read the script: what squawk calls a syntax error is something that squawk cannot read.
    """
    line, column = position(rendered, offset)
    is_error = violation.level == "Error" and violation.rule_name != "syntax-error"
    return Diagnostic(
        f"squawk/{violation.rule_name}",
        "error" if is_error else "warning",
        violation.message.rstrip("."),
        rendered.path,
        line,
        column,
        hint=(violation.help or "").rstrip("."),
    )
