-- Put the schemas of the path, then those of the extensions, on the search path of the transaction.
-- Parameters: path, an array of identifiers, and extensions, an array of names.
select pg_catalog.set_config(
    'search_path',
    array_to_string(
        %(path)s::text[]
        || array(
            select quote_ident(n.nspname)
            from pg_catalog.pg_extension as e
            inner join pg_catalog.pg_namespace as n on e.extnamespace = n.oid
            where e.extname = any(%(extensions)s) and n.nspname <> 'pg_catalog'
            order by n.nspname
        ),
        ', '
    ),
    true
)
