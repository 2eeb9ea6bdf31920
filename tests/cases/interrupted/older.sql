create table owner (id integer, code text);
insert into owner select n, 'c' || n from generate_series(1, 1000) as n;
create unique index by_id on owner (id);
create table item (
    id serial,
    amount integer default 7,
    name varchar(10),
    label varchar(20),
    share integer not null,
    owner integer,
    extra varchar(20) not null,
    constraint old_name unique (amount, name)
);
insert into item (amount, name, label, share, owner, extra)
select n, 'name', 'label', 1, n, 'extra' from generate_series(1, 1000) as n;
alter table item add constraint share_is_one check (share = 1);
alter table item add constraint item_owner foreign key (owner) references owner (id);
create index item_label on item (label);
comment on index item_label is 'Old.';
create index item_share on item (share);
update pg_index set indisvalid = false where indexrelid = 'item_share'::regclass;
