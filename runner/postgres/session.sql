-- Let the server notice that the runner is gone: a killed one must not hold its locks for hours. The first setting is
-- refused where the server's system has no way to notice. Returns the process that serves this session.
select
    pg_backend_pid(),
    case when version() ~ 'linux' then set_config('client_connection_check_interval', '5s', false) end,
    set_config('tcp_keepalives_idle', '30', false),
    set_config('tcp_keepalives_interval', '10', false),
    set_config('tcp_keepalives_count', '3', false)
