-- The 16 tables of the Jira sync service.
--
-- The service reads and writes these tables by name, so names, types, defaults and the order of
-- the columns are an interface: an improvement here (identity columns, timestamps with a time
-- zone, more NOT NULL) would be a change of the service first. In particular
--
--   serial     is an integer with a sequence of its own; the service's databases were made so.
--   timestamp  is without time zone. The defaults store the clock as the time zone of the
--              session shows it, so every session that writes should use the same TimeZone.
--
-- Names have no schema: the runner sets search_path to the target schema.
-- Order: a table stands after the tables that it refers to. Only the two tables with details of
-- a sync refer to another, sync_history, and their rows are deleted with the sync.
-- Constraints have the names that PostgreSQL itself would give them, so that databases made by
-- the service are recognised. Indexes are in 030_indexes.sql.
--
-- Re-run: of a table that exists, columns and constraints that are missing or of another
-- definition are mended by the runner, where that is safe and loses no row.
-- Locks: none on a table that is as declared; a repair takes ACCESS EXCLUSIVE for a moment. COMMENT
-- takes SHARE UPDATE EXCLUSIVE, which lets reads and writes go on.


-- 1. jira_issues_v2 -------------------------------------------------------------------------
--
-- Ten of these columns are also named by field_mappings.json: they are marked "mapped" below
-- and described in the table body. Their COMMENT comes from that file, through
-- 060_field_mapping_columns.sql, which also adds the columns that are not listed here. A
-- second COMMENT in this file would only fight with it.

create table if not exists jira_issues_v2 (
    issue_key varchar(255) not null,
    summary text,
    status varchar(255),

    -- The order and its media.
    ndpu_order_number varchar(255),     -- mapped: number of the order that the issue handles
    ndpu_raw_photos integer,            -- mapped: count of raw photos that were delivered
    dropbox_raw_link text,
    dropbox_edited_link text,

    -- Delivery and editing.
    same_day_delivery boolean,
    escalated_editing boolean,
    edited_media_revision_notes text,
    ndpu_editing_team varchar(255),     -- mapped: team that edits the media

    -- Steps of the workflow, in their usual order; null until the step is reached.
    scheduled timestamp,
    acknowledged timestamp,
    at_listing timestamp,
    shoot_complete timestamp,
    uploaded timestamp,
    edit_start timestamp,
    final_review timestamp,
    closed timestamp,

    -- What was ordered, for whom and where.
    ndpu_service varchar(255),
    project_name text,
    location_name text,                 -- mapped: location that the project stands for
    ndpu_client_name text,              -- mapped: name of the client who ordered
    ndpu_client_email text,             -- mapped: e-mail address of that client
    ndpu_listing_address text,          -- mapped: postal address of the property

    -- Free text; may be long.
    ndpu_comments text,
    ndpu_editor_notes text,             -- mapped: notes for the editor
    ndpu_access_instructions text,      -- mapped: how to get into the property
    ndpu_special_instructions text,     -- mapped: further wishes of the client

    last_updated timestamp default now(),

    constraint jira_issues_v2_pkey primary key (issue_key)
);

comment on table jira_issues_v2 is
    'One row for each Jira issue: its state when the sync service last read it from Jira.';
comment on column jira_issues_v2.issue_key is
    'Key of the issue in Jira, such as ABC-123.';
comment on column jira_issues_v2.summary is
    'Title of the issue in Jira. May be longer than a btree index entry can be.';
comment on column jira_issues_v2.status is
    'Name of the workflow status that the issue has in Jira.';
comment on column jira_issues_v2.dropbox_raw_link is
    'Link to the raw media in Dropbox.';
comment on column jira_issues_v2.dropbox_edited_link is
    'Link to the edited media in Dropbox.';
comment on column jira_issues_v2.same_day_delivery is
    'True when the client ordered delivery on the day of the shoot.';
comment on column jira_issues_v2.escalated_editing is
    'True when the editing was escalated.';
