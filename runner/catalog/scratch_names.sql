-- What names mean outside of the scratch schemas: (name space, name, schema, the name with the arguments of a
-- function or an operator, whose), where whose is
--   extension  a member of an extension, wherever it is
--   system     PostgreSQL's own, found on every search path
--   nobody     it is found on the search path, and belongs to no extension: scripts may have made it. What is called as
--              something of PostgreSQL's is not found: that goes before it, but for overloads of functions and operators
--   harmless   a function of PostgreSQL, or an immutable one of an extension, that does nothing but compute
-- Parameters: names; path, an array of schemas; extensions, whose schemas belong to the path.
with named as (
    select
        'pg_catalog.pg_class'::regclass as classid, 'relation' as sort, c.oid, c.relname as name, c.relnamespace as schema,
        c.relname::text as exact, 0::oid as method
    from pg_catalog.pg_class as c where c.relname = any(%(names)s)
    union all
    select 'pg_catalog.pg_type'::regclass, 'type', t.oid, t.typname, t.typnamespace, t.typname::text, 0::oid
    from pg_catalog.pg_type as t
    where
        t.typname = any(%(names)s)
        -- a row type belongs to whom its relation does
        and not exists (
            select from pg_catalog.pg_class as c
            inner join pg_catalog.pg_depend as d
                on d.classid = 'pg_catalog.pg_class'::regclass and c.oid = d.objid and d.deptype = 'e'
            where c.oid = t.typrelid
        )
    union all
    select
        'pg_catalog.pg_proc'::regclass, 'function', p.oid, p.proname, p.pronamespace,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
                from unnest(p.proargtypes) with ordinality as t (oid, place)
            ),
            ''
        )
        || ')',
        0::oid
    from pg_catalog.pg_proc as p where p.proname = any(%(names)s)
    union all
    select
        'pg_catalog.pg_operator'::regclass, 'operator', o.oid, o.oprname, o.oprnamespace,
        o.oprname || '(' || concat_ws(
            ', ', pg_catalog.format_type(nullif(o.oprleft, 0), null), pg_catalog.format_type(o.oprright, null)
        ) || ')',
        0::oid
    from pg_catalog.pg_operator as o where o.oprname = any(%(names)s)
    union all
    select 'pg_catalog.pg_opclass'::regclass, 'opclass', o.oid, o.opcname, o.opcnamespace, o.opcname::text, o.opcmethod
    from pg_catalog.pg_opclass as o where o.opcname = any(%(names)s)
    union all
    select 'pg_catalog.pg_opfamily'::regclass, 'opfamily', f.oid, f.opfname, f.opfnamespace, f.opfname::text, f.opfmethod
    from pg_catalog.pg_opfamily as f where f.opfname = any(%(names)s)
    union all
    select 'pg_catalog.pg_ts_parser'::regclass, 'ts_parser', p.oid, p.prsname, p.prsnamespace, p.prsname::text, 0::oid
    from pg_catalog.pg_ts_parser as p where p.prsname = any(%(names)s)
    union all
    select 'pg_catalog.pg_ts_dict'::regclass, 'ts_dictionary', d.oid, d.dictname, d.dictnamespace, d.dictname::text, 0::oid
    from pg_catalog.pg_ts_dict as d where d.dictname = any(%(names)s)
    union all
    select 'pg_catalog.pg_ts_template'::regclass, 'ts_template', t.oid, t.tmplname, t.tmplnamespace, t.tmplname::text, 0::oid
    from pg_catalog.pg_ts_template as t where t.tmplname = any(%(names)s)
    union all
    select 'pg_catalog.pg_ts_config'::regclass, 'ts_configuration', c.oid, c.cfgname, c.cfgnamespace, c.cfgname::text, 0::oid
    from pg_catalog.pg_ts_config as c where c.cfgname = any(%(names)s)
    union all
    select 'pg_catalog.pg_conversion'::regclass, 'conversion', c.oid, c.conname, c.connamespace, c.conname::text, 0::oid
    from pg_catalog.pg_conversion as c where c.conname = any(%(names)s)
    union all
    select 'pg_catalog.pg_collation'::regclass, 'collation', c.oid, c.collname, c.collnamespace, c.collname::text, 0::oid
    from pg_catalog.pg_collation as c
    where
        c.collname = any(%(names)s)
        and c.collencoding in (
            select e.encoding from pg_catalog.pg_database as d cross join unnest(array[-1, d.encoding]) as e (encoding)
            where d.datname = current_database()
        )
)

select distinct w.sort, w.name, 'pg_catalog', w.name, 'system'
from named as w
where w.schema = 'pg_catalog'::regnamespace
union all
select
    w.sort, w.name, n.nspname::text, w.exact, case when d.objid is null then 'nobody' else 'extension' end
from named as w
inner join pg_catalog.pg_namespace as n on w.schema = n.oid
left join pg_catalog.pg_depend as d
    on
        w.classid = d.classid and w.oid = d.objid and d.deptype = 'e'
        and d.refclassid = 'pg_catalog.pg_extension'::regclass
where
    n.nspname not in ('pg_catalog', 'information_schema')
    and (
        d.objid is not null
        or n.nspname = any(%(path)s)
        or n.oid in (select e.extnamespace from pg_catalog.pg_extension as e where e.extname = any(%(extensions)s))
    )
    and (
        d.objid is not null
        or w.sort in ('function', 'operator')
        or not exists (
            select from named as s
            where
                s.schema = 'pg_catalog'::regnamespace
                and s.sort = w.sort
                and s.name = w.name
                and s.method = w.method
        )
    )
union all
select 'function', p.proname, 'any', p.proname, 'harmless'
from pg_catalog.pg_proc as p
inner join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_proc'::regclass and p.oid = d.objid and d.deptype = 'e'
where p.proname = any(%(names)s) and d.refclassid = 'pg_catalog.pg_extension'::regclass
group by p.proname
having bool_and(p.provolatile = 'i')
union all
select 'function', p.proname, 'any', p.proname, 'harmless'
from pg_catalog.pg_proc as p
where p.proname = any(%(names)s) and p.pronamespace = 'pg_catalog'::regnamespace
group by p.proname
having
    (bool_or(p.provolatile = 'i') and not bool_or(p.provolatile = 'v'))
    or p.proname in (
        'now', 'statement_timestamp', 'transaction_timestamp', 'clock_timestamp', 'timeofday', 'random', 'nextval',
        'gen_random_uuid', 'uuidv4', 'uuidv7', 'to_char', 'to_timestamp', 'to_tsvector', 'date_part', 'date_trunc',
        'extract', 'timezone', 'age', 'concat', 'concat_ws', 'format', 'to_json', 'to_jsonb', 'jsonb_build_object',
        'jsonb_build_array', 'json_build_object', 'json_build_array', 'array_to_string', 'current_setting',
        'current_schema', 'pg_backend_pid', 'version', 'localtimestamp', 'quote_literal', 'array_to_json', 'row_to_json',
        'num_nulls', 'num_nonnulls', 'generate_series'
    )
