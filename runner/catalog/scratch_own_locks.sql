-- How many entries of the server's lock table the session has taken.
select pg_catalog.count(*)::integer
from (
    select distinct l.locktype, l.database, l.relation, l.classid, l.objid, l.objsubid
    from pg_catalog.pg_locks as l
    where not l.fastpath and l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()
) as own
