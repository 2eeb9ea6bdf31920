-- The objects of the target schema and of the other schemas that scripts name, one row each:
-- (kind, name, table, schema, state). The target schema is ''. Only catalog columns and format_type() are read, so that
-- this never waits for a lock on a table.
with relation as (
    select
        c.oid,
        c.relname,
        c.relkind,
        case when n.nspname = %(target)s then '' else n.nspname end as schema
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where n.nspname = any(%(schemas)s) and c.relkind in ('r', 'p', 'f', 'i', 'I', 'v', 'm', 'c')
),

con as (
    select
        c.conname,
        r.relname,
        r.schema,
        case when c.convalidated then 'valid' else 'not validated' end as state,
        case c.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key' end
        || ' ('
        || (
            select string_agg(a.attname, ', ' order by k.place)
            from unnest(c.conkey) with ordinality as k (attnum, place)
            inner join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum
        )
        || ')'
        || coalesce(' references ' || f.relname, '') as signature
    from pg_catalog.pg_constraint as c
    inner join relation as r on c.conrelid = r.oid
    left join pg_catalog.pg_class as f on c.confrelid = f.oid
)

select 'schema', n.nspname::text, '', '', 'present' from pg_catalog.pg_namespace as n
union all
select 'extension', e.extname, '', '', 'present' from pg_catalog.pg_extension as e
union all
select 'table', relname, '', schema, 'present' from relation where relkind in ('r', 'p', 'f')
union all
select 'column', a.attname, r.relname, r.schema, pg_catalog.format_type(a.atttypid, a.atttypmod)
from pg_catalog.pg_attribute as a
inner join relation as r on a.attrelid = r.oid
where r.relkind not in ('i', 'I') and a.attnum > 0 and not a.attisdropped
union all
select 'index', i.relname, t.relname, i.schema, case when x.indisvalid and x.indisready then 'valid' else 'invalid' end
from pg_catalog.pg_index as x
inner join relation as i on x.indexrelid = i.oid
inner join relation as t on x.indrelid = t.oid
union all
select 'constraint', conname, relname, schema, state from con
union all
select 'constraint', signature, relname, schema, state from con where signature is not null
union all
select
    case when r.relkind in ('i', 'I') then 'comment on index' else 'comment on table' end,
    r.relname,
    '',
    r.schema,
    d.description
from pg_catalog.pg_description as d
inner join relation as r on d.objoid = r.oid
where d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid = 0
union all
select 'comment on column', a.attname, r.relname, r.schema, d.description
from pg_catalog.pg_description as d
inner join relation as r on d.objoid = r.oid
inner join pg_catalog.pg_attribute as a on a.attrelid = d.objoid and a.attnum = d.objsubid
where d.classoid = 'pg_catalog.pg_class'::regclass and d.objsubid > 0 and not a.attisdropped
