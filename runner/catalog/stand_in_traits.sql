-- What tables of the scripts may take over from relations that others have made: (oid, what it is of, the statement that
-- gives it to the stand-in, under the names of the real objects). No statement: it is there, and cannot be given.
-- Expressions are read by the columns of the stand-in, which have the numbers of the real ones: nothing real is opened.
-- Parameters: oids, of the relations; stand_ins, the stand-ins in the same order; modern: whether expressions of
-- generated columns can be set, from PostgreSQL 17 on.
with model as (
    select c.oid, pg_catalog.to_regclass(m.stand_in)::oid as stand_in, format('%%I.%%I', n.nspname, c.relname) as name
    from unnest(%(oids)s::oid[], %(stand_ins)s::text[]) as m (oid, stand_in)
    inner join pg_catalog.pg_class as c on m.oid = c.oid
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
),

attribute as (
    select m.stand_in, m.name, a.*, format('alter table %%s alter column %%I ', m.name, a.attname) as alter_column
    from model as m
    inner join pg_catalog.pg_attribute as a on m.oid = a.attrelid
    -- a column whose type is not known is not in the stand-in
    inner join pg_catalog.pg_attribute as s on m.stand_in = s.attrelid and a.attnum = s.attnum and not s.attisdropped
    where a.attnum > 0 and not a.attisdropped
)

select
    a.attrelid as oid, case a.attgenerated when '' then 'defaults' else 'generated' end as of,
    case
        when a.attgenerated = ''
            then a.alter_column || 'set default ' || pg_catalog.pg_get_expr(d.adbin, a.stand_in)
        when %(modern)s then a.alter_column || format('set expression as (%%s)', pg_catalog.pg_get_expr(d.adbin, a.stand_in))
    end as sql
from attribute as a
inner join pg_catalog.pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
union all
select
    a.attrelid, 'storage',
    a.alter_column || 'set storage '
    || case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end
from attribute as a
inner join pg_catalog.pg_type as t on a.atttypid = t.oid
where a.attstorage <> t.typstorage
union all
select
    a.attrelid, 'compression',
    a.alter_column || 'set compression ' || case a.attcompression when 'l' then 'lz4' else 'pglz' end
from attribute as a
where a.attcompression <> ''
union all
select a.attrelid, 'comments', format('comment on column %%s.%%I is %%L', a.name, a.attname, d.description)
from attribute as a
inner join pg_catalog.pg_description as d
    on a.attrelid = d.objoid and a.attnum = d.objsubid and d.classoid = 'pg_catalog.pg_class'::regclass
union all
select
    m.oid, 'constraints',
    format(
        'alter table %%s add constraint %%I check (%%s)%%s%%s', m.name, c.conname,
        pg_catalog.pg_get_expr(c.conbin, m.stand_in), case when c.connoinherit then ' no inherit' end,
        case when to_jsonb(c) ->> 'conenforced' = 'false' then ' not enforced' end
    )
from model as m
inner join pg_catalog.pg_constraint as c on m.oid = c.conrelid and c.contype = 'c'
union all
select m.oid, 'comments', format('comment on constraint %%I on %%s is %%L', c.conname, m.name, d.description)
from model as m
inner join pg_catalog.pg_constraint as c on m.oid = c.conrelid and c.contype = 'c'
inner join pg_catalog.pg_description as d on c.oid = d.objoid and d.classoid = 'pg_catalog.pg_constraint'::regclass
union all
select i.indrelid, 'indexes', null
from pg_catalog.pg_index as i
where i.indrelid = any(%(oids)s::oid[]) and not (i.indisprimary and i.indimmediate and i.indnatts = i.indnkeyatts)
union all
select s.stxrelid, 'statistics', null
from pg_catalog.pg_statistic_ext as s
where s.stxrelid = any(%(oids)s::oid[])
