"""`init`: a project to start from, which can be applied at once, and overwrites nothing."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from runner.postgres.embedded import FOLDER
from runner.project.lockfile import FILE
from runner.project.new_project import PAGE, SCRIPT
from tests.conftest import Run
from tests.support.git import git, make_release
from tests.support.in_process import call

FILES = {"manifest.toml", "sql/010_tables.sql", ".gitignore", ".gitattributes"}


def files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


def test_a_new_project_is_applied_at_once(tmp_path: Path, database: str) -> None:
    """It has nothing to complain about, is applied and verified, and then has nothing to do; the commands are named."""
    begun = call("init", "shop", folder=tmp_path)
    assert begun.code == 0, begun
    assert files(tmp_path) == FILES
    assert re.findall(r"^  python -m runner (\w+)", begun.out, re.MULTILINE) == ["apply", "new", "lock"]
    checked = call("check", "--json", folder=tmp_path)
    assert (checked.code, checked.json["findings"]) == (0, [])
    assert call("apply", "--dsn", database, folder=tmp_path).out.startswith("shop: ")
    assert call("plan", "--check", "--dsn", database, folder=tmp_path).code == 0
    assert call("new", "indexes", folder=tmp_path).code == 0


def test_its_name_is_that_of_its_folder(run: Run, tmp_path: Path) -> None:
    """Without NAME the folder names it; another manifest has a folder that is made, and the commands name it."""
    begun = run("init", "--manifest", "the data/manifest.toml")
    assert begun.code == 0, begun
    assert tomllib.loads((tmp_path / "the data" / "manifest.toml").read_text())["project"]["name"] == "the data"
    assert "  python -m runner apply --manifest 'the data/manifest.toml' " in begun.out


@pytest.mark.parametrize("name", ['it\'s "quoted"', "Jörg 🐘", "{{ name }}", "a\\b"])
def test_any_name_can_be_written(tmp_path: Path, name: str) -> None:
    """Whatever a line can hold is the name."""
    assert call("init", name, folder=tmp_path).code == 0
    assert tomllib.loads((tmp_path / "manifest.toml").read_text())["project"]["name"] == name


@pytest.mark.parametrize("name", [" ", "two\nlines", "\x1b[31m", "\udcff"])
def test_a_name_is_a_line(tmp_path: Path, name: str) -> None:
    """What no line can hold is an error, and nothing is written."""
    refused = call("init", name, folder=tmp_path)
    assert refused.code == 2
    assert "NAME: a name has letters" in refused.err
    assert files(tmp_path) == set()


@pytest.mark.parametrize("path", ["manifest.toml", "sql/010_tables.sql"])
@pytest.mark.parametrize("is_link", [False, True])
def test_nothing_is_overwritten(tmp_path: Path, path: str, *, is_link: bool) -> None:
    """A manifest or a script that is there, also as a link to nowhere, is an error, and nothing is written."""
    there = tmp_path / path
    there.parent.mkdir(exist_ok=True)
    if is_link:
        there.symlink_to("nowhere")
    else:
        there.write_text("mine")
    refused = call("init", folder=tmp_path)
    assert refused.code == 2
    assert f"{path}: exists already; nothing was written" in refused.err
    assert files(tmp_path) == {path}
    assert is_link or there.read_text() == "mine"


def test_files_of_git_are_kept(tmp_path: Path) -> None:
    """What git's files lack is named, and they stay as they are; data and generated files are known to new ones."""
    (tmp_path / ".gitignore").write_text("/.env\n")
    begun = call("init", "--json", folder=tmp_path)
    assert begun.json["missing_lines"] == {".gitignore": [f"/{FOLDER}/"]}
    assert (tmp_path / ".gitignore").read_text() == "/.env\n"
    assert f"{tmp_path}/.gitignore exists already; add to it: /{FOLDER}/" in call_again(tmp_path)
    assert "schema.lock.toml linguist-generated -merge\n" in (tmp_path / ".gitattributes").read_text()


def call_again(folder: Path) -> str:
    """Return what is said where the rest of the project was removed."""
    (folder / "manifest.toml").unlink()
    (folder / "sql" / "010_tables.sql").unlink()
    return call("init", folder=folder).out


def test_branches_merge(database: str, tmp_path: Path) -> None:
    """Two branches that change the schema conflict in generated files alone, which two commands write anew."""
    generated = [PAGE, FILE]

    def change(before: str = "", after: str = "") -> None:
        script.write_text(script.read_text().replace(before, after))
        for command in ("lock", "docs"):
            assert call(command, "--dsn", database, folder=tmp_path).code == 0

    assert call("init", folder=tmp_path).code == 0
    script = tmp_path / SCRIPT
    tables = "create table if not exists {} (\n    id integer primary key,\n    name text\n);\n"
    script.write_text("\n".join(map(tables.format, ("one", "two", "three"))))
    change()
    make_release(tmp_path)
    git(tmp_path, "switch", "--create", "other")
    change("one (\n", "one (\n    first integer,\n")
    make_release(tmp_path)
    git(tmp_path, "switch", "main")
    change("three (\n", "-- Of a branch.\n    three (\n    third integer,\n")
    make_release(tmp_path)
    with pytest.raises(subprocess.CalledProcessError):
        git(tmp_path, "merge", "other")
    assert git(tmp_path, "diff", "--name-only", "--diff-filter=U").split() == generated
    change()
    make_release(tmp_path)
    assert git(tmp_path, "status", "--porcelain") == ""
    assert {"first", "third"} <= set((tmp_path / FILE).read_text().split())