comment on column jira_issues_v2.edited_media_revision_notes is
    'What the client wants to have changed in the edited media.';
comment on column jira_issues_v2.scheduled is
    'Time at which the shoot was scheduled.';
comment on column jira_issues_v2.acknowledged is
    'Time at which the order was acknowledged.';
comment on column jira_issues_v2.at_listing is
    'Time at which the photographer arrived at the listing.';
comment on column jira_issues_v2.shoot_complete is
    'Time at which the shoot was complete.';
comment on column jira_issues_v2.uploaded is
    'Time at which the raw media were uploaded.';
comment on column jira_issues_v2.edit_start is
    'Time at which editing started.';
comment on column jira_issues_v2.final_review is
    'Time at which the final review started.';
comment on column jira_issues_v2.closed is
    'Time at which the issue was closed.';
comment on column jira_issues_v2.ndpu_service is
    'Name of the service that was ordered.';
comment on column jira_issues_v2.project_name is
    'Name of the Jira project that the issue belongs to.';
comment on column jira_issues_v2.ndpu_comments is
    'Comments on the issue, as one text.';
comment on column jira_issues_v2.last_updated is
    'Time at which the sync service last wrote this row.';


-- 2. project_mappings_v2 --------------------------------------------------------------------

create table if not exists project_mappings_v2 (
    id serial not null,
    project_key varchar(255) not null,
    location_name text not null,

    -- State of the mapping.
    is_active boolean default true,
    auto_discovered boolean default false,
    approved boolean default false,

    -- Who and when.
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp,
    created_by varchar(255),
    approved_by varchar(255),

    metadata jsonb,

    constraint project_mappings_v2_pkey primary key (id),
    constraint project_mappings_v2_project_key_key unique (project_key)
);

comment on table project_mappings_v2 is
    'One row for each Jira project: the location that it stands for. Written by the sync'
    ' service, which discovers projects, and by the people who approve them.';
comment on column project_mappings_v2.id is
    'Surrogate key.';
comment on column project_mappings_v2.project_key is
    'Key of the project in Jira, such as ABC.';
comment on column project_mappings_v2.location_name is
    'Name of the location that the project stands for.';
comment on column project_mappings_v2.is_active is
    'True while the mapping is in use.';
comment on column project_mappings_v2.auto_discovered is
    'True when the sync service found the project itself, false when a person entered it.';
comment on column project_mappings_v2.approved is
    'True once a person has approved the mapping.';
comment on column project_mappings_v2.created_at is
    'Time at which the mapping was entered.';
comment on column project_mappings_v2.updated_at is
    'Time of the last change to the mapping.';
comment on column project_mappings_v2.created_by is
    'User or process that entered the mapping.';
comment on column project_mappings_v2.approved_by is
    'User who approved the mapping; null until then.';
comment on column project_mappings_v2.metadata is
    'Further facts about the project, as the service found them.';


-- 3. mapping_audit_log_v2 -------------------------------------------------------------------
--
-- Refers to a mapping by its project key, without a foreign key: the log outlives the mapping.

create table if not exists mapping_audit_log_v2 (
    id serial not null,
    project_key varchar(255) not null,
    action varchar(50) not null,
    old_value jsonb,
    new_value jsonb,
    performed_by varchar(255),
    performed_at timestamp default current_timestamp,

    constraint mapping_audit_log_v2_pkey primary key (id)
);

comment on table mapping_audit_log_v2 is
    'One row for each change to a project mapping. Written by the service; rows are only added.';
comment on column mapping_audit_log_v2.id is
    'Surrogate key.';
comment on column mapping_audit_log_v2.project_key is
    'Key of the project whose mapping changed.';
comment on column mapping_audit_log_v2.action is
    'Kind of change, such as create, update, approve or delete.';
comment on column mapping_audit_log_v2.old_value is
    'The mapping before the change; null when it was new.';
comment on column mapping_audit_log_v2.new_value is
    'The mapping after the change; null when it was deleted.';
comment on column mapping_audit_log_v2.performed_by is
    'User or process that made the change.';
