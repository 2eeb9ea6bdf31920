"""The schedule is all that a run sends: apply sends it, psql sends it, and nothing comes in between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

import psycopg
import pytest

from runner.execution.schedule import Label, Send, ended, repaired, schedule
from runner.pipeline.plan import plan_database
from runner.planning.model import Options, Plan
from runner.postgres.session import begin_session
from runner.postgres.settings import RESET, psql_session_start, session_start
from runner.project.loading import load
from runner.project.manifest import Manifest
from tests.conftest import MakeProject, Run
from tests.support.proxy import proxied
from tests.support.servers import Server, psql

BEFORE = "create table item (id integer, name text, size integer); insert into item values (1, 'a', 2);"
BEFORE += "create table late (id integer, name text); insert into late values (null, ':a');"
SCRIPTS = {
    "010_item.sql": """
        create table if not exists item (
            id integer, name text, size integer, constraint item_size_check check (size > 0)
        );
        create index if not exists item_name_idx on item (name);
        comment on index item_name_idx is 'Finds by :name.';
    """,
    "020_rows.sql": "set session authorization default;\ninsert into item values (2, ':name', 3);",
    "030_alone.sql": """
        create index concurrently if not exists item_size_idx on item (size);
        analyze item;
        create index concurrently if not exists item_id_idx on item (id);
    """,
    "040_late.sql": """
        create table if not exists late (id integer not null, name text constraint late_name check (name <> ':a'));
        update late set id = 0, name = 'b' where id is null;
    """,
}
NEVER_SINGLE = ("030_alone.sql", "040_late.sql")
OPTIONS: dict[str, dict[str, object]] = {
    "020_rows.sql": {"run": "on_change"},
    "030_alone.sql": {"run": "once", "transaction": False},
}
SECONDS = "@"
TOOK = {"apply": r"'?[0-9.e-]+'?", "psql": r"extract\(epoch from clock_timestamp\(\) - '[^']+'::timestamptz\)"}
PSQLS_OWN = re.compile(
    r"select pg_catalog\."
    r"(clock_timestamp\(\) as runner_started|pg_try_advisory_lock|pg_advisory_unlock|current_setting)\b.*"
)
LABELS = {
    True: {"single", "setup", "settings", "step", "role", "row", "end", "commit"},
    False: set(get_args(Label)) - {"single", "commit", "release"},
}


@pytest.fixture
def role(server: Server) -> Iterator[str]:
    """A role that the run takes."""
    with server.roles() as (name,):
        yield name


@pytest.fixture
def databases(server: Server, role: str) -> Iterator[tuple[str, str]]:
    """Two databases with the same table of the role."""
    with server.database() as first, server.database() as second:
        for dsn in (first, second):
            with psycopg.connect(dsn) as connection:
                rights = f"grant create on database {connection.info.dbname} to {role};"
                rights += f"grant create on schema public to {role};"
                connection.execute(f"{rights} set role {role}; {BEFORE}".encode())
        yield first, second


@pytest.mark.parametrize("single", [False, True])
def test_apply_and_psql_send_the_schedule(
    run: Run, project: MakeProject, role: str, databases: tuple[str, str], *, single: bool
) -> None:
    """Each sends every statement of the schedule in its order, and nothing else but what is the writer's own."""
    scripts = {name: text for name, text in SCRIPTS.items() if not (single and name in NEVER_SINGLE)}
    options = {name: OPTIONS[name] for name in OPTIONS if name in scripts}
    folder = project(scripts, options=options, run={"role": role, "concurrent_index_above": "0"})
    by_apply, by_psql = databases
    flags = ["--single-transaction"] * single
    dry = run("apply", "--dry-run", "--dsn", by_psql, *flags)
    assert dry.code == 0, dry
    (folder / "dry.sql").write_text(dry.out, encoding="utf-8")
    plan, sends = scheduled(folder, by_apply, single=single)
    assert {send.label for send in sends} == LABELS[single]
    assert plan.hash in dry.out

    with proxied(by_apply) as (dsn, proxy):
        assert run("apply", "--dsn", dsn, *flags).code == 0
    sent = max(proxy.sessions, key=len)
    opening = [send.sql for send in sends[:8]]  # up to the first statement of the setup
    first = next(index for index in range(len(sent)) if sent[index : index + len(opening)] == opening)
    assert_sent(sent[first : first + len(sends)], [send.prefix + send.sql for send in sends], TOOK["apply"])

    with proxied(by_psql) as (dsn, proxy):
        fed = psql(dsn, folder / "dry.sql")
    assert fed.returncode == 0, fed.stderr
    (session,) = proxy.sessions
    sent = [sql for sql in map(without_comments, session) if not PSQLS_OWN.match(sql)]
    with psycopg.connect(by_psql) as connection:
        limit = ("set transaction_timeout = 0",) if connection.info.server_version >= 170_000 else ()
    start = (*psql_session_start(), *limit)
    expected = ["set client_encoding to 'UTF8'", *start, f"set role {role}"]
    for sql in (send.sql for send in sends if not send.is_runners):
        expected += (sql, *start) if sql == RESET else (sql,)
    assert_sent(sent, expected, TOOK["psql"])
    again = run("apply", "--json", "--dsn", by_psql, *flags).json
    assert {script["status"] for script in again["scripts"]} == {"unchanged"}


