-- What values can be made from: each type, and what it consists of; the types of the catalog's own rows aside.
select
    t.oid::int8, pg_catalog.format_type(t.oid, null) as name, t.typtype::text, t.typcategory::text,
    case when t.typcategory = 'A' then t.typelem else 0 end::int8 as element,
    t.typbasetype::int8 as base,
    case when t.typtype = 'd' then pg_catalog.format_type(t.typbasetype, t.typtypmod) else '' end as full_base,
    array(select e.enumlabel::text from pg_catalog.pg_enum as e where e.enumtypid = t.oid order by e.enumsortorder) as labels,
    array(
        select pg_catalog.pg_get_constraintdef(c.oid) from pg_catalog.pg_constraint as c where c.contypid = t.oid order by 1
    ) as checks,
    array(
        select a.atttypid::int8 from pg_catalog.pg_attribute as a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as parts,
    array(
        select pg_catalog.format_type(a.atttypid, a.atttypmod) from pg_catalog.pg_attribute as a
        where t.typtype = 'c' and a.attrelid = t.typrelid and a.attnum > 0 and not a.attisdropped order by a.attnum
    ) as full_parts,
    coalesce((select g.rngsubtype from pg_catalog.pg_range as g where t.oid = g.rngtypid), 0)::int8 as subtype
from pg_catalog.pg_type as t
inner join pg_catalog.pg_namespace as n on t.typnamespace = n.oid
where t.typtype <> 'c' or n.nspname !~ '^pg_|^information_schema$'
