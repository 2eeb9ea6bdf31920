create table if not exists owner (
    id integer constraint owner_pkey primary key,
    code text constraint owner_code unique
);
create table if not exists item (
    id serial constraint item_pkey primary key,
    amount bigint not null default 5 check (amount > 0),
    name text,
    label varchar(255) not null,
    share double precision,
    owner integer constraint item_owner references owner (id) on delete cascade,
    more text not null default 'new',
    constraint item_amount_name unique (amount, name)
);
create index if not exists item_label on item (label desc, name);
create index if not exists item_share on item (share);
comment on index item_label is 'By label.';
