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
        f.prokind in ('f', 'a')
        and not exists (
            select from member as m where m.classid = 'pg_catalog.pg_proc'::regclass and m.objid = f.oid
        )
),

operator as (
    select o.*, p.schema, p.scratch, p.place
    from pg_catalog.pg_operator as o
    inner join place as p on o.oprnamespace = p.oid
    where not exists (
        select from member as m where m.classid = 'pg_catalog.pg_operator'::regclass and m.objid = o.oid
    )
),

-- what has a name and no arguments
plain as (
    select a.*, p.schema, p.scratch, p.place
    from (
        select
            'l' as class, 'collation' as sort, 'pg_catalog.pg_collation'::regclass as classid, c.oid,
            c.collname::text as name, c.collnamespace as home, c.collowner as owner, 0::oid as method
        from pg_catalog.pg_collation as c
        union all
        select
            'p', 'opclass', 'pg_catalog.pg_opclass'::regclass, o.oid, o.opcname::text, o.opcnamespace, o.opcowner, o.opcmethod
        from pg_catalog.pg_opclass as o
        union all
        select
            'g', 'ts_configuration', 'pg_catalog.pg_ts_config'::regclass, c.oid, c.cfgname::text, c.cfgnamespace, c.cfgowner, 0
        from pg_catalog.pg_ts_config as c
        union all
        select
            'y', 'ts_dictionary', 'pg_catalog.pg_ts_dict'::regclass, d.oid, d.dictname::text, d.dictnamespace, d.dictowner, 0
        from pg_catalog.pg_ts_dict as d
    ) as a
    inner join place as p on a.home = p.oid
    where not exists (select from member as m where m.classid = a.classid and m.objid = a.oid)
),

