-- Give the session the search path and the limits of the runner's own SQL, and let the server notice that the runner is
-- gone: a killed one must not hold its locks for hours. The first setting for that is refused where the server's system
-- has no way to notice. No other limit of a database, a role or the server ends a run; PostgreSQL 17 added the one that is
-- asked for. Whatever the search path is here, nothing else than PostgreSQL's own is found. Returns the process that serves
-- this session.
select
    pg_catalog.pg_backend_pid(),
    pg_catalog.set_config('search_path', {path}, false),
    pg_catalog.set_config('lock_timeout', {lock_timeout}, false),
    pg_catalog.set_config('idle_session_timeout', '0', false),
    case
        when pg_catalog.current_setting('transaction_timeout', true) is not null
            then pg_catalog.set_config('transaction_timeout', '0', false)
    end,
    pg_catalog.set_config('exit_on_error', 'off', false),
    {meaning},
    case
        when pg_catalog.version() operator(pg_catalog.~) 'linux'
            then pg_catalog.set_config('client_connection_check_interval', '5s', false)
    end,
    pg_catalog.set_config('tcp_keepalives_idle', '30', false),
    pg_catalog.set_config('tcp_keepalives_interval', '10', false),
    pg_catalog.set_config('tcp_keepalives_count', '3', false)
