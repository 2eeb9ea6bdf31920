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
