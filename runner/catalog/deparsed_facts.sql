-- The parts of definitions for which PostgreSQL opens a relation, and so waits behind ACCESS EXCLUSIVE, one row for each
-- fact that has such parts: (kind, name, table, schema, parts, pid). What somebody has locked is not asked for: its
-- parts are null, and `pid` is the session that has the lock, or waits for it (0: a prepared transaction).
-- Parameters: as in catalog.sql.
with namespace as (
    select n.oid, s.shown as schema
    from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
    inner join pg_catalog.pg_namespace as n on s.name = n.nspname
),

locked as (
    select l.relation, max(coalesce(l.pid, 0)) as pid
    from pg_catalog.pg_locks as l
    where
        l.locktype = 'relation'
        and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
        and l.mode = 'AccessExclusiveLock'
        and l.pid is distinct from pg_backend_pid()
    group by l.relation
),

relation as (
    select c.oid, c.relname, c.relkind, n.schema, l.pid
    from pg_catalog.pg_class as c
    inner join namespace as n on c.relnamespace = n.oid
    left join locked as l on c.oid = l.relation
),

-- The session that has locked something which a view, a rule, a policy or the body of a function reads.
read_locked as (
    select r.ev_class as oid, max(l.pid) as pid
    from pg_catalog.pg_rewrite as r
    inner join pg_catalog.pg_depend as d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    inner join locked as l on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = l.relation
    group by r.ev_class
    union all
    select d.objid, max(l.pid)
    from pg_catalog.pg_depend as d
    inner join locked as l on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = l.relation
    where d.classid in ('pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_policy'::regclass)
    group by d.objid
)

select 'column' as kind, a.attname::text as name, r.relname as table_name, r.schema,
    case when r.pid is null then array[pg_catalog.pg_get_expr(d.adbin, d.adrelid, true)] end as parts, r.pid
from relation as r
inner join pg_catalog.pg_attribute as a on r.oid = a.attrelid
inner join pg_catalog.pg_attrdef as d on a.attrelid = d.adrelid and a.attnum = d.adnum
where a.attgenerated <> ''
union all
select 'constraint', c.conname, r.relname, r.schema,
    case when r.pid is null then array[pg_catalog.pg_get_constraintdef(c.oid, true)] end, r.pid
from relation as r
inner join pg_catalog.pg_constraint as c on r.oid = c.conrelid
where c.contype in ('c', 'x')
union all
select 'publication table', p.pubname, r.relname, r.schema,
    case when r.pid is null then array[pg_catalog.pg_get_expr(m.prqual, m.prrelid, true)] end, r.pid
from relation as r
inner join pg_catalog.pg_publication_rel as m on r.oid = m.prrelid
inner join pg_catalog.pg_publication as p on m.prpubid = p.oid
where m.prqual is not null
union all
select 'table', r.relname, '', r.schema, case when r.pid is null then array[pg_catalog.pg_get_partkeydef(r.oid)] end, r.pid
from relation as r
where r.relkind = 'p'
union all
select 'index', i.relname, r.relname, i.schema,
    case
        when coalesce(r.pid, i.pid) is null
            then
                array(
                    select pg_catalog.pg_get_indexdef(x.indexrelid, k.place::integer, true)
                    from unnest(x.indkey) with ordinality as k (attnum, place)
                    where k.attnum = 0
                    order by k.place
                )
                || case when x.indpred is not null then array[pg_catalog.pg_get_expr(x.indpred, x.indrelid, true)] end
    end, coalesce(r.pid, i.pid)
from relation as r
inner join pg_catalog.pg_index as x on r.oid = x.indrelid
inner join relation as i on x.indexrelid = i.oid
where x.indexprs is not null or x.indpred is not null
union all
select case r.relkind when 'v' then 'view' else 'materialized view' end, r.relname, '', r.schema,
    case when coalesce(r.pid, l.pid) is null then array[pg_catalog.pg_get_viewdef(r.oid, true)] end, coalesce(r.pid, l.pid)
from relation as r
left join read_locked as l on r.oid = l.oid
where r.relkind in ('v', 'm')
union all
select 'trigger', t.tgname, r.relname, r.schema,
    case when r.pid is null then array[pg_catalog.pg_get_triggerdef(t.oid, true)] end, r.pid
from relation as r
inner join pg_catalog.pg_trigger as t on r.oid = t.tgrelid
where t.tgqual is not null and not t.tgisinternal
union all
select 'rule', w.rulename, r.relname, r.schema,
    case
        when coalesce(r.pid, l.pid) is null
            then array[regexp_replace(pg_catalog.pg_get_ruledef(w.oid, true), E'^(CREATE RULE .*?) AS\n +ON ', E'\\1 AS ON ')]
    end, coalesce(r.pid, l.pid)
from relation as r
inner join pg_catalog.pg_rewrite as w on r.oid = w.ev_class
left join read_locked as l on r.oid = l.oid
where w.rulename <> '_RETURN'
union all
select 'policy', p.polname, r.relname, r.schema,
    case
        when coalesce(r.pid, l.pid) is null
            then array_remove(
                array[
                    pg_catalog.pg_get_expr(p.polqual, p.polrelid, true),
                    pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid, true)
                ],
                null
            )
    end, coalesce(r.pid, l.pid)
from relation as r
inner join pg_catalog.pg_policy as p on r.oid = p.polrelid
left join read_locked as l on p.oid = l.oid
union all
select 'statistics', s.stxname, case when s.stxnamespace = c.relnamespace then c.relname else '' end, n.schema,
    case
        when l.pid is null
            then array[
                (
                    select string_agg('(' || e.text || ')', ', ' order by e.place)
                    from unnest(pg_catalog.pg_get_statisticsobjdef_expressions(s.oid)) with ordinality as e (text, place)
                )
            ]
    end, l.pid
from pg_catalog.pg_statistic_ext as s
inner join namespace as n on s.stxnamespace = n.oid
inner join pg_catalog.pg_class as c on s.stxrelid = c.oid
left join locked as l on s.stxrelid = l.relation
where s.stxexprs is not null
union all
select 'function',
    p.proname || '('
    || coalesce(
        (
            select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
            from unnest(p.proargtypes) with ordinality as t (oid, place)
        ),
        ''
    )
    || ')', '', n.schema,
    case when l.pid is null then array[pg_catalog.pg_get_function_sqlbody(p.oid)] end, l.pid
from pg_catalog.pg_proc as p
inner join namespace as n on p.pronamespace = n.oid
left join read_locked as l on p.oid = l.oid
where p.prosqlbody is not null
