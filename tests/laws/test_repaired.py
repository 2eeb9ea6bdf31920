"""A database that random SQL has made is brought to other random SQL: no row is lost, no script fails, nothing is left.

RUNNER_TEST_EXAMPLES is how many pairs of schemas are tried; when it is set, they are other ones with each run.
"""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from psycopg import Connection

from runner.pipeline.apply import apply_plan
from runner.pipeline.plan import plan_database
from runner.project.loading import load
from runner.project.templates import render
from runner.sql.parser import parse
from runner.verification.finding import Finding
from tests.support.projects import write_project
from tests.support.random_schemas import EXAMPLES, NAMES, SLOTS, Script, Sides, sides, statements

__all__ = ["sides"]

COLUMNS = """
    select c.oid::regclass::text, quote_ident(a.attname), format_type(a.atttypid, null), a.attidentity <> ''
    from pg_class as c
    inner join pg_attribute as a on c.oid = a.attrelid
    where c.relkind = 'r' and not c.relispartition and c.relnamespace = 'public'::regnamespace
        and c.relname not like 'runner_history%' and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    order by 1, a.attnum
"""
VALUES = {
    "text": "'a'", "character varying": "'a'", "character": "'a'", "name": "'a'", "jsonb": "'{}'", "json": "'{}'",
    "uuid": "gen_random_uuid()", "boolean": "true", "bytea": "'a'", "date": "now()", "interval": "'1 day'",
}  # fmt: skip
"""Values of types that a small number does not stand for."""

VARIED = (
    """
    n,label,data,tags,at,any,total,ref,pkey,key,positive,fkey,apart,id_kind,n_type,n_null,n_fill,label_type,label_fill,
    data_kind,tags_kind,span_kind,at_type,at_fill,any_kind,total_kind,pkey_text,pkey_late,key_text,key_late,check_text,
    fkey_target,fkey_action,in_part,fkey_late,valid,add pkey,add key,add check,add fkey,add self,add apart,make index,
    make gin index
""".strip()
    .replace("\n    ", "")
    .split(",")
)
"""What differs between the two sides: columns, constraints and indexes, which are repaired."""

LEFT_OUT = dict.fromkeys(
    """
    score not valid,alter item,alter column,own loose,make expression index,alter index,make shown,alter shown,
    make kept,make index in kept,alter kept,make atomic,make trigger,alter trigger,inherit,
    make policy,alter policy,make rule,alter rule,make statistics,alter statistics
    """.strip()
    .replace("\n    ", "")
    .split(","),
    "",
)
"""What fails, or is sent with each run, where what it is about, or depends on, cannot be repaired."""


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Script, Script]:
    """Draw what is declared, and what is in the database: the same but for some choices."""
    whole = st.fixed_dictionaries({key: st.sampled_from(texts) for key, texts in SLOTS.items()})
    declared, other = draw(whole) | NAMES | LEFT_OUT, draw(whole)
    keys = draw(st.lists(st.sampled_from(VARIED), max_size=12, unique=True))
    unnamed = dict.fromkeys(draw(st.sets(st.sampled_from(list(NAMES)))), "")
    actual = declared | {key: other[key] for key in keys} | unnamed
    return list(statements(declared)), list(statements(actual))


Column = tuple[str, str, str, bool]


def columns(connection: Connection) -> list[Column]:
    return connection.execute(COLUMNS).fetchall()


def fill(connection: Connection) -> None:
    """Give each table rows, some with NULLs; what its constraints refuse it does not get."""
    tables: dict[str, list[Column]] = {}
    for column in columns(connection):
        tables.setdefault(column[0], []).append(column)
    for table, own in tables.items():
        for n in (1, 2, 3):
            given_columns = [column for column in own if not column[3] and not (n == 3 and column[2] in VALUES)]
            names = ", ".join(column[1] for column in given_columns)
            values = ", ".join(
                VALUES.get(column[2], "now()" if column[2].startswith("time") else str(n)) for column in given_columns
            )
            insert = f"insert into {table} ({names}) overriding system value values ({values})"
            for sql in (insert, f"insert into {table} default values"):
                try:
                    connection.execute(sql.encode())
                except psycopg.DatabaseError:
                    continue


def values(connection: Connection, known: list[Column]) -> dict[tuple[str, str], list[str]]:
    """Return the values of each column, numbers as numbers of one kind."""
    found = {}
    for table, column, type_, _ in known:
        value = column if type_ not in ("smallint", "integer", "bigint", "real", "numeric") else f"{column}::float8"
        rows = connection.execute(f"select ({value})::text from {table} order by 1 nulls last".encode()).fetchall()
        found[table, column] = [row[0] for row in rows]
    return found


@pytest.mark.long
@EXAMPLES
@given(pairs())
def test_a_database_is_repaired(
    sides: Sides, tmp_path_factory: pytest.TempPathFactory, pair: tuple[Script, Script]
) -> None:
    """After one apply what still differs has a reason, all values are there, and another apply has nothing to do."""
    script = sides.declared.make(pair[0])
    sides.actual.make([sql for sql in pair[1] if "disable trigger" not in sql])  # it lets duplicates in
    connection = sides.actual.connection
    connection.prepare_threshold = None
    fill(connection)
    known = columns(connection)
    before = values(connection, known)
    script = [sql for sql in script if is_declarative(sql)]
    folder = write_project(
        tmp_path_factory.mktemp("mended"),
        {"010_all.sql": "".join(f"{sql};\n" for sql in script)},
        options={"010_all.sql": {"allow_destructive": True}},
        run={"repair": "align"},
    )
    note("".join(f"{sql};\n" for sql in script))
    note("".join(f"{sql};\n" for sql in pair[1]))
    assert_repaired(connection, folder)
    after = values(connection, known)
    assert after == before, {column: (rows, after[column]) for column, rows in before.items() if after[column] != rows}


def is_declarative(sql: str) -> bool:
    """Return whether a statement declares objects, as those of an `always` script must, and moves nothing."""
    (statement,) = parse(render("010_all.sql", sql, {}), schema="public").statements
    declaration = statement.declaration
    return bool(declaration.effects) and not declaration.nameless and not statement.traits.outside


def assert_repaired(connection: Connection, folder: Path) -> None:
    loaded = load(folder / "manifest.toml")
    planned = plan_database(connection, loaded, note)
    note("\n".join(f"{step.transaction} {step.sql}" for script in planned.plan.scripts for step in script.to_send))
    result = apply_plan(connection, loaded, planned)
    connection.execute("reset search_path")
    failed = [str(script.error) for script in result.scripts if script.error]
    assert not failed, failed
    undone = [finding for finding in result.verification.findings if not has_reason(finding)]
    assert not undone, undone
    again = plan_database(connection, loaded, note).plan
    left = [step.sql for script in again.scripts for step in script.to_send]
    assert not left, left


def has_reason(finding: Finding) -> bool:
    """Return whether a finding says why it was not repaired, and that is not that the script failed."""
    return finding.repair is not None and finding.repair.why not in ("", "its script failed, or was not run")
