-- Every form of CREATE, ALTER, COMMENT and DROP that PostgreSQL 18 knows, and its other commands that are no data.
-- Behind "-->" is what the statement does to objects that are compared, or none; the target schema is public.

-- Access methods
create access method shelf type index handler shelf_handler; --> create access method shelf
create access method pile type table handler pile_handler; --> create access method pile
comment on access method shelf is 'x'; --> set comment on access method shelf
drop access method if exists shelf cascade; --> drop access method shelf

-- Aggregates
create aggregate longest(text) (sfunc = longer, stype = text); --> create aggregate longest(text)
create or replace aggregate longest(order by text) (sfunc = longer, stype = text, initcond = ''); --> create aggregate longest(text)
create aggregate longest(basetype = text, sfunc = longer, stype = text); --> create aggregate longest(text)
alter aggregate longest(text) rename to widest; --> rename aggregate longest(text) to widest(text)
alter aggregate longest(text) owner to clerk; --> none
alter aggregate longest(*) set schema archive; --> move aggregate longest(*) to archive
comment on aggregate longest(text) is 'x'; --> set comment on aggregate longest(text)
drop aggregate if exists longest(text), archive.widest(*) restrict; --> drop aggregate longest(text), drop aggregate archive.widest(*)

-- Casts
create cast (isbn as text) with function isbn_text(isbn) as assignment; --> create cast (isbn as text)
create cast (isbn as text) without function; --> create cast (isbn as text)
create cast (isbn as text) with inout as implicit; --> create cast (isbn as text)
comment on cast (isbn as text) is 'x'; --> set comment on cast (isbn as text)
drop cast if exists (isbn as text); --> drop cast (isbn as text)

-- Collations
create collation if not exists german (provider = icu, locale = 'de', deterministic = false); --> create collation german
create collation german from "de_DE"; --> create collation german
alter collation german refresh version; --> none
alter collation german rename to deutsch; --> rename collation german to deutsch
alter collation german owner to clerk; --> none
alter collation german set schema archive; --> move collation german to archive
comment on collation archive.german is 'x'; --> set comment on collation archive.german
drop collation if exists german cascade; --> drop collation german

-- Conversions
create default conversion shout for 'LATIN1' to 'UTF8' from shout_function; --> create conversion shout
alter conversion shout rename to whisper; --> rename conversion shout to whisper
alter conversion shout owner to clerk; --> none
alter conversion shout set schema archive; --> move conversion shout to archive
comment on conversion shout is 'x'; --> set comment on conversion shout
drop conversion if exists shout; --> drop conversion shout

-- Databases
create database library with owner clerk encoding 'UTF8' template template0; --> none
alter database library with connection limit 10; --> none
alter database library is_template true; --> none
alter database library rename to archive; --> none
alter database library owner to clerk; --> none
alter database library set tablespace fast; --> none
alter database library refresh collation version; --> none
alter database library set work_mem = '8MB'; --> none
alter database library reset all; --> none
comment on database library is 'x'; --> none
drop database if exists library with (force); --> none

-- Domains
create domain isbn as text collate "C" default '' constraint isbn_check check (value <> '') not null; --> create domain isbn
create domain archive.isbn as text; --> create domain archive.isbn
alter domain isbn set default 'x'; --> change domain isbn
alter domain isbn drop default; --> change domain isbn
alter domain isbn set not null; --> change domain isbn
alter domain isbn drop not null; --> change domain isbn
alter domain isbn add constraint isbn_check check (length(value) < 18) not valid; --> change domain isbn
alter domain isbn add not null; --> change domain isbn
alter domain isbn drop constraint if exists isbn_check cascade; --> change domain isbn
alter domain isbn validate constraint isbn_check; --> change domain isbn
alter domain isbn rename constraint isbn_check to isbn_length; --> change domain isbn
alter domain isbn rename to code; --> rename domain isbn to code
alter domain isbn owner to clerk; --> none
alter domain isbn set schema archive; --> move domain isbn to archive
comment on domain isbn is 'x'; --> set comment on domain isbn
comment on constraint isbn_check on domain isbn is 'x'; --> set comment on domain constraint isbn.isbn_check
drop domain if exists isbn, archive.isbn cascade; --> drop domain isbn, drop domain archive.isbn

