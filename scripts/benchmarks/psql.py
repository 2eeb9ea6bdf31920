"""psql -f, from the embedded PostgreSQL's folder when it is not on the PATH."""

from __future__ import annotations

import shutil

from runner import embedded


def psql_command(dsn: str, script: str) -> list[str]:
    """Return the command line that runs a script."""
    program = shutil.which("psql") or str(embedded.programs() / "psql")
    return [program, "--quiet", "--no-psqlrc", "--dbname", dsn, "--file", script]
