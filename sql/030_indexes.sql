-- Indexes, each for a query of the service or of the people who run it.
--
-- Primary keys and unique constraints are indexes already and are not repeated here. No index
-- is a left prefix of another with the same operator classes and the same predicate.
--
-- Names: an index of the service's own databases keeps its name only with the very definition
-- that it has there. Where a better index takes its place, the new one has a new name and the
-- old name stands in a "replaces" or "left out" line, so that the old index can be recognised
-- in an older database. It is harmless there, and may be dropped by hand.
--
-- Text: a btree entry holds about 2,700 bytes at most, and a longer value makes the INSERT
-- fail. Columns that may hold long text therefore have a trigram index or none at all. The
-- names of projects and locations are short, although their type is text.
--
-- desc: the newest rows are wanted first, nulls included (desc means nulls first), which is
-- what "order by ... desc" asks for.
--
-- Re-run: an index that exists is not made again; one of another definition, or an invalid one,
-- is replaced by the runner.
-- Locks: SHARE on the table (writes wait) while an index is built. CONCURRENTLY is not written
-- here, because it cannot run in a transaction.


-- jira_issues_v2 ----------------------------------------------------------------------------

-- Issues of a location: where location_name = $1.
create index if not exists idx_jira_issues_v2_location_name
    on jira_issues_v2 (location_name);
comment on index idx_jira_issues_v2_location_name is
    'Issues of a location.';

-- Issues of a project, newest first: where project_name = $1 order by last_updated desc.
-- Replaces idx_jira_issues_v2_project (project_name): the same lookup, without the sort.
create index if not exists idx_jira_issues_v2_project_name_last_updated
    on jira_issues_v2 (project_name, last_updated desc);
comment on index idx_jira_issues_v2_project_name_last_updated is
    'Issues of a project, newest first.';

-- Issues in a status: where status = $1.
create index if not exists idx_jira_issues_v2_status
    on jira_issues_v2 (status);
comment on index idx_jira_issues_v2_status is
    'Issues in a status.';

-- Issues written since a time: where last_updated >= $1. Also read backwards, newest first.
create index if not exists idx_jira_issues_v2_last_updated
    on jira_issues_v2 (last_updated);
comment on index idx_jira_issues_v2_last_updated is
    'Issues written since a time.';

-- Search in titles: where summary ilike '%word%'.
-- A trigram index: it serves a pattern that starts with %, and a value may have any length.
create index if not exists idx_jira_issues_v2_summary
    on jira_issues_v2 using gin (summary gin_trgm_ops);
comment on index idx_jira_issues_v2_summary is
    'Search for any part of a title, upper or lower case.';

-- The issue of an order: where ndpu_order_number = $1.
create index if not exists idx_jira_issues_v2_order_number
    on jira_issues_v2 (ndpu_order_number);
comment on index idx_jira_issues_v2_order_number is
    'The issue of an order.';

-- Search in addresses: where ndpu_listing_address ilike '%main st%'. Trigram: see summary.
create index if not exists idx_jira_issues_v2_listing_address
    on jira_issues_v2 using gin (ndpu_listing_address gin_trgm_ops);
comment on index idx_jira_issues_v2_listing_address is
    'Search for any part of an address, upper or lower case.';


-- project_mappings_v2 -----------------------------------------------------------------------

-- Mappings in use: where is_active.
create index if not exists idx_project_mappings_v2_active
    on project_mappings_v2 (is_active);
comment on index idx_project_mappings_v2_active is
    'Mappings in use.';

-- Projects of a location: where location_name = $1.
create index if not exists idx_project_mappings_v2_location_name
    on project_mappings_v2 (location_name);
comment on index idx_project_mappings_v2_location_name is
    'Projects of a location.';

-- Mappings that wait for approval, oldest first: where not approved order by created_at.
-- Partial: nearly all mappings are approved, and those are not looked up in this way.
create index if not exists idx_project_mappings_v2_unapproved
    on project_mappings_v2 (created_at)
    where not approved;
comment on index idx_project_mappings_v2_unapproved is
    'Mappings that wait for approval, oldest first.';


-- mapping_audit_log_v2 ----------------------------------------------------------------------

-- Changes to the mapping of a project: where project_key = $1 order by performed_at desc.
create index if not exists idx_mapping_audit_log_v2_project_key_performed_at
    on mapping_audit_log_v2 (project_key, performed_at desc);
comment on index idx_mapping_audit_log_v2_project_key_performed_at is
    'Changes to the mapping of a project, newest first.';

-- Changes to all mappings: order by performed_at desc limit $1.
create index if not exists idx_mapping_audit_log_v2_performed_at
    on mapping_audit_log_v2 (performed_at desc);