-- Event triggers
create event trigger watch on ddl_command_start when tag in ('DROP TABLE') execute function refuse(); --> create event trigger watch
alter event trigger watch disable; --> change event trigger watch
alter event trigger watch enable replica; --> change event trigger watch
alter event trigger watch rename to guard; --> rename event trigger watch to guard
alter event trigger watch owner to clerk; --> none
comment on event trigger watch is 'x'; --> set comment on event trigger watch
drop event trigger if exists watch; --> drop event trigger watch

-- Extensions
create extension if not exists hstore with schema archive version '1.8' cascade; --> create extension hstore
alter extension hstore update to '1.8'; --> change extension hstore
alter extension hstore update; --> none
alter extension hstore set schema archive; --> none
alter extension hstore add function longer(text, text); --> none
alter extension hstore drop table book; --> none
comment on extension hstore is 'x'; --> set comment on extension hstore
drop extension if exists hstore, ltree cascade; --> drop extension hstore, drop extension ltree

-- Foreign data wrappers, servers, user mappings, and what comes from there
create foreign data wrapper post handler post_handler validator post_validator options (debug 'true'); --> create foreign-data wrapper post
alter foreign data wrapper post no validator options (drop debug); --> change foreign-data wrapper post
alter foreign data wrapper post rename to mail; --> rename foreign-data wrapper post to mail
alter foreign data wrapper post owner to clerk; --> none
comment on foreign data wrapper post is 'x'; --> set comment on foreign-data wrapper post
drop foreign data wrapper if exists post cascade; --> drop foreign-data wrapper post
create server if not exists branch type 'post' version '1' foreign data wrapper post options (host 'x'); --> create server branch
alter server branch version '2' options (set host 'y'); --> change server branch
alter server branch rename to annex; --> rename server branch to annex
alter server branch owner to clerk; --> none
comment on server branch is 'x'; --> set comment on server branch
drop server if exists branch cascade; --> drop server branch
create user mapping if not exists for current_user server branch options (user 'x'); --> none
create user mapping for "Clerk" server branch; --> create user mapping for "Clerk" server branch
alter user mapping for public server branch options (set user 'y'); --> change user mapping for public server branch
drop user mapping if exists for clerk server branch; --> drop user mapping for clerk server branch
import foreign schema remote limit to (book) from server branch into archive; --> none

-- Foreign tables
create foreign table if not exists loan_there (id integer options (key 'true') not null) server branch; --> create table loan_there, create column loan_there.id
create foreign table loan_there partition of loan for values in (1) server branch; --> create table loan_there
create foreign table loan_there (like loan) server branch; --> create table loan_there
alter foreign table loan_there add column due date; --> create column loan_there.due
alter foreign table loan_there alter column id options (add key 'true'); --> change column loan_there.id
alter foreign table loan_there options (set table_name 'x'); --> change table loan_there
alter foreign table loan_there rename column id to number; --> rename column loan_there.id to number
alter foreign table loan_there rename to loan_here; --> rename table loan_there to loan_here
alter foreign table loan_there owner to clerk; --> none
alter foreign table loan_there set schema archive; --> move table loan_there to archive
comment on foreign table loan_there is 'x'; --> set comment on table loan_there
drop foreign table if exists loan_there cascade; --> drop table loan_there

-- Functions, procedures, routines
create function longer(text, text default '') returns text language sql return $1; --> create function longer(text, text)
create or replace function archive.books(out id integer, out title text) returns setof record language sql as ''; --> create function archive.books()
create function books(integer) returns table (id integer, title text) language sql as ''; --> create function books(integer)
create function total(variadic prices numeric[]) returns numeric language sql immutable as ''; --> create function total(numeric[])
create function watch() returns trigger language plpgsql set search_path = public as ''; --> create function watch()
create function watched() returns event_trigger language plpgsql as ''; --> create function watched()
create function quick(internal) returns internal language c as 'lib', 'symbol'; --> create function quick(internal)
create function kind_of(book.title%type) returns text language sql as ''; --> create function kind_of(…)
alter function longer(text, text) strict immutable leakproof parallel safe cost 1 rows 1; --> change function longer(text, text)
alter function longer reset all; --> change function longer(…)
alter function longer(text, text) set search_path from current; --> change function longer(text, text)
alter function longer(text, text) rename to longest; --> rename function longer(text, text) to longest(text, text)
alter function longer(text, text) owner to clerk; --> none
alter function longer(text, text) set schema archive; --> move function longer(text, text) to archive
alter function longer(text, text) depends on extension hstore; --> none
comment on function longer(text, text) is 'x'; --> set comment on function longer(text, text)
drop function if exists longer(text, text), archive.books cascade; --> drop function longer(text, text), drop function archive.books(…)
create or replace procedure lend(inout id integer, book integer) language sql begin atomic select 1; end; --> create function lend(integer, integer)
alter procedure lend(integer, integer) security definer; --> change function lend(integer, integer)
alter procedure lend(integer, integer) rename to give; --> rename function lend(integer, integer) to give(integer, integer)
alter procedure lend(integer, integer) owner to clerk; --> none
alter procedure lend(integer, integer) set schema archive; --> move function lend(integer, integer) to archive
alter procedure lend no depends on extension hstore; --> none
comment on procedure lend(integer, integer) is null; --> drop comment on function lend(integer, integer)
drop procedure if exists lend(integer, integer); --> drop function lend(integer, integer)
alter routine lend stable; --> change function lend(…)
alter routine lend(integer) rename to give; --> rename function lend(integer) to give(integer)
alter routine lend owner to clerk; --> none
comment on routine lend is 'x'; --> set comment on function lend(…)
drop routine lend; --> drop function lend(…)

