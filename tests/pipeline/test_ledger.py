"""`import --dsn`: what the ledger of a tool has is recorded as applied, and nothing of it is ever sent."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import psycopg
import pytest

from runner.catalog.untrusted import trusted_roles_sql
from runner.postgres.settings import OWN_PATH
from runner.project.importing.flyway import checksum
from runner.resources import read_sql
from tests.laws.test_own_sql import PLANTED, freeze, numbered
from tests.support.in_process import call
from tests.support.servers import Server

FIRST = "create table item (id integer primary key);\ninsert into item values (1);\n"
SECOND = "insert into item values (2);\n"
THIRD = "alter table item add column note text;\ninsert into item values (3);\n"
SAME = "create or replace view same as select id from ${name};\n"
VIEW = "create or replace view items as select id from item;\n"


def write(folder: Path, files: Mapping[str, str]) -> Path:
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def execute(dsn: str, sql: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.encode())


def items(dsn: str) -> list[int]:
    with psycopg.connect(dsn) as connection:
        return [row[0] for row in connection.execute("select id from item order by id").fetchall()]


def dbmate(folder: Path) -> Path:
    texts = {"1_first.sql": FIRST, "2_second.sql": SECOND, "3_third.sql": THIRD}
    return write(folder, {name: f"-- migrate:up\n{text}-- migrate:down\n" for name, text in texts.items()})


LEDGER = "create table schema_migrations (version varchar primary key); insert into schema_migrations values "


def test_what_is_applied_is_recorded(server: Server, tmp_path: Path) -> None:
    """The rest is applied as usual; then nothing is pending; another database is recorded by the same files."""
    theirs = dbmate(tmp_path / "theirs")
    with server.database() as dsn, server.database() as other:
        execute(dsn, f"{FIRST}{SECOND}{LEDGER}('1'), ('2'), ('0');")
        execute(other, f"{FIRST}{LEDGER}('1');")
        begun = call("import", "dbmate", theirs, "--dsn", dsn, "--json", folder=tmp_path / "ours")
        assert begun.code == 0, begun
        ledger = begun.json["ledger"]
        assert ledger["recorded"] == ["sql/010_first.sql", "sql/020_second.sql"]
        assert (ledger["pending"], ledger["unknown"], ledger["changed"]) == (["sql/030_third.sql"], ["0"], [])
        assert (ledger["verify"]["findings"], items(dsn)) == ([], [1, 2])
        for each, recorded in ((dsn, 2), (other, 1)):
            again = call("import", "dbmate", theirs, "--dsn", each, folder=tmp_path / "ours")
            assert again.code == 0, again
            assert (
                f"{recorded} script{'s' if recorded > 1 else ''} recorded as applied, as the ledger says" in again.out
            )
            applied = call("apply", "--dsn", each, "--json", folder=tmp_path / "ours")
            assert applied.code == 0, applied
            sent = [script["sent"] for script in applied.json["scripts"]]
            assert sent == ([0, 0, 2] if each == dsn else [0, 1, 2])
            assert items(each) == [1, 2, 3]
            assert call("plan", "--check", "--dsn", each, folder=tmp_path / "ours").code == 0
            assert call("verify", "--strict", "--dsn", each, folder=tmp_path / "ours").code == 0


def test_what_is_missing_is_a_finding(database: str, tmp_path: Path) -> None:
    """A ledger that says more than is there: it is recorded, nothing is made, and the difference is shown."""
    execute(database, f"create table item (id integer primary key);{LEDGER}('3'), ('1'), ('2');")
    begun = call("import", "dbmate", dbmate(tmp_path / "theirs"), "--dsn", database, folder=tmp_path / "ours")
    assert begun.code == 1, begun
    assert "column item.note" in begun.out
    assert "3 scripts recorded as applied, as the ledger says; 0 pending" in begun.out
    assert call("verify", "--dsn", database, folder=tmp_path / "ours").code == 1


def test_a_repeatable_migration_that_has_changed_is_due(database: str, tmp_path: Path) -> None:
    """What is as it was is recorded; of two ledgers, that of the search path is read; values may be needed first."""
    files = {"V1__first.sql": "create table ${name} (id integer);\n", "R__view.sql": VIEW, "R__same.sql": SAME}
    theirs = write(tmp_path / "theirs", files)
    execute(
        database,
        "create schema other; create table other.flyway_schema_history (id integer); create table item (id integer);"
        "create view same as select id from item;"
        "create table flyway_schema_history (installed_rank integer, version text, description text, type text,"
        " script text, checksum integer, success boolean);"
        "insert into flyway_schema_history values (1, '1', 'first', 'SQL', 'V1__first.sql', "
        f"{checksum((theirs / 'V1__first.sql').read_text())}, true), (2, null, 'view', 'SQL', 'R__view.sql', 1, true),"
        f"(3, null, 'same', 'SQL', 'R__same.sql', {checksum(SAME.replace('${name}', 'item'))}, true);",
    )
    without = call("import", "flyway", theirs, "--dsn", database, folder=tmp_path / "ours")
    assert (without.code, "--dsn: name has no value; nothing was written" in without.err) == (2, True)
    assert not (tmp_path / "ours").exists()
    (theirs / "flyway.conf").write_text("flyway.placeholders.name=item\n")
    begun = call("import", "flyway", theirs, "--dsn", database, folder=tmp_path / "ours")
    assert begun.code == 0, begun
    assert "2 scripts recorded as applied, as the ledger says; 1 pending" in begun.out
    applied = call("apply", "--dsn", database, "--json", folder=tmp_path / "ours")
    assert [script["sent"] for script in applied.json["scripts"]] == [0, 0, 1]


def test_a_ledger_may_be_empty(database: str, tmp_path: Path) -> None:
    """Then everything is written, and nothing is recorded."""
    execute(database, "create table schema_migrations (version text)")
    begun = call("import", "dbmate", dbmate(tmp_path / "theirs"), "--dsn", database, "--json", folder=tmp_path / "ours")
    assert begun.code == 0, begun
    assert (begun.json["ledger"]["recorded"], len(begun.json["ledger"]["pending"])) == ([], 3)
    assert begun.json["ledger"]["verify"] is None
    applied = call("apply", "--dsn", database, folder=tmp_path / "ours")
    assert (applied.code, items(database)) == (0, [1, 2, 3])


REFUSED = {
    "none": ("select 1", "the database has no table schema_migrations, in which the tool keeps what is applied"),
    "that of golang-migrate": (
        "create table schema_migrations (version bigint, dirty boolean)",
        "public.schema_migrations is the ledger of golang-migrate",
    ),
    "another table": ("create table schema_migrations (id text)", "it has no column 'version'"),
    "a view": ("create view schema_migrations as select '1' as version", "public.schema_migrations is no table"),
    "several": (
        "create schema a create table schema_migrations (); create schema b create table schema_migrations ()",
        "there is a table schema_migrations in several schemas: a, b",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_ledger_is_refused(name: str, database: str, tmp_path: Path) -> None:
    """Nothing is written, nor recorded."""
    sql, message = REFUSED[name]
    execute(database, sql)
    refused = call("import", "dbmate", dbmate(tmp_path / "theirs"), "--dsn", database, folder=tmp_path / "ours")
    assert (refused.code, message in refused.err) == (1, True), refused
    assert not (tmp_path / "ours").exists()


def test_the_ledger_of_a_stranger_is_refused(server: Server, database: str, tmp_path: Path) -> None:
    """Whoever may make tables could say that a migration is applied."""
    with server.roles() as (role,):
        execute(database, f"{LEDGER}('1'); alter table schema_migrations owner to {role}")
        refused = call("import", "dbmate", dbmate(tmp_path / "theirs"), "--dsn", database, folder=tmp_path / "ours")
        assert (refused.code, f"belongs to {role}, who is not trusted" in refused.err) == (1, True), refused
        execute(database, "drop table schema_migrations")


PLANTS = """
    create schema target;
    create function target.found() returns boolean language sql as 'select true';
    create function target.same(name, text) returns boolean language sql as 'select target.found()';
    create operator target.= (leftarg = name, rightarg = text, function = target.same);
