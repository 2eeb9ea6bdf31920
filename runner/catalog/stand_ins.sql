-- What stands in the scratch schemas for objects that the scripts refer to and do not make, and for what these need: the
-- schema that each is in, its name, that of a function with its arguments, the scratch schema for it, the statement that
-- makes it there, and one that then takes away columns that only stand for the numbers of others, where there are some.
-- Tables, views and sequences have the columns, identities, keys and partition keys of the real ones, and no defaults;
-- functions the signature, and a body that does nothing. What has types of the scripts can be made when these are there.
-- Parameters: sorts, schemas, words: what is referred to; an empty schema means the path. path, an array of schemas. own_schemas,
-- own_words: what scripts make. names, scratch: the scratch schemas that are there; prefix, that of others. modern: whether
-- expressions of generated columns can be set, from PostgreSQL 17 on. trusted, roles:
-- what belongs to others is found on the path, and does not count.
with recursive trusted as ({trusted_roles}),

wanted as (select * from unnest(%(sorts)s::text[], %(schemas)s::text[], %(words)s::text[]) as w (sort, schema, word)),

own as (select * from unnest(%(own_schemas)s::text[], %(own_words)s::text[]) as o (schema, word)),

place as (
    select n.oid, n.nspname::text as schema, coalesce(s.scratch, %(prefix)s || 'n' || n.oid) as scratch, p.place
    from pg_catalog.pg_namespace as n
    left join unnest(%(names)s::text[], %(scratch)s::text[]) as s (name, scratch) on n.nspname = s.name
    left join unnest(%(path)s::text[]) with ordinality as p (name, place) on n.nspname = p.name
    where n.nspname not in ('pg_catalog', 'information_schema') and n.nspname !~ '^pg_(toast|temp)'
),

member as (
    select d.classid, d.objid from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass
),

relation as (
    select c.oid, c.relname::text as name, c.relkind as kind, c.relowner as owner, p.schema, p.scratch, p.place
    from pg_catalog.pg_class as c
    inner join place as p on c.relnamespace = p.oid
    where
        c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
        and (p.schema, c.relname::text) not in (select o.schema, o.word from own as o)
        and not exists (
            select from member as m where m.classid = 'pg_catalog.pg_class'::regclass and m.objid = c.oid
        )
),

type as (
    select t.oid, t.typname::text as name, t.typtype as kind, t.typowner as owner, t.typrelid, t.typbasetype, p.schema, p.scratch, p.place
    from pg_catalog.pg_type as t
    inner join place as p on t.typnamespace = p.oid
    where
        t.typtype in ('e', 'd', 'r', 'c')
        and (p.schema, t.typname::text) not in (select o.schema, o.word from own as o)
        and not exists (
            select from member as m where m.classid = 'pg_catalog.pg_type'::regclass and m.objid = t.oid
        )
),

-- a type, or that of the elements of an array
element as (
    select
        t.oid,
        case when t.typcategory = 'A' and t.typelem <> 0 then t.typelem else t.oid end as base,
        case when t.typcategory = 'A' and t.typelem <> 0 then '[]' else '' end as suffix
    from pg_catalog.pg_type as t
),

function as (
    select f.*, p.schema, p.scratch, p.place
    from pg_catalog.pg_proc as f
    inner join place as p on f.pronamespace = p.oid
    where
        f.prokind = 'f'
        and not exists (
            select from member as m where m.classid = 'pg_catalog.pg_proc'::regclass and m.objid = f.oid
        )
),

