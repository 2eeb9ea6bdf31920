-- What roles that are not trusted have a part in: (kind, name, table, schema, problem, what, cure, used, its schema,
-- is_strange), where problem is
--   creates  the role may create objects in a schema of the search path; 'PUBLIC' is every role
--   owns     the role owns the object
--   uses     the object is bound to a function or an operator that is not PostgreSQL's own, nor an extension's; `used` is
--            what that function, or that of the operator, is called where the facts have it; is_strange: its owner is not
--            trusted
-- Objects are named as in the facts. Parameters: as there; path, an array of schemas; and trusted, an array of names.
with trusted as (
    {trusted_roles}
),

namespace as (
    select n.oid, n.nspname, s.shown as schema
    from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
    inner join pg_catalog.pg_namespace as n on s.name = n.nspname
),

creator as (
    select n.nspname, n.nspowner, n.nspowner as role, n.nspowner as grantor
    from pg_catalog.pg_namespace as n
    where n.nspname = any(%(path)s::text[])
    union
    select n.nspname, n.nspowner, a.grantee, a.grantor
    from pg_catalog.pg_namespace as n
    cross join lateral pg_catalog.aclexplode(n.nspacl) as a
    where n.nspname = any(%(path)s::text[]) and a.privilege_type = 'CREATE' and a.grantee <> n.nspowner
),

-- What functions are called in the facts, put together for the rows of the answer alone: a database may have many.
signature as not materialized (
    select
        p.oid,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(a.oid, null), ', ' order by a.place)
                from unnest(p.proargtypes) with ordinality as a (oid, place)
            ),
            ''
        )
        || ')' as words
    from pg_catalog.pg_proc as p
),

owned as (
    select
        case c.relkind
            when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type' else 'table'
        end as kind,
        c.relname::text as name, n.schema, c.relowner as role,
        case c.relkind when 'f' then 'foreign table' when 'c' then 'type' end as word,
        format('%%I.%%I', n.nspname, c.relname) as quoted
    from pg_catalog.pg_class as c
    inner join namespace as n on c.relnamespace = n.oid
    where c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c') and c.relowner not in (select t.oid from trusted as t)
    union all
    select
        case t.typtype when 'd' then 'domain' else 'type' end, t.typname, n.schema, t.typowner, null,
        format('%%I.%%I', n.nspname, t.typname)
    from pg_catalog.pg_type as t
    inner join namespace as n on t.typnamespace = n.oid
    where t.typtype in ('e', 'd', 'r') and t.typowner not in (select r.oid from trusted as r)
    union all
    select
        'function', s.words, n.schema, p.proowner, 'routine',
        format('%%I.%%I(%%s)', n.nspname, p.proname, pg_catalog.pg_get_function_identity_arguments(p.oid))
    from pg_catalog.pg_proc as p
    inner join namespace as n on p.pronamespace = n.oid
    inner join signature as s on p.oid = s.oid
    where p.prokind in ('f', 'p', 'w') and p.proowner not in (select t.oid from trusted as t)
),

-- Functions, operators and operator classes that somebody has made in the database. An operator is what its function is,
-- a class what its first function is.
made as (
    select
        'pg_catalog.pg_proc'::regclass as classid, p.oid, p.oid as function, p.pronamespace as schema, p.proowner as role,
        p.proname as name, false as is_default
    from pg_catalog.pg_proc as p
    union all
    select 'pg_catalog.pg_operator'::regclass, o.oid, o.oprcode::oid, o.oprnamespace, o.oprowner, o.oprname, false
    from pg_catalog.pg_operator as o
    union all
    select
        'pg_catalog.pg_opclass'::regclass, o.oid,
        (
            select a.amproc::oid from pg_catalog.pg_amproc as a
            where a.amprocfamily = o.opcfamily and a.amproclefttype = o.opcintype and a.amprocrighttype = o.opcintype
            order by a.amprocnum
            limit 1
        ),
        o.opcnamespace, o.opcowner, o.opcname, o.opcdefault
    from pg_catalog.pg_opclass as o
),

bound as (
    select
        d.classid, d.objid, d.refclassid, m.function, m.schema, m.name as used, m.is_default, m.role not in (select t.oid from trusted as t) as is_strange,
        pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid) as what
    from pg_catalog.pg_depend as d
    inner join made as m on d.refclassid = m.classid and d.refobjid = m.oid
    where
        d.classid in (
            'pg_catalog.pg_constraint'::regclass, 'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_class'::regclass
        )
        and m.schema <> 'pg_catalog'::regnamespace
        and not exists (
            select from pg_catalog.pg_depend as e
            where
                e.classid = d.refclassid and e.objid = d.refobjid and e.deptype = 'e'
                and e.refclassid = 'pg_catalog.pg_extension'::regclass
        )
),