comment on column mapping_audit_log_v2.performed_at is
    'Time of the change.';


-- 4. sync_history ---------------------------------------------------------------------------
--
-- duration_seconds is double precision on purpose: the service writes fractions of a second.
-- Older databases have it as integer, which rounds them away.

create table if not exists sync_history (
    id serial not null,
    sync_id varchar(255) not null,

    -- Course of the sync.
    start_time timestamp not null,
    end_time timestamp,
    status varchar(50) not null,

    -- Counts of issues.
    total_issues integer default 0,
    issues_created integer default 0,
    issues_updated integer default 0,
    issues_failed integer default 0,

    error_message text,

    -- Who asked for it, and how long it took.
    sync_type varchar(50) default 'manual',
    triggered_by varchar(100),
    duration_seconds double precision,
    created_at timestamp default current_timestamp,

    constraint sync_history_pkey primary key (id),
    constraint sync_history_sync_id_key unique (sync_id)
);

comment on table sync_history is
    'One row for each run of the sync. Written by the service when the run starts, and again'
    ' when it ends. Deleting a row deletes the details of the run as well.';
comment on column sync_history.id is
    'Surrogate key.';
comment on column sync_history.sync_id is
    'Identifier that the service gives to the run; the detail tables refer to it.';
comment on column sync_history.start_time is
    'Time at which the run started.';
comment on column sync_history.end_time is
    'Time at which the run ended; null while it is under way.';
comment on column sync_history.status is
    'State of the run, such as running, completed or failed.';
comment on column sync_history.total_issues is
    'Number of issues that the run looked at.';
comment on column sync_history.issues_created is
    'Number of issues that the run added.';
comment on column sync_history.issues_updated is
    'Number of issues that the run changed.';
comment on column sync_history.issues_failed is
    'Number of issues that the run could not store.';
comment on column sync_history.error_message is
    'Why the run failed; null when it did not.';
comment on column sync_history.sync_type is
    'What kind of run it was, such as manual or scheduled.';
comment on column sync_history.triggered_by is
    'User or process that started the run.';
comment on column sync_history.duration_seconds is
    'Length of the run in seconds, with fractions.';
comment on column sync_history.created_at is
    'Time at which the row was inserted.';


-- 5. sync_project_details -------------------------------------------------------------------

create table if not exists sync_project_details (
    id serial not null,
    sync_id varchar(255) not null,
    project_key varchar(255) not null,
    project_name varchar(255),

    -- Counts of issues.
    issues_synced integer default 0,
    issues_created integer default 0,
    issues_updated integer default 0,
    issues_failed integer default 0,

    -- Course of the project's part of the sync. duration_seconds: see sync_history.
    sync_time timestamp default current_timestamp,
    instance varchar(50),
    start_time timestamp,
    end_time timestamp,
    duration_seconds double precision,
    status varchar(50) default 'pending',
    issues_processed integer default 0,
    error_message text,
    retry_count integer default 0,

    constraint sync_project_details_pkey primary key (id),
    constraint sync_project_details_sync_id_fkey foreign key (sync_id)
        references sync_history (sync_id) on delete cascade
);

comment on table sync_project_details is
    'One row for each project in each run of the sync. Written by the service; deleted with'
    ' the run.';
comment on column sync_project_details.id is
    'Surrogate key.';
comment on column sync_project_details.sync_id is
    'The run that the row belongs to.';
comment on column sync_project_details.project_key is
    'Key of the project in Jira.';
comment on column sync_project_details.project_name is
    'Name of the project in Jira.';
comment on column sync_project_details.issues_synced is
    'Number of issues of the project that were stored.';
comment on column sync_project_details.issues_created is
    'Number of issues of the project that were added.';
comment on column sync_project_details.issues_updated is
    'Number of issues of the project that were changed.';
comment on column sync_project_details.issues_failed is
    'Number of issues of the project that could not be stored.';
comment on column sync_project_details.sync_time is
    'Time at which the row was inserted.';
