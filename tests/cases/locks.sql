-- What statements lock, on a database that the ones before the first line of "=" make; each is rolled back.
-- Behind "-->" is each lock above ROW EXCLUSIVE, and ROW SHARE where all rows are read, with what is done to all rows.

create schema archive;
create type genre as enum ('novel', 'poem');
create type spine as (height numeric(4, 1), colour text collate "C");
create type book_type as (id integer, title text);
create domain isbn as text constraint isbn_check check (value <> 'x');
create domain pages as integer;
create function watch() returns trigger language plpgsql as $$ begin return new; end $$;
create function longer(text, text default '') returns text language sql immutable return $1;
create function draw() returns integer language sql volatile return 4;
create procedure lend(inout id integer, book integer) language sql begin atomic select 1; end;
create table author (id integer primary key, name text);
create table item (id integer, title text);
create table novel (pages integer) inherits (item);
create table book (
    id integer not null, title varchar(20) not null, author integer, pages integer, isbn text, price numeric(10, 2),
    twice integer generated always as (id * 2) stored, code isbn, number serial, at timestamp(3),
    constraint book_fkey foreign key (author) references author deferrable
);
create table vacant (id integer);
create table review (book integer constraint review_book check (book > 0), text text);
create unique index book_key on book (id);
create unique index book_isbn on book (isbn);
alter table book add constraint book_pages check (pages > 0) not valid;
alter table book add constraint book_isbn_given check (isbn is not null) not valid;
alter table book add constraint book_number_given check (number is not null);
create index book_title on book (title);
create trigger watch before insert on book for each row execute function watch();
create rule keep as on delete to book where old.id < 0 do instead nothing;
create policy own on book;
create table archive.book (id integer primary key, title text);
create table archive.item (id integer, title text);
create table loan (id integer, book integer, due date, author integer references author) partition by list (id);
create table loan_0 partition of loan for values in (0);
create table loan_default partition of loan default;
create table loan_1 (id integer, book integer, due date, author integer);
create table stay (id integer, room integer) partition by list (id);
create table stay_1 partition of stay for values in (1);
create table country (id integer primary key);
create table letter (id integer, country integer) partition by list (id);
create table letter_0 partition of letter default;
alter table letter_0 add constraint letter_country foreign key (country) references country;
create index loan_id on loan (id);
create index loan_1_id on loan_1 (id);
create index loan_book on only loan (book);
create index loan_0_book on loan_0 (book);
create policy own on loan;
create sequence loan_number;
create view books as select 1 as id;
create view archive.books as select id, title from archive.book;
create materialized view overdue as select id, title from book;
create unique index overdue_id on overdue (id);
create statistics book_stats (ndistinct) on title, id from book;
create publication news for table loan;
insert into author values (1, 'a');
insert into item values (1, 't');
insert into novel values (1, 't', 1);
insert into book values (1, 't', 1, 1, 'i', 1), (2, 'u', 1, 2, 'j', 2);
insert into review values (1, 'good');
insert into archive.book values (1, 't');
insert into archive.item values (1, 't');
insert into loan values (0, 1, '2020-01-01', 1), (5, 1, '2020-01-01', 1);
insert into loan_1 values (1, 1, '2020-01-01', 1);
insert into stay values (1, 1);
insert into country values (1);
insert into letter values (1, 1);
refresh materialized view overdue;
-- ====

-- Indexes
create index on book (title); --> book SHARE scans
create index on only book (lower(title)) where id > 0; --> book SHARE scans
create unique index on book (id, title); --> book SHARE scans
create index on loan (due); --> loan SHARE scans, loan_0 SHARE scans, loan_default SHARE scans
create index on overdue (title); --> overdue SHARE scans
create unique index on item (id); --> item SHARE scans
alter index book_title rename to book_name; --> book_title SHARE UPDATE EXCLUSIVE
alter index book_title set (fillfactor = 50); --> book_title SHARE UPDATE EXCLUSIVE
alter index loan_book attach partition loan_0_book; --> loan_book SHARE UPDATE EXCLUSIVE, loan_0_book ACCESS EXCLUSIVE
comment on index book_title is 'x'; --> book_title SHARE UPDATE EXCLUSIVE
drop index book_title; --> book_title ACCESS EXCLUSIVE, book ACCESS EXCLUSIVE
drop index loan_id; --> loan_id, loan_0_id_idx, loan_default_id_idx, loan, loan_0, loan_default ACCESS EXCLUSIVE
reindex table book; --> book SHARE scans, book_key, book_isbn, book_title ACCESS EXCLUSIVE
reindex index book_title; --> book_title ACCESS EXCLUSIVE rewrites, book SHARE scans

