-- Whom a session waits for. Parameter: pid, of its server process.
select
    b.pid,
    a.usename::text,
    a.application_name,
    coalesce(host(a.client_addr), 'this machine'),
    a.state,
    extract(epoch from clock_timestamp() - a.xact_start)::float8,
    a.query
from unnest(pg_catalog.pg_blocking_pids(%(pid)s)) as b (pid)
left join pg_catalog.pg_stat_activity as a on b.pid = a.pid