comment on column sync_project_details.instance is
    'Jira instance that the project was read from, such as instance_1.';
comment on column sync_project_details.start_time is
    'Time at which the service began with the project.';
comment on column sync_project_details.end_time is
    'Time at which the service was done with the project; null while it is under way.';
comment on column sync_project_details.duration_seconds is
    'Length of the work on the project in seconds, with fractions.';
comment on column sync_project_details.status is
    'State of the project in this run, such as pending, completed or failed.';
comment on column sync_project_details.issues_processed is
    'Number of issues of the project that were looked at so far.';
comment on column sync_project_details.error_message is
    'Why the project failed; null when it did not.';
comment on column sync_project_details.retry_count is
    'How many times the service tried the project again after an error.';


-- 6. update_log_v2 --------------------------------------------------------------------------

create table if not exists update_log_v2 (
    id serial not null,
    project_name varchar(255) not null,
    status varchar(50) not null,
    issues_count integer default 0,
    error_message text,
    timestamp timestamp default current_timestamp,
    duration numeric,
    records_processed integer,
    last_update_time timestamp,

    constraint update_log_v2_pkey primary key (id)
);

comment on table update_log_v2 is
    'One row for each update of a project''s issues. Written by the service; rows are only added.';
comment on column update_log_v2.id is
    'Surrogate key.';
comment on column update_log_v2.project_name is
    'Name of the project that was updated.';
comment on column update_log_v2.status is
    'Outcome of the update, such as success or error.';
comment on column update_log_v2.issues_count is
    'Number of issues that the update found.';
comment on column update_log_v2.error_message is
    'Why the update failed; null when it did not.';
comment on column update_log_v2.timestamp is
    'Time at which the row was inserted.';
comment on column update_log_v2.duration is
    'Length of the update in seconds.';
comment on column update_log_v2.records_processed is
    'Number of records that the update wrote.';
comment on column update_log_v2.last_update_time is
    'Time up to which the project is up to date; the update history is sorted by it.';


-- 7. operation_log_v2 -----------------------------------------------------------------------

create table if not exists operation_log_v2 (
    id serial not null,

    -- What was done to what.
    operation_type varchar(50) not null,
    entity_type varchar(50) not null,
    entity_id varchar(255) not null,

    -- Who and when.
    performed_by varchar(255),
    performed_at timestamp default current_timestamp,

    -- How it went.
    details jsonb,
    status varchar(50),
    duration numeric,
    error_message text,

    constraint operation_log_v2_pkey primary key (id)
);

comment on table operation_log_v2 is
    'One row for each operation of the service or its users on any kind of object. Written by'
    ' the service; rows are only added.';
comment on column operation_log_v2.id is
    'Surrogate key.';
comment on column operation_log_v2.operation_type is
    'Kind of operation, such as create, update or delete.';
comment on column operation_log_v2.entity_type is
    'Kind of object that the operation was on.';
comment on column operation_log_v2.entity_id is
    'Identifier of the object, unique within its kind.';
comment on column operation_log_v2.performed_by is
    'User or process that performed the operation.';
comment on column operation_log_v2.performed_at is
    'Time of the operation.';
comment on column operation_log_v2.details is
    'Further facts about the operation; their shape depends on its kind.';
comment on column operation_log_v2.status is
    'Outcome of the operation, such as success or error.';
comment on column operation_log_v2.duration is
    'Length of the operation in seconds.';
comment on column operation_log_v2.error_message is
    'Why the operation failed; null when it did not.';


-- 8. configurations -------------------------------------------------------------------------
--
-- A configuration is named by its type and key, written type.key, such as sync.performance.
-- A change adds a row with the next version and makes the row before inactive, so that any
-- older version can be made active again. One version of each configuration is active; no
-- constraint says so, because the service's databases have none that does.
-- checks/010_default_configurations.sql tests it for the configurations that are written here.

