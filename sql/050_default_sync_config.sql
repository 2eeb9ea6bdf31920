-- The eight settings of sync_config, always brought to their defaults.
--
-- Value, type and description of these eight follow this file: a setting that was changed in the
-- database is changed back. A setting with any other key is left alone.
--
-- In the template, the list is the part to edit: the two statements after it are written out once
-- for each entry. The values are variables of manifest.toml, because the configurations of
-- 040_default_configurations.sql have the same ones.
--
-- Re-run: reads only; updated_at moves only when a setting changes, and no row lock, no
-- transaction id and no sequence value is taken otherwise. (insert ... on conflict do update
-- would take all three each time.) A setting that changes is returned with both values.
-- Locks: ROW EXCLUSIVE on sync_config.

{% set settings = [
    ("sync_enabled", sync_enabled, "boolean",
        "Enable/disable automatic synchronization"),
    ("sync_interval_minutes", sync_interval_minutes, "integer",
        "Interval between automatic syncs in minutes"),
    ("batch_size", batch_size, "integer",
        "Number of issues to process in each batch"),
    ("max_workers", max_workers, "integer",
        "Maximum number of parallel workers"),
    ("rate_limit_pause", rate_limit_pause, "float",
        "Pause between API requests in seconds"),
    ("lookback_days", lookback_days, "integer",
        "Number of days to look back for updates"),
    ("max_retries", max_retries, "integer",
        "Maximum number of retry attempts for failed operations"),
    ("timeout_seconds", timeout_seconds, "integer",
        "Request timeout in seconds"),
] %}
{% for key, value, type, description in settings %}

update sync_config as changed
set
    config_value = cast({{ value }} as text),
    config_type = {{ type }},
    description = {{ description }},
    updated_at = current_timestamp
from sync_config as previous
where
    changed.id = previous.id
    and cast(changed.config_key as text) = {{ key }}
    and (
        changed.config_value, cast(changed.config_type as text), changed.description
    ) is distinct from (
        cast({{ value }} as text),
        {{ type }},
        {{ description }}
    )
returning
    changed.config_key,
    previous.config_value as old_value,
    changed.config_value as new_value;

insert into sync_config (config_key, config_value, config_type, description)
select
    {{ key }},
    cast({{ value }} as text),
    {{ type }},
    {{ description }}
where not exists (
    select 1
    from sync_config
    where cast(config_key as text) = {{ key }}
);
{% endfor %}
