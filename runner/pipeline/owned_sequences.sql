-- The sequences of columns: what they are called depends on what a table was called when it was made.
select n.nspname, r.relname, a.attname, s.relname
from pg_catalog.pg_class as s
inner join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = s.oid and d.deptype in ('a', 'i')
inner join pg_catalog.pg_class as r on d.refobjid = r.oid
inner join pg_catalog.pg_namespace as n on r.relnamespace = n.oid
inner join pg_catalog.pg_attribute as a on a.attrelid = r.oid and a.attnum = d.refobjsubid
where s.relkind = 'S' and d.refclassid = 'pg_catalog.pg_class'::regclass
