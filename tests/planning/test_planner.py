"""The plan: what it says is what apply does, what the dry run's script does, and what is then left to do: nothing."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from tests.conftest import MakeProject
from tests.support.cases import TWINS
from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, feed, run_command, write_case
from tests.support.projects import CASES
from tests.support.servers import Server, dump

PLANS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "plan.toml").read_text(encoding="utf-8"))
NEW_VALUES = (
    "an enum type with a value more",
    "an enum type with a value more, which a CHECK and a unique index mention",
)
MARKS = {"create": "+", "alter": "~", "unchanged": "=", "run": ">"}


@pytest.fixture(scope="module")
def pair(server: Server) -> Iterator[tuple[str, str]]:
    """Two databases, which each case empties: that is quicker than making two."""
    with server.database() as first, server.database() as second:
        yield first, second


def compact(document: Any) -> list[str]:
    """Return each step of a plan as a mark, the number of its script, its line and what it is about."""
    return [
        f"{MARKS[step['action']]} {Path(step['script']).name[:3]}:{step['line']} {(step['objects'] or ['-'])[0]}"
        for step in document["steps"]
    ]


def assert_plan_is_kept(pair: Sequence[str], folder: Path, facts: Mapping[str, Any], *arguments: str) -> Any:
    """Assert that apply and the dry run's script do what the plan says, and leave nothing to do.

    Return the plan, which `plan` makes without the arguments of `apply`: with any, it is None.
    """
    by_apply, by_psql = pair
    for dsn in pair:
        begin(folder, facts, dsn)
    write_case(folder, facts)
    dry = run_command(folder, "apply", by_psql, "--dry-run", *arguments)
    assert dry.code == 0, dry
    planned = None if arguments else run_command(folder, "plan", by_psql, "--json").json
    if planned:
        assert hash_of(dry.out) == planned["hash"]
    run_command(folder, "lock", by_psql)  # where one can be written, the same plan is made from it, as --expect says
    applied = run_command(folder, "apply", by_apply, "--expect", hash_of(dry.out), *arguments)
    assert applied.code == 0, applied
    assert feed(folder, by_psql, dry.out) == (0, "")
    assert still_dump(by_psql) == still_dump(by_apply)
    for dsn in pair:
        assert_nothing_is_left(folder, dsn)
    return planned


def assert_nothing_is_left(folder: Path, dsn: str) -> None:
    left = run_command(folder, "plan", dsn, "--json").json
    pending = [step for step in left["steps"] if step["action"] in ("create", "alter")]
    assert (left["pending"], left["setup"], pending) == (0, [], [])
    again = run_command(folder, "apply", dsn, "--json")
    assert again.code == 0, again
    assert {script["status"] for script in again.json["scripts"]} == {"unchanged"}


def hash_of(script: str) -> str:
    """Return the hash in the header of a dry run."""
    return script.splitlines()[1].removeprefix("-- Plan ").partition(",")[0]


@pytest.mark.parametrize("case", PLANS)
def test_the_plan_is_what_is_done(pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """The plan says what is needed; apply and psql do the same of it, and then nothing is pending."""
    facts = PLANS[case]
    planned = assert_plan_is_kept(pair, tmp_path, facts)
    assert compact(planned) == facts["plan"]
    assert planned["pending"] == facts["pending"]
    for query, expected in facts.get("has", {}).items():
        for dsn in pair:
            with psycopg.connect(dsn) as connection:
                assert connection.execute(query).fetchall() == [(expected,)]


def test_an_index_that_no_script_makes_is_altered(pair: Sequence[str], tmp_path: Path) -> None:
    """What the planner knows nothing of is sent, and is no finding."""
    facts = {
        "before": "create table other (a integer); create index other_a on other (a)",
        "scripts": {"010_set.sql": "alter index other_a set (fillfactor = 50);"},
        "options": {"010_set.sql": {"run": "once"}},
    }
    assert compact(assert_plan_is_kept(pair, tmp_path, facts)) == ["> 010:1 index other_a"]
    with psycopg.connect(pair[0]) as connection:
        query = "select reloptions from pg_class where relname = 'other_a'"
        assert connection.execute(query).fetchall() == [(["fillfactor=50"],)]


def test_what_a_run_that_was_cut_off_has_done_is_left_out(pair: Sequence[str], tmp_path: Path) -> None:
    """Rows are not moved again, nor what is unknown sent again; what is missing is made."""
    facts: dict[str, Any] = {
        "before": "create table item (id integer primary key, a integer); create index other on item (a)",
        "scripts": {
            "010_item.sql": "create table if not exists item (id integer primary key, a integer);",
            "020_once.sql": """insert into item values (1, 3);
