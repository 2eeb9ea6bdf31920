"""What the laws share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.library import Library
from tests.support.servers import Server


@pytest.fixture(scope="session")
def library(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The ten releases of tests/cases/releases, and databases of them that are made when they are needed."""
    with ExitStack() as stack:
        yield Library(server, tmp_path_factory.mktemp("releases"), stack)