-- Indexes
create index book_title on book (title); --> create index book_title
create unique index if not exists book_key on only book (lower(title) collate "C" text_pattern_ops desc nulls last) include (id) nulls not distinct with (fillfactor = 70) tablespace fast where id > 0; --> create index book_key, create tablespace of index book_key
create index concurrently book_search on archive.book using gin (title gin_trgm_ops(siglen = 32)); --> create index archive.book_search
create index on book (title); --> create index book_title_idx
alter index book_title rename to book_name; --> rename index book_title to book_name
alter index book_title set tablespace fast; --> change tablespace of index book_title
alter index book_title attach partition book_title_1; --> change index book_title, take index book_title_1 into index book_title
alter index book_title no depends on extension hstore; --> none
alter index book_title set (fillfactor = 50); --> change index book_title
alter index if exists archive.book_title reset (fillfactor); --> change index archive.book_title
alter index book_title alter column 1 set statistics 100; --> change index book_title
alter index all in tablespace fast owned by clerk set tablespace slow nowait; --> none
comment on index book_title is 'x'; --> set comment on index book_title
drop index concurrently if exists book_title; --> drop index book_title
drop index book_title, archive.book_search cascade; --> drop index book_title, drop index archive.book_search

-- Languages, large objects, transforms
create or replace trusted language plsample handler sample_handler inline sample_inline validator sample_validator; --> create language plsample
alter language plsample rename to sample; --> rename language plsample to sample
alter procedural language plsample owner to clerk; --> none
comment on language plsample is 'x'; --> set comment on language plsample
drop procedural language if exists plsample cascade; --> drop language plsample
alter large object 12 owner to clerk; --> none
comment on large object 12 is 'x'; --> none
create or replace transform for hstore language plsample (from sql with function f(internal), to sql with function g(internal)); --> create transform for hstore language plsample
comment on transform for hstore language plsample is 'x'; --> set comment on transform for hstore language plsample
drop transform if exists for hstore language plsample; --> drop transform for hstore language plsample

-- Materialized views
create materialized view if not exists overdue (id) using heap with (fillfactor = 70) tablespace fast as select 1 with no data; --> create materialized view overdue, create tablespace of materialized view overdue
alter materialized view overdue alter column id set statistics 10; --> change materialized view overdue
alter materialized view overdue alter id set storage plain; --> change materialized view overdue
alter materialized view overdue cluster on overdue_id; --> change materialized view overdue
alter materialized view if exists overdue set without cluster; --> change materialized view overdue
alter materialized view overdue set access method heap; --> change materialized view overdue
alter materialized view overdue set (fillfactor = 50), reset (autovacuum_enabled); --> change materialized view overdue
alter materialized view overdue depends on extension hstore; --> none
alter materialized view overdue rename column id to number; --> change materialized view overdue
alter materialized view overdue rename to late; --> rename materialized view overdue to late
alter materialized view overdue owner to clerk; --> none
alter materialized view overdue set schema archive; --> move materialized view overdue to archive
alter materialized view all in tablespace fast set tablespace slow; --> none
comment on materialized view overdue is 'x'; --> set comment on materialized view overdue
comment on column overdue.id is 'x'; --> set comment on column overdue.id
refresh materialized view concurrently overdue with data; --> none
drop materialized view if exists overdue, archive.late; --> drop materialized view overdue, drop materialized view archive.late

