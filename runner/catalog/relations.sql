-- What a plan has to know of relations to tell which locks it takes: (role, name, schema, other, other_schema, kind,
-- size, rows). A row with the role `there` is a relation, with its size in bytes and its rows as the last VACUUM or
-- ANALYZE saw them; any other one ties a relation, a domain or statistics to a relation. Only the catalog is read.
-- Parameters: schemas, an array of names, shown, what each is called in the result, and functions, an array of names:
-- with the role `volatile` are those of them that are not known to give the same value for each row.
with namespace as (
    select n.oid, n.nspname, coalesce(s.shown, n.nspname) as schema, s.shown is not null as is_wanted
    from pg_catalog.pg_namespace as n
    left join unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown) on n.nspname = s.name
),

relation as (
    select c.oid, c.relname as name, n.schema, n.is_wanted, c.relkind, c.relpages, c.reltuples
    from pg_catalog.pg_class as c
    inner join namespace as n on c.relnamespace = n.oid
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c', 'i', 'I') and n.nspname not in ('pg_catalog', 'pg_toast')
),

link as (
    select
        case when c.relispartition then 'partitions' else 'heirs' end as role, i.inhparent as oid, i.inhrelid as other
    from pg_catalog.pg_inherits as i
    inner join pg_catalog.pg_class as c on i.inhrelid = c.oid
    union all
    select 'parent', i.inhrelid, i.inhparent from pg_catalog.pg_inherits as i
    union all
    select 'default', p.partrelid, p.partdefid from pg_catalog.pg_partitioned_table as p where p.partdefid <> 0
    union all
    select 'sibling', i.inhrelid, p.partdefid
    from pg_catalog.pg_partitioned_table as p
    inner join pg_catalog.pg_inherits as i on p.partrelid = i.inhparent
    where p.partdefid <> 0
    union all
    select 'referenced', c.conrelid, c.confrelid from pg_catalog.pg_constraint as c where c.contype = 'f'
    union all
    select 'referencing', c.confrelid, c.conrelid from pg_catalog.pg_constraint as c where c.contype = 'f'
    union all
    select 'views', d.refobjid, w.ev_class
    from pg_catalog.pg_depend as d
    inner join pg_catalog.pg_rewrite as w on d.objid = w.oid and w.ev_class <> d.refobjid
    where d.classid = 'pg_catalog.pg_rewrite'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
    union all
    select 'indexes', x.indrelid, x.indexrelid from pg_catalog.pg_index as x
    union all
    select 'table', x.indexrelid, x.indrelid from pg_catalog.pg_index as x
    union all
    select 'sequences', d.refobjid, d.objid
    from pg_catalog.pg_depend as d
    inner join relation as s on d.objid = s.oid and s.relkind = 'S'
    where
        d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
        and d.deptype in ('a', 'i')
)

select
    'there', name, schema, null, null,
    case relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type'
    when 'i' then 'index' when 'I' then 'index' else 'table' end,
    relpages::bigint * current_setting('block_size')::bigint, reltuples::bigint
from relation
where is_wanted
union all
select l.role, r.name, r.schema, o.name, o.schema, 'table', null, null
from link as l
inner join relation as r on l.oid = r.oid
inner join relation as o on l.other = o.oid
where r.is_wanted or o.is_wanted
union all
select 'users', t.typname, n.schema, r.name, r.schema, 'domain', null, null
from pg_catalog.pg_type as t
inner join namespace as n on t.typnamespace = n.oid
inner join pg_catalog.pg_attribute as a on t.oid = a.atttypid and not a.attisdropped
inner join relation as r on a.attrelid = r.oid and r.relkind in ('r', 'p', 'm')
where t.typtype = 'd' and n.is_wanted
union all
select 'table', s.stxname, n.schema, r.name, r.schema, 'statistics', null, null
from pg_catalog.pg_statistic_ext as s
inner join namespace as n on s.stxnamespace = n.oid
inner join relation as r on s.stxrelid = r.oid
where n.is_wanted
union all
select 'published', p.pubname, '', r.name, r.schema, 'publication', null, null
from pg_catalog.pg_publication as p
inner join pg_catalog.pg_publication_rel as m on p.oid = m.prpubid
inner join relation as r on m.prrelid = r.oid
union all
select 'volatile', f.name, '', null, null, 'function', null, null
from unnest(%(functions)s::text[]) as f (name)
where
    not exists (select from pg_catalog.pg_proc as p where p.proname = f.name)
    or exists (select from pg_catalog.pg_proc as p where p.proname = f.name and p.provolatile = 'v')
