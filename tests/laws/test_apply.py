"""This repository's own project, applied to real databases."""

from __future__ import annotations

import json
import re
import secrets
import tomllib
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import Connection

from tests.conftest import MakeProject, Run
from tests.support.projects import CASES, HOSTILE, ROOT, copy_project, edit_mappings
from tests.support.servers import dump

SCHEMA: dict[str, dict[str, list[str]]] = tomllib.loads((CASES / "schema.toml").read_text())
INDEXES = tomllib.loads((CASES / "indexes.toml").read_text())
DEFAULTS = tomllib.loads((CASES / "defaults.toml").read_text())
MAPPINGS = tomllib.loads((CASES / "field_mappings.toml").read_text())
ISSUES = "jira_issues_v2"
HISTORY = "runner_history%"
LONG_AGO = "2001-01-01 00:00:00"

COLUMNS_QUERY = """
    select
        c.relname,
        a.attname || ' ' || case
            when pg_get_serial_sequence(c.relname, a.attname) is not null then 'serial'
            else format_type(a.atttypid, a.atttypmod)
        end
        || case when a.attnotnull then ' not null' else '' end
        || case
            when d.oid is null or pg_get_serial_sequence(c.relname, a.attname) is not null then ''
            else ' default ' || pg_get_expr(d.adbin, d.adrelid)
        end
    from pg_attribute as a
    inner join pg_class as c on a.attrelid = c.oid
    left join pg_attrdef as d on d.adrelid = c.oid and d.adnum = a.attnum
    where
        c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and c.relname not like %s
        and a.attnum > 0 and not a.attisdropped
    order by c.relname, a.attnum
"""
CONSTRAINTS_QUERY = """
    select c.relname, pg_get_constraintdef(o.oid) || case when o.convalidated then '' else ' NOT VALID' end
    from pg_constraint as o
    inner join pg_class as c on o.conrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relname not like %s and o.contype <> 'n'
    order by 1, 2
"""
INDEXES_QUERY = """
    select
        i.relname,
        t.relname || ' ' || regexp_replace(pg_get_indexdef(i.oid), '^.* USING ', ''),
        exists (select from pg_constraint as o where o.conindid = i.oid)
    from pg_index as x
    inner join pg_class as i on x.indexrelid = i.oid
    inner join pg_class as t on x.indrelid = t.oid
    where t.relnamespace = 'public'::regnamespace and t.relname not like %s and x.indisvalid
    order by 1
"""
REDUNDANT_QUERY = """
    select a.indexrelid::regclass::text, b.indexrelid::regclass::text
    from pg_index as a
    inner join pg_index as b on a.indrelid = b.indrelid and a.indexrelid <> b.indexrelid
    inner join pg_class as ac on a.indexrelid = ac.oid
    inner join pg_class as bc on b.indexrelid = bc.oid
    where
        ac.relnamespace = 'public'::regnamespace
        and ac.relam = bc.relam
        and not a.indisunique
        and pg_get_expr(a.indpred, a.indrelid) is not distinct from pg_get_expr(b.indpred, b.indrelid)
        and b.indkey::text || ' ' like a.indkey::text || ' %'
        and b.indclass::text || ' ' like a.indclass::text || ' %'
"""
UNCOMMENTED_QUERY = """
    select c.relname, a.attname
    from pg_class as c
    left join pg_attribute as a
        on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and c.relkind in ('r', 'p')
    where
        c.relnamespace = 'public'::regnamespace
        and c.relkind in ('r', 'p', 'i')
        and not exists (select from pg_constraint as o where o.conindid = c.oid)
        and (col_description(c.oid, a.attnum) is null and a.attnum is not null or obj_description(c.oid) is null)
"""
COMMENTS_QUERY = """
    select c.relname, coalesce(a.attname, ''), d.description
    from pg_description as d
    inner join pg_class as c on d.classoid = 'pg_class'::regclass and d.objoid = c.oid
    left join pg_attribute as a on a.attrelid = c.oid and d.objsubid > 0 and a.attnum = d.objsubid
    where c.relnamespace = 'public'::regnamespace and c.relname not like %s
"""
ROW_VERSIONS_QUERY = "select array_agg((ctid, xmin)::text order by ctid) from {}"


def rows(connection: Connection, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode(), parameters or None).fetchall()


def value(connection: Connection, query: str, *parameters: object) -> Any:
    ((found,),) = rows(connection, query, *parameters)
    return found


