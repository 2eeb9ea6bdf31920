insert into book_author (book_id, author_id, place) values
    (1, 1, 1),
    (2, 2, -32768),
    (2, 3, 2);
