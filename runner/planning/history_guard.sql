-- An error where one of some tables of the runner's is not there, or something is wrong with one, or the owner of the
-- schema is not trusted, who could put another in its place: the server then runs nothing of what is sent after this in
-- the same pipeline. Parameters: tables, an array of names, and those of the problems.
select
    1 / (
        (
            select pg_catalog.count(*) from pg_catalog.pg_class as c
            inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
            where
                n.nspname = %(schema)s::text and c.relname = any(%(tables)s::text[])
                and n.nspowner in (select t.oid from ({trusted_roles}) as t)
        ) = pg_catalog.cardinality(%(tables)s::text[])
        and not exists (select from ({problems}) as p)
    )::integer
