-- The facts about aggregates, operators with their classes and families, collations, conversions and text search of some
-- schemas, and about casts, transforms, languages and access methods of the database, in PostgreSQL's own words, one row
-- each: (kind, name, table, schema, definition). The table is empty.
--
-- Nothing here waits for a lock on a table. Members of extensions and what the server has by itself are left out, but
-- for comments on what is in no schema.
-- Parameters: as in facts.sql.
with namespace as (
    select n.oid, n.nspname, s.shown as schema
    from unnest(%(schemas)s::text[], %(shown)s::text[]) as s (name, shown)
    inner join pg_catalog.pg_namespace as n on s.name = n.nspname
),

member as (
    select d.classid, d.objid from pg_catalog.pg_depend as d
    where d.deptype = 'e' and d.refclassid = 'pg_catalog.pg_extension'::regclass
),

-- What belongs to an operator class, or to a family alone.
part as (
    select
        d.refclassid, d.refobjid,
        string_agg(
            'operator ' || o.amopstrategy || ' ' || o.amopopr::regoperator
            || case
                when o.amopsortfamily <> 0
                    then
                        ' for order by ' || (
                            select
                                case
                                    when pg_catalog.pg_opfamily_is_visible(f.oid) then ''
                                    else quote_ident(s.nspname) || '.'
                                end || quote_ident(f.opfname)
                            from pg_catalog.pg_opfamily as f
                            inner join pg_catalog.pg_namespace as s on f.opfnamespace = s.oid
                            where f.oid = o.amopsortfamily
                        )
                else ''
            end,
            ', ' order by o.amopstrategy, o.amopopr::regoperator::text collate "C"
        ) as parts
    from pg_catalog.pg_amop as o
    inner join pg_catalog.pg_depend as d
        on
            d.classid = 'pg_catalog.pg_amop'::regclass and o.oid = d.objid
            and d.refclassid in ('pg_catalog.pg_opclass'::regclass, 'pg_catalog.pg_opfamily'::regclass)
    where o.oid >= 16384
    group by d.refclassid, d.refobjid
    union all
    select
        d.refclassid, d.refobjid,
        string_agg(
            'function ' || f.amprocnum || ' (' || pg_catalog.format_type(f.amproclefttype, null) || ', '
            || pg_catalog.format_type(f.amprocrighttype, null) || ') ' || f.amproc::regprocedure,
            ', '
            order by
                f.amprocnum, pg_catalog.format_type(f.amproclefttype, null) collate "C",
                pg_catalog.format_type(f.amprocrighttype, null) collate "C"
        )
    from pg_catalog.pg_amproc as f
    inner join pg_catalog.pg_depend as d
        on
            d.classid = 'pg_catalog.pg_amproc'::regclass and f.oid = d.objid
            and d.refclassid in ('pg_catalog.pg_opclass'::regclass, 'pg_catalog.pg_opfamily'::regclass)
    where f.oid >= 16384
    group by d.refclassid, d.refobjid
),

parts as (
    select p.refclassid, p.refobjid, string_agg(p.parts, ', ' order by p.parts desc) as parts
    from part as p
    group by p.refclassid, p.refobjid
),

