"""Git repositories of the tests."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Tests"), ("EMAIL", "tests@example.org"))
}


def git(folder: Path, *arguments: str, at: int = 0) -> str:
    """Run git, as nobody whom it knows, and return what it prints; a commit is made `at` seconds after the others."""
    time = f"{1_700_000_000 + at} +0000"
    variables = _NOBODY | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time}
    ended = subprocess.run(
        ["git", *arguments],  # noqa: S607  where it is differs
        check=True,
        capture_output=True,
        cwd=folder,
        encoding="utf-8",
        env=os.environ | variables,
    )
    return ended.stdout.strip()


def make_release(folder: Path, tag: str = "") -> str:
    """Commit all files of a folder, in a repository that is made when it is missing, and return the commit."""
    if not (folder / ".git").exists():
        git(folder, "init", "--quiet", "--initial-branch=main")
    number = len(git(folder, "log", "--format=%h", "--all").split())
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", f"--message=Release {tag or number}", at=number)
    if tag:
        git(folder, "tag", tag)
    return git(folder, "rev-parse", "HEAD")
