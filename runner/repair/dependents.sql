-- What has to go before the type of a column changes, and to come back after it: (what, drop, create), in the order in
-- which it goes. Views of views are among them. `create` is null where PostgreSQL has no words for it.
-- Parameters: table, a name as SQL writes it, and column.
with recursive changed as (
    select a.attrelid, a.attnum
    from pg_catalog.pg_attribute as a
    where a.attrelid = %(table)s::regclass and a.attname = %(column)s
),

view as (
    select r.ev_class as oid, 1 as depth
    from changed as c
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.attrelid and d.refobjsubid = c.attnum
    inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    where r.ev_class <> c.attrelid
    union
    select r.ev_class, v.depth + 1
    from view as v
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = v.oid and d.refobjsubid >= 0
    inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    where r.ev_class <> v.oid and v.depth < 100
),

dependent as (
    select d.classid, d.objid, c.attrelid
    from changed as c
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = c.attrelid and d.refobjsubid = c.attnum
)

select
    kind.name || ' ' || c.oid::regclass as what,
    'drop ' || kind.name || ' ' || c.oid::regclass as gone,
    'create ' || kind.name || ' ' || c.oid::regclass || ' as ' || rtrim(pg_catalog.pg_get_viewdef(c.oid), ';') as back,
    max(v.depth) as depth
from view as v
inner join pg_catalog.pg_class as c on v.oid = c.oid
cross join lateral (select case c.relkind when 'm' then 'materialized view' else 'view' end as name) as kind
group by c.oid, kind.name
union
select
    'rule ' || quote_ident(r.rulename) || ' on ' || d.attrelid::regclass,
    'drop rule ' || quote_ident(r.rulename) || ' on ' || d.attrelid::regclass,
    rtrim(pg_catalog.pg_get_ruledef(r.oid), ';'), 0
from dependent as d
inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
where r.ev_class = d.attrelid
union
select
    'trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass,
    'drop trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass,
    pg_catalog.pg_get_triggerdef(t.oid), 0
from dependent as d
inner join pg_catalog.pg_trigger as t on d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid
where not t.tgisinternal
union
select
    'policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass,
    'drop policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass,
    concat(
        'create policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass,
        case when not p.polpermissive then ' as restrictive' end,
        ' for ' || case p.polcmd
            when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all'
        end,
        ' to ' || (
            select string_agg(case when role.oid = 0 then 'public' else role.oid::regrole::text end, ', ')
            from unnest(p.polroles) as role (oid)
        ),
        ' using (' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) || ')',
        ' with check (' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) || ')'
    ), 0
from dependent as d
inner join pg_catalog.pg_policy as p on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
union
select
    'generated column ' || quote_ident(a.attname),
    'alter table ' || f.adrelid::regclass || ' drop column ' || quote_ident(a.attname),
    concat(
        'alter table ' || f.adrelid::regclass || ' add column ' || quote_ident(a.attname),
        ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod),
        ' generated always as (' || pg_catalog.pg_get_expr(f.adbin, f.adrelid) || ')',
        case a.attgenerated when 's' then ' stored' end
    ), 0
from dependent as d
inner join pg_catalog.pg_attrdef as f on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
inner join pg_catalog.pg_attribute as a on f.adrelid = a.attrelid and f.adnum = a.attnum
where a.attgenerated <> ''
union
select
    'function ' || p.oid::regprocedure, 'drop function ' || p.oid::regprocedure, rtrim(pg_catalog.pg_get_functiondef(p.oid), E'\n'), 0
from dependent as d
inner join pg_catalog.pg_proc as p on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
union
-- An operator class that was chosen for the type; those for text serve all kinds of text.
select distinct
    'index ' || x.indexrelid::regclass,
    'drop index ' || x.indexrelid::regclass,
    pg_catalog.pg_get_indexdef(x.indexrelid), 0
from changed as c
inner join pg_catalog.pg_index as x on c.attrelid = x.indrelid
cross join lateral unnest(x.indkey) with ordinality as k (attnum, place)
inner join pg_catalog.pg_opclass as o on o.oid = x.indclass[k.place - 1]
where
    k.attnum = c.attnum and not o.opcdefault
    and o.opcintype not in ('text'::regtype, 'character varying'::regtype, 'character'::regtype)
union
select 'publication ' || quote_ident(b.pubname), 'alter publication ' || quote_ident(b.pubname) || ' drop table ' || d.attrelid::regclass,
    null, 0
from dependent as d
inner join pg_catalog.pg_publication_rel as r
    on d.classid = 'pg_catalog.pg_publication_rel'::regclass and d.objid = r.oid
inner join pg_catalog.pg_publication as b on r.prpubid = b.oid
order by depth desc, what
