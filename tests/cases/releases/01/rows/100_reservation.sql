insert into reservation (member_id, book_id, made, note) values
    (1, 2, '2026-02-03 04:05Z', 'please'),
    (5, 2, '2026-02-03 04:06Z', null),
    (6, 3, '2026-02-03 04:07Z', '');
