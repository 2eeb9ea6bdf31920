-- What rows have to obey: constraints and unique indexes by their names, with the columns that they are about.
select
    c.conrelid, c.conname, c.contype::text, c.conkey::int[], c.confrelid, coalesce(c.confkey::int[], '{}'),
    pg_catalog.pg_get_constraintdef(c.oid)
from pg_catalog.pg_constraint as c
where c.conrelid <> 0 and c.contype in ('p', 'u', 'f', 'c', 'x') and c.conkey is not null
union all
select
    x.indrelid, i.relname, 'u', array_agg(distinct d.refobjsubid), 0, '{}', pg_catalog.pg_get_indexdef(x.indexrelid)
from pg_catalog.pg_index as x
inner join pg_catalog.pg_class as i on x.indexrelid = i.oid
inner join pg_catalog.pg_depend as d
    on d.classid = 'pg_catalog.pg_class'::regclass and d.objid = x.indexrelid and d.refobjid = x.indrelid
where
    x.indisunique and d.refobjsubid > 0
    and not exists (select from pg_catalog.pg_constraint as c where c.conindid = x.indexrelid)
group by x.indexrelid, x.indrelid, i.relname
union all
-- A row of a partitioned table has to find its partition.
select
    c.oid, '', 'p',
    array(
        select distinct b.attnum::int
        from pg_catalog.pg_partition_tree(c.oid) as t
        inner join pg_catalog.pg_partitioned_table as p on t.relid = p.partrelid
        cross join unnest(p.partattrs::int2[]) as k (number)
        inner join pg_catalog.pg_attribute as a on p.partrelid = a.attrelid and k.number = a.attnum
        inner join pg_catalog.pg_attribute as b on c.oid = b.attrelid and a.attname = b.attname
    ),
    0, '{}',
    (
        select string_agg(pg_catalog.pg_get_expr(r.relpartbound, r.oid), ' ' order by r.oid)
        from pg_catalog.pg_partition_tree(c.oid) as t
        inner join pg_catalog.pg_class as r on t.relid = r.oid
    )
from pg_catalog.pg_class as c
where c.relkind = 'p' and not c.relispartition
order by 1, 2
