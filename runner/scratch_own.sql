-- What is in the scratch schemas: (the schema that it is declared in, its name).
-- Parameters: names, an array of declared schemas, and schemas, the scratch schemas that stand for them.
select s.name, o.name
from unnest(%(names)s::text[], %(schemas)s::text[]) as s (name, scratch)
inner join pg_catalog.pg_namespace as n on s.scratch = n.nspname
inner join (
    select c.relnamespace as schema, c.relname::text as name from pg_catalog.pg_class as c
    union all
    select t.typnamespace, t.typname from pg_catalog.pg_type as t
    union all
    select p.pronamespace, p.proname from pg_catalog.pg_proc as p
) as o on n.oid = o.schema
