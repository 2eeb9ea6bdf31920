"""Dumps of databases, without what differs from run to run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import Connection

from runner.pipeline.apply import apply_plan
from runner.pipeline.plan import plan_database
from runner.project.loading import load
from runner.verification.finding import Finding
from tests.support.projects import write_project
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


REFUSED = ("PROCEDURAL LANGUAGE", "SHELL TYPE")
"""What pg_dump writes without its handler, and what an always script refuses to make; so it does base types."""


def schema_script(dsn: str, folder: Path) -> str:
    """Return the schema as pg_dump writes it, with all carriage returns, as an always script may declare it.

    Left out are settings, what only psql reads, and what is `REFUSED`, with its comments.
    """
    path = folder / "dump.sql"
    dumped = program("pg_dump", "-s", "--no-owner", "--no-acl", "--file", path, "--dbname", dsn)
    assert dumped.returncode == 0, dumped.stderr
    no_sql = r"^(\\(un)?restrict .*|SET \w+ = .*;|SELECT pg_catalog\.set_config\(.*)\n"
    text = re.sub(no_sql, "", path.read_bytes().decode(), flags=re.MULTILINE)
    entries = re.split(r"^--\n(?=-- Name: )", text, flags=re.MULTILINE)
    return "".join(entry for entry in entries if not _is_refused(entry))


def _is_refused(entry: str) -> bool:
    of_comment = re.match(r"-- Name: ([A-Z ]+) .*; Type: COMMENT;", entry)
    of_object = re.match(r"-- Name: .*; Type: ([A-Z ]+);", entry)
    kind = of_comment or of_object
    is_base_type = re.search(r"^CREATE TYPE (?!.* AS )", entry, flags=re.MULTILINE)
    return bool(is_base_type) or (kind is not None and any(kind[1].startswith(each) for each in REFUSED))


def phantoms(connection: Connection, dsn: str, folder: Path) -> Iterator[str]:
    """Yield what is pending, found or not compared in a database when its dump is the script."""
    dumped = schema_script(dsn, folder)
    folder = write_project(folder, {"010_dump.sql": dumped})
    loaded = load(folder / "manifest.toml")
    planned = plan_database(connection, loaded, lambda _: None)
    yield from (f"not compared: {item.statement.sql}: {item.reason}" for item in planned.declared.unbuilt)
    for script in planned.plan.scripts:
        yield from (f"{step.action}: {step.sql}" for step in script.steps if step.action != "unchanged")
    result = apply_plan(connection, loaded, planned)
    yield from (f"{script.status}: {script.error}" for script in result.scripts if script.error or script.sent)
    found = (*result.verification.findings, *result.verification.unmanaged)
    yield from (str(finding) for finding in found if not _is_lost(finding, dumped))


def _is_lost(finding: Finding, script: str) -> bool:
    """Return whether a finding is about what the script leaves out, or pg_dump.

    pg_dump does not tell that a key or an index is disabled, nor comments on constraints that partitions inherit.
    """
    if isinstance(finding.object, str):
        return False
    kind, name = finding.object.kind, finding.object.name
    if kind == "comment on constraint":
        return f"COMMENT ON CONSTRAINT {name} " not in script
    return kind == "constraint" and (finding.actual or "").endswith(" disabled")
