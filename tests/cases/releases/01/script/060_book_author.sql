create table if not exists book_author (
    book_id integer not null references book on delete cascade,
    author_id integer not null references author,
    place smallint not null default 1,
    primary key (book_id, author_id)
);
