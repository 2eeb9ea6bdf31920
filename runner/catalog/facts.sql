-- The facts of some schemas in PostgreSQL's own words, one row each: (kind, name, table, schema, definition, signature).
-- What belongs to no kind of these is counted: ('', its kind, '', '', how many, null).
--
-- Only what never waits for a lock on a table is read here: catalog columns, and functions that open no relation.
-- Where PostgreSQL must open one to find the words, the definition holds a character 1 for each part that
-- catalog_deparsed.sql gives. `signature` is what a constraint is known by when nobody named it.
-- Parameters: schemas, an array of names, and shown, what each is called in the result ('' is the target schema).
with namespace as (
    select n.oid, n.nspname, s.shown as schema
    from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
    inner join pg_catalog.pg_namespace as n on s.name = n.nspname
),

member as (
    select d.classid, d.objid from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass
),

relation as (
    select c.*, n.schema
    from pg_catalog.pg_class as c
    inner join namespace as n on c.relnamespace = n.oid
    where
        c.relkind in ('r', 'p', 'f', 'v', 'm', 'S', 'c', 'i', 'I')
        and not exists (select from member where classid = 'pg_catalog.pg_class'::regclass and objid = c.oid)
),

storage as (
    select r.oid, ' with (' || string_agg(o.text, ', ' order by o.text) || ')' as options
    from relation as r
    cross join lateral (
        select unnest(r.reloptions) as text
        union all
        select 'toast.' || unnest(t.reloptions) from pg_catalog.pg_class as t where t.oid = r.reltoastrelid
    ) as o
    group by r.oid
),

marked as (
    select
        x.indrelid as oid,
        concat(
            ' replica identity using index ' || string_agg(quote_ident(r.relname), '') filter (where x.indisreplident),
            ' cluster on ' || string_agg(quote_ident(r.relname), '') filter (where x.indisclustered)
        ) as text
    from pg_catalog.pg_index as x
    inner join relation as r on x.indexrelid = r.oid
    where x.indisreplident or x.indisclustered
    group by x.indrelid
),

sequence as (
    select
        r.oid, r.relname, r.schema, r.relpersistence, e.seqtypid, o.refobjid as table_oid, o.refobjsubid as attnum, o.deptype,
        concat_ws(
            ' ',
            case when s.seqincrement <> 1 then 'increment ' || s.seqincrement end,
            case
                when s.seqmin <> case when s.seqincrement > 0 then 1 else m.least end then 'minvalue ' || s.seqmin
            end,
            case
                when s.seqmax <> case when s.seqincrement > 0 then m.most else -1 end then 'maxvalue ' || s.seqmax
            end,
            case
                when s.seqstart <> case when s.seqincrement > 0 then s.seqmin else s.seqmax end
                    then 'start ' || s.seqstart
            end,
            case when s.seqcache <> 1 then 'cache ' || s.seqcache end,
            case when s.seqcycle then 'cycle' end
        ) as options
    from relation as r
    inner join pg_catalog.pg_sequence as s on r.oid = s.seqrelid
    left join pg_catalog.pg_depend as o
        on
            o.classid = 'pg_catalog.pg_class'::regclass and o.objid = r.oid and o.objsubid = 0
            and o.refclassid = 'pg_catalog.pg_class'::regclass and o.refobjsubid > 0 and o.deptype in ('a', 'i')
    -- the sequence of an identity column has its type, but where LIKE has made it; then it has its limits
    left join pg_catalog.pg_attribute as i on o.deptype = 'i' and o.refobjid = i.attrelid and o.refobjsubid = i.attnum
    cross join lateral (select coalesce(i.atttypid, s.seqtypid) as seqtypid) as e
    cross join lateral (
        select
            case e.seqtypid when 'int2'::regtype then -32768 when 'int4'::regtype then -2147483648
            else -9223372036854775808 end as least,
            case e.seqtypid when 'int2'::regtype then 32767 when 'int4'::regtype then 2147483647
            else 9223372036854775807 end as most
    ) as m
),

-- What of NOT NULL constraints does not go without saying: the name that PostgreSQL chooses, as pg_dump has it, does.
not_null as (
    select
        c.conrelid, a.attnum,
        concat(
            case when not c.convalidated then ' not valid' end,
            case when c.conislocal and n.is_own then ' named ' || quote_ident(c.conname) end,
            case when c.connoinherit then ' no inherit' end
        ) as text
    from relation as r
    inner join pg_catalog.pg_constraint as c on r.oid = c.conrelid
    inner join pg_catalog.pg_attribute as a on c.conrelid = a.attrelid and c.conkey[1] = a.attnum
    cross join lateral (select c.conname::text <> concat(r.relname, '_', a.attname, '_not_null') as is_own) as n
    where c.contype = 'n' and (not c.convalidated or c.connoinherit or (c.conislocal and n.is_own))
),