aggregate as (
    select
        'pg_catalog.pg_proc'::regclass as classid, p.oid, 'aggregate' as kind,
        p.proname || '('
        || coalesce(
            (
                select string_agg(pg_catalog.format_type(t.oid, null), ', ' order by t.place)
                from unnest(p.proargtypes) with ordinality as t (oid, place)
            ),
            '*'
        )
        || ')' as name,
        n.schema,
        concat(
            '(', coalesce(nullif(pg_catalog.pg_get_function_arguments(p.oid), ''), '*'), ')',
            case a.aggkind when 'h' then ' hypothetical' end,
            ' returns ' || pg_catalog.pg_get_function_result(p.oid),
            ' sfunc ' || a.aggtransfn::regprocedure,
            ' stype ' || pg_catalog.format_type(a.aggtranstype, null),
            ' sspace ' || nullif(a.aggtransspace, 0),
            ' finalfunc ' || nullif(a.aggfinalfn, 0)::regprocedure,
            case when a.aggfinalextra then ' finalfunc_extra' end,
            case
                when a.aggfinalmodify <> case a.aggkind when 'n' then 'r' else 'w' end
                    then ' finalfunc_modify ' || a.aggfinalmodify::text
            end,
            ' combinefunc ' || nullif(a.aggcombinefn, 0)::regprocedure,
            ' serialfunc ' || nullif(a.aggserialfn, 0)::regprocedure,
            ' deserialfunc ' || nullif(a.aggdeserialfn, 0)::regprocedure,
            ' initcond ' || quote_literal(a.agginitval),
            ' msfunc ' || nullif(a.aggmtransfn, 0)::regprocedure,
            ' minvfunc ' || nullif(a.aggminvtransfn, 0)::regprocedure,
            ' mstype ' || pg_catalog.format_type(nullif(a.aggmtranstype, 0), null),
            ' msspace ' || nullif(a.aggmtransspace, 0),
            ' mfinalfunc ' || nullif(a.aggmfinalfn, 0)::regprocedure,
            case when a.aggmfinalextra then ' mfinalfunc_extra' end,
            case
                when a.aggmfinalmodify <> case a.aggkind when 'n' then 'r' else 'w' end
                    then ' mfinalfunc_modify ' || a.aggmfinalmodify::text
            end,
            ' minitcond ' || quote_literal(a.aggminitval),
            ' sortop ' || nullif(a.aggsortop, 0)::regoperator,
            case p.proparallel when 's' then ' parallel safe' when 'r' then ' parallel restricted' end
        ) as definition
    from pg_catalog.pg_proc as p
    inner join namespace as n on p.pronamespace = n.oid
    inner join pg_catalog.pg_aggregate as a on p.oid = a.aggfnoid
),

-- An operator without a function is there only because another one names it.
operator as (
    select
        'pg_catalog.pg_operator'::regclass as classid, o.oid, 'operator' as kind,
        o.oprname || '(' || coalesce(pg_catalog.format_type(nullif(o.oprleft, 0), null), 'none') || ', '
        || pg_catalog.format_type(o.oprright, null) || ')' as name,
        n.schema,
        concat(
            'function ' || o.oprcode::oid::regprocedure,
            ' commutator ' || nullif(o.oprcom, 0)::regoperator,
            ' negator ' || nullif(o.oprnegate, 0)::regoperator,
            ' restrict ' || nullif(o.oprrest::oid, 0)::regprocedure,
            ' join ' || nullif(o.oprjoin::oid, 0)::regprocedure,
            case when o.oprcanhash then ' hashes' end,
            case when o.oprcanmerge then ' merges' end
        ) as definition
    from pg_catalog.pg_operator as o
    inner join namespace as n on o.oprnamespace = n.oid
    where o.oprcode <> 0
),

family as (
    select
        'pg_catalog.pg_opfamily'::regclass as classid, f.oid, 'operator family' as kind,
        f.opfname || ' using ' || m.amname as name, n.schema,
        concat('family', ' as ' || p.parts) as definition
    from pg_catalog.pg_opfamily as f
    inner join namespace as n on f.opfnamespace = n.oid
    inner join pg_catalog.pg_am as m on f.opfmethod = m.oid
    left join parts as p on p.refclassid = 'pg_catalog.pg_opfamily'::regclass and f.oid = p.refobjid
),

