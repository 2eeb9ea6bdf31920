-- What has to go before an object changes, and to come back after it: (what, drop, create, more, identity, size), in the
-- order in which it goes. The object is the type of a column, or a view or a function as a whole, which is the last
-- itself. Views of views are among them. `create` is null where nothing makes it as it is. `more` are the statements that
-- give it back what else it has: indexes, triggers, defaults, comments, grants, its owner. `identity` is kind, name,
-- table and schema; `size` are the bytes that are computed anew.
-- Parameters: relation, a name as SQL writes it, with column, the one whose type changes, or null; or function, a name
-- with the types of its arguments. Of the object itself, `more` leaves out what is about columns that are not in columns.
with recursive changed as (
    select a.attrelid, a.attnum
    from pg_catalog.pg_attribute as a
    where a.attrelid = %(relation)s::regclass and a.attname = %(column)s
),

-- A column, a relation, or a function.
seed as (
    select 'pg_catalog.pg_class'::regclass as classid, c.attrelid as objid, c.attnum::integer as subid, c.attrelid
    from changed as c
    union all
    select 'pg_catalog.pg_class'::regclass, %(relation)s::regclass::oid, 0, %(relation)s::regclass::oid
    where %(relation)s::text is not null and %(column)s::text is null
    union all
    select 'pg_catalog.pg_proc'::regclass, %(function)s::regprocedure::oid, 0, null::oid where %(function)s::text is not null
),

view as (
    select s.objid as oid, -1 as depth from seed as s where s.classid = 'pg_catalog.pg_class'::regclass and s.subid = 0
    union
    select r.ev_class, 1
    from seed as s
    inner join pg_catalog.pg_depend as d
        on s.classid = d.refclassid and s.objid = d.refobjid and (s.subid = 0 or s.subid = d.refobjsubid)
    inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    where r.ev_class is distinct from s.attrelid and r.rulename = '_RETURN'
    union
    select r.ev_class, v.depth + 1
    from view as v
    inner join pg_catalog.pg_depend as d
        on d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = v.oid and d.refobjsubid >= 0
    inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
    where r.ev_class <> v.oid and r.rulename = '_RETURN' and v.depth between 1 and 100
),

dependent as (
    select d.classid, d.objid, s.attrelid
    from seed as s
    inner join pg_catalog.pg_depend as d
        on s.classid = d.refclassid and s.objid = d.refobjid and s.subid = d.refobjsubid
    where s.subid > 0 or s.classid = 'pg_catalog.pg_proc'::regclass
)