comment on index idx_mapping_audit_log_v2_performed_at is
    'Changes to all mappings, newest first.';


-- sync_history ------------------------------------------------------------------------------

-- Latest runs: order by start_time desc limit $1.
create index if not exists idx_sync_history_start_time
    on sync_history (start_time desc);
comment on index idx_sync_history_start_time is
    'Latest runs.';

-- Latest runs in a status, such as the last success: where status = $1 order by start_time desc.
-- Replaces idx_sync_history_status (status): the same lookup, without the sort.
create index if not exists idx_sync_history_status_start_time
    on sync_history (status, start_time desc);
comment on index idx_sync_history_status_start_time is
    'Latest runs in a status.';

-- Runs that lost issues, whatever their status: where issues_failed > 0 order by start_time desc.
-- Partial: few runs do.
create index if not exists idx_sync_history_issues_failed
    on sync_history (start_time desc)
    where issues_failed > 0;
comment on index idx_sync_history_issues_failed is
    'Latest runs in which issues failed.';


-- sync_project_details ----------------------------------------------------------------------

-- Projects of a run: where sync_id = $1. Also finds the rows that go with a deleted run.
create index if not exists idx_sync_project_details_sync_id
    on sync_project_details (sync_id);
comment on index idx_sync_project_details_sync_id is
    'Projects of a run; also serves the cascade of the foreign key.';

-- Runs of a project: where project_key = $1.
create index if not exists idx_sync_project_details_project_key
    on sync_project_details (project_key);
comment on index idx_sync_project_details_project_key is
    'Runs of a project.';

-- Failures of a project: where project_key = $1 and issues_failed > 0 order by start_time desc.
-- Partial: few rows are failures, so this one is far smaller than the index above.
create index if not exists idx_sync_project_details_issues_failed
    on sync_project_details (project_key, start_time desc)
    where issues_failed > 0;
comment on index idx_sync_project_details_issues_failed is
    'Latest runs of a project in which issues failed.';


-- sync_history_details ----------------------------------------------------------------------

-- Issues of a run: where sync_id = $1. Also finds the rows that go with a deleted run.
create index if not exists idx_sync_history_details_sync_id
    on sync_history_details (sync_id);
comment on index idx_sync_history_details_sync_id is
    'Issues of a run; also serves the cascade of the foreign key.';

-- Runs that worked on an issue: where issue_key = $1.
create index if not exists idx_sync_history_details_issue_key
    on sync_history_details (issue_key);
comment on index idx_sync_history_details_issue_key is
    'Runs that worked on an issue.';

-- Latest errors: where error_message is not null order by timestamp desc limit $1.
-- Partial: this is the largest of the log tables, and few of its rows are errors.
create index if not exists idx_sync_history_details_errors
    on sync_history_details (timestamp desc)
    where error_message is not null;
comment on index idx_sync_history_details_errors is
    'Latest issues that could not be stored.';


-- update_log_v2 -----------------------------------------------------------------------------

-- Update history of a project: where project_name = $1 order by last_update_time desc.
-- Replaces idx_update_log_v2_project (project_name): the same lookup, without the sort.
create index if not exists idx_update_log_v2_project_name_last_update_time
    on update_log_v2 (project_name, last_update_time desc);
comment on index idx_update_log_v2_project_name_last_update_time is
    'Update history of a project, newest first.';

-- Update history of all projects: order by last_update_time desc limit $1.
create index if not exists idx_update_log_v2_last_update_time
    on update_log_v2 (last_update_time desc);
comment on index idx_update_log_v2_last_update_time is
    'Update history of all projects, newest first.';

-- Latest entries of the log: order by timestamp desc limit $1.
create index if not exists idx_update_log_v2_timestamp
    on update_log_v2 (timestamp desc);
comment on index idx_update_log_v2_timestamp is
    'Latest entries of the log.';

-- Updates with an outcome, such as the failed ones: where status = $1.
create index if not exists idx_update_log_v2_status
    on update_log_v2 (status);
comment on index idx_update_log_v2_status is
    'Updates with an outcome.';


-- operation_log_v2 --------------------------------------------------------------------------

-- Operations of a kind: where operation_type = $1 [and entity_type = $2].
create index if not exists idx_operation_log_v2_type
    on operation_log_v2 (operation_type, entity_type);
comment on index idx_operation_log_v2_type is
    'Operations of a kind, on all or on one kind of object.';

-- Operations on an identifier, whatever it names: where entity_id = $1.
create index if not exists idx_operation_log_v2_entity
    on operation_log_v2 (entity_id);
comment on index idx_operation_log_v2_entity is
    'Operations on an identifier.';

