-- Where names are found outside of PostgreSQL's own schemas: (name, schema, whether an extension's). What belongs to no
-- extension is only looked for in the schemas that unqualified names are looked for in.
-- Parameters: names; path, an array of schemas; extensions, whose schemas belong to the path.
with named as (
    select 'pg_catalog.pg_class'::regclass as classid, c.oid, c.relname as name, c.relnamespace as schema
    from pg_catalog.pg_class as c where c.relname = any(%(names)s)
    union all
    select 'pg_catalog.pg_type'::regclass, t.oid, t.typname, t.typnamespace
    from pg_catalog.pg_type as t where t.typname = any(%(names)s)
    union all
    select 'pg_catalog.pg_proc'::regclass, p.oid, p.proname, p.pronamespace
    from pg_catalog.pg_proc as p where p.proname = any(%(names)s)
    union all
    select 'pg_catalog.pg_operator'::regclass, o.oid, o.oprname, o.oprnamespace
    from pg_catalog.pg_operator as o where o.oprname = any(%(names)s)
    union all
    select 'pg_catalog.pg_opclass'::regclass, o.oid, o.opcname, o.opcnamespace
    from pg_catalog.pg_opclass as o where o.opcname = any(%(names)s)
    union all
    select 'pg_catalog.pg_collation'::regclass, c.oid, c.collname, c.collnamespace
    from pg_catalog.pg_collation as c where c.collname = any(%(names)s)
)

select w.name, n.nspname::text, d.objid is not null
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