named as (
    (
        select distinct on (w.sort, w.schema, w.word) 'c' as class, r.oid
        from wanted as w
        inner join relation as r on w.word = r.name
        where
            w.sort = 'relation' and r.kind <> 'c'
            and (w.schema = r.schema or (w.schema = '' and r.owner in (select t.oid from trusted as t)))
            and (w.schema <> '' or r.place is not null)
        order by w.sort, w.schema, w.word, r.place
    )
    union all
    (
        select distinct on (w.sort, w.schema, w.word) 't', t.oid
        from wanted as w
        inner join type as t on w.word = t.name
        where
            w.sort = 'type'
            and (w.schema = t.schema or (w.schema = '' and t.owner in (select r.oid from trusted as r)))
            and (w.schema <> '' or t.place is not null)
        order by w.sort, w.schema, w.word, t.place
    )
    union all
    select 'f', f.oid
    from wanted as w
    inner join function as f on w.word = f.proname
    where
        w.sort = 'function'
        and (
            w.schema = f.schema
            or (w.schema = '' and f.place is not null and f.proowner in (select t.oid from trusted as t))
        )
),

node as (
    select n.class, n.oid from named as n
    union
    select e.class, e.oid
    from node as n
    cross join lateral (
        select 't' as class, e.base as oid
        from pg_catalog.pg_attribute as a
        inner join element as e on a.atttypid = e.oid
        where n.class = 'c' and a.attrelid = n.oid and a.attnum > 0 and not a.attisdropped
        union all
        select 't', e.base
        from type as t
        inner join element as e on t.typbasetype = e.oid
        where n.class = 't' and t.oid = n.oid
        union all
        select 'c', t.typrelid from type as t where n.class = 't' and t.oid = n.oid and t.typrelid <> 0
        union all
        select 't', e.base
        from pg_catalog.pg_range as r
        inner join element as e on r.rngsubtype = e.oid
        where n.class = 't' and r.rngtypid = n.oid
        union all
        select 't', e.base
        from function as f
        cross join lateral unnest(coalesce(f.proallargtypes, f.proargtypes::oid[]) || f.prorettype) as u (oid)
        inner join element as e on u.oid = e.oid
        where n.class = 'f' and f.oid = n.oid
    ) as e
    where
        (e.class = 'c' and e.oid in (select r.oid from relation as r))
        or (e.class = 't' and e.oid in (select t.oid from type as t))
),

-- the types that may be written, as they are written in the scratch schemas
written as (
    select e.oid, format('%%I.%%I', t.scratch, t.name) || e.suffix as text
    from element as e
    inner join type as t on e.base = t.oid
    where t.oid in (select n.oid from node as n where n.class = 't')
    union all
    select e.oid, null
    from element as e
    inner join pg_catalog.pg_type as t on e.base = t.oid
    where
        t.typnamespace = 'pg_catalog'::regnamespace
        or exists (
            select from member as m
            where
                (m.classid = 'pg_catalog.pg_type'::regclass and m.objid = t.oid)
                or (m.classid = 'pg_catalog.pg_class'::regclass and t.typrelid <> 0 and m.objid = t.typrelid)
        )
    union all
    select e.oid, format('%%I.%%I', p.scratch, t.typname) || e.suffix
    from element as e
    inner join pg_catalog.pg_type as t on e.base = t.oid
    inner join place as p on t.typnamespace = p.oid
    where
        t.typtype in ('e', 'd', 'r', 'c') and (p.schema, t.typname::text) in (select o.schema, o.word from own as o)
        and not exists (
            select from member as m where m.classid = 'pg_catalog.pg_type'::regclass and m.objid = t.oid
        )
)

select
    r.oid, r.schema, r.name, r.scratch,
    case
        when r.kind = 'S' then format('create sequence %%I.%%I', r.scratch, r.name)
        else format(
            'create %%s %%I.%%I %%s(%%s)%%s', case r.kind when 'c' then 'type' else 'table' end, r.scratch, r.name,
            case r.kind when 'c' then 'as ' else '' end, concat_ws(', ', own.columns, keys.keys), parted.key
        )
    end,
    format('alter table %%I.%%I ', r.scratch, r.name) || nullif(own.gone, '')
