-- What is in the scratch schemas: (name space, the schema that it is declared in, its name). A function is there with and
-- without its arguments.
-- Parameters: names, an array of declared schemas, and schemas, the scratch schemas that stand for them.
select o.sort, s.name, o.name
from unnest(%(names)s::text[], %(schemas)s::text[]) as s (name, scratch)
inner join pg_catalog.pg_namespace as n on s.scratch = n.nspname
inner join (
    select 'relation' as sort, c.relnamespace as schema, c.relname::text as name from pg_catalog.pg_class as c
    union all
    select 'type', t.typnamespace, t.typname from pg_catalog.pg_type as t
    union all
    select 'function', p.pronamespace, p.proname from pg_catalog.pg_proc as p
    union all
    select
        'function', p.pronamespace,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
                from unnest(p.proargtypes) with ordinality as t (oid, place)
            ),
            ''
        )
        || ')'
    from pg_catalog.pg_proc as p
) as o on n.oid = o.schema
