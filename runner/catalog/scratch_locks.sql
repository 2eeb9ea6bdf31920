-- For how many locks the server has room that nobody has taken, and the setting that says so: (free, setting).
select
    (
        pg_catalog.current_setting('max_locks_per_transaction')::integer
        * (
            pg_catalog.current_setting('max_connections')::integer
            + pg_catalog.current_setting('max_prepared_transactions')::integer
        )
        - (select count(*) from pg_catalog.pg_locks as l where not l.fastpath and l.pid is distinct from pg_backend_pid())
    )::integer as free,
    pg_catalog.current_setting('max_locks_per_transaction')::integer as setting
