-- The extensions of a list that are to be had, with the schema that they insist on, if they do, and the one that they
-- are in, if they are installed.
-- Parameter: names.
select a.name, v.schema, n.nspname
from pg_catalog.pg_available_extensions as a
inner join pg_catalog.pg_available_extension_versions as v on a.name = v.name and a.default_version = v.version
left join pg_catalog.pg_extension as e on a.name = e.extname
left join pg_catalog.pg_namespace as n on e.extnamespace = n.oid
where a.name = any(%(names)s)
order by array_position(%(names)s, a.name::text)