-- Operators, their classes and families
create operator === (leftarg = isbn, rightarg = isbn, function = same, commutator = ===, hashes, merges); --> create operator ===(isbn, isbn)
alter operator === (isbn, isbn) owner to clerk; --> none
alter operator @@@ (none, isbn) set schema archive; --> move operator @@@(none, isbn) to archive
alter operator === (isbn, isbn) set (restrict = none, join = eqjoinsel); --> change operator ===(isbn, isbn)
comment on operator archive.=== (isbn, isbn) is 'x'; --> set comment on operator archive.===(isbn, isbn)
drop operator if exists === (isbn, isbn), @@@ (none, isbn); --> drop operator ===(isbn, isbn), drop operator @@@(none, isbn)
create operator class isbn_ops default for type isbn using btree family isbn_family as operator 1 < , function 1 compare(isbn, isbn), storage text; --> create operator class isbn_ops using btree
alter operator class isbn_ops using btree rename to code_ops; --> rename operator class isbn_ops using btree to code_ops using btree
alter operator class isbn_ops using btree owner to clerk; --> none
alter operator class isbn_ops using btree set schema archive; --> move operator class isbn_ops using btree to archive
comment on operator class isbn_ops using btree is 'x'; --> set comment on operator class isbn_ops using btree
drop operator class if exists isbn_ops using btree cascade; --> drop operator class isbn_ops using btree
create operator family isbn_family using btree; --> create operator family isbn_family using btree
alter operator family isbn_family using btree add operator 1 < (isbn, isbn) for search, function 1 (isbn, isbn) compare(isbn, isbn); --> change operator family isbn_family using btree
alter operator family isbn_family using btree drop operator 1 (isbn, isbn), function 1 (isbn, isbn); --> change operator family isbn_family using btree
alter operator family isbn_family using btree rename to code_family; --> rename operator family isbn_family using btree to code_family using btree
alter operator family isbn_family using btree owner to clerk; --> none
alter operator family isbn_family using btree set schema archive; --> move operator family isbn_family using btree to archive
comment on operator family isbn_family using btree is 'x'; --> set comment on operator family isbn_family using btree
drop operator family if exists isbn_family using btree; --> drop operator class isbn_family using btree, drop operator family isbn_family using btree

-- Policies and rules
create policy own on loan as restrictive for update to clerk, current_user using (id > 0) with check (id > 1); --> create policy loan.own
alter policy own on loan to public using (id > 2); --> change policy loan.own
alter policy own on loan rename to theirs; --> rename policy loan.own to theirs
comment on policy own on loan is 'x'; --> set comment on policy loan.own
drop policy if exists own on loan; --> drop policy loan.own
create or replace rule keep as on delete to book where old.id > 0 do instead (insert into gone values (old.id); notify gone); --> create rule book.keep
create rule nothing as on insert to archive.book do instead nothing; --> create rule archive.book.nothing
alter rule keep on book rename to hold; --> rename rule book.keep to hold
comment on rule keep on book is 'x'; --> set comment on rule book.keep
drop rule if exists keep on archive.book cascade; --> drop rule archive.book.keep

-- Publications and subscriptions
create publication news for table book (id, title) where (id > 0), tables in schema archive with (publish = 'insert'); --> create publication news, create publication table book.news, create publication schema archive.news
create publication news for all tables with (publish_generated_columns = stored); --> create publication news
alter publication news add table only loan; --> create publication table loan.news
alter publication news set tables in schema current_schema; --> change publication news, create publication schema news
alter publication news drop table loan; --> drop publication table loan.news
alter publication news set (publish = 'insert, update'); --> change publication news
alter publication news rename to feed; --> rename publication news to feed
alter publication news owner to clerk; --> none
comment on publication news is 'x'; --> set comment on publication news
drop publication if exists news, feed; --> drop publication news, drop publication feed
create subscription reader connection 'host=x' publication news, feed with (connect = false, slot_name = none); --> create subscription reader
alter subscription reader connection 'host=y'; --> none
alter subscription reader set publication news with (refresh = false); --> change subscription reader
alter subscription reader add publication feed; --> change subscription reader
alter subscription reader drop publication feed; --> change subscription reader
alter subscription reader refresh publication with (copy_data = false); --> none
alter subscription reader enable; --> none
alter subscription reader disable; --> none
alter subscription reader set (binary = true); --> change subscription reader
alter subscription reader skip (lsn = none); --> none
alter subscription reader rename to listener; --> rename subscription reader to listener
alter subscription reader owner to clerk; --> none
comment on subscription reader is 'x'; --> set comment on subscription reader
drop subscription if exists reader; --> drop subscription reader

