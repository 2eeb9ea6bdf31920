"""The hazards of a plan: each type has a case, and what is refused is not sent without an allowance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest

from runner.planning.hazards import REFUSED
from runner.sql.lock_rules import HAZARDS
from tests.laws.corpus import cases
from tests.support.dumps import still_dump
from tests.support.planned_cases import begin, run_command, write_case
from tests.support.servers import Server

CASES = cases("hazards.toml")


@pytest.fixture(scope="module")
def dsn(server: Server) -> Iterator[str]:
    """A database that each case empties."""
    with server.database() as dsn:
        yield dsn


def write(folder: Path, facts: Mapping[str, Any], **run: object) -> None:
    write_case(folder, {**facts, "manifest": {"run": {"allow_hazards": [], **facts.get("run", {}), **run}}})


def hazards_in(document: Any) -> list[dict[str, Any]]:
    """Return the hazards of all steps, each object and type once."""
    steps = [*document["steps"], *(step for late in document["late"] for step in late["steps"])]
    found = [hazard for step in steps for hazard in step["hazards"]]
    return list({compact(hazard): hazard for hazard in found}.values())


def compact(hazard: Mapping[str, Any]) -> str:
    return f"{hazard['type']} {hazard['object'] or '-'}"


@pytest.mark.parametrize("case", CASES)
def test_the_hazards_are_those_of_the_case(dsn: str, tmp_path: Path, case: str) -> None:
    """What is refused makes `plan --check` and `apply` exit 1 with nothing sent, and is applied with its allowances."""
    facts = CASES[case]
    begin(tmp_path, facts, dsn)
    write(tmp_path, facts)
    checked = run_command(tmp_path, "plan", dsn, "--json", "--check")
    found, refused = hazards_in(checked.json), facts.get("refused", [])
    assert sorted(map(compact, found)) == sorted(facts["hazards"])
    assert sorted(compact(hazard) for hazard in found if hazard["refused"]) == sorted(refused)
    assert checked.code == 1
    if refused:
        before = still_dump(dsn)
        applied = run_command(tmp_path, "apply", dsn)
        assert applied.code == 1
        assert all(kind in applied.err for kind in {each.partition(" ")[0] for each in refused}), applied
        assert still_dump(dsn) == before
    given = [word for each in facts.get("allow", ()) for word in ("--allow-hazard", each)]
    applied = run_command(tmp_path, "apply", dsn, *given)
    assert (applied.code, applied.err.count("Traceback")) == (0, 0), applied


def test_each_hazard_has_a_case() -> None:
    """One sample for each type, and for each that is refused one where it is."""
    shown = {each.partition(" ")[0] for facts in CASES.values() for each in facts["hazards"]}
    refused = {each.partition(" ")[0] for facts in CASES.values() for each in facts.get("refused", ())}
    assert (shown, refused) == (set(HAZARDS), set(REFUSED))


def test_an_allowance_is_part_of_the_hash(dsn: str, tmp_path: Path) -> None:
    """The manifest's and the option's are the same: a plan that was reviewed without one is another."""
    facts = CASES["deletes_data by DELETE"]
    begin(tmp_path, facts, dsn)
    write(tmp_path, facts)
    bare = run_command(tmp_path, "plan", dsn, "--json").json
    refused = "1 hazard refused: apply exits 1 before anything is sent"
    assert refused in run_command(tmp_path, "apply", dsn, "--dry-run").out
    by_option = run_command(tmp_path, "plan", dsn, "--json", "--allow-hazard", "deletes_data:item").json
    write(tmp_path, facts, allow_hazards=["deletes_data:item"])
    by_manifest = run_command(tmp_path, "plan", dsn, "--json").json
    assert refused not in run_command(tmp_path, "apply", dsn, "--dry-run").out
    assert bare["hash"] != by_option["hash"] == by_manifest["hash"]
    assert (bare["refused"], by_option["refused"], by_manifest["allowed"]) == (1, 0, ["deletes_data:item"])
    assert run_command(tmp_path, "apply", dsn, "--expect", bare["hash"]).code == 1
    assert run_command(tmp_path, "apply", dsn, "--expect", by_manifest["hash"]).code == 0


@pytest.mark.parametrize("text", ["deletes", "deletes_data:", ":item", "", "deletes_data item"])
def test_what_is_no_allowance_is_an_error(dsn: str, tmp_path: Path, text: str) -> None:
    """The message has the value, and what there is."""
    facts = CASES["deletes_data by DELETE"]
    write(tmp_path, facts)
    result = run_command(tmp_path, "apply", dsn, "--allow-hazard", text)
    assert (result.code, "--allow-hazard" in result.err, "changes_access" in result.err) == (2, True, True)
    write(tmp_path, facts, allow_hazards=["scans_table", text])
    result = run_command(tmp_path, "plan", dsn)
    assert (result.code, "run.allow_hazards[1]" in result.err, "changes_access" in result.err) == (2, True, True)


def test_people_see_hazards(dsn: str, tmp_path: Path) -> None:
    """Below the step that has them, with what is refused, and how it is allowed."""
    facts = CASES["blocks_writes"]
    begin(tmp_path, facts, dsn)
    write(tmp_path, facts)
    out = run_command(tmp_path, "plan", dsn).out
    assert "! scans_table: every row of table item is read" in out
    assert "! blocks_writes: writes to table item wait while all its rows are read; refused" in out
    assert "1 hazard refused: apply will exit 1 before anything is sent" in out
    error = run_command(tmp_path, "apply", dsn).err
    assert "script/010_item.sql:1: blocks_writes" in error
    assert error.count("--allow-hazard blocks_writes:item") == 1


def test_a_hazard_names_what_is_waited_for(dsn: str, tmp_path: Path) -> None:
    """The rows of another table, or the table's own, whose name is not said again."""
    facts = CASES["blocks_reads, because a lock is held while another table is read"]
    begin(tmp_path, facts, dsn)
    write(tmp_path, facts)
    hazards = hazards_in(run_command(tmp_path, "plan", dsn, "--json").json)
    assert {hazard["message"] for hazard in hazards if hazard["type"].startswith("blocks_")} == {
        "reads of table item wait while every row of table part is read",
        "writes to table item wait while every row of table part is read",
        "writes to table part wait while all its rows are read",
    }


ROWS_OF_THE_RUN = {
    "010_item.sql": "create table item (id integer, note text); insert into item values (1, 'x');",
    "020_more.sql": "do $$ begin insert into item values (2, 'y'); end $$;",
    "030_less.sql": "alter table item drop column note;",
}


@pytest.mark.parametrize("is_there", [False, True], ids=["made by the run", "there before"])
def test_what_the_run_has_made_in_a_new_database_is_its_own(server: Server, tmp_path: Path, *, is_there: bool) -> None:
    """After a script that nobody can read off its text, too; rows that were there before are not."""
    scripts = ROWS_OF_THE_RUN | ({"040_kept.sql": "delete from kept;"} if is_there else {})
    write(tmp_path, {"scripts": scripts, "options": {name: {"run": "once"} for name in scripts}})
    with server.database() as new:
        if is_there:
            with psycopg.connect(new, autocommit=True) as connection:
                connection.execute("create table kept (i integer); insert into kept values (1); analyze kept")
        applied = run_command(tmp_path, "apply", new)
        assert applied.code == (1 if is_there else 0), applied
        assert ("deletes_data: rows of table kept are deleted" in applied.err) == is_there
