-- Extensions that the schema needs.
--
-- pg_trgm gives the operator class gin_trgm_ops, on which the two text search indexes of
-- 030_indexes.sql are built. It is part of PostgreSQL's contrib and a trusted extension: a role
-- with CREATE on the database may create it, a superuser is not needed.
--
-- Re-run: an extension that exists is left as it is, in whichever schema it was installed.
-- Locks: none on any table.

create extension if not exists pg_trgm with schema {{ extension_schema | identifier }};
