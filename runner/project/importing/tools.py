"""The tools whose migrations are imported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from runner.project.importing.flyway import read_flyway
from runner.project.importing.graphile import read_graphile
from runner.project.importing.halves import read_dbmate, read_goose, read_node
from runner.project.importing.migrations import Imported
from runner.project.importing.whole_files import read_alembic, read_sqitch

READERS: Mapping[str, Callable[[Path], Imported]] = {
    "dbmate": read_dbmate,
    "goose": read_goose,
    "flyway": read_flyway,
    "sqitch": read_sqitch,
    "alembic-sql": read_alembic,
    "node-pg-migrate": read_node,
    "graphile": read_graphile,
}


def read_migrations(tool: str, path: Path) -> Imported:
    """Return the migrations of a tool, in the order in which it runs them. Raise InputError."""
    return READERS[tool](path)
