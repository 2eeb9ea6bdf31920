"""Databases that the project's predecessors left."""

from __future__ import annotations

from pathlib import Path

import psycopg

FOLDER = Path(__file__).parent.parent / "legacy"


def make_legacy(dsn: str, files: tuple[str, ...]) -> None:
    """Make an older database of one that the project was applied to."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("drop table runner_history, runner_history_release")
        for name in files:
            connection.execute((FOLDER / f"{name}.sql").read_bytes())