def test_what_only_the_runner_sends(project: MakeProject, database: str) -> None:
    """psql does without the limits of the runner's session."""
    with psycopg.connect(database) as connection:
        connection.execute(BEFORE.encode())
    folder = project(SCRIPTS, options=OPTIONS, run={"concurrent_index_above": "0"})
    _, sends = scheduled(folder, database, single=False)
    session = session_start(load(folder / "manifest.toml").project.manifest)
    assert {send.sql for send in sends if send.is_runners} == set(session)


def test_the_limits_of_a_build_end_with_it(run: Run, project: MakeProject, database: str) -> None:
    """After an index CONCURRENTLY a script without a transaction has the settings of the manifest again."""
    limits = "select current_setting('lock_timeout') as lock, current_setting('statement_timeout') as statement;"
    index = "create index concurrently item_idx on item (id);"
    project(
        {"010_item.sql": "create table if not exists item (id integer);", "020_alone.sql": f"{limits}{index}{limits}"},
        options={"020_alone.sql": {"run": "once", "transaction": False}},
        run={"lock_timeout": "3s", "statement_timeout": "2min", "concurrent_index_timeout": "1h"},
    )
    result = run("apply", "--json", "--dsn", database)
    assert result.code == 0, result
    assert result.json["scripts"][1]["returned"] == [{"lock": "3s", "statement": "2min"}] * 2


def test_a_baseline_in_a_single_transaction(run: Run, project: MakeProject, database: str) -> None:
    """A script without a transaction that is only recorded is recorded as applied, and nobody has to look at it."""
    options: dict[str, dict[str, object]] = {"010_alone.sql": {"run": "once", "transaction": False}}
    project({"010_alone.sql": "vacuum;"}, options=options)
    result = run("apply", "--baseline", "--single-transaction", "--dsn", database)
    assert result.code == 0, result
    with psycopg.connect(database) as connection:
        assert connection.execute("select status from runner_history").fetchall() == [("applied",)]
    assert run("apply", "--dsn", database).code == 0


def scheduled(folder: Path, dsn: str, *, single: bool) -> tuple[Plan, list[Send]]:
    """Return the plan of a database, and its schedule as one list."""
    loaded = load(folder / "manifest.toml")
    with psycopg.connect(dsn, autocommit=True) as connection:
        begin_session(connection, loaded.project.manifest)
        plan = plan_database(connection, loaded, lambda _: None, Options(single_transaction=single)).plan
    return plan, list(flat(plan, loaded.project.manifest))


def flat(plan: Plan, manifest: Manifest) -> Iterator[Send]:
    for turn in schedule(plan, manifest):
        for attempt in turn.attempts:
            yield from attempt.question.sends
            for part in attempt.parts:
                yield from part.sends or repaired(plan, manifest, attempt.repair, SECONDS)
        for part in turn.parts:
            if turn.script and part.kind == "ending":
                yield from ended(plan, manifest, turn.script, SECONDS)
            yield from part.sends


def without_comments(sql: str) -> str:
    """Return a statement as psql got it, without the comment before it and the semicolon after it."""
    lines = sql.strip().removesuffix(";").split("\n")
    return "\n".join(line for line in lines if not line.startswith("-- "))


def assert_sent(sent: Sequence[str], scheduled: Sequence[str], seconds: str) -> None:
    """Assert that what was sent is what was scheduled, with the seconds that a script took filled in."""
    expected = [re.escape(sql).replace(SECONDS, seconds) for sql in scheduled]
    differing = [pair for pair in zip(expected, sent, strict=False) if not re.fullmatch(*pair)]
    assert (differing[:1], len(sent)) == ([], len(expected))
