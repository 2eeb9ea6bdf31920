"""What a git repository knows of earlier states of a project; neither it nor the work tree is changed."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

from msgspec import Struct

from runner.errors import Hint, InputError

_OF_ANOTHER_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Variables that git sets for its hooks."""


class Repository(Struct, frozen=True):
    """The repository that a folder is in; `prefix` is the folder's path in it, empty or ending in a slash."""

    root: Path
    prefix: str
    is_shallow: bool


def find_repository(folder: Path) -> Repository | None:
    """Return the repository that a folder is in, if it is in one. Raise InputError where git is not installed."""
    answer = _git(folder, "rev-parse", "--show-toplevel", "--show-prefix", "--is-shallow-repository")
    if answer.returncode:
        said = answer.stderr.decode(errors="replace")
        if "not a git repository" in said:
            return None
        raise InputError(f"git cannot read the repository: {_first_line(answer)}", place=str(folder))
    root, prefix, shallow = answer.stdout.decode(errors="surrogateescape").split("\n")[:3]
    return Repository(Path(root), prefix, shallow == "true")


def commit_of(repository: Repository, revision: str) -> str | None:
    """Return the commit that a revision means; None when git does not know it."""
    if not revision or revision.startswith("-"):
        return None
    answer = _git(repository.root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    return answer.stdout.decode().strip() or None


def is_ancestor(repository: Repository, commit: str) -> bool:
    """Return whether HEAD is a commit or comes after it, as far as the clone goes."""
    return _git(repository.root, "merge-base", "--is-ancestor", commit, "HEAD").returncode == 0


def tags_since(repository: Repository, commit: str) -> list[str]:
    """Return the tags of a commit and of those between it and HEAD, the oldest first."""
    order = ("--sort=version:refname", "--sort=creatordate")
    answer = _git(repository.root, "tag", "--list", f"--contains={commit}", "--merged=HEAD", *order)
    return answer.stdout.decode(errors="surrogateescape").split()


def unpack(repository: Repository, commit: str, folder: Path) -> None:
    """Write the files of a commit, from the project's folder on, into a folder. Raise InputError."""
    tree = f"{commit}:{repository.prefix.rstrip('/')}"
    answer = _git(repository.root, "archive", "--format=tar", tree)
    if answer.returncode:
        raise InputError(f"git cannot read its files: {_first_line(answer)}")
    try:
        with tarfile.open(fileobj=io.BytesIO(answer.stdout)) as archive:
            archive.extraction_filter = getattr(tarfile, "data_filter", None)  # since Python 3.11.4
            archive.extractall(folder)  # noqa: S202  a tree of the repository that the user works in
    except tarfile.TarError as error:
        raise InputError(f"its files cannot be written: {error}") from error


def _git(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
    try:
        return subprocess.run(  # noqa: S603  no shell
            ["git", *arguments],  # noqa: S607  where it is differs
            check=False,
            capture_output=True,
            cwd=folder,
            env=environment | {"LC_ALL": "C"},
        )
    except FileNotFoundError:
        raise InputError("git is not installed", notes=(Hint("install it, or give a folder: --from DIR"),)) from None


def _first_line(answer: subprocess.CompletedProcess[bytes]) -> str:
    lines = answer.stderr.decode(errors="replace").strip().splitlines()
    return lines[0].removeprefix("fatal: ") if lines else f"exit code {answer.returncode}"