select
    kind.name || ' ' || c.oid::regclass as what,
    'drop ' || kind.name || ' ' || c.oid::regclass as gone,
    concat(
        'create ' || kind.name || ' ' || c.oid::regclass, ' with (' || array_to_string(c.reloptions, ', ') || ')',
        ' as ' || rtrim(pg_catalog.pg_get_viewdef(c.oid), ';'),
        case when c.relkind = 'm' and not c.relispopulated then ' with no data' end
    ) as back,
    array(
        select m.text
        from (
            select
                1 as place, pg_catalog.pg_get_indexdef(x.indexrelid) as text,
                'pg_catalog.pg_class'::regclass as classid, x.indexrelid as objid, 0 as subid
            from pg_catalog.pg_index as x where x.indrelid = c.oid
            union all
            select 2, pg_catalog.pg_get_triggerdef(t.oid), 'pg_catalog.pg_trigger'::regclass, t.oid, 0
            from pg_catalog.pg_trigger as t where t.tgrelid = c.oid and not t.tgisinternal
            union all
            select 2, rtrim(pg_catalog.pg_get_ruledef(r.oid), ';'), 'pg_catalog.pg_rewrite'::regclass, r.oid, 0
            from pg_catalog.pg_rewrite as r where r.ev_class = c.oid and r.rulename <> '_RETURN'
            union all
            select
                3,
                'alter view ' || c.oid::regclass || ' alter column ' || quote_ident(a.attname) || ' set default '
                || pg_catalog.pg_get_expr(f.adbin, f.adrelid), 'pg_catalog.pg_class'::regclass, c.oid, a.attnum
            from pg_catalog.pg_attrdef as f
            inner join pg_catalog.pg_attribute as a on f.adrelid = a.attrelid and f.adnum = a.attnum
            where f.adrelid = c.oid
            union all
            select 4, 'comment on ' || o.what || ' is ' || quote_literal(e.description), o.classoid, o.objoid, o.subid
            from (
                select 'pg_catalog.pg_class'::regclass as classoid, c.oid as objoid, 0 as subid,
                    kind.name || ' ' || c.oid::regclass as what
                union all
                select 'pg_catalog.pg_class'::regclass, c.oid, a.attnum,
                    'column ' || c.oid::regclass || '.' || quote_ident(a.attname)
                from pg_catalog.pg_attribute as a where a.attrelid = c.oid and a.attnum > 0
                union all
                select 'pg_catalog.pg_class'::regclass, x.indexrelid, 0, 'index ' || x.indexrelid::regclass
                from pg_catalog.pg_index as x where x.indrelid = c.oid
                union all
                select 'pg_catalog.pg_trigger'::regclass, t.oid, 0,
                    'trigger ' || quote_ident(t.tgname) || ' on ' || c.oid::regclass
                from pg_catalog.pg_trigger as t where t.tgrelid = c.oid
                union all
                select 'pg_catalog.pg_rewrite'::regclass, r.oid, 0,
                    'rule ' || quote_ident(r.rulename) || ' on ' || c.oid::regclass
                from pg_catalog.pg_rewrite as r where r.ev_class = c.oid
            ) as o
            inner join pg_catalog.pg_description as e
                on o.classoid = e.classoid and o.objoid = e.objoid and o.subid = e.objsubid
            union all
            select
                5,
                'grant ' || lower(g.privilege_type) || g.columns || ' on ' || c.oid::regclass || ' to '
                || case g.grantee when 0 then 'public' else g.grantee::regrole::text end
                || case when g.is_grantable then ' with grant option' else '' end, 'pg_catalog.pg_class'::regclass, c.oid, g.attnum
            from (
                select e.grantee, e.privilege_type, e.is_grantable, '' as columns, 0 as attnum
                from aclexplode(c.relacl) as e
                union all
                select e.grantee, e.privilege_type, e.is_grantable, ' (' || quote_ident(a.attname) || ')', a.attnum
                from pg_catalog.pg_attribute as a
                cross join lateral aclexplode(a.attacl) as e
                where a.attrelid = c.oid and not a.attisdropped
            ) as g
            where g.grantee <> c.relowner
            union all
            select
                6, 'alter ' || kind.name || ' ' || c.oid::regclass || ' owner to ' || c.relowner::regrole,
                'pg_catalog.pg_class'::regclass, c.oid, 0
            where c.relowner <> current_user::regrole
        ) as m
        where
            %(columns)s::text[] is null or c.oid is distinct from %(relation)s::regclass
            or not exists (
                select from pg_catalog.pg_attribute as a
                where
                    a.attrelid = c.oid and a.attnum > 0 and a.attname <> all(%(columns)s::text[])
                    and (
                        (m.objid = c.oid and m.subid = a.attnum)
                        or exists (
                            select from pg_catalog.pg_depend as d
                            where
                                d.classid = m.classid and d.objid = m.objid and m.objid <> c.oid
                                and d.refobjid = c.oid and d.refobjsubid = a.attnum
                        )
                    )
            )
        order by m.place, m.text
    ) as more,
    array[kind.name, c.relname::text, '', n.nspname::text] as identity,
    case c.relkind when 'm' then pg_catalog.pg_table_size(c.oid) else 0 end as size,
    max(v.depth) as depth
