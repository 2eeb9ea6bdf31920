-- The partitions of a table, the ones above before those below: (schema, name, schema and name of the table that each is
-- a partition of, and whether it has rows itself). A foreign table has no indexes. Likewise the parts of an index.
-- Parameter: table.
select n.nspname, c.relname, pn.nspname, pc.relname, c.relkind in ('r', 'i')
from pg_catalog.pg_partition_tree(%(table)s::regclass) as t
inner join pg_catalog.pg_class as c on t.relid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
inner join pg_catalog.pg_class as pc on t.parentrelid = pc.oid
inner join pg_catalog.pg_namespace as pn on pc.relnamespace = pn.oid
where t.level > 0 and c.relkind in ('r', 'p', 'i', 'I')
order by t.level, n.nspname, c.relname