class as (
    select
        'pg_catalog.pg_opclass'::regclass as classid, c.oid, 'operator class' as kind,
        c.opcname || ' using ' || m.amname as name, n.schema,
        concat(
            case when c.opcdefault then 'default ' end,
            'family ',
            case when not pg_catalog.pg_opfamily_is_visible(f.oid) then quote_ident(s.nspname) || '.' end,
            quote_ident(f.opfname),
            ' for type ', pg_catalog.format_type(c.opcintype, null),
            ' as ' || p.parts,
            ' storage ' || pg_catalog.format_type(nullif(c.opckeytype, 0), null)
        ) as definition
    from pg_catalog.pg_opclass as c
    inner join namespace as n on c.opcnamespace = n.oid
    inner join pg_catalog.pg_am as m on c.opcmethod = m.oid
    inner join pg_catalog.pg_opfamily as f on c.opcfamily = f.oid
    inner join pg_catalog.pg_namespace as s on f.opfnamespace = s.oid
    left join parts as p on p.refclassid = 'pg_catalog.pg_opclass'::regclass and c.oid = p.refobjid
),

-- What a collation is by its columns, whatever the version of the server calls them.
collation_of as (
    select
        'pg_catalog.pg_collation'::regclass as classid, c.oid, 'collation' as kind, c.collname::text as name, n.schema,
        concat(
            case c.collprovider when 'c' then 'libc' when 'i' then 'icu' when 'b' then 'builtin' else 'default' end,
            ' locale ' || quote_literal(coalesce(j.row ->> 'colllocale', j.row ->> 'colliculocale')),
            ' lc_collate ' || quote_literal(c.collcollate), ' lc_ctype ' || quote_literal(c.collctype),
            case when not c.collisdeterministic then ' not deterministic' end,
            ' rules ' || quote_literal(j.row ->> 'collicurules')
        ) as definition
    from pg_catalog.pg_collation as c
    inner join namespace as n on c.collnamespace = n.oid
    cross join lateral (select pg_catalog.to_jsonb(c.*) as row) as j
),

conversion as (
    select
        'pg_catalog.pg_conversion'::regclass as classid, c.oid, 'conversion' as kind, c.conname::text as name, n.schema,
        concat(
            case when c.condefault then 'default ' end,
            'for ', quote_literal(pg_catalog.pg_encoding_to_char(c.conforencoding)),
            ' to ', quote_literal(pg_catalog.pg_encoding_to_char(c.contoencoding)),
            ' from ', c.conproc::oid::regprocedure
        ) as definition
    from pg_catalog.pg_conversion as c
    inner join namespace as n on c.connamespace = n.oid
),

text_search as (
    select
        'pg_catalog.pg_ts_parser'::regclass as classid, p.oid, 'text search parser' as kind, p.prsname::text as name, n.schema,
        concat(
            'start ', p.prsstart::oid::regprocedure, ' gettoken ', p.prstoken::oid::regprocedure,
            ' end ', p.prsend::oid::regprocedure, ' headline ' || nullif(p.prsheadline::oid, 0)::regprocedure,
            ' lextypes ', p.prslextype::oid::regprocedure
        ) as definition
    from pg_catalog.pg_ts_parser as p
    inner join namespace as n on p.prsnamespace = n.oid
    union all
    select
        'pg_catalog.pg_ts_template'::regclass, t.oid, 'text search template', t.tmplname, n.schema,
        concat('init ' || nullif(t.tmplinit::oid, 0)::regprocedure || ' ', 'lexize ', t.tmpllexize::oid::regprocedure)
    from pg_catalog.pg_ts_template as t
    inner join namespace as n on t.tmplnamespace = n.oid
    union all
    select
        'pg_catalog.pg_ts_dict'::regclass, d.oid, 'text search dictionary', d.dictname, n.schema,
        concat(
            'template ',
            case when not pg_catalog.pg_ts_template_is_visible(t.oid) then quote_ident(s.nspname) || '.' end,
            quote_ident(t.tmplname), ' (' || d.dictinitoption || ')'
        )
    from pg_catalog.pg_ts_dict as d
    inner join namespace as n on d.dictnamespace = n.oid
    inner join pg_catalog.pg_ts_template as t on d.dicttemplate = t.oid
    inner join pg_catalog.pg_namespace as s on t.tmplnamespace = s.oid
    union all
    select
        'pg_catalog.pg_ts_config'::regclass, c.oid, 'text search configuration', c.cfgname, n.schema,
        concat(
            'parser ',
            case when not pg_catalog.pg_ts_parser_is_visible(p.oid) then quote_ident(s.nspname) || '.' end,
            quote_ident(p.prsname),
            (
                select string_agg(' ' || m.token || ': ' || m.dictionaries, ',' order by m.number)
                from (
                    select
                        k.maptokentype as number, coalesce(min(a.alias), k.maptokentype::text) as token,
                        string_agg(k.mapdict::regdictionary::text, ' ' order by k.mapseqno) as dictionaries
                    from pg_catalog.pg_ts_config_map as k
                    -- only PostgreSQL's own parser is asked for the names of its tokens
                    left join (
                        select t.tokid, t.alias
                        from pg_catalog.ts_token_type('pg_catalog.default') as t
                    ) as a on k.maptokentype = a.tokid and p.prsname = 'default' and s.nspname = 'pg_catalog'
                    where k.mapcfg = c.oid
                    group by k.maptokentype
                ) as m
            )
        )
    from pg_catalog.pg_ts_config as c
    inner join namespace as n on c.cfgnamespace = n.oid
    inner join pg_catalog.pg_ts_parser as p on c.cfgparser = p.oid
    inner join pg_catalog.pg_namespace as s on p.prsnamespace = s.oid
),

