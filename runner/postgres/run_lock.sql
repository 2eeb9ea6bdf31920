-- Who holds the run lock of the given name, and whether that role may act as the one that asks: another run does.
select
    a.pid,
    coalesce(nullif(a.application_name, ''), 'no application name'),
    a.usename,
    coalesce(host(a.client_addr), 'this machine'),
    coalesce(to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS'), 'a time that this role may not see'),
    pg_has_role(a.usesysid, current_user, 'member')
from pg_catalog.pg_locks as l
inner join pg_catalog.pg_stat_activity as a on l.pid = a.pid
where
    l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = hashtextextended(%(name)s, 0::bigint)