from relation as r
cross join lateral (
    select
        string_agg(
            case
                when w.oid is null then format('%%I integer', %(prefix)s || 'd' || a.attnum)
                else concat(
                    quote_ident(a.attname), ' ', x.type,
                    case
                        when l.collname is not null and a.attcollation <> t.typcollation
                            then format(' collate pg_catalog.%%I', l.collname)
                    end,
                    case when a.attnotnull and r.kind <> 'c' then ' not null' end,
                    case
                        when a.attgenerated <> '' and %(modern)s
                            then format(
                                ' generated always as (null::%%s) %%s',
                                x.type, case a.attgenerated when 's' then 'stored' else 'virtual' end
                            )
                    end,
                    case
                        when a.attidentity <> ''
                            then ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity'
                    end,
                    case when a.attidentity <> '' then s.options end
                )
            end,
            ', ' order by a.attnum
        ) filter (where w.oid is not null or r.kind <> 'c') as columns,
        string_agg(format('drop column %%I', %(prefix)s || 'd' || a.attnum), ', ')
            filter (where w.oid is null and r.kind <> 'c') as gone
    from pg_catalog.pg_attribute as a
    left join written as w on a.atttypid = w.oid and not a.attisdropped
    left join pg_catalog.pg_type as t on a.atttypid = t.oid
    left join pg_catalog.pg_collation as l on a.attcollation = l.oid and l.collnamespace = 'pg_catalog'::regnamespace
    left join lateral (select coalesce(w.text, format_type(a.atttypid, a.atttypmod)) as type) as x on true
    left join lateral (
        select format(
            ' (start with %%s increment by %%s minvalue %%s maxvalue %%s cache %%s%%s)',
            q.seqstart, q.seqincrement, q.seqmin, q.seqmax, q.seqcache, case when q.seqcycle then ' cycle' end
        ) as options
        from pg_catalog.pg_depend as d
        inner join pg_catalog.pg_sequence as q on d.objid = q.seqrelid
        where
            d.classid = 'pg_catalog.pg_class'::regclass and d.refclassid = 'pg_catalog.pg_class'::regclass
            and d.refobjid = r.oid and d.refobjsubid = a.attnum and d.deptype = 'i'
    ) as s on true
    where a.attrelid = r.oid and a.attnum > 0
) as own
left join lateral (
    select case
        when bool_and(e.text is not null)
            then format(
                ' partition by %%s (%%s)', case p.partstrat when 'r' then 'range' when 'l' then 'list' else 'hash' end,
                string_agg(e.text, ', ' order by k.place)
            )
    end as key
    from pg_catalog.pg_partitioned_table as p
    cross join lateral unnest(p.partattrs::smallint[], p.partclass::oid[], p.partcollation::oid[])
    with ordinality as k (number, class, collate_by, place)
    left join pg_catalog.pg_opclass as o on k.class = o.oid and o.opcnamespace = 'pg_catalog'::regnamespace
    left join pg_catalog.pg_type as i on o.opcintype = i.oid
    left join pg_catalog.pg_collation as l on k.collate_by = l.oid and l.collnamespace = 'pg_catalog'::regnamespace
    -- an expression stands for another one of its type
    left join lateral (
        select case
            when k.number <> 0 then quote_ident(a.attname)
            when i.typtype <> 'p' then format('(case when %%I is null then null::%%s end)', a.attname, format_type(i.oid, null))
        end
        || coalesce(' collate pg_catalog.' || quote_ident(l.collname), '')
        || ' pg_catalog.' || quote_ident(o.opcname) as text
        from pg_catalog.pg_attribute as a
        inner join written as w on a.atttypid = w.oid
        where a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped and k.number in (0, a.attnum)
        order by a.attnum
        limit 1
    ) as e on true
    where p.partrelid = r.oid
    group by p.partrelid, p.partstrat
) as parted on true
cross join lateral (
    select string_agg(
        format(
            'constraint %%I %%s (%%s)', %(prefix)s || 'k' || i.indexrelid,
            case when i.indisprimary then 'primary key' else 'unique' end, k.columns
        ),
        ', ' order by i.indexrelid
    ) as keys
    from pg_catalog.pg_index as i
    cross join lateral (
        select string_agg(quote_ident(a.attname), ', ' order by k.place) as columns, count(*) = i.indnkeyatts as is_whole
        from unnest(i.indkey::smallint[]) with ordinality as k (number, place)
        inner join pg_catalog.pg_attribute as a on k.number = a.attnum and a.attrelid = r.oid
        inner join written as w on a.atttypid = w.oid
        where k.place <= i.indnkeyatts
    ) as k
    where
        i.indrelid = r.oid and r.kind in ('r', 'p') and i.indisunique and i.indisvalid and i.indimmediate
        and i.indpred is null and k.is_whole
) as keys
where r.oid in (select n.oid from node as n where n.class = 'c')
union all
select
    t.oid, t.schema, t.name, t.scratch,
    format('create %%s %%I.%%I as ', case t.kind when 'd' then 'domain' else 'type' end, t.scratch, t.name)
    || case t.kind
        when 'e' then (
            select format('enum (%%s)', string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder))
            from pg_catalog.pg_enum as e where e.enumtypid = t.oid
        )
        when 'd' then (
            select coalesce(w.text, format_type(d.typbasetype, d.typtypmod))
            from pg_catalog.pg_type as d inner join written as w on d.typbasetype = w.oid
            where d.oid = t.oid
        )
        else (
            select format('range (subtype = %%s)', coalesce(w.text, format_type(g.rngsubtype, null)))
            from pg_catalog.pg_range as g inner join written as w on g.rngsubtype = w.oid
            where g.rngtypid = t.oid
        )
    end,
    null