-- how functions are called: those that have a stand-in, by its schema
called as (
    select f.oid, format('%%I.%%I', coalesce(o.scratch, n.nspname), f.proname) as name
    from pg_catalog.pg_proc as f
    inner join pg_catalog.pg_namespace as n on f.pronamespace = n.oid
    left join function as o on f.oid = o.oid
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
    union all
    select 'o', o.oid
    from wanted as w
    inner join operator as o on w.word = o.oprname
    where
        w.sort = 'operator'
        and (
            w.schema = o.schema
            or (w.schema = '' and o.place is not null and o.oprowner in (select t.oid from trusted as t))
        )
    union all
    (
        select distinct on (w.sort, w.schema, w.word, a.method) a.class, a.oid
        from wanted as w
        inner join plain as a on w.sort = a.sort and w.word = a.name
        where
            (w.schema = a.schema or (w.schema = '' and a.owner in (select t.oid from trusted as t)))
            and (w.schema <> '' or a.place is not null)
        order by w.sort, w.schema, w.word, a.method, a.place
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
        union all
        select 'l', a.attcollation from pg_catalog.pg_attribute as a
        where n.class = 'c' and a.attrelid = n.oid and a.attnum > 0 and not a.attisdropped
        union all
        select 'l', t.typcollation from pg_catalog.pg_type as t where n.class = 't' and t.oid = n.oid
        union all
        select u.class, coalesce(e.base, u.oid)
        from operator as o
        cross join lateral (
            values ('t', o.oprleft), ('t', o.oprright), ('t', o.oprresult), ('f', o.oprcode::oid)
        ) as u (class, oid)
        left join element as e on u.class = 't' and u.oid = e.oid
        where n.class = 'o' and o.oid = n.oid
        union all
        select u.class, u.oid
        from pg_catalog.pg_opclass as c
        cross join lateral (
            values ('t', c.opcintype), ('t', c.opckeytype)
            union all
            select 'o', m.amopopr from pg_catalog.pg_amop as m
            where m.amopfamily = c.opcfamily and m.amoplefttype = c.opcintype
            union all
            select 'f', m.amproc::oid from pg_catalog.pg_amproc as m
            where m.amprocfamily = c.opcfamily and m.amproclefttype = c.opcintype
        ) as u (class, oid)
        where n.class = 'p' and c.oid = n.oid
    ) as e
    where
        (e.class = 'c' and e.oid in (select r.oid from relation as r))
        or (e.class = 't' and e.oid in (select t.oid from type as t))
        or (e.class = 'f' and e.oid in (select f.oid from function as f))
        or (e.class = 'o' and e.oid in (select o.oid from operator as o))
        or (e.class = 'l' and e.oid in (select a.oid from plain as a where a.class = 'l'))
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
                        when l.oid is not null and a.attcollation <> t.typcollation
                            then format(' collate %%I.%%I', coalesce(y.scratch, 'pg_catalog'), l.collname)
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
    left join plain as y on a.attcollation = y.oid and y.class = 'l'
    left join pg_catalog.pg_collation as l
        on a.attcollation = l.oid and (y.oid is not null or l.collnamespace = 'pg_catalog'::regnamespace)
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
            select
                coalesce(w.text, format_type(d.typbasetype, d.typtypmod))
                || coalesce(' collate ' || quote_ident(y.scratch) || '.' || quote_ident(y.name), '')
            from pg_catalog.pg_type as d
            inner join written as w on d.typbasetype = w.oid
            left join plain as y on d.typcollation = y.oid and y.class = 'l'
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
where f.oid in (select n.oid from node as n where n.class = 'f') and f.prokind = 'f' and a.is_whole
union all
-- an aggregate whose state is its result
select
    f.oid, f.schema, f.proname || '(' || coalesce(a.names, '') || ')', f.scratch,
    format(
        'create function %%I.%%I(%%s) returns %%s immutable language plpgsql as ''begin return null; end''',
        f.scratch, %(prefix)s || 'a' || f.oid, concat_ws(', ', r.type, a.aggregated), r.type
    ),
    format(
        'create aggregate %%I.%%I(%%s) (sfunc = %%I.%%I, stype = %%s%%s)', f.scratch, f.proname,
        case
            when g.aggkind <> 'n' then concat(a.direct, ' order by ', a.aggregated)
            when f.pronargs = 0 then '*'
            else a.aggregated
        end,
        f.scratch, %(prefix)s || 'a' || f.oid, r.type, case g.aggkind when 'h' then ', hypothetical' end
    )
from function as f
inner join pg_catalog.pg_aggregate as g on f.oid = g.aggfnoid
inner join written as w on f.prorettype = w.oid
cross join lateral (select coalesce(w.text, format_type(f.prorettype, null)) as type) as r
cross join lateral (
    select
        count(*) = f.pronargs as is_whole,
        string_agg(format_type(p.oid, null), ', ' order by p.place) as names,
        string_agg(t.text, ', ' order by p.place)
            filter (where g.aggkind <> 'n' and p.place <= g.aggnumdirectargs) as direct,
        string_agg(t.text, ', ' order by p.place)
            filter (where g.aggkind = 'n' or p.place > g.aggnumdirectargs) as aggregated
    from unnest(f.proargtypes::oid[]) with ordinality as p (oid, place)
    inner join written as u on p.oid = u.oid
    cross join lateral (
        select concat(
            case when f.provariadic <> 0 and p.place = f.pronargs then 'variadic ' end,
            coalesce(u.text, format_type(p.oid, null))
        ) as text
    ) as t
) as a
where f.oid in (select n.oid from node as n where n.class = 'f') and a.is_whole
union all
select
    o.oid, o.schema,
    o.oprname || '(' || concat_ws(', ', format_type(nullif(o.oprleft, 0), null), format_type(o.oprright, null)) || ')',
    o.scratch,
    format(
        'create operator %%I.%%s (%%s)', o.scratch, o.oprname,
        concat_ws(
            ', ', 'function = ' || c.name, 'leftarg = ' || coalesce(l.text, format_type(nullif(o.oprleft, 0), null)),
            'rightarg = ' || coalesce(r.text, format_type(o.oprright, null)),
            case when o.oprcom = o.oid then format('commutator = operator(%%I.%%s)', o.scratch, o.oprname) end
        )
    ),
    null
from operator as o
inner join called as c on o.oprcode = c.oid
left join written as l on o.oprleft = l.oid
inner join written as r on o.oprright = r.oid
where o.oid in (select n.oid from node as n where n.class = 'o') and (o.oprleft = 0 or l.oid is not null)
union all
select
    p.oid, p.schema, p.name, p.scratch,
    case p.class
        when 'l' then format('create collation %%I.%%I from %%I.%%I', p.scratch, p.name, p.schema, p.name)
        when 'g' then format('create text search configuration %%I.%%I (copy = pg_catalog.simple)', p.scratch, p.name)
        when 'y' then format('create text search dictionary %%I.%%I (template = pg_catalog.simple)', p.scratch, p.name)
        else c.sql
    end,
    null
from plain as p
left join lateral (
    select format(
        'create operator class %%I.%%I for type %%s using %%I as %%s',
        p.scratch, p.name, coalesce(w.text, format_type(c.opcintype, null)), m.amname, string_agg(i.text, ', ')
    ) as sql
    from pg_catalog.pg_opclass as c
    inner join pg_catalog.pg_am as m on c.opcmethod = m.oid
    inner join written as w on c.opcintype = w.oid
    cross join lateral (
        select format(
            'operator %%s %%I.%%s (%%s, %%s)%%s', a.amopstrategy, coalesce(o.scratch, s.nspname), q.oprname,
            coalesce(x.text, format_type(q.oprleft, null)), coalesce(y.text, format_type(q.oprright, null)),
            case when a.amoppurpose = 'o' then format(' for order by %%I.%%I', fs.nspname, f.opfname) end
        ) as text
        from pg_catalog.pg_amop as a
        inner join pg_catalog.pg_operator as q on a.amopopr = q.oid
        inner join pg_catalog.pg_namespace as s on q.oprnamespace = s.oid
        left join pg_catalog.pg_opfamily as f on a.amopsortfamily = f.oid
        left join pg_catalog.pg_namespace as fs on f.opfnamespace = fs.oid
        left join operator as o on q.oid = o.oid
        left join written as x on q.oprleft = x.oid
        left join written as y on q.oprright = y.oid
        where a.amopfamily = c.opcfamily and a.amoplefttype = c.opcintype
        union all
        select format(
            'function %%s (%%s, %%s) %%s(%%s)', a.amprocnum, coalesce(x.text, format_type(a.amproclefttype, null)),
            coalesce(y.text, format_type(a.amprocrighttype, null)), f.name,
            (
                select string_agg(coalesce(z.text, format_type(u.oid, null)), ', ' order by u.place)
                from pg_catalog.pg_proc as r
                cross join lateral unnest(r.proargtypes::oid[]) with ordinality as u (oid, place)
                left join written as z on u.oid = z.oid
                where r.oid = a.amproc
            )
        )
        from pg_catalog.pg_amproc as a
        inner join called as f on a.amproc = f.oid
        left join written as x on a.amproclefttype = x.oid
        left join written as y on a.amprocrighttype = y.oid
        where a.amprocfamily = c.opcfamily and a.amproclefttype = c.opcintype
        union all
        select 'storage ' || coalesce(x.text, format_type(c.opckeytype, null))
        from (select c.opckeytype as oid) as k
        left join written as x on k.oid = x.oid
        where k.oid <> 0
    ) as i
    where c.oid = p.oid and p.class = 'p'
    group by w.text, c.opcintype, m.amname
) as c on true
where p.oid in (select n.oid from node as n where n.class = p.class)
union all
-- a cast of a type that has a stand-in
select
    k.oid, coalesce(s.schema, t.schema), format('cast(%%s)', k.oid), coalesce(s.scratch, t.scratch),
    format(
        'create function %%I.%%I(%%s) returns %%s immutable language plpgsql as ''begin return null; end''',
        coalesce(s.scratch, t.scratch), %(prefix)s || 'c' || k.oid, x.text, y.text
    ),
    format(
        'create cast (%%s as %%s) with function %%I.%%I(%%s)%%s', x.text, y.text,
        coalesce(s.scratch, t.scratch), %(prefix)s || 'c' || k.oid, x.text,
        case k.castcontext when 'a' then ' as assignment' when 'i' then ' as implicit' end
    )
from pg_catalog.pg_cast as k
left join type as s on k.castsource = s.oid and s.oid in (select n.oid from node as n where n.class = 't')
left join type as t on k.casttarget = t.oid and t.oid in (select n.oid from node as n where n.class = 't')
inner join written as ws on k.castsource = ws.oid
inner join written as wt on k.casttarget = wt.oid
cross join lateral (select coalesce(ws.text, format_type(ws.oid, null)) as text) as x
cross join lateral (select coalesce(wt.text, format_type(wt.oid, null)) as text) as y
where coalesce(s.oid, t.oid) is not null and k.castsource <> k.casttarget
order by 1