create table if not exists configurations (
    id serial not null,
    config_type varchar(50) not null,
    config_key varchar(100) not null,
    config_value jsonb not null,
    version integer default 1,
    is_active boolean default true,

    -- Who, why and when.
    user_updated varchar(255),
    reason text,
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp,

    constraint configurations_pkey primary key (id),
    constraint configurations_config_type_config_key_version_key
        unique (config_type, config_key, version)
);

comment on table configurations is
    'One row for each version of each configuration of the service. Written by the service when'
    ' a user changes a configuration; the defaults and the field mappings are written when the'
    ' schema is applied.';
comment on column configurations.id is
    'Surrogate key.';
comment on column configurations.config_type is
    'Part of the service that the configuration is for, such as sync or jira.';
comment on column configurations.config_key is
    'Name of the configuration within its type.';
comment on column configurations.config_value is
    'The configuration itself, a JSON object.';
comment on column configurations.version is
    'Number of this version; 1 is the first of its type and key.';
comment on column configurations.is_active is
    'True for the version that the service uses.';
comment on column configurations.user_updated is
    'User who saved this version; system when it came from the files of the schema.';
comment on column configurations.reason is
    'Why this version was saved.';
comment on column configurations.created_at is
    'Time at which this version was saved.';
comment on column configurations.updated_at is
    'Time at which this version was last activated or retired.';


-- 9. configuration_history ------------------------------------------------------------------
--
-- config_id has no foreign key and may be null: the history outlives the configuration.

create table if not exists configuration_history (
    id serial not null,
    config_id integer,
    config_type varchar(50) not null,
    config_key varchar(100) not null,
    old_value jsonb,
    new_value jsonb,
    changed_by varchar(255),
    change_reason text,
    changed_at timestamp default current_timestamp,

    constraint configuration_history_pkey primary key (id)
);

comment on table configuration_history is
    'One row for each change to a configuration. Written together with the new version in'
    ' configurations; rows are only added.';
comment on column configuration_history.id is
    'Surrogate key.';
comment on column configuration_history.config_id is
    'Id of the version in configurations that the change made; that row may be gone by now.';
comment on column configuration_history.config_type is
    'Type of the configuration.';
comment on column configuration_history.config_key is
    'Name of the configuration within its type.';
comment on column configuration_history.old_value is
    'The configuration before the change; null when it was new.';
comment on column configuration_history.new_value is
    'The configuration after the change; null when it was removed.';
comment on column configuration_history.changed_by is
    'User who made the change; system when it came from the files of the schema.';
comment on column configuration_history.change_reason is
    'Why the change was made.';
comment on column configuration_history.changed_at is
    'Time of the change.';


-- 10. configuration_backups -----------------------------------------------------------------

create table if not exists configuration_backups (
    id serial not null,
    backup_name varchar(255) not null,
    backup_type varchar(50) not null,
    backup_data jsonb not null,
    created_at timestamp default current_timestamp,
    created_by varchar(255),
    description text,

    constraint configuration_backups_pkey primary key (id)
);

comment on table configuration_backups is
    'One row for each snapshot of the configurations, to which a user can return. Written by'
    ' the service.';
comment on column configuration_backups.id is
    'Surrogate key.';
comment on column configuration_backups.backup_name is
    'Name that the user gave to the snapshot; need not be unique.';
comment on column configuration_backups.backup_type is
    'Kind of snapshot, such as manual or automatic.';
comment on column configuration_backups.backup_data is
    'All configurations at that time, as one JSON document.';
comment on column configuration_backups.created_at is
    'Time at which the snapshot was taken.';
comment on column configuration_backups.created_by is
    'User or process that took the snapshot.';
comment on column configuration_backups.description is
    'What the snapshot was taken for.';


-- 11. jira_field_cache ----------------------------------------------------------------------

