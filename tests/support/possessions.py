"""What somebody has in a database, beside the definitions of objects: rows, owners, grants and comments."""

from __future__ import annotations

import psycopg

_OWNED = """
    select 'owner', c.oid::regclass::text, c.relowner::regrole::text
    from pg_class as c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select 'owner', p.oid::regprocedure::text, p.proowner::regrole::text
    from pg_proc as p where p.pronamespace = 'public'::regnamespace
    union all
    select 'owner', t.oid::regtype::text, t.typowner::regrole::text
    from pg_type as t where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd') and t.typelem = 0
    union all
    select 'grant', c.oid::regclass::text, concat_ws(' ', g.grantee::regrole, g.privilege_type, g.is_grantable)
    from pg_class as c cross join lateral aclexplode(c.relacl) as g where c.relnamespace = 'public'::regnamespace
        and c.relowner <> g.grantee and c.relkind in ('r', 'p', 'v', 'm')
    union all
    select 'grant', c.oid::regclass || '.' || a.attname, concat_ws(' ', g.grantee::regrole, g.privilege_type)
    from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid
    cross join lateral aclexplode(a.attacl) as g where c.relnamespace = 'public'::regnamespace and not a.attisdropped
    union all
    select 'grant', p.oid::regprocedure::text, concat_ws(' ', g.grantee::regrole, g.privilege_type, g.is_grantable)
    from pg_proc as p cross join lateral aclexplode(p.proacl) as g where p.pronamespace = 'public'::regnamespace
        and p.proowner <> g.grantee
    union all
    select 'comment', i.identity, d.description
    from pg_description as d cross join lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) as i
    where i.schema = 'public'
"""
_COLUMNS = """
    select c.oid::regclass::text, quote_ident(a.attname)
    from pg_class as c inner join pg_attribute as a on c.oid = a.attrelid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
        and c.relname not like 'runner_history%'
"""


def possessions(dsn: str) -> set[tuple[str, str, str]]:
    """Return rows column by column, owners, grants and comments of what is in the schema public."""
    with psycopg.connect(dsn) as connection:
        connection.execute("set search_path = public")
        found = {(str(kind), str(name), str(text)) for kind, name, text in connection.execute(_OWNED).fetchall()}
        for table, column in connection.execute(_COLUMNS).fetchall():
            query = f"select {column}::text from {table} order by 1 nulls last"
            values = connection.execute(query.encode()).fetchall()
            found.add(("rows", f"{table}.{column}", str([value for (value,) in values])))
    return found
