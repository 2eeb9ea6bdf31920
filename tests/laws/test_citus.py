"""The project's SQL is of forms that Citus takes; where the server of the tests has Citus, the profile does its work.

To run the second half: a server with `shared_preload_libraries = 'citus'`, and its superuser as --dsn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import postgast
import psycopg
import pytest
from psycopg import Connection

from runner.project.loading import load
from tests.support.legacy import make_legacy
from tests.support.projects import ROOT, Result, copy_project, run_runner
from tests.support.servers import Server, psql

ISSUES = "jira_issues_v2"
REFERENCES = ("configurations", "field_mappings", "jira_field_cache", "project_mappings_v2", "sync_config")


# Forms


def nodes(message: Any, kind: str) -> Iterator[Any]:
    """Return all nodes of a kind in a parsed statement."""
    for field, value in message.ListFields():
        for item in value if field.is_repeated else (value,):
            if field.message_type is not None:
                if field.name == kind:
                    yield item
                yield from nodes(item, kind)


FORMS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "MERGE": (
        lambda tree: any(nodes(tree, "merge_stmt")),
        "merge into sync_config using (values (1)) as v (x) on true when matched then do nothing",
    ),
    "a sub-query that looks at VALUES": (
        lambda tree: any(
            listed.subquery.select_stmt.values_lists
            for link in nodes(tree, "sub_link")
            for listed in nodes(link, "range_subselect")
        ),
        "select from field_mappings as f where not exists (select from (values (1)) as v (x) where v.x = f.id)",
    ),
    "INSERT from a list that is joined with a table": (
        lambda tree: any(
            any(nodes(query, "join_expr"))
            for insert in nodes(tree, "insert_stmt")
            for query in nodes(insert, "select_stmt")
        ),
        "insert into t select d.a from (select 1 as a union all select 2) as d left join t on t.a = d.a",
    ),
    "CASE with a value after WHEN": (
        lambda tree: any(case.HasField("arg") for case in nodes(tree, "case_expr")),
        "update t set a = 1 where case jsonb_typeof(b) when 'object' then true end",
    ),
    "a clock that each node reads for itself": (
        lambda tree: any("LOCALTIME" in str(clock) for clock in nodes(tree, "sqlvalue_function")),
        "update t set updated_at = localtimestamp",
    ),
}
"""What Citus refuses, or does not do as PostgreSQL does, and a sample of it."""


@pytest.mark.parametrize("form", FORMS)
def test_no_statement_is_of_a_refused_form(form: str) -> None:
    """Neither the scripts, those of the profile too, nor the checks have a statement of the form; the sample has."""
    is_refused, sample = FORMS[form]
    assert is_refused(postgast.parse(sample))
    loaded = load(ROOT / "manifest.toml", (), ("citus",))
    statements = [item for parsed in (*loaded.scripts, *loaded.checks) for item in parsed.statements]
    assert len(statements) > len(loaded.scripts)
    assert [f"{item.script}:{item.line}" for item in statements if is_refused(postgast.parse(item.sql))] == []


def test_what_is_distributed() -> None:
    """The profile has a guarded statement for each table, and declares nothing that the others do not."""
    loaded = load(ROOT / "manifest.toml", (), ("citus",))
    statements = loaded.scripts[-1].statements[1:]
    for statement, table in zip(statements, (*REFERENCES, ISSUES), strict=True):
        assert f"'{table}'" in statement.sql
        assert "where not exists" in statement.sql
        assert f"cast(logicalrelid as oid) = cast(cast('{table}' as regclass) as oid)" in statement.sql
    assert all(item.is_data for item in loaded.scripts[-1].statements)


# On Citus


@pytest.fixture
def citus(server: Server) -> Iterator[str]:
    """The connection string of an empty database that is a Citus cluster of one node."""
    with server.database() as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        query = "select current_setting('shared_preload_libraries') from pg_available_extensions where name = 'citus'"
        if not any("citus" in preloaded for (preloaded,) in connection.execute(query)):
            pytest.skip("the server of the tests has no Citus, or does not load it at its start")
        host, port = connection.info.host, connection.info.port
        connection.execute("create extension citus")
        connection.execute("select citus_set_coordinator_host(%s, %s)", (host, port))
        connection.execute("select citus_set_node_property(%s, %s, 'shouldhaveshards', true)", (host, port))
        yield dsn


def run(folder: Path, dsn: str, *arguments: str) -> Result:
    result = run_runner(*arguments, "--profile", "citus", "--dsn", dsn, folder=folder)
    assert result.code == 0, result
    return result


def statuses(result: Result) -> set[str]:
    return {script["status"] for script in result.json["scripts"]}


def is_settled(folder: Path, dsn: str) -> bool:
    """Return whether a run has nothing to do, with the profile and without, and nothing is found."""
    for arguments in (("verify",), ("plan", "--check")):
        run(folder, dsn, *arguments)
    return statuses(run(folder, dsn, "apply", "--json")) == {"unchanged"}


def distributed(connection: Connection) -> dict[str, str]:
    return dict(connection.execute("select table_name::text, citus_table_type from citus_tables").fetchall())


ALL = {ISSUES: "distributed"} | dict.fromkeys(REFERENCES, "reference")


@pytest.mark.parametrize("options", [(), ("--single-transaction",)])
def test_a_new_database(tmp_path: Path, citus: str, options: Sequence[str]) -> None:
    """It is distributed by the first run; the second has nothing to do, and the verification finds nothing."""
    folder = copy_project(tmp_path)
    assert statuses(run(folder, citus, "apply", "--json", *options)) == {"applied"}
    with psycopg.connect(citus) as connection:
        assert distributed(connection) == ALL
    assert is_settled(folder, citus)
    plain = run_runner("apply", "--json", "--dsn", citus, folder=folder)
    assert (plain.code, statuses(plain)) == (0, {"unchanged"})


def test_the_dry_run(tmp_path: Path, citus: str) -> None:
    """psql does with it what apply does."""
    folder = copy_project(tmp_path)
    (tmp_path / "dry.sql").write_text(run(folder, citus, "apply", "--dry-run").out)
    ended = psql(citus, tmp_path / "dry.sql")
    assert ended.returncode == 0, ended.stderr
    with psycopg.connect(citus) as connection:
        assert distributed(connection) == ALL
    assert is_settled(folder, citus)


def test_an_older_database(tmp_path: Path, citus: str) -> None:
    """It is repaired first and distributed then, and no row is lost."""
    folder = copy_project(tmp_path)
    assert run_runner("apply", "--dsn", citus, folder=folder).code == 0
    make_legacy(citus, ("rows", "init_script"))
    count = "select (select count(*) from jira_issues_v2), (select count(*) from sync_history)"
    with psycopg.connect(citus, autocommit=True) as connection:
        before = connection.execute(count).fetchone()
        run(folder, citus, "apply")
        assert distributed(connection) == ALL
        assert connection.execute(count).fetchone() == before
    assert is_settled(folder, citus)


def test_a_changed_mapping(tmp_path: Path, citus: str) -> None:
    """A new field becomes a column of the distributed table and a row; a field that is gone becomes inactive."""
    folder = copy_project(tmp_path)
    run(folder, citus, "apply")
    file = folder / "field_mappings.json"
    document = json.loads(file.read_text())
    fields = document["field_groups"]["client_info"]["fields"]
    fields["brand_new"] = {"type": "string", "instance_1": {"field_id": "customfield_77777", "name": "Brand New"}}
    del fields["client_email"]["instance_1"]
    file.write_text(json.dumps(document))
    run(folder, citus, "apply")
    with psycopg.connect(citus, autocommit=True) as connection:
        connection.execute("insert into jira_issues_v2 (issue_key, ndpu_brand_new) values ('A-1', 'x')")
        query = "select jira_field_id, instance from field_mappings where not is_active or jira_field_id ~ '77777'"
        found = connection.execute(f"{query} order by 1").fetchall()
    assert found == [("customfield_10601", "instance_1"), ("customfield_77777", "instance_1")]
    assert is_settled(folder, citus)


DAMAGE = (
    "alter table jira_issues_v2 alter column status type varchar(100)",
    "alter table jira_issues_v2 alter column last_updated drop default",
    "alter table jira_issues_v2 drop column summary",
    "alter table jira_issues_v2 add constraint extra check (status <> 'x')",
    "drop index idx_jira_issues_v2_status",
    "create index idx_jira_issues_v2_status on jira_issues_v2 (status desc)",
    "comment on column jira_issues_v2.status is null",
    "alter table configurations alter column config_type drop not null",
    "alter table sync_config drop constraint sync_config_config_key_key",
    "update sync_config set config_value = '1' where config_key = 'batch_size'",
)


def test_repairs(tmp_path: Path, citus: str) -> None:
    """What differs of distributed and reference tables with rows is repaired as anywhere else."""
    folder = copy_project(tmp_path)
    run(folder, citus, "apply")
    with psycopg.connect(citus, autocommit=True) as connection:
        connection.execute("insert into jira_issues_v2 (issue_key) select 'A-' || n from generate_series(1, 100) as n")
        for statement in DAMAGE:
            connection.execute(statement.encode())
    run(folder, citus, "apply")
    assert is_settled(folder, citus)
