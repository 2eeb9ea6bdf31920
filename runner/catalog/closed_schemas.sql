-- The schemas that the role may not use: names in them would be read as if they were somewhere else.
-- Parameter: path.
select n.nspname::text
from pg_catalog.pg_namespace as n
where n.nspname = any(%(path)s) and not has_schema_privilege(n.oid, 'usage')
