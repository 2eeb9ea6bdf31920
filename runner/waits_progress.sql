-- How far the index is that the run builds which holds the run lock of the given name: phase, and percent where known.
select
    p.phase,
    round(
        100.0 * case when p.blocks_total > 0 then p.blocks_done else p.tuples_done end
        / nullif(case when p.blocks_total > 0 then p.blocks_total else p.tuples_total end, 0)
    )::integer
from pg_catalog.pg_locks as l
inner join pg_catalog.pg_stat_progress_create_index as p on l.pid = p.pid
where
    l.locktype = 'advisory'
    and l.granted
    and l.objsubid = 1
    and l.database = (select d.oid from pg_catalog.pg_database as d where d.datname = current_database())
    and (l.classid::bigint << 32) + l.objid::bigint = hashtextextended(%(name)s, 0)
