-- Objects of many kinds, which test_dumped.py dumps; adopted.sql has others.

create extension hstore; create extension postgres_fdw;
create server far foreign data wrapper postgres_fdw options (host 'x', dbname 'y');
create user mapping for postgres server far options (user 'a', password 'b');
create user mapping for public server far;
create foreign table ft (id integer options (column_name 'c') not null, name text collate "C" default 'x') server far options (table_name 'z');
comment on server far is 'x'; comment on foreign table ft is 'y';
create table item (id integer constraint there not null no inherit, b integer not null, c text);
create table kid () inherits (item);
create table kid2 (id integer) inherits (item);
create table part (id integer constraint pn not null, b integer) partition by list (b);
create table part_1 partition of part for values in (1);
create table part_2 (id integer constraint own not null, b integer); alter table part attach partition part_2 for values in (2);
alter table item rename to items;
create materialized view low as select id from items with no data;
create materialized view high as select id from items;
create publication news for table items (id) where (id > 1);
create policy p on items using (id > 1); alter table items enable row level security;
create rule r as on delete to items do instead nothing;
create statistics st on id, b from items;
create function twice(integer) returns integer language sql as 'select 1';
create aggregate total (integer) (sfunc = int4pl, stype = integer);
create text search dictionary words (template = simple);
create collation plain (locale = 'C');
create function ev() returns event_trigger language plpgsql as 'begin end';
create event trigger et on ddl_command_end execute function ev();
create type word as (a integer);
create cast (word as text) with inout;
