-- The extensions of a list that are to be had and are not installed, with the schema that they insist on, if they do.
-- Parameter: names.
select a.name, v.schema
from pg_catalog.pg_available_extensions as a
inner join pg_catalog.pg_available_extension_versions as v on a.name = v.name and a.default_version = v.version
where a.name = any(%(names)s) and a.installed_version is null
order by array_position(%(names)s, a.name::text)
