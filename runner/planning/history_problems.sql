-- What is wrong with the tables of the history and the releases, and what cures it: (table, problem, cure). They are read
-- only when there is no row. Parameters: schema; history and releases, the names of the tables; and those of
-- trusted_roles.sql.
with trusted as (
    {trusted_roles}
),

own as (
    select
        c.oid, c.relname, c.relkind, c.relpersistence, c.relowner, c.relrowsecurity, n.nspname,
        format('%%I.%%I', n.nspname, c.relname) as quoted
    from pg_catalog.pg_class as c
    inner join pg_catalog.pg_namespace as n on c.relnamespace = n.oid
    where n.nspname = %(schema)s::text and c.relname in (%(history)s::text, %(releases)s::text)
),

-- The columns that runners have made: those of the history knew no projects once.
known as (
    select k.table_name, k.name, k.type, k.is_required
    from (
        values
        (%(history)s::text, 'run', 'integer', true),
        (%(history)s, 'script', 'text', true),
        (%(history)s, 'checksum', 'text', true),
        (%(history)s, 'status', 'text', true),
        (%(history)s, 'statements', 'integer', true),
        (%(history)s, 'started', 'timestamp with time zone', true),
        (%(history)s, 'seconds', 'double precision', true),
        (%(history)s, 'role', 'text', true),
        (%(history)s, 'runner_version', 'text', true),
        (%(history)s, 'error', 'text', true),
        (%(history)s, 'project', 'text', false),
        (%(releases)s, 'project', 'text', true),
        (%(releases)s, 'profiles', 'text', true),
        (%(releases)s, 'run', 'integer', true),
        (%(releases)s, 'identity', 'text', true),
        (%(releases)s, 'number', 'bigint', true),
        (%(releases)s, 'data', 'text', true),
        (%(releases)s, 'status', 'text', true),
        (%(releases)s, 'recorded', 'integer', false),
        (%(releases)s, 'started', 'timestamp with time zone', true),
        (%(releases)s, 'role', 'text', true),
        (%(releases)s, 'runner_version', 'text', true)
    ) as k (table_name, name, type, is_required)
),

own_column as (
    select o.oid, a.attname::text as name, pg_catalog.format_type(a.atttypid, a.atttypmod) as type
    from own as o
    inner join pg_catalog.pg_attribute as a on o.oid = a.attrelid
    where o.relkind = 'r' and a.attnum > 0 and not a.attisdropped
),

-- Defaults, constraints and indexes: what of them PostgreSQL runs when a row is read or written.
part as (
    select
        o.oid, 'pg_catalog.pg_attrdef'::regclass as classid, f.oid as objid,
        format('alter table %%s alter column %%I drop default', o.quoted, a.attname) as cure
    from own as o
    inner join pg_catalog.pg_attrdef as f on o.oid = f.adrelid
    inner join pg_catalog.pg_attribute as a on f.adrelid = a.attrelid and f.adnum = a.attnum
    union all
    select
        o.oid, 'pg_catalog.pg_constraint'::regclass, c.oid,
        format('alter table %%s drop constraint %%I', o.quoted, c.conname)
    from own as o
    inner join pg_catalog.pg_constraint as c on o.oid = c.conrelid
    union all
    select o.oid, 'pg_catalog.pg_class'::regclass, i.oid, format('drop index %%I.%%I', o.nspname, i.relname)
    from own as o
    inner join pg_catalog.pg_index as x on o.oid = x.indrelid
    inner join pg_catalog.pg_class as i on x.indexrelid = i.oid
),

problem as (
    select
        o.oid,
        'it is '
        || case o.relkind
            when 'v' then 'a view' when 'm' then 'a materialized view' when 'f' then 'a foreign table'
            when 'p' then 'a partitioned table' when 'S' then 'a sequence' else 'something else'
        end
        || ', and no plain table' as what,
        null as cure
    from own as o
    where o.relkind <> 'r'
    union all
    select o.oid, 'it is not permanent', format('alter table %%s set logged', o.quoted)
    from own as o
    where o.relkind = 'r' and o.relpersistence <> 'p'
    union all
    select
        o.oid, format('it belongs to role %%I, which is not trusted', pg_catalog.pg_get_userbyid(o.relowner)),
        format('alter table %%s owner to %%I', o.quoted, current_user)
    from own as o
    where o.relowner not in (select t.oid from trusted as t)
    union all
    select o.oid, format('it has a trigger, %%I', t.tgname), format('drop trigger %%I on %%s', t.tgname, o.quoted)
    from own as o
    inner join pg_catalog.pg_trigger as t on o.oid = t.tgrelid
    where not t.tgisinternal
    union all
    select o.oid, format('it has a rule, %%I', r.rulename), format('drop rule %%I on %%s', r.rulename, o.quoted)
    from own as o
    inner join pg_catalog.pg_rewrite as r on o.oid = r.ev_class
    where o.relkind = 'r'
    union all
    select o.oid, format('it has a policy, %%I', p.polname), format('drop policy %%I on %%s', p.polname, o.quoted)
    from own as o
    inner join pg_catalog.pg_policy as p on o.oid = p.polrelid
    union all
    select o.oid, 'it has row security', format('alter table %%s disable row level security', o.quoted)
    from own as o
    where o.relrowsecurity
    union all
    select
        o.oid, case o.oid when i.inhrelid then 'it inherits from another table' else 'another table inherits from it' end,
        format('alter table %%s no inherit %%s', i.inhrelid::regclass, i.inhparent::regclass)
    from own as o
    inner join pg_catalog.pg_inherits as i on o.oid in (i.inhrelid, i.inhparent)
    union all
    select
        o.oid, format('it calls %%s', pg_catalog.pg_describe_object(d.refclassid, d.refobjid, d.refobjsubid)), p.cure
    from own as o
    inner join part as p on o.oid = p.oid
    inner join pg_catalog.pg_depend as d on p.classid = d.classid and p.objid = d.objid
    cross join lateral pg_catalog.pg_identify_object(d.refclassid, d.refobjid, d.refobjsubid) as i
    where
        d.refclassid in (
            'pg_catalog.pg_proc'::regclass, 'pg_catalog.pg_operator'::regclass, 'pg_catalog.pg_opclass'::regclass
        )
        and i.schema <> 'pg_catalog'
    union all
    select o.oid, format('column %%I, of type %%s, is none that a runner has made', c.name, c.type), null
    from own as o
    inner join own_column as c on o.oid = c.oid
    left join known as k on o.relname = k.table_name and c.name = k.name and c.type = k.type
    where k.name is null
    union all
    select
        o.oid, format('it has no column %%s', string_agg(format('%%I of type %%s', k.name, k.type), ', ' order by k.name)), null
    from own as o
    inner join known as k on o.relname = k.table_name
    left join own_column as c on o.oid = c.oid and k.name = c.name
    where o.relkind = 'r' and k.is_required and c.name is null
    group by o.oid
)

select o.relname::text as table_name, p.what, p.cure
from problem as p
inner join own as o on p.oid = o.oid
order by 1, 2