from view as v
inner join pg_catalog.pg_class as c on v.oid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
cross join lateral (select case c.relkind when 'm' then 'materialized view' else 'view' end as name) as kind
group by c.oid, c.relname, c.relkind, c.reloptions, c.relispopulated, c.relacl, c.relowner, kind.name, n.nspname
union
select
    'rule ' || quote_ident(r.rulename) || ' on ' || d.attrelid::regclass,
    'drop rule ' || quote_ident(r.rulename) || ' on ' || d.attrelid::regclass,
    rtrim(pg_catalog.pg_get_ruledef(r.oid), ';'),
    array(
        select 'comment on ' || 'rule ' || quote_ident(r.rulename) || ' on ' || d.attrelid::regclass || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_rewrite'::regclass and e.objoid = r.oid and e.objsubid = 0
    ),
    array['rule', r.rulename::text, c.relname::text, n.nspname::text], 0, 0
from dependent as d
inner join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
inner join pg_catalog.pg_class as c on r.ev_class = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
where r.ev_class = d.attrelid
union
select
    'trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass,
    'drop trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass,
    pg_catalog.pg_get_triggerdef(t.oid),
    array(
        select 'comment on ' || 'trigger ' || quote_ident(t.tgname) || ' on ' || t.tgrelid::regclass || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_trigger'::regclass and e.objoid = t.oid and e.objsubid = 0
    ),
    array['trigger', t.tgname::text, c.relname::text, n.nspname::text], 0, 0
from dependent as d
inner join pg_catalog.pg_trigger as t on d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid
inner join pg_catalog.pg_class as c on t.tgrelid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
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
    ),
    array(
        select 'comment on ' || 'policy ' || quote_ident(p.polname) || ' on ' || p.polrelid::regclass || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_policy'::regclass and e.objoid = p.oid and e.objsubid = 0
    ),
    array['policy', p.polname::text, c.relname::text, n.nspname::text], 0, 0
from dependent as d
inner join pg_catalog.pg_policy as p on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
inner join pg_catalog.pg_class as c on p.polrelid = c.oid
inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
union
select
    'generated column ' || quote_ident(a.attname),
    'alter table ' || f.adrelid::regclass || ' drop column ' || quote_ident(a.attname),
    null, array[]::text[], null, 0, 0
from dependent as d
inner join pg_catalog.pg_attrdef as f on d.classid = 'pg_catalog.pg_attrdef'::regclass and d.objid = f.oid
inner join pg_catalog.pg_attribute as a on f.adrelid = a.attrelid and f.adnum = a.attnum
where a.attgenerated <> ''
union
select
    'function ' || p.oid::regprocedure, 'drop function ' || p.oid::regprocedure, rtrim(pg_catalog.pg_get_functiondef(p.oid), E'\n'),
    array(
        select 'comment on function ' || p.oid::regprocedure || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_proc'::regclass and e.objoid = p.oid and e.objsubid = 0
        union all
        select 'revoke all on function ' || p.oid::regprocedure || ' from public' where p.proacl is not null
        union all
        select
            'grant execute on function ' || p.oid::regprocedure || ' to '
            || case g.grantee when 0 then 'public' else g.grantee::regrole::text end
            || case when g.is_grantable then ' with grant option' else '' end
        from aclexplode(p.proacl) as g where g.grantee <> p.proowner
        union all
        select 'alter function ' || p.oid::regprocedure || ' owner to ' || p.proowner::regrole
        where p.proowner <> current_user::regrole
    ),
    null, 0, 0