from type as t
where t.kind <> 'c' and t.oid in (select n.oid from node as n where n.class = 't')
union all
select
    f.oid, f.schema,
    f.proname || '(' || coalesce(
        (
            select string_agg(format_type(t.oid, null), ', ' order by t.place)
            from unnest(f.proargtypes) with ordinality as t (oid, place)
        ),
        ''
    ) || ')',
    f.scratch,
    format(
        'create function %%I.%%I(%%s) returns %%s%%s language plpgsql %%s%%s as %%L', f.scratch, f.proname, a.arguments,
        case when f.proretset then 'setof ' else '' end, coalesce(w.text, format_type(f.prorettype, null)),
        case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
        case when f.proisstrict then ' strict' else '' end,
        case
            when f.proretset or a.has_output then 'begin return; end'
            when f.prorettype = 'void'::regtype then 'begin end'
            else 'begin return null; end'
        end
    ),
    null
from function as f
inner join written as w on f.prorettype = w.oid
cross join lateral (
    select
        coalesce(
            string_agg(
                concat_ws(
                    ' ', m.mode, quote_ident(nullif(f.proargnames[p.place], '')),
                    coalesce(w.text, format_type(p.oid, null)),
                    case when m.mode <> 'out' and m.input > f.pronargs - f.pronargdefaults then 'default null' end
                ),
                ', ' order by p.place
            ),
            ''
        ) as arguments,
        coalesce(bool_or(m.mode in ('out', 'inout')), false) as has_output,
        count(*) = cardinality(coalesce(f.proallargtypes, f.proargtypes::oid[])) as is_whole
    from unnest(coalesce(f.proallargtypes, f.proargtypes::oid[])) with ordinality as p (oid, place)
    inner join written as w on p.oid = w.oid
    cross join lateral (
        select
            case f.proargmodes[p.place] when 'o' then 'out' when 't' then 'out' when 'b' then 'inout' when 'v' then 'variadic' else 'in' end
            as mode,
            case
                when f.proargmodes is null then p.place
                else (
                    select count(*) from unnest(f.proargmodes) with ordinality as q (mode, place)
                    where q.place <= p.place and q.mode not in ('o', 't')
                )
            end as input
    ) as m
) as a
where f.oid in (select n.oid from node as n where n.class = 'f') and a.is_whole
order by 1
