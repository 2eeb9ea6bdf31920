-- Who holds a table locked so that nobody can read it, or waits to. Parameter: table, its name as SQL writes it.
select
    l.pid,
    a.usename::text,
    a.application_name,
    coalesce(host(a.client_addr), 'this machine'),
    a.state,
    extract(epoch from clock_timestamp() - a.xact_start)::float8,
    a.query
from pg_catalog.pg_locks as l
left join pg_catalog.pg_stat_activity as a on l.pid = a.pid
where
    l.locktype = 'relation'
    and l.mode = 'AccessExclusiveLock'
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    and l.relation = %(table)s::regclass
order by l.granted desc
