create table if not exists reservation (
    member_id integer not null references member,
    book_id integer not null references book,
    made timestamptz not null,
    note text,
    primary key (member_id, book_id)
);