attribute as (
    select
        r.relname, r.relkind, r.relpersistence, r.schema, a.attname, a.attnum, a.atttypid, a.attrelid,
        pg_catalog.format_type(a.atttypid, a.atttypmod)
        || case
            when a.attcollation not in (0, t.typcollation) then ' collate ' || a.attcollation::regcollation else ''
        end
        || case
            when not a.attnotnull then ''
            else concat(' not null', u.text)
        end as base,
        concat(
            case when a.attstorage <> t.typstorage then ' storage ' || a.attstorage::text end,
            case when a.attcompression <> '' then ' compression ' || a.attcompression::text end,
            case when a.attstattarget >= 0 then ' statistics ' || a.attstattarget end,
            -- what begins with pg_ is the server's own: 17.12 keeps there when it last changed a column
            ' with (' || (
                select string_agg(o.text, ', ')
                from unnest(a.attoptions) as o (text)
                where not starts_with(o.text, 'pg_')
            ) || ')',
            case
                when a.attfdwoptions is not null
                    then (
                        select
                            ' options (' || string_agg(
                                quote_ident(o.option_name) || ' ''' || replace(o.option_value, '''', '''''') || '''',
                                ', ' order by o.option_name collate "C"
                            ) || ')'
                        from pg_catalog.pg_options_to_table(a.attfdwoptions) as o
                    )
            end
        ) as settings,
        a.attgenerated, a.attidentity, d.value,
        s.oid as sequence_oid, s.seqtypid, s.options, s.relpersistence as sequence_persistence
    from relation as r
    inner join pg_catalog.pg_attribute as a on r.oid = a.attrelid
    inner join pg_catalog.pg_type as t on a.atttypid = t.oid
    left join not_null as u on u.conrelid = a.attrelid and u.attnum = a.attnum
    left join lateral (
        select pg_catalog.pg_get_expr(f.adbin, 0) as value
        from pg_catalog.pg_attrdef as f
        where a.atthasdef and a.attgenerated = '' and f.adrelid = a.attrelid and f.adnum = a.attnum
    ) as d on true
    left join sequence as s
        on
            s.table_oid = a.attrelid and s.attnum = a.attnum
            and (
                s.deptype = 'i'
                or d.value = 'nextval(''' || replace(s.oid::regclass::text, '''', '''''') || '''::regclass)'
            )
    where r.relkind in ('r', 'p', 'f', 'c', 'v', 'm') and a.attnum > 0 and not a.attisdropped
),

index_key as (
    select
        x.indexrelid,
        string_agg(k.text, ', ' order by k.place) filter (where k.place <= x.indnkeyatts) as keys,
        string_agg(k.text, ', ' order by k.place) filter (where k.place > x.indnkeyatts) as included
    from pg_catalog.pg_index as x
    inner join relation as r on x.indexrelid = r.oid
    inner join pg_catalog.pg_am as m on r.relam = m.oid
    cross join lateral (
        select
            n.place,
            coalesce(quote_ident(a.attname), chr(1))
            || case
                when n.place > x.indnkeyatts then ''
                else concat(
                    case
                        when x.indcollation[n.place - 1] not in (0, coalesce(a.attcollation, t.typcollation))
                            then ' collate ' || x.indcollation[n.place - 1]::regcollation
                    end,
                    case
                        when
                            i.attoptions is not null
                            -- the build has a class of its own beside the real one, which is the default
                            or not exists (
                                select from pg_catalog.pg_opclass as e
                                where
                                    e.opcdefault and e.opcname = o.opcname and e.opcmethod = o.opcmethod
                                    and e.opcintype = o.opcintype
                            )
                            then
                                ' ' || case
                                    when pg_catalog.pg_opclass_is_visible(o.oid) then quote_ident(o.opcname)
                                    else quote_ident(s.nspname) || '.' || quote_ident(o.opcname)
                                end
                    end,
                    ' (' || array_to_string(i.attoptions, ', ') || ')',
                    case when i.attstattarget >= 0 then ' statistics ' || i.attstattarget end,
                    case
                        when m.amname <> 'btree' then ''
                        when x.indoption[n.place - 1] = 1 then ' desc nulls last'
                        when x.indoption[n.place - 1] = 2 then ' nulls first'
                        when x.indoption[n.place - 1] = 3 then ' desc'
                    end
                )
            end as text
        from unnest(x.indkey) with ordinality as n (attnum, place)
        inner join pg_catalog.pg_attribute as i on i.attrelid = x.indexrelid and i.attnum = n.place
        inner join pg_catalog.pg_type as t on i.atttypid = t.oid
        left join pg_catalog.pg_attribute as a on a.attrelid = x.indrelid and a.attnum = n.attnum and n.attnum > 0
        left join pg_catalog.pg_opclass as o on o.oid = x.indclass[n.place - 1]
        left join pg_catalog.pg_namespace as s on o.opcnamespace = s.oid
    ) as k
    group by x.indexrelid
),

con as (
    select
        c.conname, r.relname, r.schema,
        case
            when c.contype in ('c', 'x') then chr(1) else pg_catalog.pg_get_constraintdef(c.oid, true)
        end
        || case when c.contype in ('p', 'u') then coalesce(o.options, '') else '' end
        || case
            when exists (select from pg_catalog.pg_trigger as t where t.tgconstraint = c.oid and t.tgenabled in ('D', 'R'))
                then ' disabled'
            else ''
        end as definition,
        case c.contype when 'p' then 'primary key' when 'u' then 'unique' when 'f' then 'foreign key' end
        || ' ('
        || (
            select string_agg(a.attname, ', ' order by k.place)
            from unnest(c.conkey) with ordinality as k (attnum, place)
            inner join pg_catalog.pg_attribute as a on a.attrelid = c.conrelid and a.attnum = k.attnum
        )
        || ')'
        || coalesce(' references ' || f.relname, '') as signature
    from pg_catalog.pg_constraint as c
    inner join relation as r on c.conrelid = r.oid
    left join pg_catalog.pg_class as f on c.confrelid = f.oid
    left join storage as o on c.conindid = o.oid
    where
        c.contype in ('p', 'u', 'f', 'c', 'x') and c.conparentid = 0 and (c.conislocal or c.coninhcount = 0)
),

routine as (
    select
        p.oid,
        n.schema,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
                from unnest(p.proargtypes) with ordinality as t (oid, place)
            ),
            ''
        )
        || ')' as name,
        concat(
            case p.prokind when 'p' then 'procedure' when 'w' then 'window function' else 'function' end,
            ' (' || pg_catalog.pg_get_function_arguments(p.oid) || ')',
            ' returns ' || pg_catalog.pg_get_function_result(p.oid),
            ' language ' || l.lanname,
            case p.provolatile when 'i' then ' immutable' when 's' then ' stable' end,
            case when p.proleakproof then ' leakproof' end,
            case when p.proisstrict then ' strict' end,
            case when p.prosecdef then ' security definer' end,
            case p.proparallel when 's' then ' parallel safe' when 'r' then ' parallel restricted' end,
            case
                when p.procost <> case when l.lanname in ('c', 'internal') then 1 else 100 end
                    then ' cost ' || p.procost
            end,
            case when p.proretset and p.prorows <> 1000 then ' rows ' || p.prorows end,
            case when p.prosupport <> 0 then ' support ' || p.prosupport end,
            (
                select string_agg(' set ' || s.setting, '' order by s.setting)
                from unnest(p.proconfig) as s (setting)
            ),
            ' as ',
            case when p.prosqlbody is null then p.prosrc else chr(1) end
        ) as definition
    from pg_catalog.pg_proc as p
    inner join namespace as n on p.pronamespace = n.oid
    inner join pg_catalog.pg_language as l on p.prolang = l.oid
    where
        p.prokind in ('f', 'p', 'w')
        and not exists (select from member where classid = 'pg_catalog.pg_proc'::regclass and objid = p.oid)
        -- the constructors of a range type
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i'
        )
),

