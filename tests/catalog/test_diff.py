"""What verify finds for each kind of object, and that it finds nothing else: the matrix of cases/catalog.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from runner.catalog.declared import Declared
from runner.catalog.declared_words import in_declared_words
from runner.catalog.snapshot import Scope, read_in_transaction
from runner.pipeline.apply import apply_plan
from runner.pipeline.lock import lock_on
from runner.pipeline.plan import plan_database
from runner.pipeline.verify import verify_database
from runner.project.loading import Project, load
from runner.project.lockfile import FILE, lockfile_text
from runner.report.json_documents import verify_json
from runner.sql.objects import PRESENT, Object
from runner.verification.findings import RunOutcome, find_deviations
from runner.verification.remedies import Remedies
from tests.conftest import MakeProject
from tests.support.projects import CASES, write_project
from tests.support.servers import Server

GROUPS: dict[str, dict[str, Any]] = tomllib.loads((CASES / "catalog.toml").read_text(encoding="utf-8"))
NAMES = [(group, case) for group, content in GROUPS.items() for case in content.get("cases", {})]
TARGET = "public"


@dataclass(frozen=True)
class Group:
    """What a group declares, and a connection to a database that it was applied to."""

    loaded: Project
    declared: Declared
    connection: Connection

    @property
    def scope(self) -> Scope:
        others = {item.schema: item.schema for item in self.declared.facts if item.schema}
        extensions = tuple(item.name for item in self.declared.facts if item.kind == "extension")
        return Scope({TARGET: "", **others}, (TARGET,), extensions)


@contextmanager
def applied(name: str, server: Server, folder: Path) -> Iterator[Group]:
    loaded = load(write_project(folder, {"010_all.sql": GROUPS[name]["declared"]}) / "manifest.toml")
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        planned = plan_database(connection, loaded, pytest.fail)
        (result,) = apply_plan(connection, loaded, planned).scripts
        assert result.error is None
        connection.execute("reset search_path")
        yield Group(loaded, planned.declared, connection)


@pytest.fixture(scope="module")
def groups(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Group]]:
    """Returns a group, by its name; the first time, it is applied to a database."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(applied(name, server, tmp_path_factory.mktemp(name))))


def told(findings: list[dict[str, Any]], *without: str) -> list[dict[str, Any]]:
    """Return findings in an order of their own, and without the keys that have no value."""
    kept = [{key: text for key, text in one.items() if text is not None and key not in without} for one in findings]
    return sorted(kept, key=lambda finding: list(finding.items()))


@pytest.mark.parametrize("name", GROUPS)
def test_nothing_differs_after_apply(groups: Callable[[str], Group], name: str) -> None:
    """What the scripts make is what they declare: nothing is found, and nothing is there that nobody declared."""
    group = groups(name)
    document = verify_json(verify_database(group.connection, group.loaded))
    assert document["findings"] + document["warnings"] + document["unmanaged"] == []


@pytest.mark.parametrize("name", GROUPS)
def test_the_lock_file_keeps_every_fact(groups: Callable[[str], Group], name: str) -> None:
    """What is read from the text of a lock is what was built, to the letter, and the database is as the lock says."""
    group = groups(name)
    assert group.declared.unbuilt == ()
    folder = group.loaded.project.folder
    said: list[str] = []
    made = lock_on(group.connection, group.loaded, said.append).lock
    assert [text for text in said if not text.startswith("no seals: ")] == []
    (folder / FILE).write_text(lockfile_text(made), encoding="utf-8", newline="")
    locked = load(folder / "manifest.toml")
    assert locked.lock is not None
    assert locked.lock.facts == group.declared.facts
    assert verify_database(group.connection, locked, pytest.fail).findings == ()


@pytest.mark.parametrize(("name", "case"), NAMES)
def test_what_differs_is_found(groups: Callable[[str], Group], name: str, case: str) -> None:
    """A finding has both definitions, what nobody declared is unmanaged or rejects rows, and nothing else is told."""
    group, expected = groups(name), GROUPS[name]["cases"][case]
    version = group.connection.info.server_version // 10_000
    if version < expected.get("since", version):
        pytest.skip(f"PostgreSQL {version} does not know it")
    history_table = group.loaded.project.manifest.run.history_table
    with group.connection.transaction(force_rollback=True):
        group.connection.execute(expected["damage"].encode())
        actual = in_declared_words(read_in_transaction(group.connection, group.scope), group.declared.facts)
    remedies = Remedies({}, {}, "not done")
    verified = find_deviations(
        group.declared.facts, actual, history_table=history_table, remedy=remedies.of, outcome=RunOutcome()
    )
    document = verify_json(verified)
    assert told(document["findings"], "repair") == told(expected["findings"])
    assert told(document["unmanaged"], "kind") == told(expected.get("unmanaged", []))
    assert {finding["kind"] for finding in document["unmanaged"]} <= {"unmanaged"}
    assert document["ok"] is (expected["findings"] == [])
    assert document["warnings"] == []


def test_what_cannot_be_built_is_known_by_its_name(project: MakeProject, connection: Connection) -> None:
    """Of a table that is not built nothing is found while it is there, whatever its constraints are."""
    script = """
        create or replace function size(variadic sizes "any") returns integer language internal as 'pg_num_nonnulls';
        create table if not exists item (id integer primary key, code text unique check (size(code) > 0));
    """
    loaded = load(project({"010_item.sql": script}) / "manifest.toml")
    planned = plan_database(connection, loaded, pytest.fail)
    apply_plan(connection, loaded, planned)
    declared = planned.declared
    assert len(declared.unbuilt) == 2
    assert declared.facts[Object("table", "item")] == PRESENT
    assert verify_database(connection, loaded).findings == ()
    connection.execute("drop table public.item")
    (finding,) = verify_database(connection, loaded).findings
    assert (finding.kind, finding.object) == ("missing", Object("table", "item"))
