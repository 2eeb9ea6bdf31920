-- what takes values from a sequence besides the column that it belongs to
select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)
from pg_catalog.pg_depend as d
inner join pg_catalog.pg_depend as o
    on o.classid = 'pg_catalog.pg_class'::regclass and d.refobjid = o.objid and o.deptype in ('a', 'i')
left join pg_catalog.pg_attrdef as f on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
where
    d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = %(sequence)s::regclass
    and (f.adrelid, f.adnum::integer) is distinct from (o.refobjid, o.refobjsubid)