create table if not exists jira_field_cache (
    id serial not null,
    instance_type varchar(50) not null,
    field_id varchar(100) not null,
    field_name varchar(255),

    -- What Jira says about the field.
    field_type varchar(50),
    schema_type varchar(100),
    custom boolean default false,
    navigable boolean default true,
    searchable boolean default true,
    clausenames text,
    auto_complete_url text,

    last_updated timestamp default current_timestamp,

    constraint jira_field_cache_pkey primary key (id),
    constraint jira_field_cache_instance_type_field_id_key unique (instance_type, field_id)
);

comment on table jira_field_cache is
    'One row for each field of each Jira instance: its definition, as Jira gave it. A cache:'
    ' the service fills it again from Jira.';
comment on column jira_field_cache.id is
    'Surrogate key.';
comment on column jira_field_cache.instance_type is
    'Jira instance that has the field, such as instance_1.';
comment on column jira_field_cache.field_id is
    'Identifier of the field in that instance, such as customfield_10501.';
comment on column jira_field_cache.field_name is
    'Name of the field that Jira shows.';
comment on column jira_field_cache.field_type is
    'Type of the field''s values.';
comment on column jira_field_cache.schema_type is
    'Type in the field''s schema, as Jira calls it.';
comment on column jira_field_cache.custom is
    'True for a custom field, false for a field that every Jira has.';
comment on column jira_field_cache.navigable is
    'True when Jira can show the field as a column of a list of issues.';
comment on column jira_field_cache.searchable is
    'True when Jira can search by the field.';
comment on column jira_field_cache.clausenames is
    'Names by which Jira''s query language knows the field.';
comment on column jira_field_cache.auto_complete_url is
    'Address at which Jira suggests values for the field; null when it does not.';
comment on column jira_field_cache.last_updated is
    'Time at which the definition was last read from Jira.';


-- 12. field_mappings ------------------------------------------------------------------------

create table if not exists field_mappings (
    id serial not null,
    jira_field_id varchar(255) not null,
    jira_field_name varchar(255) not null,
    db_column_name varchar(255) not null,
    field_type varchar(50) not null,
    is_custom boolean default false,
    is_active boolean default true,
    instance varchar(50) default 'instance_1',
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp,

    constraint field_mappings_pkey primary key (id),
    constraint field_mappings_jira_field_id_instance_key unique (jira_field_id, instance)
);

comment on table field_mappings is
    'One row for each field of each Jira instance that is stored: the column of jira_issues_v2'
    ' that receives it. Written from field_mappings.json when the schema is applied; users may'
    ' add rows of their own.';
comment on column field_mappings.id is
    'Surrogate key.';
comment on column field_mappings.jira_field_id is
    'Identifier of the field in its Jira instance, such as customfield_10501.';
comment on column field_mappings.jira_field_name is
    'Name of the field that Jira shows.';
comment on column field_mappings.db_column_name is
    'Column of jira_issues_v2 that receives the field.';
comment on column field_mappings.field_type is
    'Type of the field in the words of field_mappings.json, such as string or datetime.';
comment on column field_mappings.is_custom is
    'True for a custom field of Jira.';
comment on column field_mappings.is_active is
    'True while the field is stored; false once its mapping was removed or switched off.';
comment on column field_mappings.instance is
    'Jira instance that has the field, a key of instances in field_mappings.json.';
comment on column field_mappings.created_at is
    'Time at which the mapping was entered.';
comment on column field_mappings.updated_at is
    'Time of the last change to the mapping.';


-- 13. sync_config ---------------------------------------------------------------------------
--
-- The older of two places for these settings, kept for the parts of the service that still read
-- them here. The others read sync.settings and sync.performance in configurations.

create table if not exists sync_config (
    id serial not null,
    config_key varchar(255) not null,
    config_value text,
    config_type varchar(50) default 'string',
    description text,
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp,

    constraint sync_config_pkey primary key (id),
    constraint sync_config_config_key_key unique (config_key)
);

comment on table sync_config is
    'One row for each setting of the sync. The eight settings of 050_default_sync_config.sql'
    ' are brought to their defaults whenever the schema is applied; other rows are left alone.';
comment on column sync_config.id is
    'Surrogate key.';