-- Roles and privileges
create role clerk with login password 'x' connection limit 3 valid until 'infinity' in role staff admin chief; --> none
create user clerk; --> none
create group staff role clerk; --> none
alter role clerk with nologin; --> none
alter user clerk encrypted password 'x'; --> none
alter role clerk rename to librarian; --> none
alter role all in database library set work_mem = '8MB'; --> none
alter user clerk reset all; --> none
alter group staff add user clerk; --> none
alter group staff drop user clerk; --> none
alter group staff rename to crew; --> none
comment on role clerk is 'x'; --> none
drop role if exists clerk, staff; --> none
drop user clerk; --> none
drop group staff; --> none
drop owned by clerk, current_user cascade; --> none
reassign owned by clerk to librarian; --> none
grant select (id), update on table book to clerk with grant option granted by current_user; --> none
grant all on all tables in schema archive to public; --> none
grant staff to clerk with admin option, inherit false; --> none
grant set on parameter work_mem to clerk; --> none
revoke grant option for select on book from clerk cascade; --> none
revoke admin option for staff from clerk; --> none
alter default privileges for role clerk in schema archive revoke execute on functions from public; --> none
security label for sample on column book.title is 'x'; --> set security label of sample on column book.title
security label for sample on table book is null; --> drop security label of sample on table book
security label on table book is 'x'; --> none
set role clerk; --> none
set local session authorization default; --> none

-- Schemas
create schema archive; --> create schema archive
create schema if not exists archive authorization clerk; --> create schema archive
create schema authorization clerk; --> create schema clerk
create schema authorization current_user; --> none
create schema archive create table book (id integer) create view books as select 1; --> none
alter schema archive rename to old; --> rename schema archive to old
alter schema archive owner to clerk; --> none
comment on schema archive is 'x'; --> set comment on schema archive
drop schema if exists archive, old cascade; --> drop schema archive, drop schema old

-- Sequences
create sequence if not exists loan_number as bigint increment by 2 minvalue 1 no maxvalue start 5 cache 3 no cycle owned by loan.id; --> create sequence loan_number
create temporary sequence loan_number; --> none
create unlogged sequence archive.loan_number; --> create sequence archive.loan_number
alter sequence if exists loan_number restart with 7 owned by none; --> change sequence loan_number
alter sequence loan_number set unlogged; --> change sequence loan_number
alter sequence loan_number owner to clerk; --> none
alter sequence loan_number rename to loan_count; --> rename sequence loan_number to loan_count
alter sequence loan_number set schema archive; --> move sequence loan_number to archive
comment on sequence loan_number is 'x'; --> set comment on sequence loan_number
drop sequence if exists loan_number, archive.loan_number; --> drop sequence loan_number, drop sequence archive.loan_number

-- Statistics
create statistics if not exists book_stats (ndistinct, mcv) on title, (lower(title)) from book; --> create statistics book_stats
create statistics on id, title from book; --> create statistics book_id_title_stat
alter statistics book_stats set statistics default; --> change statistics book_stats
alter statistics book_stats rename to title_stats; --> rename statistics book_stats to title_stats
alter statistics book_stats owner to clerk; --> none
alter statistics book_stats set schema archive; --> move statistics book_stats to archive
comment on statistics book_stats is 'x'; --> set comment on statistics book_stats
drop statistics if exists book_stats, archive.book_stats; --> drop statistics book_stats, drop statistics archive.book_stats

-- The system and tablespaces
alter system set work_mem = '8MB'; --> none
alter system reset all; --> none
create tablespace fast owner clerk location '/fast' with (seq_page_cost = 1); --> none
alter tablespace fast rename to quick; --> none
alter tablespace fast owner to clerk; --> none
alter tablespace fast set (random_page_cost = 1); --> none
alter tablespace fast reset (random_page_cost); --> none
comment on tablespace fast is 'x'; --> none
drop tablespace if exists fast; --> none

