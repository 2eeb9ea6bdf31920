"""PostgreSQL's own programs: where they are, and how they are told of a target without showing its password."""

from __future__ import annotations

import os
import shutil

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from runner.postgres import embedded
from runner.postgres.target import Target


def find_program(name: str) -> str | None:
    """Return the program of the embedded PostgreSQL, else the first on the path."""
    return str(embedded.programs() / name) if embedded.is_installed() else shutil.which(name)


def connection_of(target: Target) -> tuple[str, dict[str, str]]:
    """Return the argument that names a target, and the environment, where other users cannot read the password."""
    parameters = conninfo_to_dict(target.conninfo)
    password = parameters.pop("password", None)
    environment = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    return f"--dbname={make_conninfo('', **parameters)}", environment
