-- Where an index is stored, and what depends on it or on its constraint: (tablespace, what, drop, create), in a row each.
-- `what` is null when there is nothing, `drop` and `create` where PostgreSQL has no words for it.
-- Parameter: index, a name as SQL writes it.
with dependent as (
    select distinct d.classid, d.objid, d.objsubid
    from pg_catalog.pg_depend as d
    left join pg_catalog.pg_constraint as own
        on d.refclassid = 'pg_catalog.pg_constraint'::regclass and d.refobjid = own.oid
    where
        d.deptype = 'n'
        and (
            (own.conindid = %(index)s::regclass and own.contype in ('p', 'u', 'x'))
            or (d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = %(index)s::regclass)
        )
)

select
    quote_ident(s.spcname) as tablespace,
    pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid) as what,
    'alter table ' || f.conrelid::regclass || ' drop constraint ' || quote_ident(f.conname) as gone,
    'alter table ' || f.conrelid::regclass || ' add constraint ' || quote_ident(f.conname)
    || ' ' || pg_catalog.pg_get_constraintdef(f.oid) as back
from pg_catalog.pg_class as i
left join pg_catalog.pg_tablespace as s on i.reltablespace = s.oid
left join dependent as d on true
left join pg_catalog.pg_constraint as f on d.classid = 'pg_catalog.pg_constraint'::regclass and d.objid = f.oid
where i.oid = %(index)s::regclass and coalesce(f.conparentid, 0) = 0
order by 2
