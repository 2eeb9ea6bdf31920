-- What roles may do, and owners: (kind, name, table, schema, role, value, granted by, is owner).
--
-- `value` is privileges in PostgreSQL's capital letters, with ` WITH GRANT OPTION`, or the owner; a NULL is what PUBLIC
-- has not, though PostgreSQL gives it by default. `granted by` is set where that is not the owner. The role of the run,
-- as the creator of what default privileges are for, is CURRENT_USER. A row of the kind `role` is a role that there is,
-- that of the kind `running` the role of the run.
-- Only what somebody has changed is read: where there is no list of privileges, they are PostgreSQL's own.
-- A sequence that a column owns has its table.
-- Parameters: schemas and shown, as for the facts, and managed, patterns of LIKE.
with namespace as (
    select n.oid, n.nspname, n.nspowner, n.nspacl, s.shown as schema
    from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
    inner join pg_catalog.pg_namespace as n on s.name = n.nspname
),

role as (
    select r.oid, r.rolname, quote_ident(r.rolname) as shown
    from pg_catalog.pg_roles as r
    where r.rolname like any (%(managed)s::text[])
    union all
    select 0, '', 'PUBLIC'
),

member as (
    select d.classid, d.objid from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass
),

relation as (
    select
        c.oid, c.relname, n.schema, c.relowner, c.relacl,
        case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' else 'table' end as kind,
        coalesce(t.relname, '') as of_table
    from pg_catalog.pg_class as c
    inner join namespace as n on c.relnamespace = n.oid
    left join pg_catalog.pg_depend as o
        on
            c.relkind = 'S' and o.classid = 'pg_catalog.pg_class'::regclass and o.objid = c.oid and o.objsubid = 0
            and o.refclassid = 'pg_catalog.pg_class'::regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
    left join pg_catalog.pg_class as t on o.refobjid = t.oid
    where
        c.relkind in ('r', 'p', 'f', 'v', 'm', 'S')
        and not exists (select from member where classid = 'pg_catalog.pg_class'::regclass and objid = c.oid)
),

object as (
    select kind, relname::text as name, of_table as table_name, schema, relowner as owner, relacl as acl from relation
    union all
    select 'column', a.attname, r.relname, r.schema, r.relowner, a.attacl
    from relation as r
    inner join pg_catalog.pg_attribute as a on r.oid = a.attrelid
    where a.attacl is not null and a.attnum > 0 and not a.attisdropped
    union all
    select
        case p.prokind when 'a' then 'aggregate' else 'function' end,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
                from unnest(p.proargtypes) with ordinality as t (oid, place)
            ),
            case p.prokind when 'a' then '*' else '' end
        )
        || ')', '', n.schema, p.proowner, p.proacl
    from pg_catalog.pg_proc as p
    inner join namespace as n on p.pronamespace = n.oid
    where not exists (select from member where classid = 'pg_catalog.pg_proc'::regclass and objid = p.oid)
    union all
    select case t.typtype when 'd' then 'domain' else 'type' end, t.typname, '', n.schema, t.typowner, t.typacl
    from pg_catalog.pg_type as t
    inner join namespace as n on t.typnamespace = n.oid
    left join pg_catalog.pg_class as c on t.typrelid = c.oid
    where
        (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and c.relkind = 'c'))
        and not exists (select from member where classid = 'pg_catalog.pg_type'::regclass and objid = t.oid)
    union all
    select 'schema', n.nspname, '', '', n.nspowner, n.nspacl from namespace as n
    union all
    select 'language', lanname, '', '', lanowner, lanacl from pg_catalog.pg_language
    union all
    select 'foreign-data wrapper', fdwname, '', '', fdwowner, fdwacl from pg_catalog.pg_foreign_data_wrapper
    union all
    select 'server', srvname, '', '', srvowner, srvacl from pg_catalog.pg_foreign_server
    union all
    select
        'new ' || case d.defaclobjtype
            when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas'
        end || case when d.defaclnamespace = 0 then '' else ' in schema' end,
        case when u.rolname = current_user then 'CURRENT_USER' else quote_ident(u.rolname) end,
        '', coalesce(n.schema, ''), d.defaclrole, d.defaclacl
    from pg_catalog.pg_default_acl as d
    inner join pg_catalog.pg_roles as u on d.defaclrole = u.oid
    left join namespace as n on d.defaclnamespace = n.oid
    where
        d.defaclobjtype in ('r', 'S', 'f', 'T', 'n') and (d.defaclnamespace = 0 or n.oid is not null)
        and (u.rolname = current_user or exists (select from role as m where m.oid = u.oid))
),

given as (
    select
        o.kind, o.name, o.table_name, o.schema, r.shown as role,
        string_agg(a.privilege_type || case when a.is_grantable then ' WITH GRANT OPTION' else '' end, ', ') as value,
        case when a.grantor <> o.owner then quote_ident(pg_catalog.pg_get_userbyid(a.grantor)) end as grantor,
        a.grantee = o.owner as is_owner
    from object as o
    cross join lateral pg_catalog.aclexplode(o.acl) as a
    inner join role as r on a.grantee = r.oid
    group by o.kind, o.name, o.table_name, o.schema, o.owner, r.shown, a.grantor, a.grantee
)

select kind, name, table_name, schema, role, value, grantor, is_owner from given
union all
select o.kind, o.name, o.table_name, o.schema, 'PUBLIC', null, null, false
from object as o
where
    o.acl is not null and o.kind not in ('table', 'view', 'materialized view', 'sequence', 'column')
    and not exists (select from pg_catalog.aclexplode(o.acl) as a where a.grantee = 0)
union all
select o.kind, o.name, o.table_name, o.schema, r.shown, null, null, true
from object as o
inner join role as r on o.owner = r.oid
where o.kind <> 'column'
union all
select 'owner of ' || o.kind, o.name, '', o.schema, '', quote_ident(pg_catalog.pg_get_userbyid(o.owner)), null, false
from object as o
where o.kind <> 'column' and not starts_with(o.kind, 'new ')
union all
select 'role', shown, '', '', '', '', null, false from role where oid <> 0
union all
select 'running', quote_ident(current_user), '', '', '', '', null, false
