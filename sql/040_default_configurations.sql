-- The three default configurations of the sync, for a database that lacks them.
--
-- A configuration that has an active version is kept as it is, whoever wrote it. Otherwise a new
-- version becomes active, and configuration_history says so. Each statement returns one row:
-- the configuration, and whether it was created or found.
--
-- In the template, the list is the part to edit: the statement after it is written out once for
-- each entry. The numbers are variables of manifest.toml, because sync_config has the same ones.
--
-- Re-run: reads only; takes no row lock, no transaction id and no sequence value.
-- Locks: ROW EXCLUSIVE on configurations and configuration_history.

{% set configurations = {
    "performance": {
        "max_workers": max_workers,
        "project_timeout": project_timeout,
        "batch_size": batch_size,
        "lookback_days": lookback_days,
        "max_retries": max_retries,
        "backoff_factor": backoff_factor,
        "rate_limit_pause": rate_limit_pause,
        "connection_pool_size": connection_pool_size,
        "connection_pool_block": connection_pool_block,
    },
    "scheduler": {
        "enabled": sync_enabled,
        "interval_minutes": sync_interval_minutes,
    },
    "settings": {
        "enabled": sync_enabled,
        "lookback_days": lookback_days,
        "batch_size": batch_size,
        "max_workers": max_workers,
        "rate_limit_pause": rate_limit_pause,
        "sync_interval_minutes": sync_interval_minutes,
    },
} %}
{% for key, value in configurations.items() %}

with created as (
    insert into configurations (
        config_type, config_key, config_value, version, is_active, user_updated, reason
    )
    select
        'sync',
        {{ key }},
        {{ value }}, -- noqa: LT05
        -- Retired versions keep their numbers.
        (
            select coalesce(max(version), 0) + 1
            from configurations
            where config_type::text = 'sync' and config_key::text = {{ key }}
        ),
        true,
        'system',
        'Default configuration'
    where not exists (
        select 1
        from configurations
        where config_type::text = 'sync' and config_key::text = {{ key }} and is_active
    )
    returning id, config_type, config_key, config_value, user_updated, reason
),

recorded as (
    insert into configuration_history (
        config_id, config_type, config_key, old_value, new_value, changed_by, change_reason
    )
    select
        id,
        config_type,
        config_key,
        null,
        config_value,
        user_updated,
        reason
    from created
    returning config_id
)

select
    {{ "sync." ~ key }} as configuration,
    case when exists (select 1 from recorded) then 'created' else 'found' end as result;
{% endfor %}
