-- field_mappings.json in the database: the document in configurations, where the service reads
-- it, and one row in field_mappings for each Jira field of each instance.
--
-- The four steps are one transaction. Steps 3 and 4 only do something in the transaction in
-- which step 1 saved the file anew; they know it by the version's created_at, which is then the
-- start of their own transaction. So the file speaks when it changes, and a later change by a
-- user stays until the file changes again:
--
--   in the file                          configurations          field_mappings
--   ------------------------------------------------------------------------------------------
--   unchanged                            a user's version stays  missing rows are added again
--   changed: field has a new name, type  new active version      row follows the file
--   changed: field is new                new active version      row is added
--   changed: field is gone               new active version      row becomes inactive
--   changed: field is back               new active version      row becomes active again
--
-- Never changed: a row that the file never named, and is_active of a row that the file named
-- before and still names (a user may have switched it off).
--
-- current_timestamp::timestamp is the clock in the type of the columns, without a time zone:
-- comparing it with created_at involves none, so a change of the clocks does no harm.
--
-- Two forms are avoided for Citus. It sends localtimestamp as a word, and each copy of a reference
-- table would get the time of its own node. And of "case x when 'a'" the 'a' does not arrive, so
-- that a "case" here has a condition after "when".
--
-- Where a varchar is compared, or a number joined to a text, it is cast to text: PostgreSQL's own
-- operators are for text, and one for varchar that somebody made in a schema on the search path
-- would be preferred.
--
-- Re-run: reads only; takes no row lock, no transaction id and no sequence value.
-- Locks: ROW EXCLUSIVE on configurations, configuration_history and field_mappings.
--
-- A version that was saved from the file is told by its user, system, and its reason, Loaded from
-- field_mappings.json. checks/030_field_mappings.sql tells it in the same way.

{% set reason = "Loaded from field_mappings.json" %}
-- 1. Save the document as a new active version, when it is not what was last saved from the file.
--    Returns one row: saved as version N, or unchanged.

with file as (
    select {{ field_mappings.document }} as config_value -- noqa: LT05
),

last_saved as (
    select config_value
    from configurations
    where
        config_type::text = 'jira'
        and config_key::text = 'field_mappings'
        and user_updated::text = 'system'
        and reason = {{ reason }}
    order by version desc nulls last
    limit 1
),

changed as (
    select file.config_value
    from file
    where not exists (
        select 1
        from last_saved
        where last_saved.config_value = file.config_value
    )
),

retired as (
    update configurations
    set
        is_active = false,
        updated_at = current_timestamp::timestamp
    from changed
    where
        config_type::text = 'jira'
        and config_key::text = 'field_mappings'
        and is_active
    returning configurations.version, configurations.config_value
),

saved as (
    insert into configurations (
        config_type, config_key, config_value, version, is_active, user_updated, reason,
        created_at, updated_at
    )
    select
        'jira',
        'field_mappings',
        changed.config_value,
        (
            select coalesce(max(configurations.version), 0) + 1
            from configurations
            where
                configurations.config_type::text = 'jira'
                and configurations.config_key::text = 'field_mappings'
        ),
        true,
        'system',
        {{ reason }},
        current_timestamp::timestamp,
        current_timestamp::timestamp
    from changed
    returning id, config_type, config_key, config_value, version, user_updated, reason
),

recorded as (
    insert into configuration_history (
        config_id, config_type, config_key, old_value, new_value, changed_by, change_reason
    )
    select
        saved.id,
        saved.config_type,
        saved.config_key,
        -- One row at most is active; should there be more, the newest is taken.
        (
            select retired.config_value
            from retired
            order by retired.version desc nulls last
            limit 1
        ),
        saved.config_value,
        saved.user_updated,
        saved.reason
    from saved
    returning config_id
)

select
    'jira.field_mappings' as configuration,
    coalesce(
        (
            select 'saved as version ' || saved.version::text
            from saved
            inner join recorded on saved.id = recorded.config_id
        ),
        'unchanged'
    ) as result;


-- 2. Add the rows of field_mappings that are missing. One statement for each: Citus refuses a
--    "not exists" that looks at a list of values.
{% for row in field_mappings.rows %}

insert into field_mappings (
    jira_field_id, jira_field_name, db_column_name, field_type, is_custom, instance
)
select
    {{ row.jira_field_id }},
    {{ row.jira_field_name }},
    {{ row.db_column_name }},
    {{ row.field_type }},
    {{ row.is_custom }},
    {{ row.instance }}