def tables(connection: Connection) -> list[str]:
    return [name for (name,) in rows(connection, "select tablename from pg_tables where schemaname = 'public'")]


def row_versions(connection: Connection) -> dict[str, Any]:
    """Return where each row stands and who wrote it: the same as before when nobody wrote."""
    return {table: value(connection, ROW_VERSIONS_QUERY.format(table)) for table in tables(connection)}


def sequences(connection: Connection) -> dict[str, Any]:
    names = [name for (name,) in rows(connection, "select sequencename from pg_sequences where schemaname = 'public'")]
    return {name: rows(connection, f"select last_value, is_called from {name}") for name in names}


def transactions(connection: Connection) -> int:
    """Return the number that the next writing transaction of the server gets."""
    return int(value(connection, "select pg_snapshot_xmax(pg_current_snapshot())"))


def grouped(pairs: list[tuple[Any, ...]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for name, item in pairs:
        found.setdefault(name, []).append(item)
    return found


def apply(run: Run, dsn: str, folder: Path = ROOT) -> str:
    """Apply a project, which must succeed, and return what it printed."""
    result = run("apply", "--dsn", dsn, folder=folder)
    assert result.code == 0, result
    return result.out


def fields(document: dict[str, Any], group: str) -> dict[str, Any]:
    found: dict[str, Any] = document["field_groups"][group]["fields"]
    return found


# The schema


def test_apply_marks_each_table_and_reports_success(run: Run, database: str) -> None:
    """A first run exits 0 and shows each of the 16 tables as present."""
    out = apply(run, database)
    marked = re.findall(r"^✅ ([a-z0-9_]+) ", out, flags=re.MULTILINE)
    assert sorted(marked) == sorted(SCHEMA)
    assert len(marked) == 16
    assert "❌" not in out


def test_tables_have_the_columns_that_the_service_expects(reference: Connection) -> None:
    """Every table has its columns, in order, with type, nullability and default; the mapped ones come last."""
    expected = {table: facts["columns"] for table, facts in SCHEMA.items()}
    expected[ISSUES] = expected[ISSUES] + [column for column, _ in MAPPINGS["columns"]]
    found = grouped(rows(reference, COLUMNS_QUERY, HISTORY))
    assert found == expected
    assert len(found[ISSUES]) == 47


def test_serial_columns_own_their_sequence(reference: Connection) -> None:
    """A serial column is an integer that its own integer sequence fills."""
    found = rows(
        reference,
        """
        select c.table_name, c.data_type, s.data_type::text, c.column_default
        from information_schema.columns as c
        left join pg_sequences as s on s.sequencename = c.table_name || '_id_seq'
        where c.table_schema = 'public' and c.column_name = 'id'
        order by 1
        """,
    )
    serial = sorted(table for table, facts in SCHEMA.items() if "id serial not null" in facts["columns"])
    assert found == [(table, "integer", "integer", f"nextval('{table}_id_seq'::regclass)") for table in serial]


def test_tables_have_the_constraints_that_the_service_expects(reference: Connection) -> None:
    """Every table has exactly its primary key, unique constraints and foreign keys, all validated."""
    found = grouped(rows(reference, CONSTRAINTS_QUERY, HISTORY))
    assert found == {table: facts["constraints"] for table, facts in SCHEMA.items()}


def test_there_are_enough_indexes_and_all_are_valid(reference: Connection) -> None:
    """At least 40 indexes are created besides those of constraints, and none is invalid."""
    explicit = [name for name, _, of_constraint in rows(reference, INDEXES_QUERY, HISTORY) if not of_constraint]
    assert len(explicit) >= 40
    assert rows(reference, "select indexrelid::regclass from pg_index where not indisvalid") == []


def begins_with(definition: str, wanted: str) -> bool:
    """Return whether an index has the columns of another as its first ones."""
    return definition == wanted or definition.startswith(wanted.removesuffix(")") + ", ")


@pytest.mark.parametrize("name", INDEXES["named"])
def test_an_index_of_the_service_is_kept_or_replaced(reference: Connection, name: str) -> None:
    """An old name never has a new definition; an index that is left out has one that serves the same lookups."""
    wanted = INDEXES["named"][name]
    found = {index: definition for index, definition, _ in rows(reference, INDEXES_QUERY, HISTORY)}
    if name in found:
        assert found[name] == wanted
    else:
        without_predicate = wanted.removesuffix(", is_active)") + ")" if "is_active)" in wanted else wanted
        assert any(begins_with(definition, without_predicate) for definition in found.values())


@pytest.mark.parametrize("query", INDEXES["queries"])
def test_a_query_of_the_service_has_its_index(reference: Connection, query: str) -> None:
    """Each slow query of the service has an index that begins with its columns, in its order."""
    definitions = [definition for _, definition, _ in rows(reference, INDEXES_QUERY, HISTORY)]
    assert any(begins_with(definition, INDEXES["queries"][query]) for definition in definitions)


def test_no_index_is_redundant(reference: Connection) -> None:
    """No index is equal to another one or to the beginning of another one."""
    assert rows(reference, REDUNDANT_QUERY) == []


def test_everything_is_commented(reference: Connection) -> None:
    """Every table, column and created index says what it is for, the history table's included."""
    assert rows(reference, UNCOMMENTED_QUERY) == []


@pytest.mark.parametrize("column", ["summary", "ndpu_listing_address"])
def test_long_text_can_be_inserted(applied_connection: Connection, column: str) -> None:
    """No index limits the length of a title or an address."""
    text = secrets.token_urlsafe(6_000)[:6_000]
    applied_connection.execute(f"insert into {ISSUES} (issue_key, {column}) values ('A-1', %s)".encode(), (text,))
    assert value(applied_connection, f"select {column} from {ISSUES}") == text


# The data


def test_default_configurations_have_their_values(reference: Connection) -> None:
    """The three default configurations are there once: version 1, active, saved by system."""
    found = rows(
        reference,
        """
        select config_key, config_value, version, is_active, user_updated
        from configurations where config_type = 'sync' order by config_key
        """,
    )
    expected = [(key, config, 1, True, "system") for key, config in DEFAULTS["configurations"].items()]
    assert found == expected


def test_default_configurations_are_in_the_history(reference: Connection) -> None:
    """Each default configuration has one history row that names its id and value."""
    found = rows(
        reference,
        """
        select h.config_key, h.old_value, h.new_value, h.changed_by, h.config_id = c.id
        from configuration_history as h
        left join configurations as c using (config_type, config_key)
        where h.config_type = 'sync' order by h.config_key
        """,
    )
    expected = [(key, None, config, "system", True) for key, config in DEFAULTS["configurations"].items()]
    assert found == expected


def test_sync_config_has_its_values(reference: Connection) -> None:
    """The eight settings have their value, type and description."""
    found = rows(reference, "select config_key, config_value, config_type, description from sync_config")
    assert sorted(found) == sorted((key, *facts) for key, facts in DEFAULTS["sync_config"].items())


def test_field_mappings_have_a_row_for_each_field_of_each_instance(reference: Connection) -> None:
    """The 27 mapped fields of two instances are 54 active rows."""
    found = rows(
        reference,
        """
        select jira_field_id, jira_field_name, db_column_name, field_type, is_custom, instance, is_active
        from field_mappings
        """,
    )
    expected = [
        (field_id, name, column, type_, field_id.startswith("customfield_"), instance, True)
        for column, type_, first, second, name in MAPPINGS["rows"]
        for field_id, instance in ((first, "instance_1"), (second, "instance_2"))
    ]
    assert sorted(found) == sorted(expected)
    assert len(found) == 54


def test_mapped_columns_are_commented_from_the_file(reference: Connection) -> None:
    """A column that a mapping added is commented with its field's description, else with its key."""
    for column, comment in MAPPINGS["columns"]:
        name = column.split()[0]
        query = (
            "select col_description(attrelid, attnum) from pg_attribute where attrelid = %s::regclass and attname = %s"
        )
        assert value(reference, query, ISSUES, name) == comment


def test_the_mapping_file_is_saved_as_a_configuration(reference: Connection) -> None:
    """The document of the file is the active configuration jira.field_mappings, version 1."""
    found = rows(
        reference,
        "select config_value, version, is_active, user_updated from configurations where config_type = 'jira'",
    )
    document = json.loads((ROOT / "field_mappings.json").read_text())
    assert found == [(document, 1, True, "system")]


# Running it again


def test_a_first_run_creates_and_a_second_run_finds(run: Run, database: str) -> None:
    """Each run says of each configuration whether it was created or found."""
    first, second = apply(run, database), apply(run, database)
    for key in DEFAULTS["configurations"]:
        assert re.search(rf"sync\.{key}\s+created\b", first)
        assert re.search(rf"sync\.{key}\s+found\b", second)
    assert "created" not in second


def test_a_second_run_changes_nothing(run: Run, applied: str, applied_connection: Connection) -> None:
    """A run on a database that is as declared writes no row, moves no sequence and adds no history."""
    state = [f(applied_connection) for f in (row_versions, sequences)]
    before = dump(applied)
    apply(run, applied)
    assert dump(applied) == before
    assert [f(applied_connection) for f in (row_versions, sequences)] == state


def test_a_second_run_takes_no_transaction_id(
    run: Run, fresh_project: Path, applied: str, applied_connection: Connection
) -> None:
    """A run on a database that is as declared is read-only for the server; others may write at the same time."""
    apply(run, applied, fresh_project)
    for _ in range(3):
        before = transactions(applied_connection)
        apply(run, applied, fresh_project)
        if transactions(applied_connection) == before:
            return
    pytest.fail("each of three runs took a transaction id")


def test_a_second_run_does_not_wait_for_others(run: Run, applied: str, applied_connection: Connection) -> None:
    """A run on a database that is as declared finishes beside an ACCESS EXCLUSIVE lock and open writes everywhere."""
    with psycopg.connect(applied) as writer, applied_connection.transaction():
        for table in sorted({*SCHEMA} - {ISSUES}):
            writer.execute(f"lock table {table} in row exclusive mode".encode())
        writer.execute("update sync_config set updated_at = now()")
        writer.execute("update configurations set updated_at = now()")
        writer.execute("update field_mappings set updated_at = now()")
        applied_connection.execute(f"lock table {ISSUES} in access exclusive mode".encode())
        apply(run, applied)
        writer.rollback()


def test_an_existing_configuration_is_kept(run: Run, applied: str, applied_connection: Connection) -> None:
    """A configuration that a user changed stays, also when its version is none of this project's."""
    applied_connection.execute(
        """
        update configurations
        set config_value = '{"max_workers": 3}', version = 7, user_updated = 'ann'
        where config_key = 'performance'
        """
    )
    before = rows(applied_connection, "select * from configurations order by id")
    assert re.search(r"sync\.performance\s+found", apply(run, applied))
    assert rows(applied_connection, "select * from configurations order by id") == before


def test_a_configuration_without_an_active_version_gets_a_new_one(
    run: Run, applied: str, applied_connection: Connection
) -> None:
    """When all versions are retired, the default becomes the next version; the retired ones stay as they are."""
    applied_connection.execute("update configurations set is_active = false, version = 4 where config_key = 'settings'")
    assert re.search(r"sync\.settings\s+created", apply(run, applied))
    found = rows(
        applied_connection,
        "select version, is_active, config_value from configurations where config_key = 'settings' order by version",
    )
    default = DEFAULTS["configurations"]["settings"]
    assert found == [(4, False, default), (5, True, default)]


def test_a_changed_setting_is_restored(run: Run, applied: str, applied_connection: Connection) -> None:
    """The eight settings go back to their defaults, updated_at moves for those alone, shown; other settings stay."""
    applied_connection.execute("update sync_config set updated_at = %s", (LONG_AGO,))
    applied_connection.execute("update sync_config set config_value = '1' where config_key = 'batch_size'")
    applied_connection.execute("update sync_config set description = null where config_key = 'max_workers'")
    applied_connection.execute("delete from sync_config where config_key = 'max_retries'")
    applied_connection.execute(
        "insert into sync_config (config_key, config_value, updated_at) values ('own', 'x', %s)", (LONG_AGO,)
    )
    value = DEFAULTS["sync_config"]["batch_size"][0]
    assert f"    batch_size  1 → {value}" in apply(run, applied).splitlines()
    found = rows(applied_connection, "select config_key, config_value, config_type, description from sync_config")
    expected = [(key, *facts) for key, facts in DEFAULTS["sync_config"].items()]
    assert sorted(found) == sorted([*expected, ("own", "x", "string", None)])
    moved = rows(applied_connection, "select config_key from sync_config where updated_at > %s order by 1", LONG_AGO)
    assert moved == [("batch_size",), ("max_retries",), ("max_workers",)]


# The mapping file


def test_a_users_edit_stays_while_the_file_does_not_change(
    run: Run, applied: str, applied_connection: Connection, tmp_path: Path
) -> None:
    """A user's version of the mappings stays active; a changed file becomes the next version, with what was before."""
    applied_connection.execute("update configurations set is_active = false where config_type = 'jira'")
    applied_connection.execute(
        """
        insert into configurations (config_type, config_key, config_value, version, user_updated, reason)
        values ('jira', 'field_mappings', '{"edited": true}', 2, 'ann', 'by hand')
        """
    )
    active = "select version, user_updated from configurations where config_type = 'jira' and is_active"
    apply(run, applied)
    assert rows(applied_connection, active) == [(2, "ann")]

    folder = copy_project(tmp_path)
    edit_mappings(folder, lambda document: document.update(description="changed"))
    assert re.search(r"jira\.field_mappings\s+saved as version 3", apply(run, applied, folder))
    assert rows(applied_connection, active) == [(3, "system")]
    found = rows(
        applied_connection,
        """
        select old_value, new_value ->> 'description', changed_by
        from configuration_history where config_type = 'jira' order by id desc limit 1
        """,
    )
    assert found == [({"edited": True}, "changed", "system")]


def test_a_mapping_that_leaves_the_file_becomes_inactive(
    run: Run, applied: str, applied_connection: Connection, tmp_path: Path
) -> None:
    """Rows follow the file: gone is inactive, back is active; the column and a user's own row stay."""
    applied_connection.execute(
        """
        insert into field_mappings (jira_field_id, jira_field_name, db_column_name, field_type, instance)
        values ('customfield_1', 'Own', 'own', 'string', 'instance_1')
        """
    )
    state = "select jira_field_id, is_active from field_mappings where jira_field_id = any(%s) order by 1, instance"
    ids = ["customfield_1", "customfield_11104"]
    folder = copy_project(tmp_path)
    kept = (folder / "field_mappings.json").read_text()

    edit_mappings(folder, lambda document: fields(document, "service_info").pop("service_type"))
    apply(run, applied, folder)
    gone = [("customfield_1", True), ("customfield_11104", False), ("customfield_11104", False)]
    assert rows(applied_connection, state, ids) == gone
    assert value(applied_connection, f"select count(ndpu_service_type) from {ISSUES}") == 0

    (folder / "field_mappings.json").write_text(kept)
    result = run("apply", "--dsn", applied, "--allow-older", folder=folder)
    assert result.code == 0, result
    assert rows(applied_connection, state, ids) == [(field_id, True) for field_id, _ in gone]


def test_a_changed_mapping_changes_its_row(
    run: Run, applied: str, applied_connection: Connection, tmp_path: Path
) -> None:
    """Column, type and name of a row follow the file when it changed; what a user switched off stays off."""
    applied_connection.execute("update field_mappings set is_active = false where jira_field_id = 'customfield_11104'")
    folder = copy_project(tmp_path)

    def edit(document: dict[str, Any]) -> None:
        spec = fields(document, "service_info").pop("service_type")
        spec["type"] = "array"
        spec["instance_1"]["name"] = "Services"
        fields(document, "service_info")["services"] = spec

    edit_mappings(folder, edit)
    apply(run, applied, folder)
    found = rows(
        applied_connection,
        """
        select jira_field_name, db_column_name, field_type, is_active
        from field_mappings where jira_field_id = 'customfield_11104' order by instance
        """,
    )
    assert found == [("Services", "ndpu_services", "array", False), ("NDPU Service", "ndpu_services", "array", False)]
    type_ = value(
        applied_connection,
        "select atttypid::regtype::text from pg_attribute where attname = 'ndpu_services' and attrelid = %s::regclass",
        ISSUES,
    )
    assert type_ == "jsonb"


@pytest.mark.long
def test_a_file_may_map_1500_fields(run: Run, database: str, connection: Connection, tmp_path: Path) -> None:
    """A mapping file with as many fields as fit in a table works, on a new database and again."""
    folder = copy_project(tmp_path)

    def edit(document: dict[str, Any]) -> None:
        document["field_groups"]["many"] = {
            "description": "many",
            "fields": {
                f"field_{number}": {
                    "type": "string",
                    "instance_1": {"field_id": f"customfield_{20_000 + number}"},
                    "instance_2": {"field_id": f"customfield_{20_000 + number}"},
                }
                for number in range(1_473)
            },
        }

    edit_mappings(folder, edit)
    apply(run, database, folder)
    assert value(connection, "select count(*) from field_mappings") == 2 * 1_500
    columns = "select count(*) from pg_attribute where attrelid = %s::regclass and attnum > 0"
    assert value(connection, columns, ISSUES) == 30 + 17 + 1_473
    state = row_versions(connection)
    apply(run, database, folder)
    assert row_versions(connection) == state


def test_a_description_of_any_text_becomes_the_comment(
    run: Run, database: str, connection: Connection, tmp_path: Path
) -> None:
    """Text that looks like SQL, psql or a template ends as the column's comment, and nowhere else."""
    folder = copy_project(tmp_path)
    specs = {
        f"hostile_{number}": {
            "type": "string",
            "description": text,
            "instance_1": {"field_id": f"customfield_{number}' or true --", "name": text},
        }
        for number, text in enumerate(HOSTILE)
    }
    edit_mappings(folder, lambda document: document["field_groups"].update(hostile={"fields": specs}))
    apply(run, database, folder)
    found = rows(
        connection,
        """
        select a.attname, col_description(a.attrelid, a.attnum), m.jira_field_name
        from pg_attribute as a
        inner join field_mappings as m on m.db_column_name = a.attname
        where a.attrelid = %s::regclass and a.attname like 'ndpu\\_hostile\\_%%'
        """,
        ISSUES,
    )
    expected = [(f"ndpu_hostile_{number}", text, text) for number, text in enumerate(HOSTILE)]
    assert sorted(found) == sorted(expected)
    document = value(
        connection,
        "select config_value #> '{field_groups, hostile}' from configurations where config_type = 'jira'",
    )
    assert document == {"fields": specs}


# Healing

UNIQUE = "field_cache_cache_key_key"
FOREIGN = "sync_history_details_sync_id_fkey"
DAMAGES = {
    "a table": {
        "drop table configuration_backups": "table configuration_backups",
    },
    "a table that others refer to": {
        "drop table sync_history cascade": "table sync_history",
    },
    "columns and indexes": {
        "alter table sync_history drop column duration_seconds": "column sync_history.duration_seconds",
        f"alter table {ISSUES} drop column ndpu_service_type": f"column {ISSUES}.ndpu_service_type",
        "drop index idx_audit_log_action": "index idx_audit_log_action",
    },
    "constraints": {
        "alter table audit_log drop constraint audit_log_pkey": "constraint audit_log.audit_log_pkey",
        f"alter table field_cache drop constraint {UNIQUE}": f"constraint field_cache.{UNIQUE}",
        f"alter table sync_history_details drop constraint {FOREIGN}": f"constraint sync_history_details.{FOREIGN}",
    },
    "comments": {
        "comment on table audit_log is null": "comment on table audit_log",
        "comment on column audit_log.action is 'x'": "comment on column audit_log.action",
        "comment on index idx_audit_log_action is null": "comment on index idx_audit_log_action",
    },
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_apply_mends_what_is_missing(run: Run, applied: str, applied_connection: Connection, damage: str) -> None:
    """What somebody dropped is named by verify, and is back as it was after apply."""
    queries = (COLUMNS_QUERY, CONSTRAINTS_QUERY, INDEXES_QUERY, COMMENTS_QUERY)
    before = [sorted(rows(applied_connection, query, HISTORY)) for query in queries]
    for statement in DAMAGES[damage]:
        applied_connection.execute(statement.encode())

    found = run("verify", "--dsn", applied, "--json", folder=ROOT)
    assert found.code == 1
    assert {*DAMAGES[damage].values()} <= {finding["object"] for finding in found.json["findings"]}

    apply(run, applied)
    assert [sorted(rows(applied_connection, query, HISTORY)) for query in queries] == before


def test_a_comment_on_what_is_not_compared_is_sent(run: Run, project: MakeProject, database: str) -> None:
    """A collation is no fact of the catalog: a script that is run once makes it and comments on it."""
    scripts = {"010_collation.sql": "create collation mine (locale = 'C');\ncomment on collation mine is 'Mine.';"}
    project(scripts, options={"010_collation.sql": {"run": "once"}})
    assert run("apply", "--dsn", database).code == 0
    with psycopg.connect(database) as connection:
        query = "select obj_description(oid, 'pg_collation') from pg_collation where collname = 'mine'"
        assert connection.execute(query).fetchall() == [("Mine.",)]
