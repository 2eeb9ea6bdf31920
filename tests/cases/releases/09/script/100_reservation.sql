create table if not exists reservation (
    member_id integer not null references reader,
    book_id integer not null references book,
    made timestamptz not null,
    note text,
    primary key (member_id, book_id)
);
