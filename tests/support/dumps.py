"""Dumps of databases, without what differs from run to run."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from tests.support.servers import dump, program, stop_clocks


def state(dsn: str) -> list[str]:
    """Return schema and data in sorted lines.

    Left out are the history, which tells of each attempt, clocks, and where sequences are, the numbers that come from
    them among it.
    """
    with psycopg.connect(dsn, autocommit=True) as connection:
        stop_clocks(connection)
        connection.execute("drop table runner_history, runner_history_release")
    lines = dump(dsn).splitlines()
    counted = {line.split(".")[1].removesuffix("_id_seq") for line in lines if line.startswith("CREATE SEQUENCE")}
    table = ""
    for place, line in enumerate(lines):
        if copy := re.match(r"COPY public\.(\w+) \(id, ", line):
            table = copy[1] if copy[1] in counted else ""
        elif line == "\\.":
            table = ""
        elif table:
            lines[place] = re.sub(r"^([0-9]+\t)+", "", line)
    return sorted(line for line in lines if "pg_catalog.setval" not in line)


def still_dump(dsn: str, *options: str) -> str:
    """Return a dump in which all clocks show one time, and the rows of a table are sorted."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        stop_clocks(connection)
    rows = re.compile(r"(?<= FROM stdin;\n)(?:(?!\\\.$).*\n)+", flags=re.MULTILINE)
    return rows.sub(lambda match: "".join(sorted(match[0].splitlines(keepends=True))), dump(dsn, *options))


def schema_script(dsn: str, folder: Path) -> str:
    """Return the schema as pg_dump writes it, with all carriage returns, without settings and what only psql reads."""
    path = folder / "dump.sql"
    dumped = program("pg_dump", "-s", "--no-owner", "--no-acl", "--file", path, "--dbname", dsn)
    assert dumped.returncode == 0, dumped.stderr
    no_sql = r"^(\\(un)?restrict .*|SET \w+ = .*;|SELECT pg_catalog\.set_config\(.*)\n"
    return re.sub(no_sql, "", path.read_bytes().decode(), flags=re.MULTILINE)
