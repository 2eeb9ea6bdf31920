-- how the values of a column's type are stored when nobody says anything else
select case t.typstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main'
else 'extended' end
from pg_catalog.pg_attribute as a inner join pg_catalog.pg_type as t on a.atttypid = t.oid
where a.attrelid = %(table)s::regclass and a.attname = %(column)s
