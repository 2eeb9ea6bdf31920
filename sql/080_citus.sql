-- Citus: the issues over the workers, the configuration on each node. Only of the profile citus.
--
-- jira_issues_v2 is distributed by its key: the one table that grows with the work of the service.
-- The five tables of configuration are reference tables, with a copy on each node, so that a query
-- on the issues can be joined with them where the issues are. All other tables stay on the
-- coordinator: logs that each sync writes, of which one copy is enough. Both foreign keys are
-- between such tables, and stay as they are.
--
-- The extension and the workers are an administrator's work, before the first run: docs/scale.md.
--
-- Each statement returns one row, the table and what became of it, in the run that did it, and none
-- afterwards. A table is made by a script before this one.
--
-- Arguments are cast to the types that Citus and PostgreSQL have functions and operators for: one
-- for another type that somebody made in a schema on the search path would be preferred.
--
-- Re-run: reads pg_dist_partition only. A table that is in there, in whatever way, is left alone.
-- Locks: EXCLUSIVE on each table in the run that distributes it, while its rows are copied: reads
-- go on, writes wait. The rows that it had stay in the coordinator's file, out of sight, until an
-- administrator truncates that.

-- One connection to each node for all of it: a second one would not see what this transaction has
-- made, which with --single-transaction is also the extension of the text indexes.

select 1
where pg_catalog.set_config('citus.multi_shard_modify_mode', 'sequential', true) is null;


-- The configuration: a copy on each node.

select
    'configurations' as table_name,
    pg_catalog.concat(
        'on each node', create_reference_table(cast('configurations' as regclass))
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('configurations' as regclass) as oid)
);

select
    'field_mappings' as table_name,
    pg_catalog.concat(
        'on each node', create_reference_table(cast('field_mappings' as regclass))
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('field_mappings' as regclass) as oid)
);

select
    'jira_field_cache' as table_name,
    pg_catalog.concat(
        'on each node', create_reference_table(cast('jira_field_cache' as regclass))
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('jira_field_cache' as regclass) as oid)
);

select
    'project_mappings_v2' as table_name,
    pg_catalog.concat(
        'on each node', create_reference_table(cast('project_mappings_v2' as regclass))
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('project_mappings_v2' as regclass) as oid)
);

select
    'sync_config' as table_name,
    pg_catalog.concat(
        'on each node', create_reference_table(cast('sync_config' as regclass))
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('sync_config' as regclass) as oid)
);


-- The issues: by their key.

select
    'jira_issues_v2' as table_name,
    pg_catalog.concat(
        'distributed by issue_key',
        create_distributed_table(
            cast('jira_issues_v2' as regclass), cast('issue_key' as text)
        )
    ) as result
where not exists (
    select 1
    from pg_dist_partition
    where cast(logicalrelid as oid) = cast(cast('jira_issues_v2' as regclass) as oid)
);
