-- The tables.
--
-- Why:    an example; put your own tables in its place.
-- Re-run: changes nothing; a column that is added here is added to the table.
-- Locks:  none in a database that is up to date.

create table if not exists note (
    id bigint generated always as identity primary key,
    title text not null,
    created_at timestamptz not null default now()
);
comment on table note is 'One row for each note.';
comment on column note.id is 'Its number.';
comment on column note.title is 'What it is about.';
comment on column note.created_at is 'When it was written.';
