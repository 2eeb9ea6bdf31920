-- The relations that have the name of a ledger, in all schemas but PostgreSQL's own: (schema, kind, owner, is_trusted, columns).
-- Parameters: name; schema, null for any; trusted, an array of names.
with trusted as (
    {trusted_roles}
)

select
    n.nspname::text as schema, c.relkind::text as kind, quote_ident(pg_catalog.pg_get_userbyid(c.relowner)) as owner,
    c.relowner in (select t.oid from trusted as t) as is_trusted,
    array(
        select a.attname::text from pg_catalog.pg_attribute as a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) as columns
from pg_catalog.pg_class as c
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where
    c.relname = %(name)s::text
    and c.relkind in ('r', 'p', 'v', 'm', 'f')
    and n.nspname not in ('pg_catalog', 'information_schema')
    and (%(schema)s::text is null or n.nspname = %(schema)s::text)
order by n.nspname
