-- The size of each table, in bytes as the last VACUUM or ANALYZE saw it: pg_relation_size() would wait for locks.
-- Parameters: schemas, an array of names, and shown, what each is called in the result.
select c.relname, s.shown, c.relpages::bigint * current_setting('block_size')::bigint
from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
inner join pg_catalog.pg_namespace as n on s.name = n.nspname
inner join pg_catalog.pg_class as c on n.oid = c.relnamespace
where c.relkind in ('r', 'p', 'm')
