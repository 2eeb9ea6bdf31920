create table if not exists item (
    id integer primary key,
    name varchar(40) not null,
    price numeric(10, 2)
);
comment on table item is 'What is sold.';

create table if not exists orders (
    id bigint primary key,
    item_id integer not null references item (id),
    ordered_at timestamp with time zone not null
);

create table if not exists setting (
    name text primary key,
    value text not null
);
