-- How far the index is that a session builds: phase, and percent where known. Parameter: pid, of its server process.
select
    p.phase,
    round(
        100.0 * case when p.blocks_total > 0 then p.blocks_done else p.tuples_done end
        / nullif(case when p.blocks_total > 0 then p.blocks_total else p.tuples_total end, 0)
    )::integer
from pg_catalog.pg_stat_progress_create_index as p
where p.pid = %(pid)s