-- New tables
create table review_1 (id integer references author, book integer references archive.book); --> author SHARE ROW EXCLUSIVE, archive.book SHARE ROW EXCLUSIVE
create table loan_2 partition of loan for values in (2); --> loan ACCESS EXCLUSIVE, loan_default ACCESS EXCLUSIVE scans, author SHARE ROW EXCLUSIVE
create table stay_2 partition of stay for values in (2); --> stay ACCESS EXCLUSIVE
create table novel_1 (pages integer) inherits (item); --> item SHARE UPDATE EXCLUSIVE
create table copied (like book including all); --> none
create table copied as select * from book; --> none
create view shown as select * from book; --> none

-- Columns
alter table book add column extra text; --> book ACCESS EXCLUSIVE
alter table vacant add column extra integer not null; --> vacant ACCESS EXCLUSIVE scans
alter table book add column extra integer default 3 not null; --> book ACCESS EXCLUSIVE
alter table book add column extra timestamptz default now(); --> book ACCESS EXCLUSIVE
alter table book add column extra text default longer('x'); --> book ACCESS EXCLUSIVE
alter table book add column extra uuid default gen_random_uuid(); --> book ACCESS EXCLUSIVE rewrites
alter table book add column extra integer default draw(); --> book ACCESS EXCLUSIVE rewrites
alter table book add column extra bigserial; --> book ACCESS EXCLUSIVE rewrites
alter table archive.book add column extra integer generated always as identity; --> archive.book ACCESS EXCLUSIVE rewrites
alter table book add column extra integer generated always as (id + 1) stored; --> book ACCESS EXCLUSIVE rewrites
alter table book add column extra isbn; --> book ACCESS EXCLUSIVE rewrites
alter table book add column extra pages; --> book ACCESS EXCLUSIVE
alter table book add column extra integer check (extra > 0); --> book ACCESS EXCLUSIVE scans
alter table book add column extra integer unique; --> book ACCESS EXCLUSIVE scans
alter table book add column extra integer references author; --> book ACCESS EXCLUSIVE, author SHARE ROW EXCLUSIVE
alter table book add column extra integer default 1 references author; --> book ACCESS EXCLUSIVE scans, author SHARE ROW EXCLUSIVE scans
alter table loan add column extra text; --> loan, loan_0, loan_default ACCESS EXCLUSIVE
alter table item add column extra text; --> item, novel ACCESS EXCLUSIVE
alter table book drop column pages; --> book ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE
alter table book drop column number; --> book ACCESS EXCLUSIVE, book_number_seq ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE
alter table review alter column text type varchar; --> review ACCESS EXCLUSIVE
alter table review alter column text type varchar collate "C"; --> review ACCESS EXCLUSIVE scans
alter table review alter column text type text collate "C"; --> review ACCESS EXCLUSIVE scans
alter table review alter column text type varchar(5); --> review ACCESS EXCLUSIVE rewrites
alter table review alter column book type bigint; --> review ACCESS EXCLUSIVE rewrites
alter table review alter column book type integer; --> review ACCESS EXCLUSIVE scans
alter table review alter column text type text using lower(text); --> review ACCESS EXCLUSIVE rewrites
alter table book alter column price type numeric(12, 2); --> book ACCESS EXCLUSIVE
alter table book alter column price type numeric(12, 3); --> book ACCESS EXCLUSIVE rewrites
alter table book alter column at type timestamp; --> book ACCESS EXCLUSIVE
alter table book alter column at type timestamp(1); --> book ACCESS EXCLUSIVE rewrites
alter table book alter column author type bigint; --> book ACCESS EXCLUSIVE rewrites, author ACCESS EXCLUSIVE scans
alter table author alter column id type bigint; --> author ACCESS EXCLUSIVE rewrites, book, loan, loan_0, loan_default ACCESS EXCLUSIVE scans
alter table book alter column pages set default 1, alter column pages drop default; --> book ACCESS EXCLUSIVE
alter table book alter column title drop not null; --> book ACCESS EXCLUSIVE
alter table book alter column pages set not null; --> book ACCESS EXCLUSIVE scans
alter table book alter column number set not null; --> book ACCESS EXCLUSIVE
alter table archive.book alter column id set not null; --> archive.book ACCESS EXCLUSIVE
alter table book alter column id add generated always as identity; --> book ACCESS EXCLUSIVE
alter table book alter column twice drop expression; --> book ACCESS EXCLUSIVE
alter table book alter column title set statistics 10; --> book SHARE UPDATE EXCLUSIVE
alter table book alter column title set (n_distinct = 5); --> book SHARE UPDATE EXCLUSIVE
alter table book alter column title set storage external; --> book ACCESS EXCLUSIVE
alter table book rename column pages to sheets; --> book ACCESS EXCLUSIVE
alter table loan rename column book to volume; --> loan, loan_0, loan_default ACCESS EXCLUSIVE
comment on column book.pages is 'x'; --> book SHARE UPDATE EXCLUSIVE

