-- field_mappings.json has arrived in the database: its document, its rows and its columns.
--
-- Three queries; each returns what is missing. The columns are looked up in pg_attribute through
-- to_regclass, which wait for no lock on the table; information_schema.columns may.

-- The document of the file is among the versions that were saved from it.
select
    'jira.field_mappings' as configuration,
    'the document of field_mappings.json is not among the saved versions' as problem
where not exists (
    select 1
    from configurations
    where
        config_type::text = 'jira'
        and config_key::text = 'field_mappings'
        and user_updated::text = 'system'
        and reason = 'Loaded from field_mappings.json'
        and config_value = {{ field_mappings.document }} -- noqa: LT05
);
{% if field_mappings.rows %}

-- Each Jira field of each instance has a row in field_mappings, active or not.
select
    expected.jira_field_id,
    expected.instance,
    'the mapping has no row in field_mappings' as problem
from (
    values
    {% for row in field_mappings.rows %}
    ({{ row.jira_field_id }}, {{ row.instance }}){% if not loop.last %},{% endif +%}
    {% endfor %}
) as expected (jira_field_id, instance)
left join field_mappings
    on
        expected.jira_field_id = field_mappings.jira_field_id::text
        and expected.instance = field_mappings.instance::text
where field_mappings.id is null
order by expected.instance, expected.jira_field_id;
{% endif %}
{% if field_mappings.columns %}

-- Each field that an instance has is a column of the table.
select
    {{ field_mappings.table }} as table_name,
    expected.column_name,
    'the column is missing' as problem
from (
    values
    {% for column in field_mappings.columns %}
    ({{ column.name }}){% if not loop.last %},{% endif +%}
    {% endfor %}
) as expected (column_name)
left join pg_attribute
    on
        pg_attribute.attrelid
        = to_regclass(quote_ident({{ field_mappings.table }}::text))::oid
        and expected.column_name = pg_attribute.attname
        and pg_attribute.attnum > 0
        and not pg_attribute.attisdropped
where pg_attribute.attname is null
order by expected.column_name;
{% endif %}
