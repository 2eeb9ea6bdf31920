-- Made by an old container init script: four tables and many columns are missing, one type is narrower, one NOT NULL is
-- too many.
drop table configuration_backups, mapping_audit_log_v2, operation_log_v2, project_mappings_v2;
alter table sync_project_details
    drop column instance,
    drop column start_time,
    drop column end_time,
    drop column duration_seconds,
    drop column status,
    drop column issues_processed,
    drop column error_message,
    drop column retry_count;
alter table update_log_v2 drop column duration, drop column records_processed, drop column last_update_time;
alter table sync_history alter column duration_seconds type integer;
alter table configuration_history alter column config_id set not null;
