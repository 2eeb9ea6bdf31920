"""Projects for the tests, and the runner as a program."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomli_w

from tests.support import servers
from tests.support.runs import run_anew, run_prepared, runner_command, start_alike

ROOT = Path(__file__).resolve().parent.parent.parent
CASES = ROOT / "tests" / "cases"
TIME = re.compile(r"^[0-9-]+T[0-9:]+[+-][0-9:]+ ", re.MULTILINE)
"""What a line of stderr begins with where that is no terminal."""


@dataclass(frozen=True)
class Result:
    """How a run ended, and what it said."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit code {self.code}\n{self.out}\n{self.err}"

    @property
    def said(self) -> str:
        """Everything that a person sees."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """The one document on stdout."""
        return json.loads(self.out)


def runner_environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment that names no database, from which the runner can be imported in every folder."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return servers.environment(PYTHONPATH=path) | dict(variables or {})


def run_runner(
    *arguments: str | Path,
    folder: Path = ROOT,
    variables: Mapping[str, str] | None = None,
    text: str | None = None,
    with_times: bool = False,
) -> Result:
    """Run the runner as a program, in `folder`, with `variables` as its environment and `text` as its stdin.

    The times before lines of stderr are left out unless they are asked for.
    """
    environment = runner_environment(variables)
    is_usual = start_alike(environment, runner_environment()) and "RUNNER_TEST_ANEW" not in os.environ
    run = run_prepared if is_usual else run_anew
    ended = run([str(argument) for argument in arguments], folder, environment, (text or "").encode())
    err = ended.stderr.decode()
    return Result(ended.returncode, ended.stdout.decode(), err if with_times else TIME.sub("", err))


@contextmanager
def started_runner(*arguments: str | Path, folder: Path = ROOT) -> Iterator[subprocess.Popen[str]]:
    """Start the runner; its output, errors among it, can be read line by line. It is killed if it has not ended."""
    with subprocess.Popen(
        runner_command(*arguments),
        cwd=folder,
        env=runner_environment(),
        encoding="utf-8",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as running:
        try:
            yield running
        finally:
            running.kill()


def until(condition: Callable[[], Any], running: subprocess.Popen[str] | None = None) -> Any:
    """Wait for a condition that something else, such as a program that runs, brings about; return what it found."""
    deadline = time.monotonic() + 30
    while not (found := condition()):
        assert time.monotonic() < deadline
        assert running is None or running.poll() is None
        time.sleep(0.02)
    return found


def run_together(*commands: tuple[str | Path, ...], **others: Any) -> list[Result]:
    """Run commands of the runner that do not depend on each other, at the same time; see run_runner."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda command: run_runner(*command, **others), commands))


def copy_project(folder: Path) -> Path:
    """Copy this repository's project, so that a test can change it."""
    for name in ("manifest.toml", "field_mappings.json"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / "sql", folder / "sql")
    return folder


_DELETES = re.compile(r"\b(?:drop|delete|truncate)\b", re.IGNORECASE)


def write_project(
    folder: Path,
    scripts: Mapping[str, str],
    *,
    checks: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
    **sections: Mapping[str, object],
) -> Path:
    """Write a project of a few scripts (file name → SQL); `options` are manifest keys of a script, by its file name.

    What its scripts delete is allowed, unless `run` says what is.
    """
    manifest: dict[str, Any] = {"project": {"name": "small"}}
    for name, section in sections.items():
        manifest[name] = manifest.get(name, {}) | dict(section)
    if any(_DELETES.search(text) for text in scripts.values()):
        manifest["run"] = {"allow_hazards": ["deletes_data"]} | manifest.get("run", {})
    for kind, files in (("script", scripts), ("check", checks or {})):
        entries = manifest[kind] = []
        for name, text in files.items():
            path = folder / kind / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            entry = {"path": f"{kind}/{name}", "description": name.removesuffix(".sql")}
            entries.append(entry | dict((options or {}).get(name, {})))
    (folder / "manifest.toml").write_text(tomli_w.dumps(manifest), encoding="utf-8")
    return folder


def edit_mappings(folder: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "field_mappings.json"
    document = json.loads(path.read_text())
    edit(document)
    path.write_text(json.dumps(document))


HOSTILE = (
    "'; DROP TABLE jira_issues_v2; --",
    'it\'s "quoted" and \'\'twice\'\' and ""twice""',
    r"back\slash \n \\ \' \x41 \u0041 \gexec \! id",
    "two\nlines\r\n\tand a tab",
    "100 % %s %(name)s %%",
    ":name :'name' :\"name\" ::text",
    "$$ body $$ $tag$ x $tag$ $1",
    "{{ 1 + 1 }} {% if true %} {# note #}",
    "-- no comment /* nor this",
    "emoji 🐘, ümläuts, 漢字, \u200b\u202e",
    "\x01\x7f",
)
