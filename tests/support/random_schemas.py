"""Random schemas for hypothesis, and databases that have them."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, assume, settings
from hypothesis import strategies as st
from psycopg import Connection

from runner.pipeline.declare import declare_on
from runner.pipeline.verify import verify_database
from runner.project.loading import load
from tests.support.projects import CASES, write_project
from tests.support.servers import Server, program

MORE = os.environ.get("RUNNER_TEST_EXAMPLES")
EXAMPLES = settings(
    max_examples=int(MORE or 60),
    derandomize=MORE is None,
    deadline=None,
    phases=set(Phase) - {Phase.explain},
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)

# What pg_dump shows and verify leaves out by design is the same in all of these schemas: owners, privileges,
# tablespaces, publications, names of NOT NULL constraints, the comment on a schema, and objects that verify does not
# know (aggregates, operators, casts, collations, text search). So is the order
# of columns, which is no fact. A declared constraint always has a name: one without stands for any name.
SCHEMAS = tomllib.loads((CASES / "schemas.toml").read_text(encoding="utf-8"))
NAMES: dict[str, str] = SCHEMAS["names"]
STATEMENTS: dict[str, list[str]] = SCHEMAS["statements"]
SLOTS: dict[str, list[str]] = SCHEMAS["parts"] | STATEMENTS
WORD = re.compile(r"@([a-z]\w*)")

Choices = Mapping[str, str]
Script = list[str]
"""Statements."""


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Script, Script]:
    """Draw what is declared, and what is in the database: the same, the same but for a choice or two, or another."""
    whole = st.fixed_dictionaries({key: st.sampled_from(texts) for key, texts in SLOTS.items()})
    keys = st.lists(st.sampled_from(list(SLOTS)), max_size=2, unique=True)
    few = keys.flatmap(lambda chosen: st.fixed_dictionaries({key: st.sampled_from(SLOTS[key]) for key in chosen}))
    unnamed = st.sets(st.sampled_from(list(NAMES))).map(lambda chosen: dict.fromkeys(chosen, ""))
    declared = draw(whole) | NAMES
    actual = declared | draw(st.one_of(few, few, few, few, whole)) | draw(unnamed)
    return list(statements(declared)), list(statements(actual))


def statements(choices: Choices, of: Iterable[str] = STATEMENTS) -> Iterator[str]:
    """Return the SQL of a schema, without what mentions something that is absent."""
    for key in of:
        head, *lines = (filled(line.strip(), choices) for line in choices[key].split("\n"))
        if head:
            yield f"{head} {', '.join(filter(None, lines[:-1]))} {''.join(lines[-1:])}".strip()


def filled(text: str, choices: Choices) -> str:
    """Return the text with what is chosen for its `@words`, nothing when one of them is absent."""
    while match := WORD.search(text):
        if match[1] == "absent":
            return ""
        text = f"{text[: match.start()]}{choices[match[1]]}{text[match.end() :]}"
    return text.strip()


@dataclass(frozen=True)
class Side:
    """A database with a schema that is made again for each example."""

    dsn: str
    connection: Connection

    def make(self, script: Script) -> Script:
        """Make the schema, and return the statements that the server did not refuse."""
        self.connection.execute("drop schema public cascade")
        self.connection.execute("create schema public")
        return [sql for sql in script if self.accepts(sql)]

    def accepts(self, sql: str) -> bool:
        try:
            self.connection.execute(sql.encode())
        except psycopg.DatabaseError:
            return False
        return True

    def dump(self) -> list[str]:
        """Return what pg_dump says of the schema, without its random key."""
        dumped = program("pg_dump", "--schema-only", "--dbname", self.dsn)
        assert dumped.returncode == 0, dumped.stderr
        return re.sub(r"^\\(un)?restrict .*\n", "", dumped.stdout, flags=re.MULTILINE).splitlines()


@dataclass(frozen=True)
class Sides:
    """What is declared, as a database that is only dumped, and the database that is verified."""

    declared: Side
    actual: Side
    folder: Path

    def verify(self, script: Script) -> list[str]:
        """Return what verify says of the database when the script declares it."""
        scripts = {"010_all.sql": "".join(f"{sql};\n" for sql in script)}
        folder = write_project(self.folder, scripts, options={"010_all.sql": {"run": "once", "transaction": False}})
        loaded = load(folder / "manifest.toml")
        unbuilt = declare_on(self.actual.connection, loaded, print).unbuilt
        assume(not any(item.reason.endswith("is not unique") for item in unbuilt))  # with a function of this database
        assert not unbuilt, [(item.statement.sql, item.reason, str(item.error)) for item in unbuilt]
        found = verify_database(self.actual.connection, loaded)
        return [str(finding) for finding in (*found.findings, *found.unmanaged)]


@pytest.fixture(scope="module")
def sides(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sides]:
    with (
        server.database() as first,
        server.database() as second,
        psycopg.connect(first, autocommit=True, prepare_threshold=None) as one,
        psycopg.connect(second, autocommit=True, prepare_threshold=None) as two,
    ):
        for connection in (one, two):
            connection.execute("set client_min_messages = error")
        yield Sides(Side(first, one), Side(second, two), tmp_path_factory.mktemp("same"))
