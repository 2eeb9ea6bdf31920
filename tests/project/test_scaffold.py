"""`new` and `completion`: a script with its number and entry, and what a shell completes."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.conftest import MakeProject, Run
from tests.support.projects import ROOT, copy_project, run_runner, runner_environment
from tests.support.runs import runner_command

ITEM = {"010_item.sql": "create table if not exists item (id integer);"}
ENTRY = 'description = "i"\npath = "script/010_item.sql"'
MANIFESTS = {
    "comments and sections after it": """
        # The whole.
        [project]
        name = "small" # short
        [[script]]
        path = "script/010_item.sql"
        description = "[not a section]"  # stays

        # Checks come last.
        [run]
        on_error = "stop"
    """,
    "no end of line": '[project]\nname = "small"\n[[script]]\npath = "script/010_item.sql"\ndescription = "items"',
    "spaces in the header": f'[project]\nname = "a"\n[[ script ]]\n{ENTRY}\n\n\n',
    "carriage returns": f'[project]\nname = "a"\n[[script]]\n{ENTRY}\n'.replace("\n", "\r\n"),
}


@pytest.mark.parametrize("case", MANIFESTS)
def test_new_adds_an_entry_and_nothing_else(run: Run, project: MakeProject, case: str) -> None:
    """The manifest keeps its comments, its order and its line ends; the new script is its last, and can be applied."""
    file = project(ITEM) / "manifest.toml"
    before = MANIFESTS[case]
    file.write_text(before, newline="")
    result = run("new", "order_items", "--description", 'Orders, and "more"')
    assert result.code == 0, result
    assert result.out == "script/020_order_items.sql written, and its entry in manifest.toml\n"
    after = file.read_bytes().decode()
    old, new = tomllib.loads(before), tomllib.loads(after)
    added = {"path": "script/020_order_items.sql", "description": 'Orders, and "more"'}
    assert new == old | {"script": [*old["script"], added]}
    kept = iter(after.splitlines())
    assert all(line in kept for line in before.splitlines())
    assert ("\r\n" in after) == ("\r\n" in before)
    header = (file.parent / "script" / "020_order_items.sql").read_text()
    assert header.startswith('-- Orders, and "more"\n')
    assert run("check").code == 0


def test_a_description_is_one_line_of_text(run: Run, project: MakeProject) -> None:
    """White space is folded, and what Jinja would take for its own is refused before anything is written."""
    folder = project(ITEM)
    (folder / "manifest.toml").write_text(f'[project]\nname = "a"\n[[script]]\n{ENTRY}\n')
    assert run("new", "more", "--description", "two\nlines").code == 0
    assert (folder / "script" / "020_more.sql").read_text().startswith("-- two lines\n--\n")
    result = run("new", "other", "--description", "a {% tag")
    assert result.code == 2
    assert "--description: it is a comment in a template, in which {% begins" in result.err
    assert not (folder / "script" / "030_other.sql").exists()


def test_new_takes_the_next_number_in_steps_of_ten(run: Run, project: MakeProject) -> None:
    """After 015 comes 020, and the folder is that of the last script."""
    folder = project({"015_item.sql": ITEM["010_item.sql"]})
    (folder / "manifest.toml").write_text(f'[project]\nname = "a"\n[[script]]\n{ENTRY}\n'.replace("010", "015"))
    assert run("new", "more", "--json").json["path"] == "script/020_more.sql"
    assert run("new", "most", "--json").json["path"] == "script/030_most.sql"


@pytest.mark.parametrize(
    ("name", "said"),
    [("Order", "expected lower-case letters"), ("../x", "expected lower-case letters"), ("there", "exists already")],
)
def test_new_refuses_what_it_cannot_name(run: Run, project: MakeProject, name: str, said: str) -> None:
    """A name that no script can have, or a file that is there, is an error, and nothing is written."""
    folder = project(ITEM)
    (folder / "script" / "020_there.sql").write_text("-- mine")
    before = (folder / "manifest.toml").read_text()
    result = run("new", name)
    assert result.code == 2
    assert said in result.err
    assert (folder / "manifest.toml").read_text() == before
    assert (folder / "script" / "020_there.sql").read_text() == "-- mine"


def test_new_refuses_an_inline_list(run: Run, project: MakeProject) -> None:
    """Where no text can be put, the entry is shown, to be put there by hand."""
    folder = project(ITEM)
    inline = 'script = [{ path = "script/010_item.sql", description = "i" }]\n'
    (folder / "manifest.toml").write_text(f'{inline}[project]\nname = "a"\n')
    result = run("new", "more")
    assert result.code == 2
    assert "its scripts do not each have a [[script]] of their own" in result.err
    assert '  path = "script/020_more.sql"' in result.err
    assert not (folder / "script" / "020_more.sql").exists()


def test_the_projects_own_manifest_keeps_its_comments(tmp_path: Path) -> None:
    """A new script of this repository's project comes after the last, before the checks."""
    copy_project(tmp_path)
    before = (tmp_path / "manifest.toml").read_text()
    assert run_runner("new", "holidays", folder=tmp_path).code == 0
    entry = '\n[[script]]\npath = "sql/100_holidays.sql"\ndescription = "holidays"\n'
    assert (tmp_path / "manifest.toml").read_text() == before.replace("\n\n[[check]]", f"\n{entry}\n[[check]]", 1)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes(shell: str) -> None:
    """The script for a shell names the program, and the program answers it."""
    assert "_RUNNER_COMPLETE" in run_runner("completion", shell).out
    words = {"_RUNNER_COMPLETE": "bash_complete", "COMP_WORDS": "runner st", "COMP_CWORD": "1"}
    ended = subprocess.run(
        runner_command(), check=False, capture_output=True, cwd=ROOT, env=runner_environment(words), encoding="utf-8"
    )
    assert ended.stdout == "plain,status\n", ended
