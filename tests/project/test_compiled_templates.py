"""Compiled templates are kept beside the package's compiled modules, and compiled anew when anything has changed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment

from runner.project.compiled_templates import compiled, kept_templates
from tests.support.projects import ROOT, runner_environment

FORKS = """
import os, sys
os.register_at_fork(before=lambda: print("psycopg" in sys.modules))
from runner.cli.main import main
main()
"""
ENVIRONMENT = Environment(autoescape=True)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder in which Python keeps what it compiles in this test."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    kept_templates.cache_clear()
    yield tmp_path
    kept_templates.cache_clear()


def rendered(text: str, path: str = "a.sql") -> str:
    return compiled(ENVIRONMENT, path, text).render()


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.cache"))


@pytest.mark.usefixtures("folder")
def test_what_is_kept_is_used() -> None:
    assert rendered("{{ 1 }}") == "1"
    kept = kept_templates()
    bucket = kept.cache.get_bucket(ENVIRONMENT, "a.sql", None, kept.compiler + "{{ 1 }}")
    bucket.code = ENVIRONMENT.compile("kept", "a.sql")
    kept.cache.dump_bytecode(bucket)
    assert rendered("{{ 1 }}") == "kept"
    assert rendered("{{ 2 }}") == "2"
    assert rendered("{{ 1 }}") == "1"


def test_there_is_one_file_for_each_path(folder: Path) -> None:
    texts = [rendered(text, path) for text in ("a", "b") for path in ("a.sql", "b.sql")]
    assert texts == ["a", "a", "b", "b"]
    assert len(files(folder)) == 2


@pytest.mark.parametrize("length", [0, 10, -1])
def test_a_damaged_file_is_written_anew(folder: Path, length: int) -> None:
    rendered("{{ 1 }}")
    (file,) = files(folder)
    whole = file.read_bytes()
    file.write_bytes(whole[:length])
    assert rendered("{{ 1 }}") == "1"
    assert file.read_bytes() == whole


def test_nothing_is_kept_where_python_keeps_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither where compiled modules are not wanted, nor where nothing can be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered("{{ 1 }}") == "1"
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (folder / str(ROOT).lstrip("/")).parent.mkdir(parents=True)
    (folder / str(ROOT).lstrip("/")).write_text("no folder")
    assert rendered("{{ 1 }}") == "1"
    assert files(folder) == []


@pytest.mark.parametrize("command", ["apply", "plan", "verify", "status"])
def test_the_driver_is_loaded_while_another_process_renders(command: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORKS, command, "--dsn", "host=/nowhere"],
        check=False,
        capture_output=True,
        cwd=ROOT,
        env=runner_environment(),
        encoding="utf-8",
        timeout=60,
    )
    assert (ended.returncode, ended.stdout.splitlines()[:1]) == (1, ["False"])
