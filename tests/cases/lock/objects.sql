create extension if not exists pg_trgm with schema {{ extension_schema | identifier }};
create schema if not exists extra;
create table if not exists extra.note (id integer, "größe" text);
comment on table extra.note is 'First line.
Second "line".';
create sequence if not exists number;
create table if not exists item (
    id serial,
    name text collate "C" default 'none' not null,
    size integer,
    twice integer generated always as (size * 2) stored,
    constraint item_pkey primary key (id),
    constraint item_size_check check (size > 0)
);
comment on table item is 'Items.';
comment on column item.name is 'Name; it''s shown.';
comment on constraint item_size_check on item is 'No item is empty.';
create index if not exists item_name_idx on item (name);
comment on index item_name_idx is 'By name.';
create index if not exists item_large_idx on item using gin (name gin_trgm_ops) where size > 100;
create table if not exists "Part.1" (
    id integer primary key,
    item integer references item (id) on delete cascade
);
comment on table "Part.1" is 'Parts.';
comment on column "Part.1".item is 'The item.';
create index if not exists part_item_idx on "Part.1" (item desc);
comment on index part_item_idx is 'Parts of an item.';
create or replace view large as select i.id from item as i cross join extra.note;
comment on view large is 'Large items.';
create or replace function twice(number integer) returns integer language sql immutable as 'select number * 2';
comment on function twice (integer) is 'Doubles.';