trigger as (
    select
        t.tgname, r.relname, r.schema,
        case when t.tgqual is null then pg_catalog.pg_get_triggerdef(t.oid, true) else chr(1) end
        || case t.tgenabled when 'D' then ' disabled' when 'R' then ' enabled replica' when 'A' then ' enabled always'
        else '' end as definition
    from pg_catalog.pg_trigger as t
    inner join relation as r on t.tgrelid = r.oid
    left join pg_catalog.pg_trigger as p on t.tgparentid = p.oid
    where not t.tgisinternal and (p.oid is null or t.tgenabled <> p.tgenabled)
),

rule as (
    select
        w.oid, w.rulename, r.relname, r.schema,
        chr(1)
        || case w.ev_enabled when 'D' then ' disabled' when 'R' then ' enabled replica' when 'A' then ' enabled always'
        else '' end as definition
    from pg_catalog.pg_rewrite as w
    inner join relation as r on w.ev_class = r.oid
    where w.rulename <> '_RETURN'
),

policy as (
    select
        p.oid, p.polname, r.relname, r.schema,
        concat(
            case when not p.polpermissive then 'as restrictive ' end,
            'for ',
            case p.polcmd
                when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all'
            end,
            ' to ',
            (
                select string_agg(m.name, ', ' order by m.name collate "C")
                from (
                    select case when g.oid = 0 then 'public' else g.oid::regrole::text end as name
                    from unnest(p.polroles) as g (oid)
                ) as m
            ),
            case when p.polqual is not null then ' using (' || chr(1) || ')' end,
            case when p.polwithcheck is not null then ' with check (' || chr(1) || ')' end
        ) as definition
    from pg_catalog.pg_policy as p
    inner join relation as r on p.polrelid = r.oid
),

