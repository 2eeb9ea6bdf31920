-- Who may do what: an owner, the service, and those who only read. Only of the profile roles.
--
--   jira_sync_owner   owns the tables, and may make others; nobody logs in as it.
--   jira_sync_app     the service: reads and writes all rows, changes no table.
--   jira_sync_reader  reports and people: reads.
--
-- The roles themselves are an administrator's work, before the first run: docs/operations.md. All
-- tables are named: ON ALL TABLES would be about those of other projects in the schema, and about
-- the runner's history, which the service has no business with.
--
-- Re-run: what each role has is compared; a statement is sent when something that it names is
-- missing. What these roles, or PUBLIC, have beyond it is revoked.
-- Locks: OWNER TO takes ACCESS EXCLUSIVE on its table for a moment, in the run that changes it.
-- GRANT takes none that reads or writes wait for.


-- The schema: the owner needs CREATE there before it can own a table.

grant usage, create on schema {{ schema | identifier }} to jira_sync_owner;

grant usage on schema {{ schema | identifier }} to jira_sync_app, jira_sync_reader;


-- The owner.

alter table jira_issues_v2 owner to jira_sync_owner;
alter table project_mappings_v2 owner to jira_sync_owner;
alter table mapping_audit_log_v2 owner to jira_sync_owner;
alter table sync_history owner to jira_sync_owner;
alter table sync_project_details owner to jira_sync_owner;
alter table update_log_v2 owner to jira_sync_owner;
alter table operation_log_v2 owner to jira_sync_owner;
alter table configurations owner to jira_sync_owner;
alter table configuration_history owner to jira_sync_owner;
alter table configuration_backups owner to jira_sync_owner;
alter table jira_field_cache owner to jira_sync_owner;
alter table field_mappings owner to jira_sync_owner;
alter table sync_config owner to jira_sync_owner;
alter table audit_log owner to jira_sync_owner;
alter table field_cache owner to jira_sync_owner;
alter table sync_history_details owner to jira_sync_owner;


-- The service: the rows, and the numbers of the columns id.

grant select, insert, update, delete on
    jira_issues_v2,
    project_mappings_v2,
    mapping_audit_log_v2,
    sync_history,
    sync_project_details,
    update_log_v2,
    operation_log_v2,
    configurations,
    configuration_history,
    configuration_backups,
    jira_field_cache,
    field_mappings,
    sync_config,
    audit_log,
    field_cache,
    sync_history_details
to jira_sync_app;

grant usage on sequence
    project_mappings_v2_id_seq,
    mapping_audit_log_v2_id_seq,
    sync_history_id_seq,
    sync_project_details_id_seq,
    update_log_v2_id_seq,
    operation_log_v2_id_seq,
    configurations_id_seq,
    configuration_history_id_seq,
    configuration_backups_id_seq,
    jira_field_cache_id_seq,
    field_mappings_id_seq,
    sync_config_id_seq,
    audit_log_id_seq,
    field_cache_id_seq,
    sync_history_details_id_seq
to jira_sync_app;


-- Those who only read.

grant select on
    jira_issues_v2,
    project_mappings_v2,
    mapping_audit_log_v2,
    sync_history,
    sync_project_details,
    update_log_v2,
    operation_log_v2,
    configurations,
    configuration_history,
    configuration_backups,
    jira_field_cache,
    field_mappings,
    sync_config,
    audit_log,
    field_cache,
    sync_history_details
to jira_sync_reader;
