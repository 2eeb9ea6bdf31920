"""Databases of the wild are brought to the declared schema by one apply, and no value of a column is lost."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from tests.support.dumps import still_dump
from tests.support.legacy import make_legacy
from tests.support.projects import run_runner
from tests.support.servers import Server, psql

SHAPES = {
    "made by the init script": ("rows", "init_script"),
    "other configuration tables": ("rows", "configuration_tables"),
    "other definitions": ("rows", "other_definitions"),
    "all of it": ("rows", "init_script", "configuration_tables"),
}
KEYS = {
    "sync_config": "config_key = 'of_the_users'",
    "configurations": "config_type = 'mine'",
    "configuration_history": "config_type = 'mine'",
    "field_mappings": "instance = 'mine'",
}
"""The rows of a table that must stay as they are, where that is not all of them."""
INSERTS = (
    "insert into configuration_history (config_type, config_key, changed_by) values ('a', 'b', 'c')",
    "insert into configurations (config_type, config_key, config_value, user_updated) values ('a', 'b', '1', 'c')",
    "insert into sync_history (sync_id, start_time, status, duration_seconds) values ('new', now(), 'x', 1.5)",
    "insert into sync_project_details (sync_id, project_key, status, retry_count) values ('s1', 'P', 'x', 2)",
    "insert into update_log_v2 (project_name, status, duration, records_processed) values ('P', 'x', 1.5, 2)",
    "insert into jira_issues_v2 (issue_key, summary, ndpu_order_number) values ('new', 'ü', '1')",
    "insert into project_mappings_v2 (project_key, location_name, metadata) values ('new', 'x', '{}')",
    "insert into mapping_audit_log_v2 (project_key, action, performed_by) values ('P', 'x', 'y')",
    "insert into configuration_backups (backup_name, backup_type, backup_data) values ('a', 'b', '{}')",
    "insert into jira_field_cache (instance_type, field_id, custom) values ('i', 'new', true)",
    "insert into field_mappings (jira_field_id, jira_field_name, db_column_name, field_type) values (1, 2, 3, 4)",
    "insert into sync_config (config_key, config_value) values ('new', 'x')",
    "insert into audit_log (action, user_id, ip_address) values ('x', 'y', '::1')",
    "insert into field_cache (cache_key, cache_value) values ('new', '1')",
    "insert into sync_history_details (sync_id, issue_key, action, status) values ('s1', 'K', 'x', 'y')",
    "insert into operation_log_v2 (operation_type, entity_type, entity_id) values ('a', 'b', 'c')",
)


def columns(connection: Connection) -> list[tuple[str, str]]:
    query = """
        select attrelid::regclass::text, quote_ident(attname) from pg_attribute
        where attrelid in (select oid from pg_class where relkind = 'r' and relnamespace::regnamespace::text !~ '^pg_')
            and attrelid::regclass::text !~ '^information_schema' and attnum > 0 and not attisdropped
        order by 1, 2
    """
    return connection.execute(query).fetchall()


def checksums(connection: Connection, known: list[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Return a checksum of each column, numbers by value."""
    found = {}
    for table, column in known:
        text = f"{column}::float8::text" if column == "duration_seconds" else f"{column}::text"
        query = (
            f"select count(*) || ' ' || md5(string_agg(coalesce({text}, 'null'), ',' order by {text}))"
            f" from {table} where {KEYS.get(table, 'true')}"
        )
        found[table, column] = connection.execute(query.encode()).fetchall()[0][0]
    return found


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_an_older_database_is_repaired(server: Server, template: str, tmp_path: Path, shape: str) -> None:
    """After one apply it is verified, its rows are the same, the service can insert, and the dry run did the same."""
    with server.database(template) as dsn:
        make_legacy(dsn, SHAPES[shape])
        with server.database(str(conninfo_to_dict(dsn)["dbname"])) as twin:
            assert_repaired(dsn)
            (tmp_path / "dry.sql").write_text(run_runner("apply", "--dry-run", "--dsn", twin).out, encoding="utf-8")
            fed = psql(twin, tmp_path / "dry.sql")
            assert fed.returncode == 0, fed.stderr
            assert still_dump(twin) == still_dump(dsn)
        with psycopg.connect(dsn) as connection:
            for insert in INSERTS:
                connection.execute(insert.encode())


def assert_repaired(dsn: str) -> None:
    """Assert that one apply is enough, and that it loses nothing."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        known = columns(connection)
        before = checksums(connection, known)
        applied = run_runner("apply", "--dsn", dsn)
        assert applied.code == 0, applied
        assert checksums(connection, known) == before
    assert run_runner("plan", "--check", "--dsn", dsn).code == 0


def test_rows_against_the_declaration_are_told(server: Server, template: str) -> None:
    """A NULL and a duplicate stay as they are, each a finding with its rows, and all else is repaired."""
    with server.database(template) as dsn:
        make_legacy(dsn, ("init_script",))
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute("alter table audit_log alter column action drop not null")
            connection.execute("insert into audit_log (user_id) values ('nobody')")
            connection.execute("alter table field_cache drop constraint field_cache_cache_key_key")
            connection.execute("insert into field_cache (cache_key) values ('twice'), ('twice')")
        applied = run_runner("apply", "--json", "--dsn", dsn)
        assert applied.code == 1
        found = {finding["object"]: finding["repair"] for finding in applied.json["verify"]["findings"]}
        assert set(found) == {"column audit_log.action", "constraint field_cache.field_cache_cache_key_key"}
        assert found["column audit_log.action"]["rows"] == ["id: 1, action: null"]
        assert found["constraint field_cache.field_cache_cache_key_key"]["rows"] == ["rows: 2, cache_key: twice"]
        assert run_runner("plan", "--json", "--dsn", dsn).json["pending"] == 0
