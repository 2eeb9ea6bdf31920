"""The least that a Python program can do: import the packages, connect, and send SQL in pipelines, or read one row."""

from __future__ import annotations

import sys
from pathlib import Path

import jinja2
import psycopg


def main(dsn: str, folder: str | None) -> None:
    """Send each file below a folder, rendered already, as one transaction in one pipeline; without one, read a row."""
    jinja2.Environment(autoescape=True)
    with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as connection:
        if folder is None:
            connection.execute("select 1").fetchone()
            return
        for path in sorted(Path(folder).glob("sql/*.sql")):
            connection.execute("begin;" + path.read_text(encoding="utf-8") + ";commit")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)  # noqa: PLR2004