from dependent as d
inner join pg_catalog.pg_proc as p on d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid
union
select
    'function ' || p.oid::regprocedure, 'drop routine ' || p.oid::regprocedure, null,
    array(
        select 'comment on routine ' || p.oid::regprocedure || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_proc'::regclass and e.objoid = p.oid and e.objsubid = 0
        union all
        select 'revoke all on routine ' || p.oid::regprocedure || ' from public' where p.proacl is not null
        union all
        select
            'grant execute on routine ' || p.oid::regprocedure || ' to '
            || case g.grantee when 0 then 'public' else g.grantee::regrole::text end
            || case when g.is_grantable then ' with grant option' else '' end
        from aclexplode(p.proacl) as g where g.grantee <> p.proowner
        union all
        select 'alter routine ' || p.oid::regprocedure || ' owner to ' || p.proowner::regrole
        where p.proowner <> current_user::regrole
    ),
    null, 0, -1
from seed as s
inner join pg_catalog.pg_proc as p on s.classid = 'pg_catalog.pg_proc'::regclass and s.objid = p.oid
union
-- What else hangs on all that goes, and is not made again with it.
select pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid), '', null, array[]::text[], null, 0, 0
from (
    select s.classid, s.objid from seed as s where s.subid = 0
    union
    select 'pg_catalog.pg_class'::regclass, v.oid from view as v
    union
    select 'pg_catalog.pg_type'::regclass, t.oid
    from view as v
    inner join pg_catalog.pg_class as c on v.oid = c.oid
    inner join pg_catalog.pg_type as t on t.oid = c.reltype or t.typelem = c.reltype
) as g
inner join pg_catalog.pg_depend as d on g.classid = d.refclassid and g.objid = d.refobjid and d.deptype = 'n'
left join pg_catalog.pg_rewrite as r on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
where
    (r.oid is null or r.ev_class not in (select v.oid from view as v))
    and (d.classid, d.objid) not in (select o.classid, o.objid from dependent as o
        where o.classid in ('pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_policy'::regclass, 'pg_catalog.pg_proc'::regclass))
    and not exists (
        select from pg_catalog.pg_trigger as t
        where d.classid = 'pg_catalog.pg_trigger'::regclass and d.objid = t.oid and t.tgrelid in (select v.oid from view as v)
    )
union
-- An operator class that was chosen for the type; those for text serve all kinds of text.
select distinct
    'index ' || x.indexrelid::regclass,
    'drop index ' || x.indexrelid::regclass,
    pg_catalog.pg_get_indexdef(x.indexrelid),
    array(
        select 'comment on ' || 'index ' || x.indexrelid::regclass || ' is ' || quote_literal(e.description)
        from pg_catalog.pg_description as e
        where e.classoid = 'pg_catalog.pg_class'::regclass and e.objoid = x.indexrelid and e.objsubid = 0
    ),
    null::text[], 0, 0
from changed as c
inner join pg_catalog.pg_index as x on c.attrelid = x.indrelid
cross join lateral unnest(x.indkey) with ordinality as k (attnum, place)
inner join pg_catalog.pg_opclass as o on o.oid = x.indclass[k.place - 1]
where
    k.attnum = c.attnum and not o.opcdefault
    and o.opcintype not in ('text'::regtype, 'character varying'::regtype, 'character'::regtype)
union
select 'publication ' || quote_ident(b.pubname), 'alter publication ' || quote_ident(b.pubname) || ' drop table ' || d.attrelid::regclass,
    concat(
        'alter publication ' || quote_ident(b.pubname) || ' add table ' || d.attrelid::regclass,
        ' (' || (
            select string_agg(quote_ident(a.attname), ', ' order by a.attnum) from pg_catalog.pg_attribute as a
            where a.attrelid = r.prrelid and a.attnum = any(r.prattrs::smallint[])
        ) || ')',
        ' where (' || pg_catalog.pg_get_expr(r.prqual, r.prrelid) || ')'
    ),
    array[]::text[], null, 0, 0
from dependent as d
inner join pg_catalog.pg_publication_rel as r
    on d.classid = 'pg_catalog.pg_publication_rel'::regclass and d.objid = r.oid
inner join pg_catalog.pg_publication as b on r.prpubid = b.oid
order by depth desc, what