statistics as (
    select
        s.oid, s.stxname, case when s.stxnamespace = c.relnamespace then c.relname else '' end as relname, n.schema,
        concat(
            '(' || (
                select string_agg(
                    case k.kind when 'd' then 'ndistinct' when 'f' then 'dependencies' else 'mcv' end, ', ' order by k.place
                )
                from unnest(s.stxkind) with ordinality as k (kind, place)
                where k.kind <> 'e' and not s.stxkind @> '{d,f,m}'
            ) || ') ',
            'on ', keys.names,
            case when s.stxexprs is not null then case when keys.names is null then '' else ', ' end || chr(1) end,
            ' from ', s.stxrelid::regclass,
            case when s.stxstattarget >= 0 then ' statistics ' || s.stxstattarget end
        ) as definition
    from pg_catalog.pg_statistic_ext as s
    inner join namespace as n on s.stxnamespace = n.oid
    inner join pg_catalog.pg_class as c on s.stxrelid = c.oid
    cross join lateral (
        select string_agg(quote_ident(a.attname), ', ' order by a.attnum) as names
        from pg_catalog.pg_attribute as a
        where a.attrelid = s.stxrelid and a.attnum = any(s.stxkeys::smallint[])
    ) as keys
),

own_type as (
    select
        t.oid, t.typname, n.schema,
        case when t.typtype = 'd' then 'domain' else 'type' end as kind,
        case t.typtype
            when 'e' then
                'enum ('
                || coalesce((
                    select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)
                    from pg_catalog.pg_enum as e where e.enumtypid = t.oid
                ), '')
                || ')'
            when 'c' then
                'composite ('
                || coalesce((
                    select string_agg(quote_ident(a.attname) || ' ' || a.base, ', ' order by a.attnum)
                    from attribute as a where a.attrelid = t.typrelid
                ), '')
                || ')'
            when 'r' then
                (
                    select
                        'range (subtype = ' || pg_catalog.format_type(g.rngsubtype, null)
                        || case when g.rngcanonical <> 0 then ', canonical = ' || g.rngcanonical else '' end
                        || case when g.rngsubdiff <> 0 then ', subtype_diff = ' || g.rngsubdiff else '' end
                        || (
                            select case when o.opcdefault then '' else ', subtype_opclass = ' || quote_ident(o.opcname) end
                            from pg_catalog.pg_opclass as o where o.oid = g.rngsubopc
                        )
                        || case when g.rngcollation <> 0 then ', collation = ' || g.rngcollation::regcollation else '' end
                        || ', multirange_type_name = ' || pg_catalog.format_type(g.rngmultitypid, null) || ')'
                    from pg_catalog.pg_range as g where g.rngtypid = t.oid
                )
            when 'd' then
                concat(
                    pg_catalog.format_type(t.typbasetype, t.typtypmod),
                    case when t.typcollation <> b.typcollation then ' collate ' || t.typcollation::regcollation end,
                    case when t.typnotnull then ' not null' end,
                    (
                        select
                            string_agg(
                                ' constraint ' || quote_ident(c.conname) || ' '
                                || pg_catalog.pg_get_constraintdef(c.oid, true), '' order by c.conname
                            )
                        from pg_catalog.pg_constraint as c where c.contypid = t.oid and c.contype = 'c'
                    ),
                    ' default ' || pg_catalog.pg_get_expr(t.typdefaultbin, 0)
                )
        end as definition
    from pg_catalog.pg_type as t
    inner join namespace as n on t.typnamespace = n.oid
    left join pg_catalog.pg_type as b on t.typbasetype = b.oid
    left join relation as r on t.typrelid = r.oid
    where
        (t.typtype in ('e', 'd', 'r') or (t.typtype = 'c' and r.relkind = 'c'))
        and not exists (select from member where classid = 'pg_catalog.pg_type'::regclass and objid = t.oid)
),

