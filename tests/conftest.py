"""Where the tests find a server, and the fixtures that all of them share."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from tests.support import servers
from tests.support.projects import Result, copy_project, run_runner, write_project
from tests.support.servers import Server

Run = Callable[..., Result]
MakeProject = Callable[..., Path]

_STACK = pytest.StashKey[ExitStack]()
_SERVER = pytest.StashKey[Server]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--torture", action="store_true", help="run the long form of tests that take samples otherwise")
    parser.addoption("--rewrite", action="store_true", help="write the snapshots of test_terminal.py anew")
    parser.addoption("--dsn", metavar="DSN", help="run on this server, as a superuser; else RUNNER_TEST_DSN")
    parser.addoption(
        "--server",
        choices=("embedded", "container"),
        default="embedded",
        help="without a DSN: start the embedded PostgreSQL, or a container of RUNNER_TEST_IMAGE (postgres:15)",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_STACK] = ExitStack()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell starts what is in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if config.option.torture:
        os.environ["RUNNER_TEST_ANEW"] = "1"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[_STACK].close()


def pytest_report_header(config: pytest.Config) -> str | None:
    if config.option.collectonly:
        return None
    if config.getoption("numprocesses", default=None):
        return "server: each worker has its own"
    server = _server(config)
    try:
        version = server.version
    except psycopg.OperationalError as error:
        raise pytest.UsageError(f"the server of the tests cannot be reached: {error}") from None
    return f"server: PostgreSQL {version} at {conninfo_to_dict(server.conninfo).get('host', 'the default host')}"


def _server(config: pytest.Config) -> Server:
    """Return the server of this session, which the first call finds or starts."""
    if _SERVER not in config.stash:
        config.stash[_SERVER] = _find_server(config)
    return config.stash[_SERVER]


def _find_server(config: pytest.Config) -> Server:
    stack = config.stash[_STACK]
    if dsn := config.option.dsn or os.environ.get("RUNNER_TEST_DSN"):
        return Server(dsn)
    if config.option.server == "container":
        config.addinivalue_line("filterwarnings", servers.UNCLOSED)
        try:
            return stack.enter_context(servers.container_server())
        except Exception as error:  # noqa: BLE001  whatever the client raises
            raise pytest.UsageError(f"the container {servers.POSTGRES_IMAGE} did not start: {error}") from None
    return stack.enter_context(servers.embedded_server())


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Server:
    """The server that the session runs on."""
    return _server(pytestconfig)


@pytest.fixture
def database(server: Server) -> Iterator[str]:
    """The connection string of an empty database."""
    with server.database() as dsn:
        yield dsn


@pytest.fixture(scope="session")
def fresh_project(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this repository's project, with a lock that is fresh on the server, whatever its version."""
    copy = copy_project(tmp_path_factory.mktemp("fresh"))
    with server.database() as dsn:
        result = run_runner("lock", "--dsn", dsn, folder=copy)
    assert result.code == 0, result
    return copy


@pytest.fixture(scope="session")
def template(server: Server) -> Iterator[str]:
    """The name of a database that this repository's project was applied to, to be copied."""
    with server.database() as dsn:
        result = run_runner("apply", "--dsn", dsn)
        assert result.code == 0, result
        yield str(conninfo_to_dict(dsn)["dbname"])


@pytest.fixture
def applied(server: Server, template: str) -> Iterator[str]:
    """The connection string of a database that this repository's project was applied to, once."""
    with server.database(template) as dsn:
        yield dsn


@pytest.fixture(scope="session")
def reference(server: Server, template: str) -> Iterator[Connection]:
    """A read-only connection to a copy of the applied database that all tests share."""
    with server.database(template) as dsn:
        options = "-c default_transaction_read_only=on"
        with psycopg.connect(dsn, autocommit=True, prepare_threshold=None, options=options) as opened:
            yield opened


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    """A connection to the test's empty database, each statement a transaction."""
    with psycopg.connect(database, autocommit=True, prepare_threshold=None) as opened:
        yield opened


@pytest.fixture
def applied_connection(applied: str) -> Iterator[Connection]:
    """A connection to the test's copy of the applied database, each statement a transaction."""
    with psycopg.connect(applied, autocommit=True, prepare_threshold=None) as opened:
        yield opened


@pytest.fixture
def project(tmp_path: Path) -> MakeProject:
    """Writes a small project below the test's folder; see write_project."""

    def make(scripts: dict[str, str], **others: dict[str, object]) -> Path:
        return write_project(tmp_path, scripts, **others)  # type: ignore[arg-type]

    return make


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the runner as a program in the test's folder; see run_runner."""

    def run_here(*arguments: str | Path, **others: object) -> Result:
        return run_runner(*arguments, **{"folder": tmp_path, **others})  # type: ignore[arg-type]

    return run_here
