-- What a session runs: its text, how long already, and of an index that it builds the phase and the percentage of that,
-- where known. Parameter: pid, of its server process.
select
    a.query,
    extract(epoch from clock_timestamp() - a.query_start)::float8,
    p.phase,
    round(
        100.0 * case when p.blocks_total > 0 then p.blocks_done else p.tuples_done end
        / nullif(case when p.blocks_total > 0 then p.blocks_total else p.tuples_total end, 0)
    )::integer
from pg_catalog.pg_stat_activity as a
left join pg_catalog.pg_stat_progress_create_index as p on a.pid = p.pid
where a.pid = %(pid)s and a.state = 'active' and a.query is not null
