-- Every table that is nobody's extension, with its columns, in the order in which they were made.
select
    c.oid, n.nspname, c.relname, c.relkind = 'p' as is_partitioned, c.relispartition, a.attnum, a.attname, a.atttypid,
    pg_catalog.format_type(a.atttypid, null) as type, pg_catalog.format_type(a.atttypid, a.atttypmod) as full_type,
    t.typcategory, a.attnotnull,
    a.attidentity <> '' or a.attgenerated <> ''
    or coalesce(pg_catalog.pg_get_expr(d.adbin, d.adrelid) like 'nextval(%', false) as fills_itself,
    coalesce(a.attnum = any(i.indkey), false) as is_key,
    coalesce(a.attgenerated <> '', false) as is_generated
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
left join pg_catalog.pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_type as t on a.atttypid = t.oid
left join pg_catalog.pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
left join pg_catalog.pg_index as i on c.oid = i.indrelid and i.indisprimary
where
    c.relkind in ('r', 'p') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    and not exists (
        select from pg_catalog.pg_depend as e
        where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid and e.deptype = 'e'
    )
order by c.oid, a.attnum
