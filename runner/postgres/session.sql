-- Give the session the search path and the limits of the runner's own SQL, and let the server notice that the runner is
-- gone: a killed one must not hold its locks for hours. The first setting for that is refused where the server's system
-- has no way to notice. Whatever the search path is here, nothing else than PostgreSQL's own is found. Returns the process
-- that serves this session.
select
    pg_catalog.pg_backend_pid(),
    pg_catalog.set_config('search_path', {path}, false),
    pg_catalog.set_config('lock_timeout', {lock_timeout}, false),
    pg_catalog.set_config('statement_timeout', {statement_timeout}, false),
    case
        when pg_catalog.version() operator(pg_catalog.~) 'linux'
            then pg_catalog.set_config('client_connection_check_interval', '5s', false)
    end,
    pg_catalog.set_config('tcp_keepalives_idle', '30', false),
    pg_catalog.set_config('tcp_keepalives_interval', '10', false),
    pg_catalog.set_config('tcp_keepalives_count', '3', false)
