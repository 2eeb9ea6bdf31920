-- Each configuration that the schema writes has exactly one active version.
--
-- Returns the configurations that have none, or more than one.

select
    expected.config_type,
    expected.config_key,
    'there should be exactly one active version' as problem,
    count(*) filter (where configurations.id is not null) as active_versions
from (
    values
    ('sync', 'performance'),
    ('sync', 'scheduler'),
    ('sync', 'settings'),
    ('jira', 'field_mappings')
) as expected (config_type, config_key)
left join configurations
    on
        expected.config_type = cast(configurations.config_type as text)
        and expected.config_key = cast(configurations.config_key as text)
        and configurations.is_active
group by expected.config_type, expected.config_key
having count(*) filter (where configurations.id is not null) <> 1
order by expected.config_type, expected.config_key;