-- Constraints
alter table book add constraint added check (pages > 0); --> book ACCESS EXCLUSIVE scans
alter table book add constraint added check (pages > 0) not valid; --> book ACCESS EXCLUSIVE
alter table book validate constraint book_pages; --> book SHARE UPDATE EXCLUSIVE scans
alter table book add constraint added unique (id); --> book ACCESS EXCLUSIVE scans
alter table book add constraint added unique using index book_key; --> book ACCESS EXCLUSIVE
alter table book add constraint added primary key using index book_key; --> book ACCESS EXCLUSIVE
alter table book add constraint added primary key using index book_isbn; --> book ACCESS EXCLUSIVE scans
alter table item add primary key (id); --> item, novel ACCESS EXCLUSIVE scans
alter table book add constraint added exclude using btree (id with =); --> book ACCESS EXCLUSIVE scans
alter table review add foreign key (book) references archive.book; --> review SHARE ROW EXCLUSIVE scans, archive.book SHARE ROW EXCLUSIVE scans
alter table review add foreign key (book) references archive.book not valid; --> review SHARE ROW EXCLUSIVE, archive.book SHARE ROW EXCLUSIVE
alter table letter add foreign key (country) references country; --> letter, letter_0, country ACCESS EXCLUSIVE
alter table loan add foreign key (book) references archive.book; --> loan, loan_0, loan_default SHARE ROW EXCLUSIVE scans, archive.book SHARE ROW EXCLUSIVE scans
alter table book validate constraint book_fkey; --> book SHARE UPDATE EXCLUSIVE scans, author ROW SHARE scans
alter table book alter constraint book_fkey initially deferred; --> book ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE
alter table book drop constraint book_pages; --> book ACCESS EXCLUSIVE
alter table book drop constraint book_fkey; --> book ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE
alter table book rename constraint book_pages to added; --> book ACCESS EXCLUSIVE
comment on constraint book_pages on book is 'x'; --> none