comment on column sync_config.config_key is
    'Name of the setting.';
comment on column sync_config.config_value is
    'Value of the setting, as text; config_type says how to read it.';
comment on column sync_config.config_type is
    'Type of the value: string, integer, float or boolean.';
comment on column sync_config.description is
    'What the setting does, for the people who change it.';
comment on column sync_config.created_at is
    'Time at which the setting was entered.';
comment on column sync_config.updated_at is
    'Time of the last change to the setting.';


-- 14. audit_log -----------------------------------------------------------------------------

create table if not exists audit_log (
    id serial not null,
    timestamp timestamp default current_timestamp,

    -- Who did what to what.
    user_id varchar(255),
    action varchar(255) not null,
    resource_type varchar(100),
    resource_id varchar(255),
    details jsonb,

    -- From where. 45 characters hold any IPv6 address, one with an embedded IPv4 included.
    ip_address varchar(45),
    user_agent text,

    constraint audit_log_pkey primary key (id)
);

comment on table audit_log is
    'One row for each action of a user. Written by the service; rows are only added.';
comment on column audit_log.id is
    'Surrogate key.';
comment on column audit_log.timestamp is
    'Time of the action.';
comment on column audit_log.user_id is
    'User who acted; null when nobody was logged in.';
comment on column audit_log.action is
    'What the user did.';
comment on column audit_log.resource_type is
    'Kind of object that the action was on.';
comment on column audit_log.resource_id is
    'Identifier of the object, unique within its kind.';
comment on column audit_log.details is
    'Further facts about the action; their shape depends on the action.';
comment on column audit_log.ip_address is
    'Address that the request came from, IPv4 or IPv6, as text.';
comment on column audit_log.user_agent is
    'The User-Agent header of the request.';


-- 15. field_cache ---------------------------------------------------------------------------

create table if not exists field_cache (
    id serial not null,
    cache_key varchar(255) not null,
    cache_value jsonb,
    expires_at timestamp,
    created_at timestamp default current_timestamp,
    updated_at timestamp default current_timestamp,

    constraint field_cache_pkey primary key (id),
    constraint field_cache_cache_key_key unique (cache_key)
);

comment on table field_cache is
    'One row for each value that the service keeps for a while instead of asking Jira again.'
    ' A cache: a row that was deleted is filled in again.';
comment on column field_cache.id is
    'Surrogate key.';
comment on column field_cache.cache_key is
    'Name of the cached value.';
comment on column field_cache.cache_value is
    'The cached value.';
comment on column field_cache.expires_at is
    'Time from which the value is stale; null when it never is.';
comment on column field_cache.created_at is
    'Time at which the value was first cached.';
comment on column field_cache.updated_at is
    'Time at which the value was last cached.';


-- 16. sync_history_details ------------------------------------------------------------------
--
-- issue_key has no foreign key: an issue that failed may never have reached jira_issues_v2.

create table if not exists sync_history_details (
    id serial not null,
    sync_id varchar(255) not null,
    issue_key varchar(255) not null,
    action varchar(50) not null,
    status varchar(50) not null,
    error_message text,
    timestamp timestamp default current_timestamp,

    constraint sync_history_details_pkey primary key (id),
    constraint sync_history_details_sync_id_fkey foreign key (sync_id)
        references sync_history (sync_id) on delete cascade
);

comment on table sync_history_details is
    'One row for each issue that a run of the sync worked on. Written by the service; deleted'
    ' with the run.';
comment on column sync_history_details.id is
    'Surrogate key.';
comment on column sync_history_details.sync_id is
    'The run that the row belongs to.';
comment on column sync_history_details.issue_key is
    'Key of the issue in Jira.';
comment on column sync_history_details.action is
    'What the run did with the issue, such as create or update.';
comment on column sync_history_details.status is
    'Outcome for the issue, such as success or error.';
comment on column sync_history_details.error_message is
    'Why the issue could not be stored; null when it was.';
comment on column sync_history_details.timestamp is
    'Time at which the row was inserted.';