create index item_a on item (a, id);
alter index other set (fillfactor = 50);
alter table item alter column a type integer using a * 2;""",
        },
        "options": {"020_once.sql": {"run": "once"}},
    }
    begin(tmp_path, facts, pair[0])
    write_case(tmp_path, {**facts, "scripts": {"010_item.sql": facts["scripts"]["010_item.sql"]}, "options": {}})
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    write_case(tmp_path, facts)
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    with psycopg.connect(pair[0]) as connection:
        connection.execute("update runner_history set status = 'started' where script like '%once%'")
        connection.execute("drop index item_a")
    planned = run_command(tmp_path, "plan", pair[0], "--json").json
    done = ["= 020:3 index other", "= 020:4 column item.a"]
    assert compact(planned)[1:] == ["= 020:1 -", "+ 020:2 index item_a", *done]
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    with psycopg.connect(pair[0]) as connection:
        assert connection.execute("select id, a from item").fetchall() == [(1, 6)]


def test_a_column_of_a_table_that_hands_have_renamed_is_not_added(pair: Sequence[str], tmp_path: Path) -> None:
    """Its renaming has the table's old name, and is told instead of sent."""
    facts: dict[str, Any] = {
        "before": "create table part (id integer, a integer)",
        "scripts": {
            "010_item.sql": "create table item (id integer, a integer);",
            "020_names.sql": "alter table item rename a to b;\nalter table item rename to part;",
        },
        "options": {"010_item.sql": {"run": "once"}, "020_names.sql": {"run": "once"}},
    }
    begin(tmp_path, facts, pair[0])
    write_case(tmp_path, facts)
    steps = run_command(tmp_path, "plan", pair[0], "--json").json["steps"]
    assert [step["action"] for step in steps] == ["unchanged"] * 3
    assert steps[1]["reason"].endswith("the statement has names that were changed since")


def test_what_differs_and_is_not_repaired_is_told(pair: Sequence[str], tmp_path: Path) -> None:
    """A statement that sends nothing says what of it is not as declared, unless a later one changes that."""
    facts: dict[str, Any] = {
        "before": "create table p (a integer) partition by list (a); create materialized view m as select 1 as x",
        "scripts": {
            "010_item.sql": """create table if not exists p (a integer) partition by range (a);
create materialized view if not exists m as select 2 as x;""",
        },
    }
    begin(tmp_path, facts, pair[0])
    write_case(tmp_path, facts)
    steps = run_command(tmp_path, "plan", pair[0], "--json").json["steps"]
    assert [step["reason"] for step in steps] == [
        "table p differs, and is left unchanged: the table would have to be made anew, with its rows",
        'materialized view m differs, and is left unchanged: repair = "additive" in the manifest; this needs "align"',
    ]


def is_one_transaction(facts: Mapping[str, Any]) -> bool:
    """Return whether all scripts of a case can be in one transaction; no value is used that an enum type gets in it."""
    if any(facts is PLANS[case] for case in NEW_VALUES):
        return False
    options = [*facts.get("options", {}).values(), *facts.get("earlier_options", {}).values()]
    return all(option.get("transaction", True) for option in options)