-- Event triggers are of the database: their functions have a schema where the search path does not find them.
event_trigger as (
    select
        e.oid, e.evtname,
        concat(
            'on ', e.evtevent,
            ' when tag in (' || (
                select string_agg(quote_literal(t.tag), ', ' order by t.place)
                from unnest(e.evttags) with ordinality as t (tag, place)
            ) || ')',
            ' execute function ',
            case when not pg_catalog.pg_function_is_visible(p.oid) then quote_ident(n.nspname) || '.' end,
            quote_ident(p.proname), '()',
            case e.evtenabled when 'D' then ' disabled' when 'R' then ' enabled replica' when 'A' then ' enabled always' end
        ) as definition
    from pg_catalog.pg_event_trigger as e
    inner join pg_catalog.pg_proc as p on e.evtfoid = p.oid
    inner join pg_catalog.pg_namespace as n on p.pronamespace = n.oid
    where not exists (select from member where classid = 'pg_catalog.pg_event_trigger'::regclass and objid = e.oid)
),

-- What a version does not know has its default: a column that is not in the catalog is that of `usual`.
subscription as (
    select s.*
    from (
        select 'any' as suborigin, true as subpasswordrequired, false as subrunasowner, false as subfailover
    ) as usual
    cross join lateral (
        select
            oid, subname, subdbid, subpublications, subbinary, substream::text as stream, subtwophasestate, subdisableonerr,
            subslotname, subsynccommit, suborigin as origin, subpasswordrequired as password_required,
            subrunasowner as run_as_owner, subfailover as failover
        from pg_catalog.pg_subscription
    ) as s
    inner join pg_catalog.pg_database as d on s.subdbid = d.oid
    where d.datname = current_database()
),

-- Everything that can have a comment, by the identity that its comment has; also what is no fact by itself, such as a
-- constraint that a partition inherits, and one that keeps NULL out.
object as (
    select
        'pg_catalog.pg_class'::regclass as classoid, r.oid, 0 as subid,
        case r.relkind
            when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence' when 'c' then 'type'
            when 'i' then 'index' when 'I' then 'index' else 'table'
        end as kind,
        r.relname::text as name, '' as table_name, r.schema
    from relation as r
    union all
    select 'pg_catalog.pg_class'::regclass, r.oid, a.attnum, 'column', a.attname, r.relname, r.schema
    from relation as r
    inner join pg_catalog.pg_attribute as a on r.oid = a.attrelid
    where r.relkind in ('r', 'p', 'f', 'v', 'm', 'c') and a.attnum > 0 and not a.attisdropped
    union all
    select 'pg_catalog.pg_constraint'::regclass, c.oid, 0, 'constraint', c.conname, r.relname, r.schema
    from relation as r
    inner join pg_catalog.pg_constraint as c on r.oid = c.conrelid
    union all
    select 'pg_catalog.pg_trigger'::regclass, t.oid, 0, 'trigger', t.tgname, r.relname, r.schema
    from relation as r
    inner join pg_catalog.pg_trigger as t on r.oid = t.tgrelid
    union all
    select 'pg_catalog.pg_rewrite'::regclass, oid, 0, 'rule', rulename, relname, schema from rule
    union all
    select 'pg_catalog.pg_policy'::regclass, oid, 0, 'policy', polname, relname, schema from policy
    union all
    select 'pg_catalog.pg_statistic_ext'::regclass, oid, 0, 'statistics', stxname, '', schema from statistics
    union all
    select 'pg_catalog.pg_proc'::regclass, oid, 0, 'function', name, '', schema from routine
    union all
    select 'pg_catalog.pg_type'::regclass, oid, 0, kind, typname, '', schema from own_type
    union all
    select 'pg_catalog.pg_constraint'::regclass, c.oid, 0, 'domain constraint', c.conname, t.typname, t.schema
    from own_type as t
    inner join pg_catalog.pg_constraint as c on t.oid = c.contypid
    union all
    select 'pg_catalog.pg_namespace'::regclass, oid, 0, 'schema', nspname, '', '' from namespace
    union all
    select 'pg_catalog.pg_extension'::regclass, oid, 0, 'extension', extname, '', '' from pg_catalog.pg_extension
    union all
    select 'pg_catalog.pg_event_trigger'::regclass, oid, 0, 'event trigger', evtname, '', '' from event_trigger
    union all
    select 'pg_catalog.pg_publication'::regclass, oid, 0, 'publication', pubname, '', '' from pg_catalog.pg_publication
    union all
    select 'pg_catalog.pg_subscription'::regclass, oid, 0, 'subscription', subname, '', '' from subscription
    union all
    select 'pg_catalog.pg_publication_rel'::regclass, oid, 0, 'publication table', '', '', ''
    from pg_catalog.pg_publication_rel
    union all
    select 'pg_catalog.pg_publication_namespace'::regclass, oid, 0, 'publication schema', '', '', ''
    from pg_catalog.pg_publication_namespace
),