-- Tables
alter table book rename to volume; --> book ACCESS EXCLUSIVE
alter table book set (fillfactor = 70, autovacuum_enabled = off); --> book SHARE UPDATE EXCLUSIVE
alter table book set unlogged; --> book ACCESS EXCLUSIVE rewrites, book_number_seq ACCESS EXCLUSIVE
alter table book replica identity full; --> book ACCESS EXCLUSIVE
alter table book cluster on book_key; --> book SHARE UPDATE EXCLUSIVE
alter table book enable row level security; --> book ACCESS EXCLUSIVE
alter table book disable trigger watch; --> book SHARE ROW EXCLUSIVE
alter table book disable trigger user, set (fillfactor = 70); --> book SHARE ROW EXCLUSIVE
alter table book disable rule keep; --> book ACCESS EXCLUSIVE
alter table book owner to current_user; --> book ACCESS EXCLUSIVE, book_number_seq ACCESS EXCLUSIVE
alter table archive.item inherit item; --> archive.item ACCESS EXCLUSIVE, item SHARE UPDATE EXCLUSIVE
alter table novel no inherit item; --> novel ACCESS EXCLUSIVE
alter table loan attach partition loan_1 for values in (1); --> loan_default ACCESS EXCLUSIVE scans, loan_1 ACCESS EXCLUSIVE scans, author SHARE ROW EXCLUSIVE scans, loan SHARE UPDATE EXCLUSIVE
alter table loan detach partition loan_0; --> loan ACCESS EXCLUSIVE, loan_0 ACCESS EXCLUSIVE, author SHARE ROW EXCLUSIVE, loan_default ACCESS EXCLUSIVE
alter table stay detach partition stay_1; --> stay ACCESS EXCLUSIVE, stay_1 ACCESS EXCLUSIVE
comment on table book is 'x'; --> book SHARE UPDATE EXCLUSIVE
drop table review; --> review ACCESS EXCLUSIVE
drop table book cascade; --> book ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE, book_number_seq ACCESS EXCLUSIVE, overdue ACCESS EXCLUSIVE
drop table loan_0; --> loan_0 ACCESS EXCLUSIVE, loan ACCESS EXCLUSIVE, loan_default ACCESS EXCLUSIVE, author ACCESS EXCLUSIVE
drop table stay; --> stay, stay_1 ACCESS EXCLUSIVE
truncate review; --> review ACCESS EXCLUSIVE empties
lock table book in share mode; --> book SHARE
analyze book; --> book SHARE UPDATE EXCLUSIVE
cluster book using book_key; --> book ACCESS EXCLUSIVE rewrites
grant select on book to public; --> none
update book set title = 'x'; --> none
delete from review; --> none

-- Triggers, rules, policies, statistics, publications
create trigger other after insert on book for each row execute function watch(); --> book SHARE ROW EXCLUSIVE
create or replace trigger watch before insert on book for each row execute function watch(); --> book SHARE ROW EXCLUSIVE
create trigger other after insert on loan for each row execute function watch(); --> loan, loan_0, loan_default SHARE ROW EXCLUSIVE
alter trigger watch on book rename to guard; --> book ACCESS EXCLUSIVE
comment on trigger watch on book is 'x'; --> none
drop trigger watch on book; --> book ACCESS EXCLUSIVE
create rule other as on delete to item do instead nothing; --> item ACCESS EXCLUSIVE
create or replace rule keep as on delete to book do instead nothing; --> book ACCESS EXCLUSIVE
drop rule keep on book; --> book ACCESS EXCLUSIVE
create policy other on book; --> book ACCESS EXCLUSIVE
alter policy own on book using (id > 2); --> book ACCESS EXCLUSIVE
drop policy own on book; --> book ACCESS EXCLUSIVE
create statistics more on id, title from book; --> book SHARE UPDATE EXCLUSIVE
drop statistics book_stats; --> book SHARE UPDATE EXCLUSIVE
create publication other for table book; --> book SHARE UPDATE EXCLUSIVE

-- Views, sequences, functions, types, domains
create or replace view books as select 2 as id; --> books ACCESS EXCLUSIVE
alter view books set (security_barrier = true); --> books ACCESS EXCLUSIVE
alter view books rename to titles; --> books ACCESS EXCLUSIVE
comment on view books is 'x'; --> books SHARE UPDATE EXCLUSIVE
drop view books; --> books ACCESS EXCLUSIVE
refresh materialized view overdue; --> overdue ACCESS EXCLUSIVE rewrites
refresh materialized view concurrently overdue; --> overdue EXCLUSIVE scans
drop materialized view overdue; --> overdue ACCESS EXCLUSIVE
create sequence other owned by book.pages; --> none
alter sequence loan_number increment by 2; --> loan_number SHARE ROW EXCLUSIVE
alter sequence loan_number rename to loan_count; --> loan_number ACCESS EXCLUSIVE
drop sequence loan_number; --> loan_number ACCESS EXCLUSIVE
create or replace function longer(text, text default '') returns text language sql immutable return $2; --> none
drop function longer(text, text); --> none
alter type genre add value 'essay'; --> none
alter type spine add attribute width numeric; --> spine ACCESS EXCLUSIVE
alter domain isbn set default 'x'; --> none
alter domain isbn add constraint other check (value <> 'y'); --> book SHARE scans
alter domain isbn add constraint other check (value <> 'y') not valid; --> none