-- Tables
create table book (id integer generated by default as identity (start 10) primary key, title text storage external compression pglz collate "C" not null default 'x'); --> create table book, create column book.id, create constraint book.primary key (id), create column book.title
create table if not exists archive.book (id integer, constraint book_key unique nulls not distinct (id) include (id) with (fillfactor = 70) using index tablespace fast); --> create table archive.book, create column archive.book.id, create constraint archive.book.book_key
create table book (id integer, twice integer generated always as (id * 2) stored, thrice integer generated always as (id * 3) virtual); --> create table book, create column book.id, create column book.twice, create column book.thrice
create table loan (book integer references book (id) match full on delete set null on update cascade deferrable initially deferred); --> create table loan, create column loan.book, create constraint loan.foreign key (book) references book
create table loan (book integer, during daterange, constraint loan_key primary key (book, during without overlaps)); --> create table loan, create column loan.book, create column loan.during, create constraint loan.loan_key
create table stay (book integer, during daterange, foreign key (book, period during) references loan (book, period during)); --> create table stay, create column stay.book, create column stay.during, create constraint stay.foreign key (book, during) references loan
create table loan (id integer, constraint due check (id > 0) no inherit not enforced, exclude using gist (id with =) where (id > 0)); --> create table loan, create column loan.id, create constraint loan.due
create table loan (id integer, constraint id_given not null id no inherit); --> create table loan, create column loan.id
create table book (like archive.book including all excluding comments); --> create table book
create table novel (pages integer) inherits (book, archive.book); --> create table novel, create column novel.pages
create table book of book_type (primary key (id), title with options default 'x'); --> create table book, create constraint book.primary key (id), create column book.title
create table loan (id integer, due date) partition by range (due, (id + 1) collate "C"); --> create table loan, create column loan.id, create column loan.due
create table loan_1 partition of loan (id default 1 primary key) for values from (minvalue) to ('2000-01-01'); --> create table loan_1, create column loan_1.id, create constraint loan_1.primary key (id)
create table loan_2 partition of loan for values with (modulus 4, remainder 1) partition by hash (id); --> create table loan_2
create table loan_3 partition of loan default using heap tablespace fast; --> create table loan_3, create tablespace of table loan_3
create unlogged table gone (id bigserial) with (fillfactor = 70) tablespace fast; --> create table gone, create column gone.id, create tablespace of table gone
create temporary table gone (id integer) on commit drop; --> none
create global temp table gone (id integer); --> none
create table pg_temp.gone (id integer); --> none
create table gone as select 1 as id; --> create table gone
create table if not exists gone (id) using heap as values (1) with no data; --> create table gone
create table gone as execute found (1); --> create table gone
create temp table gone as table book; --> none
select 1 as id into gone; --> none
select 1 as id into temporary gone; --> none
alter table book add isbn text; --> create column book.isbn
alter table if exists only book add column if not exists isbn text unique check (isbn <> ''), add constraint c check (id > 0); --> create column book.isbn, create constraint book.unique (isbn), create constraint book.check (isbn), create constraint book.c
alter table book drop column if exists isbn cascade, drop title restrict; --> drop column book.isbn, drop column book.title
alter table book alter column isbn set data type varchar(17) collate "C" using trim(isbn); --> change column book.isbn
alter table book alter isbn set default 'x', alter title drop default; --> change column book.isbn, change column book.title
alter table book alter isbn set not null, alter title drop not null; --> change column book.isbn, change column book.title
alter table book alter twice set expression as (id * 4); --> change column book.twice
alter table book alter twice drop expression if exists; --> change column book.twice
alter table book alter id add generated always as identity (start 10); --> change column book.id
alter table book alter id set generated by default set increment by 2 restart with 7; --> change column book.id
alter table book alter id drop identity if exists; --> change column book.id
alter table book alter title set statistics default, alter id set statistics 10; --> change column book.title, change column book.id
alter table book alter title set (n_distinct = 5), alter isbn reset (n_distinct); --> change column book.title, change column book.isbn
alter table book alter title set storage default, alter isbn set compression default; --> change column book.title, change column book.isbn
alter table book add constraint book_pages check (pages > 0) not valid; --> create constraint book.book_pages
alter table book add constraint book_pages check (pages > 0) not enforced; --> create constraint book.book_pages
alter table book add check (pages > 0); --> create constraint book.check (pages)
alter table book add foreign key (author) references author not valid; --> create constraint book.foreign key (author) references author
alter table book add constraint title_given not null title not valid; --> change column book.title
alter table book add constraint book_pkey primary key using index book_key deferrable; --> take index book_key into constraint book.book_pkey, create constraint book.book_pkey
alter table book add exclude using gist (id with =); --> none
alter table book alter constraint book_fkey not deferrable initially immediate; --> change constraint book.book_fkey
alter table book alter constraint book_fkey not enforced; --> change constraint book.book_fkey
alter table book alter constraint title_given no inherit; --> change constraint book.title_given
alter table book validate constraint book_pages; --> set constraint book.book_pages
alter table book drop constraint if exists book_pages cascade; --> drop constraint book.book_pages
alter table book disable trigger watch, enable trigger watch; --> change trigger book.watch, change trigger book.watch
alter table book enable replica trigger watch, enable always trigger watch; --> change trigger book.watch, change trigger book.watch
alter table book disable trigger all, enable trigger user; --> none
alter table book disable trigger user, enable trigger all; --> none
alter table book disable rule keep, enable rule keep; --> change rule book.keep, change rule book.keep
alter table book enable replica rule keep, enable always rule keep; --> change rule book.keep, change rule book.keep
alter table book enable row level security, force row level security; --> change table book, change table book
alter table book disable row level security, no force row level security; --> change table book, change table book
alter table book cluster on book_key; --> change table book
alter table book set without cluster; --> change table book
alter table book set without oids; --> none
alter table book set access method default; --> change table book
alter table book set tablespace fast; --> change tablespace of table book
alter table book set unlogged, set (fillfactor = 70), reset (fillfactor); --> change table book, change table book, change table book
alter table book set logged; --> change table book
alter table book inherit item, no inherit archive.item; --> change table book, change table book
alter table book of book_type; --> change table book
alter table book not of; --> change table book
alter table book owner to current_user; --> none
alter table book replica identity using index book_key; --> change table book
alter table book replica identity nothing; --> change table book
alter table loan attach partition loan_1 for values in (1, null); --> change table loan_1
alter table loan attach partition archive.loan_2 default; --> change table archive.loan_2
alter table loan detach partition loan_1 concurrently; --> change table loan_1
alter table loan detach partition loan_1 finalize; --> none
alter table book rename to volume; --> rename table book to volume
alter table only archive.book rename title to name; --> rename column archive.book.title to name
alter table book rename constraint book_pages to pages; --> rename constraint book.book_pages to pages
alter table book set schema archive; --> move table book to archive
alter table if exists archive.book set schema public; --> move table archive.book to 
alter table all in tablespace fast owned by clerk set tablespace slow; --> none
comment on table archive.book is 'x'; --> set comment on table archive.book
comment on column book.title is $$x$$; --> set comment on column book.title
comment on column public.book.title is null; --> drop comment on column book.title
comment on constraint book_pages on book is 'x'; --> set comment on constraint book.book_pages
drop table if exists book, archive.book cascade; --> drop table book, drop table archive.book