@pytest.mark.parametrize("case", [case for case, facts in PLANS.items() if is_one_transaction(facts)])
def test_a_single_transaction_does_the_same(server: Server, pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """All scripts in one transaction end where each in its own does, with apply and with psql."""
    if case == "an enum type whose value is added and renamed once" and server.major < 17:
        pytest.skip(
            "before PostgreSQL 17 a value is not used in the transaction that adds it, even to a type made in it"
        )
    assert_plan_is_kept(pair, tmp_path, PLANS[case], "--single-transaction")
    for query, expected in PLANS[case].get("has", {}).items():
        for dsn in pair:
            with psycopg.connect(dsn) as connection:
                assert connection.execute(query).fetchall() == [(expected,)]


@pytest.mark.parametrize("case", TWINS)
def test_the_dry_run_is_read_as_the_runner_reads_it(pair: Sequence[str], tmp_path: Path, case: str) -> None:
    """Nothing in a planned script is a command or a variable of psql's own, and settings end with their script."""
    assert_plan_is_kept(pair, tmp_path, TWINS[case])


# What a plan shows

ITEM = "create table if not exists item (id integer, name text);\n"
INDEX = "create index if not exists item_name on item (name);\n"
SHOWN = {
    "010_item.sql": f"{ITEM}{INDEX}comment on table item is 'Items.';\ncreate table if not exists part (id integer);\n",
    "020_more.sql": (
        "alter table item add column if not exists size integer, add column if not exists more integer;\n"
        "insert into part select 1 where not exists (select from part);\nselect count(*) from part;\n"
        "alter table part add constraint part_id check (id > 0);\n"
    ),
    "030_once.sql": "create table other (id integer);\ndo $$ begin null; end $$;\n",
}
ONCE = {"030_once.sql": {"run": "once"}}
BIG = """
    create table item (id integer, name text, size text);
    insert into item select n, repeat(md5(n::text), 10) from generate_series(1, 4000) as n;
    create table part (id integer);
    analyze item;
"""
ALL = "1.5 MB, about 4000 rows"


def test_a_plan_for_people(project: MakeProject, connection: Connection, database: str) -> None:
    """What is as declared and what moves rows is counted, the rest is told with its lock, size and reason."""
    connection.execute(BIG)
    folder = project(SHOWN, options=ONCE)
    result = run_command(folder, "plan", database)
    assert result.code == 0, result
    document = run_command(folder, "plan", database, "--json").json
    assert result.out.splitlines()[1:] == [
        "setup: 26 statements, for the history table and missing schemas",
        "script/010_item.sql",
        "  + create :2 index item_name (SHARE on item, 1.4 MB)",
        f"      ! scans_table: every row of table item is read, {ALL}",
        f"      ! blocks_writes: writes to table item wait while all its rows are read, {ALL}",
        "  + create :3 comment on table item (SHARE UPDATE EXCLUSIVE on item, 1.4 MB)",
        "  = 2 unchanged",
        "script/020_more.sql",
        "  = unchanged :1 column item.size differs, and is left unchanged:",
        "      not every text is the same value as integer",
        "  ~ alter :1 column item.more (ACCESS EXCLUSIVE on item, 1.4 MB)",
        "  + create :4 constraint part.part_id (ACCESS EXCLUSIVE on part)",
        "  > 2 that read or write rows",
        "script/030_once.sql  not applied yet",
        "  + create :1 table other and 1 more",
        "  > run :2 do $$ begin null; end $$ (declares nothing)",
        f"release {document['release']['identity'][:12]} is recorded",
        "5 pending",
        "1 difference left unchanged: apply will exit 1",
        f"plan {document['hash']}",
        "2 data statements will run; the effect is known after apply",
    ]


def test_a_verbose_plan_has_every_statement(project: MakeProject, connection: Connection, database: str) -> None:
    """With --verbose what is unchanged has a line too."""
    connection.execute(BIG)
    folder = project(SHOWN, options=ONCE)
    shown = run_command(folder, "plan", database, "--verbose").out.splitlines()
    assert "  = unchanged :4 table part and 1 more (as declared)" in shown
    assert "  > run :2 insert into part select 1 where not exists (select from part (data)" in shown
    assert not [line for line in shown if line.endswith(("unchanged", "read or write rows"))]
    assert sum(line.startswith("  ") for line in shown) == 14


def test_a_plan_as_a_document(project: MakeProject, connection: Connection, database: str) -> None:
    """Each statement is a step with what is sent for it; a quiet plan says the same."""
    connection.execute("create table item (id integer, size integer)")
    folder = project(SHOWN, options=ONCE)
    document = run_command(folder, "plan", database, "--json", "--quiet").json
    assert [*document] == [
        *(
            "hash",
            "pending",
            "refused",
            "allowed",
            "data_statements",
            "rows",
            "left",
            "not_compared",
            "older",
            "release",
            "setup",
            "steps",
            "late",
        ),
        "forecast",
    ]
    assert (document["left"], document["forecast"]) == ([], None)
    assert len(document["setup"]) == 26
    assert document["steps"][0] == {
        "script": "script/010_item.sql",
        "line": 1,
        "action": "alter",
        "objects": ["column item.name"],
        "reason": "missing: column item.name",
        "sql": "alter table item add column if not exists name text",
        "transaction": 0,
        "locks": [{"lock": "ACCESS EXCLUSIVE", "relation": "table item", "rows": None, "size": 0}],
        "hazards": [],
    }
    assert document["steps"][4] == {
        "script": "script/020_more.sql",
        "line": 1,
        "action": "alter",
        "objects": ["column item.size", "column item.more"],
        "reason": "missing: column item.more",
        "sql": "alter table item add column if not exists more integer",
        "transaction": 0,
        "locks": [{"lock": "ACCESS EXCLUSIVE", "relation": "table item", "rows": None, "size": 0}],
        "hazards": [],
    }
    assert [set(step) for step in document["steps"]] == [set(document["steps"][0])] * 10
    assert run_command(folder, "plan", database, "--quiet").out == ""


def test_what_differs_is_told_and_left(project: MakeProject, connection: Connection, database: str) -> None:
    """A column of another type is not touched by CREATE TABLE: the plan says so, and apply finds it."""
    connection.execute("create table item (id bigint)")
    folder = project({"010_item.sql": "create table if not exists item (id integer);"})
    shown = run_command(folder, "plan", database, "--check")
    assert "  = unchanged :1 column item.id differs, and is left unchanged:\n      not every bigint is " in shown.out
    assert "1 difference left unchanged: apply will exit 1" in shown.out
    assert shown.code == 1
    told = run_command(folder, "status", database)
    assert "left unchanged: different: column item.id: declared 'integer', actual 'bigint'" in told.out
    assert "1 difference left unchanged: apply will exit 1" in told.out
    assert "nothing is pending" not in told.out
    assert [item["object"] for item in run_command(folder, "status", database, "--json").json["left"]] == [
        "column item.id"
    ]
    dry_run = run_command(folder, "apply", database, "--dry-run")
    assert "1 difference left unchanged: apply will exit 1" in dry_run.out
    applied = run_command(folder, "apply", database)
    assert applied.code == 1
    assert "different: column item.id: declared 'integer', actual 'bigint'" in applied.out


def test_what_a_later_statement_mends_is_not_said_to_be_left(
    project: MakeProject, connection: Connection, database: str
) -> None:
    """A column that CREATE TABLE does not touch, and ALTER TABLE then does, is told with ALTER TABLE alone."""
    connection.execute(ITEM)
    folder = project({"010_item.sql": f"{ITEM}alter table item alter column name set default 'new';"})
    shown = run_command(folder, "plan", database).out
    assert "  ~ alter :2 differs: column item.name: default none, declared 'new'::text (ACCESS" in shown
    assert "left unchanged" not in shown


def test_a_plan_waits_for_no_lock(project: MakeProject, connection: Connection, database: str) -> None:
    """What is locked is not looked at, even when statements wait without a limit; the plan says so."""
    connection.execute("create table item (id integer)")
    folder = project(
        {"010_item.sql": "create table if not exists item (id integer not null);"}, run={"lock_timeout": "0"}
    )
    with psycopg.connect(database) as other:
        other.execute("lock table item in access exclusive mode")
        shown = run_command(folder, "plan", database)
    assert shown.code == 0, shown
    assert "column item.id differs, and is left unchanged:" in shown.out


def test_a_check_of_the_plan_tells_what_is_pending(project: MakeProject, database: str) -> None:
    """--check exits 1 while something is pending, and 0 afterwards; without it plan exits 0."""
    folder = project({"010_item.sql": ITEM})
    assert [run_command(folder, "plan", database, *more).code for more in ((), ("--check",))] == [0, 1]
    assert run_command(folder, "apply", database).code == 0
    assert [run_command(folder, "plan", database, *more).code for more in ((), ("--check",))] == [0, 0]


def test_lines_of_a_plan_fit_a_terminal(project: MakeProject, database: str) -> None:
    """The text of a long statement or comment is cut."""
    folder = project({"010_item.sql": f"{ITEM}{INDEX}comment on table item is '{'long ' * 100}';"})
    for more in ((), ("--verbose",)):
        assert max(map(len, run_command(folder, "plan", database, *more).out.splitlines()[1:])) <= 80


# What changes nothing


@pytest.mark.parametrize("command", [("plan",), ("plan", "--check"), ("apply", "--dry-run")])
@pytest.mark.parametrize("there", ["", ITEM])
def test_looking_changes_nothing(
    project: MakeProject, connection: Connection, database: str, command: tuple[str, ...], there: str
) -> None:
    """Neither an object nor a row nor the history table is made."""
    connection.execute(there or "select 1")
    folder = project(SHOWN, options=ONCE)
    before = dump(database)
    assert run_command(folder, command[0], database, *command[1:]).code in (0, 1)
    assert dump(database) == before
    assert "runner_history" not in before


def test_a_dry_run_prints_only_the_script(project: MakeProject, database: str) -> None:
    """stdout is the script, also when something is said; a password is never in it."""
    folder = project({"010_item.sql": ITEM})
    password = str(conninfo_to_dict(database).get("password", "se-cret"))
    dsn = make_conninfo(database, password=password, application_name="x")
    dry = run_command(folder, "apply", dsn, "--dry-run", "--verbose")
    assert dry.code == 0, dry
    assert dry.out.startswith("-- small: what 'apply' would send, planned by runner ")
    assert dry.out.splitlines()[-1] == "-- 1 pending"
    assert not re.search(rf"[=:]{re.escape(password)}\b", dry.said)
    assert feed(folder, database, dry.out) == (0, "")
    as_json = run_command(folder, "apply", dsn, "--dry-run", "--json").json
    assert list(as_json) == ["ok", "hash", "sql", "not_compared"]
    assert as_json["hash"] == hash_of(as_json["sql"])


def test_a_dry_run_of_nothing_does_nothing(project: MakeProject, database: str) -> None:
    """When all is as declared, the script only takes and gives back the lock."""
    folder = project({"010_item.sql": ITEM})
    assert run_command(folder, "apply", database).code == 0
    before = dump(database)
    dry = run_command(folder, "apply", database, "--dry-run").out
    assert "begin;" not in dry
    assert feed(folder, database, dry) == (0, "")
    assert dump(database) == before


def test_a_dry_run_needs_the_run_lock(project: MakeProject, connection: Connection, database: str) -> None:
    """While another run holds the lock, psql stops at once with code 3, and nothing is changed."""
    folder = project({"010_item.sql": ITEM})
    dry = run_command(folder, "apply", database, "--dry-run").out
    key = dry.partition("pg_try_advisory_lock(")[2].partition(") as")[0]
    before = dump(database)
    connection.execute(f"select pg_advisory_lock({key})".encode())
    code, error = feed(folder, database, dry)
    assert (code, dump(database)) == (3, before)
    assert error.endswith("ERROR:  another run holds the lock")
    connection.execute("select pg_advisory_unlock_all()")
    assert feed(folder, database, dry) == (0, "")


def test_a_dry_run_stops_at_the_first_error(project: MakeProject, connection: Connection, database: str) -> None:
    """The script that fails is rolled back, and none is run after it."""
    scripts = {
        "010_item.sql": ITEM,
        "020_fails.sql": f"{INDEX}select 1 / 0;",
        "030_more.sql": ITEM.replace("item", "b"),
    }
    folder = project(scripts)
    code, error = feed(folder, database, run_command(folder, "apply", database, "--dry-run").out)
    assert code == 3
    assert error.endswith("ERROR:  division by zero")
    query = (
        "select script from runner_history union all select relname from pg_class where relname in ('item_name', 'b')"
    )
    assert connection.execute(query).fetchall() == [("script/010_item.sql",)]


# Expecting a plan


@pytest.mark.parametrize("change", ["the database", "the scripts"])
def test_another_plan_than_expected_is_refused(
    project: MakeProject, connection: Connection, database: str, change: str
) -> None:
    """--expect runs nothing when the database or the scripts have changed since the plan was looked at."""
    folder = project({"010_item.sql": ITEM + INDEX})
    expected = run_command(folder, "plan", database, "--json").json["hash"]
    if change == "the database":
        connection.execute(ITEM)
    else:
        project({"010_item.sql": ITEM + INDEX.replace("(name)", "(name, id)")})
    before = dump(database)
    for more in ((), ("--dry-run",)):
        result = run_command(folder, "apply", database, "--expect", expected, *more)
        assert (result.code, result.out) == (1, "")
        found = run_command(folder, "plan", database, "--json").json["hash"]
        assert f"the plan is {found}, not the expected {expected}; nothing was changed" in result.err
    assert dump(database) == before


def test_a_plan_is_the_same_on_an_equal_database(project: MakeProject, server: Server, database: str) -> None:
    """The hash depends on what is sent, and not on the database's name, comments in scripts or the time."""
    folder = project({"010_item.sql": ITEM})
    first = run_command(folder, "plan", database, "--json").json
    project({"010_item.sql": f"-- a comment\n{ITEM}"})
    with server.database() as other:
        second = run_command(folder, "plan", other, "--json").json
    assert second["hash"] == first["hash"]


# Baseline and edited scripts

OLDER = {
    "010_item.sql": ITEM,
    "020_once.sql": "insert into item values (1);",
    "030_change.sql": "insert into item values (2);",
}
MODES = {"020_once.sql": {"run": "once"}, "030_change.sql": {"run": "on_change"}}
RECORDED = "select script, status, statements from runner_history order by run, script"


def test_a_baseline_records_without_running(pair: Sequence[str], tmp_path: Path) -> None:
    """On a database that another tool made, what is due is recorded; always scripts run; psql does the same."""
    facts = {
        "before": "create table item (id integer); insert into item values (1)",
        "scripts": OLDER,
        "options": MODES,
    }
    assert_plan_is_kept(pair, tmp_path, facts, "--baseline")
    with psycopg.connect(pair[0]) as connection:
        assert connection.execute("select * from item").fetchall() == [(1, None)]
        assert connection.execute(RECORDED).fetchall() == [
            ("script/010_item.sql", "applied", 1),
            ("script/020_once.sql", "applied", 0),
            ("script/030_change.sql", "applied", 0),
        ]


def test_a_baseline_accepts_an_edited_script(pair: Sequence[str], tmp_path: Path) -> None:
    """What was edited after it was applied is recorded as it is now, and is told no more."""
    edited = OLDER | {"020_once.sql": "insert into item values (3);", "030_change.sql": "insert into item values (4);"}
    facts = {"earlier": OLDER, "scripts": edited, "options": MODES}
    assert_plan_is_kept(pair, tmp_path, facts, "--baseline")
    with psycopg.connect(pair[0]) as connection:
        assert connection.execute("select id from item order by 1").fetchall() == [(1,), (2,)]
        assert connection.execute("select run, count(*) from runner_history group by 1 order by 1").fetchall() == [
            (1, 3),
            (2, 2),
        ]
    assert "changed after" not in run_command(tmp_path, "status", pair[0]).out


def test_an_edited_once_script_is_told(project: MakeProject, connection: Connection, database: str) -> None:
    """Apply and status say when and by whom it was applied, and it is not run again, nor recorded."""
    folder = project(OLDER, options=MODES)
    assert run_command(folder, "apply", database).code == 0
    ((when, role),) = connection.execute(
        "select to_char(started, 'YYYY-MM-DD HH24:MI'), role from runner_history where script like '%once%'"
    ).fetchall()
    project(OLDER | {"020_once.sql": "insert into item values (9);"}, options=MODES)
    assert run_command(folder, "apply", database).code == 0  # writes the release down
    before = dump(database)
    told = f"changed after it was applied on {when} by {role}; it is not run again"
    for command in (("apply",), ("apply", "--quiet"), ("status",), ("plan",)):
        result = run_command(folder, command[0], database, *command[1:])
        assert result.code == 0, result
        assert told in result.out
    assert dump(database) == before


@pytest.mark.parametrize("mode", ["once", "on_change"])
def test_a_script_without_anything_to_do_is_recorded_once(
    project: MakeProject, connection: Connection, database: str, mode: str
) -> None:
    """It is pending until it is in the history, though all that it makes is there."""
    connection.execute(ITEM)
    folder = project({"010_item.sql": ITEM}, options={"010_item.sql": {"run": mode}})
    pending = [run_command(folder, "plan", database, "--json").json["pending"]]
    for _ in range(2):
        assert run_command(folder, "apply", database).code == 0
        pending.append(run_command(folder, "plan", database, "--json").json["pending"])
    assert pending == [1, 0, 0]
    assert connection.execute(RECORDED).fetchall() == [("script/010_item.sql", "applied", 0)]


def test_rows_moved_through_a_table_leave_nothing_pending(project: MakeProject, database: str) -> None:
    """A table that a script makes and drops again, only for the rows that go through it, is not pending each time."""
    moves = (
        "create table passing (id integer);\ninsert into passing select 1 where not exists (select from item);\n"
        "insert into item select id from passing;\ndrop table passing;\n"
    )
    folder = project({"010_item.sql": ITEM + moves}, options={"010_item.sql": {"allow_destructive": True}})
    assert run_command(folder, "apply", database).code == 0
    assert run_command(folder, "plan", database, "--check").code == 0


def test_what_a_script_makes_on_a_change_is_made_again(pair: Sequence[str], tmp_path: Path) -> None:
    """An upgrade has dropped the view of an `on_change` script whose text is the same; or somebody has."""
    view = "create view v as select id, upper(token) as t from loan;\ncomment on view v is 'V';\n"
    earlier = {"010_loan.sql": "create table if not exists loan (id int primary key, token text);", "020_v.sql": view}
    scripts = {
        **earlier,
        "010_loan.sql": "create table if not exists loan (id int primary key, token varchar(40));",
        "030_token.sql": "drop view v; alter table loan alter column token type varchar(40);",
    }
    options = {"020_v.sql": {"run": "on_change"}, "030_token.sql": {"run": "upgrade", "allow_destructive": True}}
    begin(tmp_path, {}, pair[0])
    write_case(tmp_path, {"scripts": earlier, "options": {"020_v.sql": options["020_v.sql"]}})
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    write_case(tmp_path, {"scripts": scripts, "options": options})
    assert run_command(tmp_path, "apply", pair[0]).code == 0
    assert run_command(tmp_path, "plan", pair[0], "--check").code == 0
    with psycopg.connect(pair[0], autocommit=True) as connection:
        connection.execute("drop view v")
        assert "script/020_v.sql  missing: view v" in run_command(tmp_path, "plan", pair[0]).out
        assert run_command(tmp_path, "apply", pair[0]).code == 0
        assert run_command(tmp_path, "plan", pair[0], "--check").code == 0
        assert connection.execute("select obj_description('v'::regclass)").fetchall() == [("V",)]