-- Of the values of user mappings no more is read than whether they are others.
options as (
    select
        o.classid, o.oid,
        ' options (' || string_agg(
            quote_ident(p.option_name) || ' ''' || replace(
                case
                    when o.role is null then p.option_value
                    else '***' || left(encode(sha256(convert_to(concat_ws(chr(1), o.role, p.option_name, p.option_value), 'UTF8')), 'hex'), 4)
                end, '''', ''''''
            ) || '''', ', ' order by p.option_name collate "C"
        ) || ')' as options
    from (
        select 'pg_catalog.pg_foreign_data_wrapper'::regclass as classid, oid, fdwoptions as options, null as role
        from pg_catalog.pg_foreign_data_wrapper
        union all
        select 'pg_catalog.pg_foreign_server'::regclass, oid, srvoptions, null
        from pg_catalog.pg_foreign_server
        union all
        select
            'pg_catalog.pg_user_mapping'::regclass, umid, umoptions,
            case when umuser = 0 then 'public' else usename end
        from pg_catalog.pg_user_mappings
    ) as o
    cross join lateral pg_catalog.pg_options_to_table(o.options) as p
    group by o.classid, o.oid
),

-- Of the database; `own` is what it has not from the server.
wide as (
    select
        'pg_catalog.pg_cast'::regclass as classid, c.oid, 'cast' as kind,
        '(' || pg_catalog.format_type(c.castsource, null) || ' as ' || pg_catalog.format_type(c.casttarget, null) || ')' as name,
        '' as schema,
        case c.castmethod when 'f' then 'with function ' || c.castfunc::regprocedure when 'i' then 'with inout' else 'without function' end
        || case c.castcontext when 'a' then ' as assignment' when 'i' then ' as implicit' else '' end as definition,
        c.oid >= 16384 as own
    from pg_catalog.pg_cast as c
    where
        c.oid >= 16384
        or exists (
            select from pg_catalog.pg_description as d
            where d.classoid = 'pg_catalog.pg_cast'::regclass and d.objoid = c.oid
        )
    union all
    select
        'pg_catalog.pg_transform'::regclass, t.oid, 'transform',
        'for ' || pg_catalog.format_type(t.trftype, null) || ' language ' || quote_ident(l.lanname), '',
        concat_ws(
            ', ', 'from sql ' || nullif(t.trffromsql::oid, 0)::regprocedure, 'to sql ' || nullif(t.trftosql::oid, 0)::regprocedure
        ),
        true
    from pg_catalog.pg_transform as t
    inner join pg_catalog.pg_language as l on t.trflang = l.oid
    union all
    select
        'pg_catalog.pg_language'::regclass, l.oid, 'language', l.lanname, '',
        concat(
            case when l.lanpltrusted then 'trusted ' end,
            'handler ' || nullif(l.lanplcallfoid, 0)::regprocedure,
            ' inline ' || nullif(l.laninline, 0)::regprocedure, ' validator ' || nullif(l.lanvalidator, 0)::regprocedure
        ),
        l.oid >= 16384
    from pg_catalog.pg_language as l
    union all
    select
        'pg_catalog.pg_am'::regclass, m.oid, 'access method', m.amname, '',
        'type ' || case m.amtype when 't' then 'table' else 'index' end || ' handler ' || m.amhandler::oid::regprocedure,
        m.oid >= 16384
    from pg_catalog.pg_am as m
    union all
    select
        'pg_catalog.pg_foreign_data_wrapper'::regclass, w.oid, 'foreign-data wrapper', w.fdwname, '',
        concat(
            'foreign-data wrapper', ' handler ' || nullif(w.fdwhandler, 0)::regprocedure,
            ' validator ' || nullif(w.fdwvalidator, 0)::regprocedure, o.options
        ),
        w.oid >= 16384
    from pg_catalog.pg_foreign_data_wrapper as w
    left join options as o on o.classid = 'pg_catalog.pg_foreign_data_wrapper'::regclass and w.oid = o.oid
    union all
    select
        'pg_catalog.pg_foreign_server'::regclass, s.oid, 'server', s.srvname, '',
        concat(
            'foreign data wrapper ', quote_ident(w.fdwname), ' type ''' || replace(s.srvtype, '''', '''''') || '''',
            ' version ''' || replace(s.srvversion, '''', '''''') || '''', o.options
        ),
        true
    from pg_catalog.pg_foreign_server as s
    inner join pg_catalog.pg_foreign_data_wrapper as w on s.srvfdw = w.oid
    left join options as o on o.classid = 'pg_catalog.pg_foreign_server'::regclass and s.oid = o.oid
    union all
    select
        'pg_catalog.pg_user_mapping'::regclass, u.umid, 'user mapping',
        'for ' || case when u.umuser = 0 then 'public' else quote_ident(u.usename) end || ' server ' || quote_ident(u.srvname), '',
        case when may.read then concat('user mapping', o.options) else 'present' end,
        true
    from pg_catalog.pg_user_mappings as u
    inner join pg_catalog.pg_foreign_server as s on u.srvid = s.oid
    left join options as o on o.classid = 'pg_catalog.pg_user_mapping'::regclass and u.umid = o.oid
    -- the condition under which that view shows options
    cross join lateral (
        select
            (
                u.umuser <> 0 and u.usename = current_user
                and (pg_has_role(s.srvowner, 'usage') or has_server_privilege(s.oid, 'usage'))
            )
            or (u.umuser = 0 and pg_has_role(s.srvowner, 'usage'))
            or (select r.rolsuper from pg_catalog.pg_roles as r where r.rolname = current_user) as read
    ) as may
),

object as (
    select o.*, true as own
    from (
        select * from aggregate
        union all
        select * from operator
        union all
        select * from family
        union all
        select * from class
        union all
        select * from collation_of
        union all
        select * from conversion
        union all
        select * from text_search
    ) as o
    union all
    select w.* from wide as w
)

select o.kind, o.name, '' as table_name, o.schema, o.definition
from object as o
where o.own and not exists (select from member as m where o.classid = m.classid and o.oid = m.objid)
union all
select 'comment on ' || o.kind, o.name, '', o.schema, d.description
from object as o
inner join pg_catalog.pg_description as d on o.classid = d.classoid and o.oid = d.objoid and d.objsubid = 0
union all
select 'security label of ' || l.provider || ' on ' || o.kind, o.name, '', o.schema, l.label
from object as o
inner join pg_catalog.pg_seclabel as l on o.classid = l.classoid and o.oid = l.objoid and l.objsubid = 0
