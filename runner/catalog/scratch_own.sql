-- What is in the scratch schemas: (name space, the schema that it is declared in, its name). A function or an operator
-- is there with and without its arguments.
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
    union all
    select 'operator', o.oprnamespace, o.oprname from pg_catalog.pg_operator as o
    union all
    select
        'operator', o.oprnamespace,
        o.oprname || '(' || concat_ws(
            ', ', pg_catalog.format_type(nullif(o.oprleft, 0), null), pg_catalog.format_type(o.oprright, null)
        ) || ')'
    from pg_catalog.pg_operator as o
    union all
    select 'opclass', o.opcnamespace, o.opcname from pg_catalog.pg_opclass as o
    union all
    select 'opfamily', f.opfnamespace, f.opfname from pg_catalog.pg_opfamily as f
    union all
    select 'collation', c.collnamespace, c.collname from pg_catalog.pg_collation as c
    union all
    select 'statistics', s.stxnamespace, s.stxname from pg_catalog.pg_statistic_ext as s
    union all
    select 'conversion', c.connamespace, c.conname from pg_catalog.pg_conversion as c
    union all
    select 'ts_parser', p.prsnamespace, p.prsname from pg_catalog.pg_ts_parser as p
    union all
    select 'ts_dictionary', d.dictnamespace, d.dictname from pg_catalog.pg_ts_dict as d
    union all
    select 'ts_template', t.tmplnamespace, t.tmplname from pg_catalog.pg_ts_template as t
    union all
    select 'ts_configuration', c.cfgnamespace, c.cfgname from pg_catalog.pg_ts_config as c
) as o on n.oid = o.schema