-- Text search
create text search configuration simple_german (copy = pg_catalog.german); --> create text search configuration simple_german
alter text search configuration simple_german add mapping for word, asciiword with german_stem, simple; --> change text search configuration simple_german
alter text search configuration simple_german alter mapping replace german_stem with simple; --> change text search configuration simple_german
alter text search configuration simple_german drop mapping if exists for word; --> change text search configuration simple_german
alter text search configuration simple_german rename to german; --> rename text search configuration simple_german to german
alter text search configuration simple_german owner to clerk; --> none
alter text search configuration simple_german set schema archive; --> move text search configuration simple_german to archive
comment on text search configuration simple_german is 'x'; --> set comment on text search configuration simple_german
drop text search configuration if exists simple_german cascade; --> drop text search configuration simple_german
create text search dictionary nouns (template = simple, stopwords = german); --> create text search dictionary nouns
alter text search dictionary nouns (stopwords = russian, accept); --> change text search dictionary nouns
alter text search dictionary nouns rename to words; --> rename text search dictionary nouns to words
alter text search dictionary nouns owner to clerk; --> none
alter text search dictionary nouns set schema archive; --> move text search dictionary nouns to archive
comment on text search dictionary nouns is 'x'; --> set comment on text search dictionary nouns
drop text search dictionary if exists nouns; --> drop text search dictionary nouns
create text search parser lines (start = f, gettoken = g, end = h, lextypes = l); --> create text search parser lines
alter text search parser lines rename to rows; --> rename text search parser lines to rows
alter text search parser lines set schema archive; --> move text search parser lines to archive
comment on text search parser lines is 'x'; --> set comment on text search parser lines
drop text search parser if exists lines; --> drop text search parser lines
create text search template plain (init = f, lexize = g); --> create text search template plain
alter text search template plain rename to flat; --> rename text search template plain to flat
alter text search template plain set schema archive; --> move text search template plain to archive
comment on text search template plain is 'x'; --> set comment on text search template plain
drop text search template if exists plain; --> drop text search template plain

