"""Earlier releases of a project: which ones are asked for, and their files."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from msgspec import Struct

from runner.errors import Hint, InputError
from runner.project.git_history import Repository, commit_of, find_repository, is_ancestor, tags_since, unpack
from runner.project.loading import Project, load
from runner.project.manifest import load_manifest

SHALLOW = "this clone is shallow and does not have it; run `git fetch --unshallow --tags`"


class Earlier(Struct, frozen=True):
    """An earlier release as it was asked for: a commit, or a folder; `reason` is set when its files cannot be had."""

    name: str
    commit: str = ""
    folder: Path | None = None
    reason: str = ""


class Choice(Struct, frozen=True):
    """Values for variables, and profiles, as they are given for the project as it is now."""

    variables: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()


class History:
    """The earlier states of the project of a manifest."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = manifest
        self.folder = manifest.absolute().parent
        self.repository: Repository | None = None

    def find(self, wanted: Sequence[str], since: str | None) -> list[Earlier]:
        """Return the releases that are wanted, each once. Raise InputError for one that does not exist."""
        if not wanted and since is None:
            raise InputError(
                "no earlier release is named",
                notes=(Hint("give --from REV, --from DIR, or --since TAG; each may be combined with the others"),),
            )
        found = [self._wanted(name) for name in wanted]
        found += self._since(since) if since is not None else []
        unique: dict[object, Earlier] = {}
        for each in found:
            unique.setdefault(each.commit or each.folder or each.name, each)
        return list(unique.values())

    @contextmanager
    def project(self, earlier: Earlier, choice: Choice) -> Iterator[Project]:
        """Yield the project of an earlier release, whose files are there meanwhile. Raise InputError.

        Variables and profiles that it does not know are left out.
        """
        with ExitStack() as stack:
            folder = earlier.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="runner-")))
            try:
                if earlier.folder is None:
                    unpack(self._repository(""), earlier.commit, folder)
                project = _load(folder / self.manifest.name, choice)
            except InputError as error:
                place = error.place.removeprefix(f"{folder}/")
                raise InputError(error.message, place=place, notes=error.notes) from error
            yield project

    def _wanted(self, name: str) -> Earlier:
        with suppress(OSError):  # a name that no file can have
            folder = Path(name)
            if (folder / self.manifest.name).is_file():
                return Earlier(name, folder=folder.absolute())
            if folder.is_dir() and (folder.is_absolute() or name.startswith(".")):
                raise InputError(f"{name!r} has no {self.manifest.name}; give a folder that holds one", place="--from")
        repository = self._repository(f"--from {name}")
        if commit := commit_of(repository, name):
            return Earlier(name, commit)
        if repository.is_shallow:
            return Earlier(name, reason=SHALLOW)
        hint = Hint(f"give a revision, such as a tag, or a folder that holds {self.manifest.name}")
        raise InputError(f"git knows no revision {name!r}", place="--from", notes=(hint,))

    def _since(self, tag: str) -> list[Earlier]:
        repository = self._repository(f"--since {tag}")
        commit = commit_of(repository, f"refs/tags/{tag}")
        if commit and is_ancestor(repository, commit):
            tags = tags_since(repository, commit)
            return [Earlier(name, commit_of(repository, f"refs/tags/{name}") or "") for name in tags]
        if repository.is_shallow:
            return [Earlier(tag, reason=SHALLOW)]
        problem = "HEAD does not come after the tag" if commit else "git knows no tag"
        raise InputError(f"{problem} {tag!r}", place="--since", notes=(Hint("see `git tag --merged`"),))

    def _repository(self, asked: str) -> Repository:
        self.repository = self.repository or find_repository(self.folder)
        if self.repository is None:
            raise InputError(
                f"{self.manifest} is in no git repository", place=asked, notes=(Hint("give a folder: --from DIR"),)
            )
        return self.repository


def _load(path: Path, choice: Choice) -> Project:
    known = load_manifest(path).manifest
    profiles = {profile for script in known.scripts for profile in script.profiles}
    return load(
        path,
        tuple(each for each in choice.variables if each.partition("=")[0] in known.variables),
        tuple(profile for profile in choice.profiles if profile in profiles),
        with_lock=False,  # it may have another format
    )
