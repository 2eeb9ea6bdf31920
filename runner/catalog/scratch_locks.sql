-- For how many locks the server has room that nobody has taken, and the setting that says so: (free, setting).
-- The session may have any search path.
select
    pg_catalog.current_setting('max_locks_per_transaction')::integer
    operator(pg_catalog.*) (
        pg_catalog.current_setting('max_connections')::integer
        operator(pg_catalog.+) pg_catalog.current_setting('max_prepared_transactions')::integer
    )
    operator(pg_catalog.-) (
        select pg_catalog.count(*)::integer
        from pg_catalog.pg_locks as l
        where not l.fastpath and (l.pid operator(pg_catalog.=) pg_catalog.pg_backend_pid()) is not true
    ) as free,
    pg_catalog.current_setting('max_locks_per_transaction')::integer as setting