where not exists (
    select 1
    from field_mappings
    where jira_field_id::text = {{ row.jira_field_id }} and instance::text = {{ row.instance }}
);
{% endfor %}
{% if field_mappings.rows %}


-- 3. In the transaction that saved the file anew: let the rows that it names follow it.

update field_mappings
set
    jira_field_name = declared.jira_field_name,
    db_column_name = declared.db_column_name,
    field_type = declared.field_type,
    is_custom = declared.is_custom,
    updated_at = current_timestamp::timestamp
from (
    values
    {% for row in field_mappings.rows %}
    (
        {{ row.jira_field_id }},
        {{ row.jira_field_name }},
        {{ row.db_column_name }},
        {{ row.field_type }},
        {{ row.is_custom }},
        {{ row.instance }}
    ){% if not loop.last %},{% endif +%}
    {% endfor %}
) as declared (jira_field_id, jira_field_name, db_column_name, field_type, is_custom, instance)
where
    field_mappings.jira_field_id::text = declared.jira_field_id
    and field_mappings.instance::text = declared.instance
    and (
        field_mappings.jira_field_name::text,
        field_mappings.db_column_name::text,
        field_mappings.field_type::text,
        field_mappings.is_custom
    ) is distinct from (
        declared.jira_field_name,
        declared.db_column_name,
        declared.field_type,
        declared.is_custom
    )
    and exists (
        select 1
        from configurations
        where
            config_type::text = 'jira'
            and config_key::text = 'field_mappings'
            and user_updated::text = 'system'
            and reason = {{ reason }}
            and created_at = current_timestamp::timestamp
    );
{% endif %}


-- 4. In the transaction that saved the file anew: a mapping that the version of the file before
--    had, and this one has not, becomes inactive; one that this version has, and the one before
--    had not, becomes active. With no version before, nothing is known, and nothing is changed.
--
--    The mappings of a version are read from its document: field_groups.GROUP.fields.FIELD has an
--    object with a field_id for each instance that has the field. Anything of another shape,
--    as an older version may have, is passed over.

with newest as (
    select
        version,
        config_value
    from configurations
    where
        config_type::text = 'jira'
        and config_key::text = 'field_mappings'
        and user_updated::text = 'system'
        and reason = {{ reason }}
        and created_at = current_timestamp::timestamp
),

before as (
    select
        configurations.version,
        configurations.config_value
    from configurations
    inner join newest on configurations.version < newest.version
    where
        configurations.config_type::text = 'jira'
        and configurations.config_key::text = 'field_mappings'
        and configurations.user_updated::text = 'system'
        and configurations.reason = {{ reason }}
    order by configurations.version desc
    limit 1
),

compared as (
    select
        config_value,
        true as is_newest
    from newest
    -- Only when there is a version before to compare with.
    where exists (select 1 from before)
    union all
    select
        config_value,
        false as is_newest
    from before
),

mapping as (
    select
        mapped.key as instance,
        mapped.value ->> 'field_id'::text as jira_field_id,
        bool_or(compared.is_newest) as is_in_newest,
        bool_or(not compared.is_newest) as is_in_before
    from compared
    cross join lateral jsonb_each(
        case
            when jsonb_typeof(compared.config_value -> 'field_groups'::text) = 'object'
                then compared.config_value -> 'field_groups'::text
        end
    ) as field_group (key, value)
    cross join lateral jsonb_each(
        case
            when jsonb_typeof(field_group.value -> 'fields'::text) = 'object'
                then field_group.value -> 'fields'::text
        end
    ) as field (key, value)
    cross join lateral jsonb_each(
        case when jsonb_typeof(field.value) = 'object' then field.value end
    ) as mapped (key, value)
    where mapped.value ->> 'field_id'::text <> ''
    group by mapped.key, mapped.value ->> 'field_id'::text
)

update field_mappings
set
    is_active = mapping.is_in_newest,
    updated_at = current_timestamp::timestamp
from mapping
where
    field_mappings.jira_field_id::text = mapping.jira_field_id
    and field_mappings.instance::text = mapping.instance
    and mapping.is_in_newest <> mapping.is_in_before
    and field_mappings.is_active is distinct from mapping.is_in_newest;