-- What is in the schemas, on their tables, or in the whole database, and no kind of fact is about it: whatever the
-- server's version knows, and what is in no row of `object`.
other as (
    select d.classid, d.objid
    from namespace as n
    inner join pg_catalog.pg_depend as d on d.refclassid = 'pg_catalog.pg_namespace'::regclass and n.oid = d.refobjid
    where
        d.deptype in ('n', 'a')
        -- those that defined_facts.sql reads, and access.sql
        and d.classid not in (
            'pg_catalog.pg_collation'::regclass, 'pg_catalog.pg_conversion'::regclass, 'pg_catalog.pg_operator'::regclass,
            'pg_catalog.pg_opclass'::regclass, 'pg_catalog.pg_opfamily'::regclass, 'pg_catalog.pg_ts_config'::regclass,
            'pg_catalog.pg_ts_dict'::regclass, 'pg_catalog.pg_ts_parser'::regclass, 'pg_catalog.pg_ts_template'::regclass,
            'pg_catalog.pg_default_acl'::regclass
        )
        and not exists (
            select from pg_catalog.pg_proc as p
            where d.classid = 'pg_catalog.pg_proc'::regclass and d.objid = p.oid and p.prokind = 'a'
        )
    union
    select d.classid, d.objid
    from relation as r
    inner join pg_catalog.pg_depend as d on d.refclassid = 'pg_catalog.pg_class'::regclass and r.oid = d.refobjid
    where
        d.deptype = 'a'
        and d.classid not in (
            'pg_catalog.pg_class'::regclass, 'pg_catalog.pg_attrdef'::regclass, 'pg_catalog.pg_constraint'::regclass,
            'pg_catalog.pg_trigger'::regclass, 'pg_catalog.pg_rewrite'::regclass, 'pg_catalog.pg_type'::regclass
        )
),

other_kind as (
    select i.type, count(*) as number
    from other as o
    cross join lateral pg_catalog.pg_identify_object(o.classid, o.objid, 0) as i
    where
        i.type is not null -- it was dropped meanwhile
        and not exists (select from object where classoid = o.classid and oid = o.objid)
        and not exists (
            select from pg_catalog.pg_depend as d
            where d.classid = o.classid and d.objid = o.objid and d.deptype in ('i', 'e')
        )
    group by i.type
)

select 'schema' as kind, n.nspname::text as name, '' as table_name, '' as schema, 'present' as definition, null as signature
from pg_catalog.pg_namespace as n
union all
select 'extension', e.extname, '', '', 'version ' || quote_literal(e.extversion), null from pg_catalog.pg_extension as e
union all
select kind, typname, '', schema, definition, null from own_type
union all
select 'sequence', s.relname, '', s.schema,
    concat_ws(
        ' ', case s.relpersistence when 'u' then 'unlogged' end,
        'as ' || pg_catalog.format_type(s.seqtypid, null), nullif(s.options, ''),
        'owned by ' || (select quote_ident(a.relname) || '.' || quote_ident(a.attname) from attribute as a
        where a.attrelid = s.table_oid and a.attnum = s.attnum)
    ), null
