"""The package: a wheel of the runner alone, which begins a project anywhere."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from runner.version import __version__
from tests.support.projects import ROOT, runner_environment


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    built = subprocess.run(build, cwd=ROOT, check=False, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    (made,) = folder.iterdir()
    return made


def test_the_wheel_is_the_runner_alone(wheel: Path) -> None:
    """Its modules with their SQL and its licence; nothing of the project that lives in the same repository."""
    assert wheel.name == f"plainpg-{__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {name.partition("/")[0] for name in names} == {"runner", f"plainpg-{__version__}.dist-info"}
    assert {f"runner/{name}" for name in ("catalog/facts.sql", "project/new_project.toml", "py.typed")} <= names
    assert not [name for name in names if "jira" in name.lower() or name.endswith((".cache", ".pyc"))]
    commands = zipfile.ZipFile(wheel).read(f"plainpg-{__version__}.dist-info/entry_points.txt").decode()
    assert commands.split("\n")[1:3] == ["plainpg = runner.cli.main:main", "runner = runner.cli.main:main"]


@pytest.mark.parametrize("name", ["plainpg", "runner"])
def test_a_project_is_begun_where_only_the_wheel_is(name: str, wheel: Path, tmp_path: Path) -> None:
    """Messages name the command that was started."""
    site, folder = tmp_path / "site", tmp_path / "shop"
    zipfile.ZipFile(wheel).extractall(site)
    folder.mkdir()
    command = tmp_path / name
    command.write_text("from runner.cli.main import main\n\nmain()\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {**runner_environment(), "PYTHONPATH": str(site)}
        started = [sys.executable, str(command), *arguments]
        return subprocess.run(started, cwd=folder, env=environment, check=False, capture_output=True, text=True)

    begun = run("init")
    assert (begun.returncode, f"{name} apply  " in begun.stdout) == (0, True), begun
    checked = run("check")
    assert checked.returncode == 0, checked.stderr
    assert f"{name} COMMAND --help" in run("--help").stdout
