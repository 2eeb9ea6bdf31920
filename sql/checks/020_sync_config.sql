-- The eight settings of sync_config have their default values.
--
-- Returns the settings that are missing or have another value.

select
    expected.config_key,
    expected.config_value as expected,
    sync_config.config_value as found,
    case
        when sync_config.id is null then 'the setting is missing'
        else 'the setting has another value'
    end as problem
from (
    values
    ('sync_enabled', cast({{ sync_enabled }} as text)),
    ('sync_interval_minutes', cast({{ sync_interval_minutes }} as text)),
    ('batch_size', cast({{ batch_size }} as text)),
    ('max_workers', cast({{ max_workers }} as text)),
    ('rate_limit_pause', cast({{ rate_limit_pause }} as text)),
    ('lookback_days', cast({{ lookback_days }} as text)),
    ('max_retries', cast({{ max_retries }} as text)),
    ('timeout_seconds', cast({{ timeout_seconds }} as text))
) as expected (config_key, config_value)
left join sync_config on expected.config_key = cast(sync_config.config_key as text)
where expected.config_value is distinct from sync_config.config_value
order by expected.config_key;
