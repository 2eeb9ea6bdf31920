"""What the laws share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.library import Library
from tests.support.servers import Server
from tests.support.strangers import plant


@pytest.fixture(scope="session")
def library(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The ten releases of tests/cases/releases, and databases of them that are made when they are needed."""
    with ExitStack() as stack:
        yield Library(server, tmp_path_factory.mktemp("releases"), stack)


@pytest.fixture(scope="session")
def ground(server: Server) -> Iterator[str]:
    """The name of a database in which strangers have planted what can be planted."""
    with server.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("create schema target")
            plant(connection, ("target", "ext", "public", connection.info.user))
        yield str(conninfo_to_dict(dsn)["dbname"])
