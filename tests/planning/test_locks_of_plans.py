"""What plans really send, step by step: nothing of it locks, reads or writes more than its step tells."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.pipeline.api import Plan, ScriptPlan, Step, load, plan
from tests.laws.corpus import cases
from tests.support.locks import Meter
from tests.support.planned_cases import begin, write_case
from tests.support.servers import Server

PLANS = cases("plan.toml")
REPAIRS = cases("repairs.toml")
MOST_OF_THE_STEPS = 500
ONLINE = (
    "a CHECK, a foreign key and a NOT NULL of a partitioned table with rows",
    "a foreign key of partitions on two levels, one of which has it",
    "a foreign key between partitioned tables, and the key that it refers to",
    "a foreign key to a partitioned table with rows",
    "other indexes and keys of a large partitioned table",
    "a primary key whose NOT NULL comes later",
    "a primary key of a partitioned table whose NOT NULL comes later",
)
"""Repairs during which nobody waits for a scan, on each version in its own way."""
EVERY = 5
"""How many cases go by for each that is tried, but for `--torture`."""


@pytest.fixture(scope="module")
def dsn(server: Server) -> Iterator[str]:
    """A database that each case empties."""
    with server.database() as dsn:
        yield dsn


def order(script: ScriptPlan) -> Iterator[Step]:
    """Yield the steps of a script as they are sent."""
    for steps in (*script.earlier_steps, script.own_steps, *script.later_steps):
        yield from steps


class Sent:
    """Sends plans, and gathers what their steps did not tell."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.steps = 0
        self.wrong: dict[str, list[str]] = {}

    def all_of(self, name: str, made: Plan, target: str) -> None:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            meter = Meter(connection, target)
            for statement in made.setup:
                connection.execute(statement.encode())
            for script in made.scripts if not made.forecast else ():
                for step in order(script) if script.is_run else ():
                    if not self.one(connection, meter, made, f"{name}: {step.sql}", step):
                        return

    def one(self, connection: Connection[Any], meter: Meter, made: Plan, name: str, step: Step) -> bool:
        """Send a step in a transaction of its own; return whether that is possible."""
        try:
            if step.concurrently or step.statement.traits.outside:
                connection.execute(step.sql.encode())
                return True
            with connection.transaction():
                for setting in made.settings:
                    connection.execute(setting.encode())
                with meter.measuring() as measured:
                    connection.execute(step.sql.encode())
        except psycopg.Error:  # it needs what its own transaction has set, or the case is one of a failure
            return False
        self.steps += 1
        if more := meter.unannounced(measured, step.locks):
            self.wrong[name] = more
        return True


def repair_facts(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case of repairs as one of plans."""
    run = {"repair": "align", **facts.get("run", {})}
    return {"before": facts["before"], "scripts": {"010_item.sql": facts["declared"]}, "manifest": {"run": run}}


def test_no_step_of_a_plan_does_more_than_it_tells(dsn: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    """The steps of the cases of plans and repairs, with the rows that these have."""
    sent, every = Sent(dsn), 1 if pytestconfig.option.torture else EVERY
    everything = {**PLANS, **{f"repair: {name}": repair_facts(facts) for name, facts in REPAIRS.items()}}
    for number, name in enumerate([*everything][::every]):
        facts = everything[name]
        folder = tmp_path / str(number)
        folder.mkdir()
        begin(folder, facts, dsn)
        write_case(folder, facts)
        loaded = load(folder / "manifest.toml")
        sent.all_of(name, plan(loaded, dsn), loaded.project.manifest.project.schema)
    assert not sent.wrong
    assert sent.steps >= MOST_OF_THE_STEPS // every // 2


@pytest.mark.parametrize("case", ONLINE)
def test_nobody_waits_while_rows_are_read(dsn: str, tmp_path: Path, case: str) -> None:
    """No step blocks writers or readers while it reads, and none reads more than it tells."""
    facts = repair_facts(REPAIRS[case])
    begin(tmp_path, facts, dsn)
    write_case(tmp_path, facts)
    loaded, sent = load(tmp_path / "manifest.toml"), Sent(dsn)
    made = plan(loaded, dsn)
    kinds = {hazard.kind for script in made.scripts for step in script.steps for hazard in step.hazards}
    assert "scans_table" in kinds
    assert kinds.isdisjoint({"blocks_reads", "blocks_writes"})
    sent.all_of(case, made, loaded.project.manifest.project.schema)
    assert not sent.wrong
