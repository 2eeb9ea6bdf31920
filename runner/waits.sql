-- Whom the run waits for that holds the run lock of the given name.
select
    b.pid,
    a.usename::text,
    a.application_name,
    coalesce(host(a.client_addr), 'this machine'),
    a.state,
    extract(epoch from clock_timestamp() - a.xact_start)::float8,
    a.query
from pg_catalog.pg_locks as l
cross join lateral unnest(pg_catalog.pg_blocking_pids(l.pid)) as b (pid)
left join pg_catalog.pg_stat_activity as a on b.pid = a.pid
where
    l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = hashtextextended(%(name)s, 0)
