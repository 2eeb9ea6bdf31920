-- A few thousand rows in tables that each shape of an older database has: NULLs, Unicode, a long address, edits.
insert into jira_issues_v2 (issue_key, summary, status, ndpu_listing_address, project_name, last_updated)
select
    'KEY-' || n,
    case when n % 3 = 0 then null else 'Größe 👍 ' || n end,
    'Open',
    case when n = 1 then repeat('x', 5000) else 'Straße ' || n end,
    'P' || n % 7,
    timestamp '2024-01-01' + n * interval '1 minute'
from generate_series(1, 3000) as n;

insert into sync_history (sync_id, start_time, status, duration_seconds)
select
    's' || n,
    timestamp '2024-01-01' + n * interval '1 hour',
    'done',
    n
from generate_series(1, 2000) as n;

insert into sync_project_details (sync_id, project_key)
select
    's' || n,
    'P' || n
from generate_series(1, 2000) as n;

insert into audit_log (action, user_id)
select
    'edit ' || n,
    nullif('u' || n % 5, 'u0')
from generate_series(1, 2000) as n;

insert into sync_config (config_key, config_value) values ('of_the_users', 'kept');

insert into sync_history_details (sync_id, issue_key, action, status)
select
    's' || n,
    'KEY-' || n,
    'ü',
    'ok'
from generate_series(1, 2000) as n;

insert into project_mappings_v2 (project_key, location_name, metadata)
select
    'P' || n,
    'Ort ' || n,
    '{"a": 1}'
from generate_series(1, 2000) as n;

insert into mapping_audit_log_v2 (project_key, action) select 'P' || n, 'x' from generate_series(1, 2000) as n;

insert into update_log_v2 (project_name, status) select 'P' || n, 'x' from generate_series(1, 2000) as n;

insert into operation_log_v2 (operation_type, entity_type, entity_id)
select
    'a',
    'b',
    'c' || n
from generate_series(1, 2000) as n;

insert into configurations (config_type, config_key, config_value, is_active)
select
    'mine',
    'k' || n,
    to_jsonb(n),
    n % 2 = 0
from generate_series(1, 2000) as n;

insert into configuration_history (config_id, config_type, config_key, new_value)
select
    id,
    config_type,
    config_key,
    config_value
from configurations;

insert into configuration_backups (backup_name, backup_type, backup_data)
select
    'b' || n,
    't',
    '[1, 2]'
from generate_series(1, 2000) as n;

insert into jira_field_cache (instance_type, field_id) select 'i', 'f' || n from generate_series(1, 2000) as n;

insert into field_mappings (jira_field_id, jira_field_name, db_column_name, field_type, instance)
select
    'f' || n,
    'Feld ' || n,
    'c' || n,
    'text',
    'mine'
from generate_series(1, 2000) as n;

insert into field_cache (cache_key, cache_value) select 'k' || n, 'null' from generate_series(1, 2000) as n;
