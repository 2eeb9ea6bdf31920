-- The roles that are trusted, by their number: superusers, the owner of the database, the run's role, who may act as one
-- of these; the roles that the run's role and the one that has logged in may act as; and those that the manifest names.
-- Membership is followed here, because a superuser counts as a member of every role; that with the right to administer
-- alone, which PostgreSQL 16 and newer know, does not count, and by way of JSON, because 15 has no such column.
-- Parameter: trusted, an array of names.
with recursive acting as (
    select r.oid
    from pg_catalog.pg_roles as r
    where
        r.rolsuper
        or r.rolname = current_user
        or r.oid in (select d.datdba from pg_catalog.pg_database as d where d.datname = current_database())
    union
    select m.member
    from pg_catalog.pg_auth_members as m
    inner join acting as a on m.roleid = a.oid
),

acted_as as (
    select r.oid from pg_catalog.pg_roles as r where r.rolname in (current_user, session_user)
    union
    select m.roleid
    from pg_catalog.pg_auth_members as m
    inner join acted_as as a on m.member = a.oid
    where
        'true' in (
            coalesce(to_jsonb(m) ->> 'inherit_option', 'true'), coalesce(to_jsonb(m) ->> 'set_option', 'true')
        )
)

select a.oid from acting as a
union
select a.oid from acted_as as a
union
select r.oid
from pg_catalog.pg_roles as r
where r.rolname = 'pg_database_owner' or (r.rolname = any(%(trusted)s::text[]) and r.rolname <> 'PUBLIC')