from sequence as s
where not exists (select from attribute as a where a.sequence_oid = s.oid)
union all
select 'table', r.relname, '', r.schema,
    concat(
        case r.relpersistence when 'u' then 'unlogged ' end,
        case r.relkind when 'f' then 'foreign table' else 'table' end,
        (
            select case when r.relispartition then ' partition of ' else ' inherits ' end
                || string_agg(i.inhparent::regclass::text, ', ' order by i.inhseqno)
            from pg_catalog.pg_inherits as i where i.inhrelid = r.oid
        ),
        ' ' || pg_catalog.pg_get_expr(r.relpartbound, 0),
        (select ' detaching' from pg_catalog.pg_inherits as i where i.inhrelid = r.oid and i.inhdetachpending),
        case when r.relkind = 'p' then ' partition by ' || chr(1) end,
        (select ' of ' || r.reloftype::regtype where r.reloftype <> 0),
        (select ' using ' || m.amname from pg_catalog.pg_am as m where m.oid = r.relam and m.amname <> 'heap'),
        o.options,
        case when r.relrowsecurity then ' row security' end,
        case when r.relforcerowsecurity then ' forced' end,
        case
            when r.relkind = 'f' then ''
            when r.relreplident = 'f' then ' replica identity full'
            when r.relreplident = 'n' then ' replica identity nothing'
        end,
        marks.text,
        case
            when r.relkind = 'f'
                then (
                    select
                        concat(
                            ' server ', quote_ident(s.srvname), ' options (' || (
                                select
                                    string_agg(
                                        quote_ident(p.option_name) || ' ''' || replace(p.option_value, '''', '''''') || '''',
                                        ', ' order by p.option_name collate "C"
                                    )
                                from pg_catalog.pg_options_to_table(f.ftoptions) as p
                            ) || ')'
                        )
                    from pg_catalog.pg_foreign_table as f
                    inner join pg_catalog.pg_foreign_server as s on f.ftserver = s.oid
                    where f.ftrelid = r.oid
                )
        end
    ), null
from relation as r
left join storage as o on r.oid = o.oid
left join marked as marks on r.oid = marks.oid
where r.relkind in ('r', 'p', 'f')
union all
select 'column', a.attname, a.relname, a.schema,
    a.base || case
        when a.attidentity <> ''
            then
                ' generated ' || case a.attidentity when 'a' then 'always' else 'by default' end || ' as identity'
        when a.sequence_oid is not null then ' serial'
        else ''
    end
    || case
        when a.sequence_oid is null then ''
        else coalesce(
            ' (' || nullif(concat_ws(
                ' ',
                case
                    when a.sequence_persistence <> a.relpersistence
                        then case a.sequence_persistence when 'u' then 'unlogged' else 'logged' end
                end,
                case when a.seqtypid <> a.atttypid then 'as ' || pg_catalog.format_type(a.seqtypid, null) end,
                nullif(a.options, '')
            ), '') || ')', ''
        )
    end
    || a.settings
    || case a.attgenerated
        when 's' then ' generated always as (' || chr(1) || ') stored'
        when 'v' then ' generated always as (' || chr(1) || ')'
        else case when a.sequence_oid is null then coalesce(' default ' || a.value, '') else '' end
    end, null
from (select * from attribute where relkind in ('r', 'p', 'f') order by schema, relname, attnum) as a
union all
select 'constraint', conname, relname, schema, definition, signature
from (select * from con order by schema, relname, conname) as c
union all
select 'index', r.relname, t.relname, r.schema,
    concat(
        case when x.indisunique then 'unique ' end,
        m.amname, ' (', k.keys, ')',
        ' include (' || k.included || ')',
        case when x.indnullsnotdistinct then ' nulls not distinct' end,
        o.options,
        case when x.indpred is not null then ' where ' || chr(1) end,
        case when not (x.indisvalid and x.indisready) then ' invalid' end
    ), null
from pg_catalog.pg_index as x
inner join relation as r on x.indexrelid = r.oid
inner join relation as t on x.indrelid = t.oid
inner join pg_catalog.pg_am as m on r.relam = m.oid
inner join index_key as k on x.indexrelid = k.indexrelid
left join storage as o on r.oid = o.oid
where
    not r.relispartition
    and not exists (
        select from pg_catalog.pg_constraint as c
        where c.conindid = x.indexrelid and c.conrelid = x.indrelid and c.contype in ('p', 'u', 'x')
    )
union all
select case r.relkind when 'v' then 'view' else 'materialized view' end, r.relname, '', r.schema,
    concat(
        trim(o.options) || ' ', ltrim(marks.text) || ' ',
        (
            select string_agg(
                'column ' || quote_ident(a.attname) || a.settings || coalesce(' default ' || a.value, ''),
                ', ' order by a.attnum
            ) || ' '
            from attribute as a
            where a.attrelid = r.oid and (a.settings <> '' or a.value is not null)
        ),
        case when r.relkind = 'm' and not r.relispopulated then 'with no data ' end,
        'as ', chr(1)
    ), null
from relation as r
left join storage as o on r.oid = o.oid
left join marked as marks on r.oid = marks.oid
where r.relkind in ('v', 'm')
union all
select 'function', name, '', schema, definition, null from routine
union all
select 'trigger', tgname, relname, schema, definition, null from trigger
union all
select 'rule', rulename, relname, schema, definition, null from rule
union all
select 'policy', polname, relname, schema, definition, null from policy
union all
select 'statistics', stxname, relname, schema, definition, null from statistics
union all
select 'event trigger', evtname, '', '', definition, null from event_trigger
union all
-- Options that have their default are not shown: some are known to newer servers alone.
select 'publication', p.pubname, '', '',
    'publication' || case when p.puballtables then ' for all tables' else '' end
    || coalesce(
        ' with (' || nullif(concat_ws(
            ', ',
            'publish '''
            || nullif(
                concat_ws(
                    ', ',
                    case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end,
                    case when p.pubdelete then 'delete' end, case when p.pubtruncate then 'truncate' end
                ), 'insert, update, delete, truncate'
            ) || '''',
            case when to_jsonb(p) ->> 'pubgencols' = 's' then 'publish_generated_columns ''stored''' end,
            case when p.pubviaroot then 'publish_via_partition_root ''true''' end
        ), '') || ')', ''
    ), null
from pg_catalog.pg_publication as p
union all
select 'publication table', p.pubname, r.relname, r.schema,
    concat(
        'table',
        (
            select ' (' || string_agg(quote_ident(a.attname), ', ' order by a.attname::text collate "C") || ')'
            from pg_catalog.pg_attribute as a
            where a.attrelid = m.prrelid and a.attnum = any(m.prattrs)
        ),
        case when m.prqual is not null then ' where (' || chr(1) || ')' end
    ), null
from pg_catalog.pg_publication_rel as m
inner join pg_catalog.pg_publication as p on m.prpubid = p.oid
inner join relation as r on m.prrelid = r.oid
union all
select 'publication schema', p.pubname, '', n.schema, 'tables', null
from pg_catalog.pg_publication_namespace as m
inner join pg_catalog.pg_publication as p on m.pnpubid = p.oid
inner join namespace as n on m.pnnspid = n.oid
union all
select 'comment on ' || o.kind, o.name, o.table_name, o.schema, d.description, null
from pg_catalog.pg_description as d
inner join object as o on d.classoid = o.classoid and d.objoid = o.oid and d.objsubid = o.subid
union all
select 'subscription', s.subname, '', '',
    'to ' || (select string_agg(quote_ident(p.name), ', ' order by quote_ident(p.name) collate "C") from unnest(s.subpublications) as p (name))
    || ' with (' || concat_ws(
        ', ',
        case when s.subbinary then '"binary" ''true''' end,
        case when s.subdisableonerr then 'disable_on_error ''true''' end,
        case when s.failover then 'failover ''true''' end,
        'origin ''' || nullif(s.origin, 'any') || '''',
        case when not s.password_required then 'password_required ''false''' end,
        case when s.run_as_owner then 'run_as_owner ''true''' end,
        'slot_name ''' || replace(nullif(coalesce(s.subslotname, 'none'), s.subname), '''', '''''') || '''',
        'streaming ''' || case s.stream when 'p' then 'parallel' when 't' then 'true' when 'true' then 'true' else 'false' end || '''',
        'synchronous_commit ''' || nullif(s.subsynccommit, 'off') || '''',
        case when s.subtwophasestate <> 'd' then 'two_phase ''true''' end
    ) || ')', null
from subscription as s
union all
select 'security label of ' || l.provider || ' on ' || o.kind, o.name, o.table_name, o.schema, l.label, null
from pg_catalog.pg_seclabel as l
inner join object as o on l.classoid = o.classoid and l.objoid = o.oid and l.objsubid = o.subid
union all
select
    'tablespace of ' || case r.relkind when 'm' then 'materialized view' when 'i' then 'index' when 'I' then 'index' else 'table' end,
    r.relname, '', r.schema, s.spcname, null
from relation as r
inner join pg_catalog.pg_tablespace as s on r.reltablespace = s.oid
where r.relkind in ('r', 'p', 'm', 'i', 'I')
union all
select 'tablespace of database', '', '', '', s.spcname, null
from pg_catalog.pg_database as d
inner join pg_catalog.pg_tablespace as s on d.dattablespace = s.oid
where d.datname = current_database() and s.spcname <> 'pg_default'
union all
select '', type, '', '', number::text, null from other_kind