bound_part as (
    select
        'constraint' as kind, c.conname::text as name, r.relname as table_name, r.relnamespace, b.what, b.function, b.refclassid, b.schema, b.is_strange, b.used, b.is_default
    from bound as b
    inner join pg_catalog.pg_constraint as c on b.classid = 'pg_catalog.pg_constraint'::regclass and b.objid = c.oid
    inner join pg_catalog.pg_class as r on c.conrelid = r.oid
    union all
    select 'column', a.attname, r.relname, r.relnamespace, b.what, b.function, b.refclassid, b.schema, b.is_strange, b.used, b.is_default
    from bound as b
    inner join pg_catalog.pg_attrdef as f on b.classid = 'pg_catalog.pg_attrdef'::regclass and b.objid = f.oid
    inner join pg_catalog.pg_attribute as a on f.adrelid = a.attrelid and f.adnum = a.attnum
    inner join pg_catalog.pg_class as r on f.adrelid = r.oid
    union all
    select 'index', i.relname, r.relname, r.relnamespace, b.what, b.function, b.refclassid, b.schema, b.is_strange, b.used, b.is_default
    from bound as b
    inner join pg_catalog.pg_index as x on b.classid = 'pg_catalog.pg_class'::regclass and b.objid = x.indexrelid
    inner join pg_catalog.pg_class as i on x.indexrelid = i.oid
    inner join pg_catalog.pg_class as r on x.indrelid = r.oid
)

select
    'schema' as kind, c.nspname::text as name, '' as table_name, '' as schema, 'creates' as problem,
    coalesce(quote_ident(r.rolname), 'PUBLIC') as what,
    case
        when c.role = c.nspowner then format('alter schema %%I owner to pg_database_owner;', c.nspname)
        else concat(
            case when c.grantor <> c.nspowner then format('set role %%I; ', pg_catalog.pg_get_userbyid(c.grantor)) end,
            format('revoke create on schema %%I from %%s;', c.nspname, coalesce(quote_ident(r.rolname), 'public'))
        )
    end as cure,
    null as used, null as used_schema, true as is_strange, true as may_hide
from creator as c
left join pg_catalog.pg_roles as r on c.role = r.oid
where
    c.role not in (select t.oid from trusted as t)
    and not (c.role = 0 and 'PUBLIC' = any(%(trusted)s::text[]))
union all
select
    o.kind, o.name, '', o.schema, 'owns', quote_ident(pg_catalog.pg_get_userbyid(o.role)),
    format('alter %%s %%s owner to %%I;', coalesce(o.word, o.kind), o.quoted, current_user), null, null, true, true
from owned as o
union all
select
    b.kind, b.name, b.table_name, n.schema, 'uses', b.what, '',
    (select s.words from signature as s where s.oid = b.function), coalesce(u.schema, o.nspname, s.nspname), b.is_strange,
    case
        when b.refclassid <> 'pg_catalog.pg_proc'::regclass
            then
                o.nspname <> 'pg_catalog'
                and not exists (
                    select from pg_catalog.pg_depend as e
                    where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = f.oid and e.deptype = 'e'
                )
                and (
                    b.is_default
                    or (
                        found.is_without_schema
                        and (
                            b.used in (select p.oprname from pg_catalog.pg_operator as p where p.oprnamespace = 'pg_catalog'::regnamespace)
                            or b.used in (select p.opcname from pg_catalog.pg_opclass as p where p.opcnamespace = 'pg_catalog'::regnamespace)
                        )
                    )
                )
        -- a name without a schema that PostgreSQL has too
        else
            found.is_without_schema
            and exists (
                select from pg_catalog.pg_proc as p
                where p.proname = f.proname and p.pronamespace = 'pg_catalog'::regnamespace
            )
    end
from bound_part as b
inner join namespace as n on b.relnamespace = n.oid
inner join pg_catalog.pg_namespace as s on b.schema = s.oid
cross join lateral (
    select s.nspname::text = any(%(path)s::text[]) or s.oid in (select e.extnamespace from pg_catalog.pg_extension as e)
        as is_without_schema
) as found
left join pg_catalog.pg_proc as f on b.function = f.oid
left join pg_catalog.pg_namespace as o on f.pronamespace = o.oid
left join namespace as u on o.oid = u.oid