-- History of an object: where entity_type = $1 and entity_id = $2 order by performed_at desc.
create index if not exists idx_operation_log_v2_entity_history
    on operation_log_v2 (entity_type, entity_id, performed_at desc);
comment on index idx_operation_log_v2_entity_history is
    'History of an object, newest first.';

-- Latest operations: order by performed_at desc limit $1.
create index if not exists idx_operation_log_v2_performed_at
    on operation_log_v2 (performed_at desc);
comment on index idx_operation_log_v2_performed_at is
    'Latest operations.';

-- Latest errors: where error_message is not null order by performed_at desc limit $1.
-- Partial: few operations fail.
create index if not exists idx_operation_log_v2_errors
    on operation_log_v2 (performed_at desc)
    where error_message is not null;
comment on index idx_operation_log_v2_errors is
    'Latest operations that failed.';


-- configurations ----------------------------------------------------------------------------

-- The active version of a configuration: where config_type = $1 and config_key = $2 and is_active.
-- Partial: the old versions are found through the unique constraint.
-- Left out: idx_configurations_active (config_type, config_key, is_active), because this index
-- and the unique constraint (config_type, config_key, version) serve all that it did.
create index if not exists idx_configurations_type_key
    on configurations (config_type, config_key)
    where is_active;
comment on index idx_configurations_type_key is
    'The active version of a configuration.';


-- configuration_history ---------------------------------------------------------------------

-- The change that made a version: where config_id = $1.
create index if not exists idx_configuration_history_config_id
    on configuration_history (config_id);
comment on index idx_configuration_history_config_id is
    'The change that made a version.';

-- History of a key: where config_type = $1 and config_key = $2 order by changed_at desc.
create index if not exists idx_configuration_history_type_key_changed_at
    on configuration_history (config_type, config_key, changed_at desc);
comment on index idx_configuration_history_type_key_changed_at is
    'History of a configuration, newest first.';

-- History of all configurations: order by changed_at desc limit $1.
create index if not exists idx_configuration_history_changed_at
    on configuration_history (changed_at desc);
comment on index idx_configuration_history_changed_at is
    'History of all configurations, newest first.';


-- configuration_backups ---------------------------------------------------------------------

-- Latest snapshots: order by created_at desc limit $1.
create index if not exists idx_configuration_backups_created_at
    on configuration_backups (created_at desc);
comment on index idx_configuration_backups_created_at is
    'Latest snapshots.';

-- A snapshot by its name, the latest of that name first: where backup_name = $1
-- order by created_at desc.
create index if not exists idx_configuration_backups_backup_name_created_at
    on configuration_backups (backup_name, created_at desc);
comment on index idx_configuration_backups_backup_name_created_at is
    'Snapshots of a name, newest first.';


-- jira_field_cache --------------------------------------------------------------------------

-- A field in every instance: where field_id = $1. The unique constraint has the instance first.
create index if not exists idx_jira_field_cache_field_id
    on jira_field_cache (field_id);
comment on index idx_jira_field_cache_field_id is
    'A field in every Jira instance.';


-- field_mappings ----------------------------------------------------------------------------

-- Mappings of an instance: where instance = $1. The unique constraint has the field first.
create index if not exists idx_field_mappings_instance
    on field_mappings (instance);
comment on index idx_field_mappings_instance is
    'Mappings of a Jira instance.';

-- Fields that a column receives: where db_column_name = $1.
create index if not exists idx_field_mappings_db_column_name
    on field_mappings (db_column_name);
comment on index idx_field_mappings_db_column_name is
    'Fields that a column receives.';


-- audit_log ---------------------------------------------------------------------------------

-- Latest actions: order by timestamp desc limit $1.
create index if not exists idx_audit_log_timestamp
    on audit_log (timestamp desc);
comment on index idx_audit_log_timestamp is
    'Latest actions.';

-- Actions of a user: where user_id = $1.
create index if not exists idx_audit_log_user_id
    on audit_log (user_id);
comment on index idx_audit_log_user_id is
    'Actions of a user.';

-- Actions of a kind: where action = $1.
create index if not exists idx_audit_log_action
    on audit_log (action);
comment on index idx_audit_log_action is
    'Actions of a kind.';

-- Actions on an object: where resource_type = $1 and resource_id = $2.
create index if not exists idx_audit_log_resource
    on audit_log (resource_type, resource_id);
comment on index idx_audit_log_resource is
    'Actions on an object.';


-- field_cache -------------------------------------------------------------------------------

-- Values that have expired: where expires_at < $1. A key is found through its unique constraint.
create index if not exists idx_field_cache_expires
    on field_cache (expires_at);
comment on index idx_field_cache_expires is
    'Values that have expired.';


-- sync_config -------------------------------------------------------------------------------
--
-- None: the service looks up a setting by its key, which is the unique constraint.
