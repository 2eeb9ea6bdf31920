"""What the laws share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.support.library import Library
from tests.support.servers import Server
from tests.support.strangers import Ground, plant


@pytest.fixture(scope="session")
def library(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The ten releases of tests/cases/releases, and databases of them that are made when they are needed."""
    with ExitStack() as stack:
        yield Library(server, tmp_path_factory.mktemp("releases"), stack)


@pytest.fixture(scope="session")
def ground(server: Server) -> Iterator[Ground]:
    """A database in which a stranger has planted what can be planted."""
    with server.roles() as (stranger,), server.database() as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            plant(connection, ("target", "ext", "public", connection.info.user), stranger)
        yield Ground(str(conninfo_to_dict(dsn)["dbname"]), stranger)
