"""The files that commands write stay in the project."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.cli.output_files import write_file
from runner.errors import InputError
from tests.conftest import MakeProject
from tests.support.in_process import call

COMMANDS = {
    "new": (("new", "more"), "script"),
    "docs": (("docs",), "docs"),
    "render": (("render", "--output", "OUT"), "out/script"),
}


@pytest.mark.parametrize(("arguments", "linked"), COMMANDS.values(), ids=COMMANDS)
def test_no_command_writes_through_a_link(project: MakeProject, arguments: tuple[str, ...], linked: str) -> None:
    """A folder of the project that is a link to elsewhere gets no file."""
    folder = project({"010_a.sql": "create table if not exists a (id int);"})
    elsewhere = folder.parent / f"{folder.name}-elsewhere"
    elsewhere.mkdir()
    if (folder / linked).exists():
        (folder / linked / "010_a.sql").rename(elsewhere / "010_a.sql")
        (folder / linked).rmdir()
    (folder / linked).parent.mkdir(exist_ok=True)
    (folder / linked).symlink_to(elsewhere)
    before = sorted(elsewhere.iterdir())
    result = call(*(argument.replace("OUT", str(folder / "out")) for argument in arguments), folder=folder)
    assert result.code == 2, result
    assert "link" in result.err
    assert sorted(elsewhere.iterdir()) == before


LINKS = {
    "to a file elsewhere": ("../elsewhere", False),
    "to nothing elsewhere": ("../nothing", False),
    "to itself": ("a.txt", False),
    "within the folder": ("b.txt", True),
}


@pytest.mark.parametrize(("target", "is_written"), LINKS.values(), ids=LINKS)
def test_links(tmp_path: Path, target: str, *, is_written: bool) -> None:
    """A link that leads out of the folder is refused, whether something is there or not."""
    (tmp_path / "elsewhere").write_text("mine")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").symlink_to(target)
    if is_written:
        write_file(folder, "a.txt", "text")
        assert (folder / "b.txt").read_text() == "text"
    else:
        with pytest.raises(InputError, match="symbolic link"):
            write_file(folder, "a.txt", "text")
    assert (tmp_path / "elsewhere").read_text() == "mine"
    assert not (tmp_path / "nothing").exists()
