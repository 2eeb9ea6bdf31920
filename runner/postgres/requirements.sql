-- Which extensions the database has, and of which the server has the files: (name, has, available).
-- Parameter: names.
select
    required.name,
    exists (select from pg_catalog.pg_extension as e where e.extname = required.name) as has,
    exists (select from pg_catalog.pg_available_extensions as a where a.name = required.name) as available
from unnest(%(names)s::text[]) as required (name)