"""


def test_the_question_for_a_ledger_means_what_postgresql_has(database: str) -> None:
    """Where the runner looks for names, it uses nothing that a stranger has planted; elsewhere it would."""
    query = read_sql("pipeline/ledger_tables.sql").format(trusted_roles=trusted_roles_sql()).partition("\nwith ")[2]
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(PLANTS.encode())
        freeze(connection, "frozen", {(OWN_PATH, numbered(f"with {query}"))})
        assert connection.execute(PLANTED).fetchall() == []
        freeze(connection, "frozen_elsewhere", {("target, pg_catalog", numbered(f"with {query}"))})
        assert connection.execute(PLANTED).fetchall() != []


def test_a_project_that_differs_is_refused(database: str, tmp_path: Path) -> None:
    """The ledger is about what is imported, not about what somebody has made of it."""
    theirs = dbmate(tmp_path / "theirs")
    assert call("import", "dbmate", theirs, folder=tmp_path / "ours").code == 0
    (tmp_path / "ours" / "sql" / "020_second.sql").write_text("select 1;\n")
    execute(database, f"{LEDGER}('1');")
    refused = call("import", "dbmate", theirs, "--dsn", database, folder=tmp_path / "ours")
    assert (refused.code, "sql/020_second.sql: is not what the import would write" in refused.err) == (2, True), refused