-- Triggers
create trigger watch before insert or update of title or delete on book referencing old table as was for each row when (new.id > 0) execute function watch('x'); --> create trigger book.watch
create or replace trigger watch instead of insert on archive.books for each row execute procedure watch(); --> create trigger archive.books.watch
create trigger watch after truncate on book for each statement execute function watch(); --> create trigger book.watch
create constraint trigger watch after insert on book from author deferrable initially deferred for each row execute function watch(); --> create trigger book.watch
alter trigger watch on book rename to guard; --> rename trigger book.watch to guard
alter trigger watch on book depends on extension hstore; --> none
comment on trigger watch on book is 'x'; --> set comment on trigger book.watch
drop trigger if exists watch on archive.book cascade; --> drop trigger archive.book.watch

-- Types
create type genre as enum ('novel', 'poem'); --> create type genre
create type archive.genre as enum (); --> create type archive.genre
create type spine as (height numeric(4, 1), colour text collate "C"); --> create type spine
create type pages as range (subtype = integer, multirange_type_name = page_sets); --> create type pages
create type isbn; --> none
create type isbn (input = isbn_in, output = isbn_out, internallength = 13, passedbyvalue = false); --> none
alter type genre add value if not exists 'essay' before 'poem'; --> change type genre
alter type genre rename value 'novel' to 'fiction'; --> change type genre
alter type spine add attribute width numeric, drop attribute if exists colour, alter attribute height type real cascade; --> change type spine
alter type spine rename attribute height to length; --> none
alter type spine rename to back; --> rename type spine to back
alter type spine owner to clerk; --> none
alter type spine set schema archive; --> move type spine to archive
alter type isbn set (storage = plain, receive = isbn_recv); --> none
comment on type archive.spine is 'x'; --> set comment on type archive.spine
comment on column spine.height is 'x'; --> set comment on column spine.height
drop type if exists genre, archive.spine cascade; --> drop type genre, drop type archive.spine

-- Views
create view books as select 1 as id; --> create view books
create or replace view archive.books (id) with (security_barrier, security_invoker = true) as values (1) with local check option; --> create view archive.books
create recursive view numbers (n) as values (1) union all select n + 1 from numbers; --> create view numbers
create temporary view books as select 1; --> none
alter view if exists books alter column id set default 1; --> change view books
alter view books alter id drop default; --> change view books
alter view books owner to clerk; --> none
alter view books rename column id to number; --> change view books
alter view books rename to titles; --> rename view books to titles
alter view books set schema archive; --> move view books to archive
alter view books set (check_option = cascaded), reset (security_barrier); --> change view books
comment on view books is 'x'; --> set comment on view books
comment on column books.id is 'x'; --> set comment on column books.id
drop view if exists books, archive.books cascade; --> drop view books, drop view archive.books

-- Whatever else there is
analyze verbose book (title); --> none
call lend(1); --> none
checkpoint; --> none
cluster verbose book using book_key; --> none
copy book (id, title) from '/x' with (format csv, header match, on_error ignore, reject_limit 5) where id > 0; --> none
copy (select 1) to program 'cat' with (format binary); --> none
declare pages binary insensitive scroll cursor with hold for select 1; --> none
fetch backward 2 from pages; --> none
move absolute 3 in pages; --> none
close all; --> none
discard plans; --> none
do language plpgsql $$ begin end $$; --> none
execute found (1); --> none
explain (analyze, buffers, format json) select 1; --> none
listen gone; --> none
notify gone, 'x'; --> none
unlisten *; --> none
load 'auto_explain'; --> none
lock table only book, loan in share row exclusive mode nowait; --> none
prepare found (integer) as select $1; --> none
deallocate all; --> none
reindex (verbose, tablespace fast) table concurrently book; --> none
reindex schema archive; --> none
reset work_mem; --> none
savepoint here; --> none
release savepoint here; --> none
rollback to here; --> none
set local search_path to archive, public; --> none
set constraints book_fkey deferred; --> none
set transaction isolation level serializable, read only, deferrable; --> none
show all; --> none
truncate table only book, loan restart identity cascade; --> none
vacuum (full, analyze) book (title); --> none
