-- The schemas where the session looks for names: those that its role and its database have for it, after RESET search_path.
select pg_catalog.current_schemas(false)
