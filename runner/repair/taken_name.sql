-- whether a relation beside a table has a name, or a constraint there when it is for one
select exists (
    select from pg_catalog.pg_class as c
    inner join pg_catalog.pg_class as t on c.relnamespace = t.relnamespace
    where t.oid = %(table)s::regclass and c.relname = %(name)s
) or %(of_constraint)s::boolean and exists (
    select from pg_catalog.pg_constraint as c
    inner join pg_catalog.pg_class as t on c.connamespace = t.relnamespace
    where t.oid = %(table)s::regclass and c.conname = %(name)s
)
